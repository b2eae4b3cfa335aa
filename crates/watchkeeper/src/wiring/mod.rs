//! From configuration to running parts. The one place where a backend's kind is looked at.

pub(crate) mod cost;
pub(crate) mod metrics;
pub(crate) mod pending;
pub(crate) mod pod;
pub(crate) mod probes;
pub(crate) mod store;
pub(crate) mod wire;
