//! From configuration to running parts.

pub(crate) mod cost;
mod files;
pub(crate) mod metrics;
pub(crate) mod pending;
pub(crate) mod pod;
pub(crate) mod probes;
pub(crate) mod store;
pub(crate) mod wire;
