//! The Redis backend against real servers: the promises that every backend keeps, and what only a real server can
//! show: doors, frozen and restarted servers, lost data.

// A test fails by panicking, and these measure real time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

mod cluster;
mod companions;
mod conformance;
mod damage;
mod doors;
mod etcd;
mod generated;
mod outages;
mod rights;
mod sentinel;
mod servers;
mod sockets;
mod support;
