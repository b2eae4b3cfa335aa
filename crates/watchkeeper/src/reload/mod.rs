//! The configuration, read again while the pod runs: after SIGHUP, when its files have other contents, and on
//! `POST /v1/reload`.
//!
//! ```text
//!   SIGHUP ───────────────┐
//!   files (watch, poll) ──┼─▶ task: one at a time ─▶ prepare (read, build, compare) ─▶ pod, HTTP keys, log level
//!   POST /v1/reload ──────┘        │                     refused: nothing changed
//!                                  └─▶ desk: what came of it, for status and for who asked
//! ```
//!
//! [`difference`] decides what takes effect, what waits for a restart, and what is refused; [`watch`] decides when files
//! count as changed. Both are pure.

mod desk;
mod difference;
mod files;
mod prepare;
mod task;
mod watch;

pub(crate) use desk::Desk;
pub(crate) use task::{Belongings, Task};
