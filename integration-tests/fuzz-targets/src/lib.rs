//! What is fuzzed: one function per target, which takes any bytes and panics where a promise is broken.
//!
//! ```text
//!   tests/smoke      seeds and some mutations of them, on every run of the tests      ┐
//!   ../fuzz          libFuzzer, guided by coverage (`just fuzz TARGET SECONDS`)       ├─▶ TARGETS
//!   bin/seeds        writes the seeds to a folder, for libFuzzer to begin with        ┘
//! ```

// A target speaks by panicking.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

mod bytes;
mod clock;
mod config;
mod coordinator;
mod http;
mod litellm_report;
mod report;
mod sockets;
mod store;
mod upstream;

/// One thing to fuzz.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Takes any input; panics where a promise is broken.
    pub run: fn(&[u8]),
    /// Inputs to begin with: small ones that reach far.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How many mutated seeds the tests run: a second's worth in a debug build.
    pub smoke: u32,
}

/// All of them.
pub const TARGETS: [Target; 8] = [
    Target {
        name: "config_litellm",
        run: config::litellm,
        seeds: config::litellm_seeds,
        smoke: 300,
    },
    Target {
        name: "config_toml",
        run: config::toml,
        seeds: config::toml_seeds,
        smoke: 300,
    },
    Target {
        name: "report_decode",
        run: report::decode,
        seeds: report::seeds,
        smoke: 2_000,
    },
    Target {
        name: "litellm_report",
        run: litellm_report::decode,
        seeds: litellm_report::seeds,
        smoke: 2_000,
    },
    Target {
        name: "coordinator_events",
        run: coordinator::events,
        seeds: coordinator::seeds,
        smoke: 500,
    },
    Target {
        name: "http_request",
        run: http::request,
        seeds: http::seeds,
        smoke: 300,
    },
    Target {
        name: "upstream_answer",
        run: upstream::answer,
        seeds: upstream::seeds,
        smoke: 300,
    },
    Target {
        name: "store_values",
        run: store::values,
        seeds: store::seeds,
        smoke: 300,
    },
];

/// The target of this name.
#[must_use]
pub fn find(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}
