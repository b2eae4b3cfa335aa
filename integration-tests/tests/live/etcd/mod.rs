//! The etcd backend against real servers.

mod conformance;
mod server;
mod support;
