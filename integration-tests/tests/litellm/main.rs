//! Our pods and real, unmodified LiteLLM pods on one Redis and one mock upstream that counts. `scripts/test.sh litellm`
//! runs `steady`, `scripts/test.sh litellm-full` the others.

// Tests fail by panicking and measure real time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

mod details;
mod future_clock;
mod harness;
mod held_first;
mod killed;
mod namespace;
mod poison;
mod steady;
mod support;
mod two_lists;
