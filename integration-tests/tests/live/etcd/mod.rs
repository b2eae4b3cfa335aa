//! The etcd backend against real servers.

mod conformance;
mod doors;
mod outages;
mod server;
mod support;
