//! Drives the coordinators on tokio: timers, store calls, probes, pings, and the picture that answers are made from.
//!
//! ```text
//!   pulse (ping, presence) ─┐                    ┌─▶ store operations ─┐
//!   notices ────────────────┼─▶ driver ─ commands ┤                    ├─▶ events, back to the driver
//!   drain, forced runs ─────┘   (one task, all   └─▶ probes ───────────┘
//!                                coordinators)  ─▶ journal, metrics, events, status
//! ```
//!
//! All decisions are the coordinators'; this crate only does what they command, within bounds: one inbox of fixed size,
//! a fixed number of probes at once, a time limit on every call, and an owner for every task.

mod calls;
mod clock;
mod companions;
mod driver;
mod driver_reload;
mod events;
mod facts;
mod group;
mod groups;
mod journal;
mod metrics;
mod pod;
mod pulse;
mod reloads;
mod slots;
mod status;
mod store_client;

pub use clock::BootClock;
pub use driver_reload::ReloadError;
pub use events::EventHub;
pub use facts::ProbeFacts;
pub use groups::{GroupOptions, group_settings};
pub use metrics::Metrics;
pub use pod::{Pod, PodOptions};
pub use reloads::{PodChange, Reloads};
pub use status::StatusHub;
