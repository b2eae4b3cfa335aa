//! The endpoints, over a fake picture of the fleet.

// The lints let `#[test]` functions panic; here helpers are tests too.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod documented;
mod events;
mod fake;
mod fuzz;
mod health;
mod keys;
mod litellm;
mod money;
mod native;
mod records;
mod reload;
mod router;
mod run;
mod shared_status;
