//! What the tests of the whole daemon share: a mock upstream, a Redis of a test's own, a way to break the network
//! between them, and the daemon itself as a process.

// A harness fails by panicking, measures real time, and is built for tests only.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::time::{Duration, Instant};

pub mod certificates;
pub mod chaos;
mod containers;
pub mod daemon;
pub mod etcd_cluster;
pub mod etcd_process;
pub mod etcd_server;
pub mod fleet;
pub mod http;
mod lines;
pub mod litellm;
pub mod litellm_config;
pub mod measure;
pub mod mock_llm;
pub mod process;
pub mod prometheus;
pub mod proxy;
pub mod python;
pub mod recorder;
pub mod redis_cluster;
pub mod redis_conformance;
pub mod redis_monitor;
pub mod redis_process;
pub mod redis_server;
pub mod sentinel;
pub mod shared;

/// How often a state is looked at that tells nobody when it changes.
pub const POLL: Duration = Duration::from_millis(20);

/// Looks again and again until `holds`; returns when that was.
///
/// # Panics
/// When it does not within `limit`.
pub async fn eventually(what: &str, limit: Duration, holds: impl AsyncFn() -> bool) -> Instant {
    let began = Instant::now();
    loop {
        if holds().await {
            return Instant::now();
        }
        assert!(began.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(POLL).await;
    }
}
