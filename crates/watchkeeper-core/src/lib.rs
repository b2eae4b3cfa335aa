//! The rules of Watchkeeper, with nothing that touches the world.
//!
//! ```text
//!   events ──▶ coordinator ──▶ commands        (one per group of checks, pure)
//!                  │
//!       lease ── report ── verdict             (what is agreed on, and what is known)
//!                  │
//!     LeaseStore, ReportCache                  (ports: what a backend promises)
//! ```
//!
//! This crate never reads a clock, draws a random number, opens a socket or spawns a task. Time and seeds come in as
//! values, so every decision can be replayed.

pub mod cache;
pub mod check;
pub mod companion;
pub mod coordinator;
pub mod error;
pub mod events;
pub mod fingerprint;
pub mod id;
pub mod invariant;
pub mod lease;
pub mod money;
pub mod on_demand;
pub mod planted;
pub mod probe;
pub mod report;
pub mod scrub;
pub mod secret;
pub mod status;
pub mod time;
pub mod verdict;
