//! How checks are asked: models over HTTPS, plain URLs, plain ports.
//!
//! ```text
//!   check ──▶ resolve ──▶ request          pure: method, URL, headers, body, and what is promised in return
//!                            │
//!                          send            one request, bounded in time and size
//!                            │
//!   verdict ◀── scrub ◀──  judge           one table from answer to outcome
//! ```
//!
//! A probe makes one upstream request. Nothing is retried and no redirect is followed, so a key never travels past the
//! endpoint that it was given for. Everything an upstream says is cleaned of the check's secrets before it is kept.
//!
//! What a request looks like is in `providers/`: a table of rows, and one file per shape of API. How to add one is in `docs/adding-a-probe.md`.

mod answer;
mod ask;
mod base;
mod bill;
mod classify;
mod client;
mod complaint;
mod credentials;
mod effort;
mod endpoint;
mod exchange;
mod extra_headers;
mod failure;
mod filtered;
mod glance;
mod handshake;
mod http;
mod judge;
mod key;
mod limits;
mod mock;
mod mode;
mod options;
mod params;
mod parcel;
mod prober;
mod promise;
mod providers;
mod proxies;
mod request;
mod resolve;
mod retry_after;
mod scrub;
mod send;
mod tcp;
mod tokens;

pub use options::{ProbeSetupError, ProberOptions, ProviderKeys, Proxies};
pub use prober::HttpProber;
