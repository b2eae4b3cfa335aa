//! The reference store: leases, reports and presence in the memory of one process.
//!
//! ```text
//!   pod A ─┐
//!   pod B ─┼─ Arc<MemoryStore> ── one mutex ── groups, pods
//!   pod C ─┘         └── bounded broadcast ── watchers
//! ```
//!
//! It serves a single pod, the demo and the simulations, and shows in plain Rust what the other backends say in Lua or
//! transactions. It spawns nothing and reads no clock but the one it was given; every operation ends at its first poll.

mod cache;
mod corrupt;
mod feed;
mod lease;
mod state;
mod store;

pub use corrupt::{Corruption, Saved};
pub use store::{MAX_REPORT_BYTES, MemoryStore};
