//! Where text comes from.

pub(crate) mod toml;
