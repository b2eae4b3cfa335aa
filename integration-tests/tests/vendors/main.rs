//! Our probes before parsers that none of us wrote: requests as the daemon's binary sends them, read by the vendors' own
//! packages from the package index, with answers that those packages take for good ones; and a LiteLLM proxy as the target.

// Tests fail by panicking.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

mod anthropic;
mod ask;
mod aws;
mod gemini;
mod judge;
mod litellm;
mod openai;
mod vertex;
