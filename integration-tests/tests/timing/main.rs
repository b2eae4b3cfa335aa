//! What the daemon promises in milliseconds. These tests need the machine for themselves: run them with
//! `cargo test -p watchkeeper-integration-tests --test timing -- --test-threads=1`.
//!
//! Each prints its figures (`--nocapture` shows them).

// Tests fail by panicking and measure real time; figures go to stdout.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout
)]

mod etcd_holder_killed;
mod frozen_store;
mod holder_killed;
mod holder_terminated;
mod reload;
mod start_up;
mod steady;
