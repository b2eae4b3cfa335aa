//! What tests of more than one crate need. Never part of a release.

// This crate runs in tests only: a broken assumption is to stop the test at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

pub mod clock;
pub mod conformance;
pub mod faults;
