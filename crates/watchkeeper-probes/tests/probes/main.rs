//! Probes against local servers that answer well, badly or not at all. Nothing here leaves the machine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // tests fail by panicking

mod costs;
mod limits;
mod once;
mod plain;
mod proxies;
mod realtime;
#[cfg(feature = "aws")]
mod renewed;
mod secrets;
mod server;
mod support;
mod tls;
mod vendors;
mod verdicts;
mod wire;
