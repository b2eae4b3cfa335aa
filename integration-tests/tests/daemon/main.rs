//! The daemon as users run it: real processes, a real Redis, a mock upstream that counts.

// Tests fail by panicking and measure real time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::time::Duration;

mod bad_config;
mod bad_requests;
mod commands;
mod different_lists;
mod due_at_once;
mod foreign_values;
mod frozen_holder;
mod half_reached;
mod harness;
mod keys;
mod lost_replies;
mod money;
mod on_demand;
mod redis_options;
mod reload;
mod rolling_restart;
mod scopes;
mod shapes;
mod single_pod;
mod slow_endpoint;
mod store_down_at_start;
mod store_hiccups;
mod store_lost;
mod stream;
mod terminal;
mod transitions;
mod trouble;
mod watch;
mod wire;

/// Far more than anything here needs on a machine that also builds; only a test that fails waits this long.
const SOON: Duration = Duration::from_secs(15);
