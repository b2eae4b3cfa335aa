//! What people and programs may ask a pod over HTTP.
//!
//! ```text
//!   StatusSource ──▶ Snapshot ──▶ handlers ──▶ JSON        (memory only: no answer ever waits for the store)
//!                                    │
//!        serve: sockets, limits, drain      router: paths, keys, durations
//! ```
//!
//! Two families of answers: those under `/health` have LiteLLM's shapes, so that what reads LiteLLM can read these;
//! those under `/v1` are Watchkeeper's own, with public types in [`v1`] for whoever reads them. A result that is too
//! old is always labelled: by headers where the body must keep LiteLLM's shape, by fields elsewhere.
//!
//! `docs/http.md` lists every endpoint and each difference from LiteLLM.

mod alive;
mod currency;
mod health;
mod keys;
mod metrics;
mod observe;
mod openapi;
mod query;
mod records;
mod reload;
mod reply;
mod router;
mod serve;
mod shared_status;
mod state;
mod times;
pub mod v1;

pub use currency::STALE_HEADER;
pub use keys::Access;
pub use metrics::{MetricsText, OPENMETRICS};
pub use openapi::document as openapi_document;
pub use reload::{NotReloaded, Reloader};
pub use router::router;
pub use serve::{Drained, Limits, serve};
pub use state::{ApiState, RequestObserver};
