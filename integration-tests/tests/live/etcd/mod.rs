//! The etcd backend against real servers.

mod ages;
mod calls;
mod conformance;
mod doors;
mod guarded;
mod only_etcd;
mod outages;
mod support;
