//! Real daemons on a real Redis, a random fault every few seconds, and a judge who looks at what came of it.
//!
//! ```text
//! seed ─▶ plan ─▶ stage: pods, Redis, proxies ◀─ faults
//!                   │            │
//!          mock upstream      watch: what each pod shows, the store's token, how late the machine is
//!                   └──────┬─────┘
//!                       timeline ─▶ judge ─▶ verdicts, table
//! ```
//! The seed decides the faults and their times, not what the processes make of them: a run can be repeated, an
//! interleaving cannot. The judge knows nothing but the timeline, so its own tests are timelines written by hand.

mod judge;
mod plan;
mod run;
mod spans;
mod stage;
mod table;
mod timeline;
mod watch;

pub use run::{Options, Outcome, run};
