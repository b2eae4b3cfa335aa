//! How checks are asked: models over HTTPS, plain URLs, plain ports.
//!
//! ```text
//!   check ──▶ adapter ──▶ request          pure: method, URL, headers, body
//!                            │
//!                          send            one request, bounded in time and size
//!                            │
//!   verdict ◀── scrub ◀── classify         one table from answer to outcome
//! ```
//!
//! A probe makes one upstream request. Nothing is retried and no redirect is followed, so a key never travels past the
//! endpoint that it was given for. Everything an upstream says is cleaned of the check's secrets before it is kept.
//!
//! What a request looks like is in `providers/`, one file per shape behind the small trait of `adapter`; how to add one
//! is in `docs/adding-a-probe.md`.

mod adapter;
mod answer;
mod classify;
mod client;
#[allow(dead_code, reason = "the prober signs with it from its next change on")]
mod credentials;
mod endpoint;
mod failure;
mod glance;
mod http;
mod mock;
mod options;
mod params;
mod prober;
mod providers;
mod request;
mod scrub;
mod send;
mod tcp;
mod tokens;

pub use options::{ProbeSetupError, ProberOptions, ProviderKeys};
pub use prober::HttpProber;
