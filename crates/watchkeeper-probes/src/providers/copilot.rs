//! GitHub Copilot: OpenAI's calls, by a key that is fetched with a login which a person left behind.
//!
//! What differs from LiteLLM's request, and why:
//! - No `x-request-id`: a request is a pure function of its check. `User-Agent` is the prober's own.
//! - `responses` carries an output limit.
//! - A key in the entry (`api_key`) is not looked at, as in LiteLLM.

use super::Provider;

/// The rows.
pub(super) static ROWS: [Provider; 0] = [];
