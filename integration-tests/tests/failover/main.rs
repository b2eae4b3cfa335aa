//! Fleets of four real daemons while the servers of their store die, move and come back.
//!
//! What a fault may cost is judged by what a mock upstream counted, and by what every pod showed and logged meanwhile. No
//! daemon is started again in any of these tests. Figures are printed (`--nocapture` shows them).

// Tests fail by panicking and measure real time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout
)]

mod cluster;
mod etcd;
mod etcd_quorum;
mod scene;
mod sentinel;
