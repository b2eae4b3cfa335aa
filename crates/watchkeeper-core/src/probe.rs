//! The probe port: how a check is asked.

use async_trait::async_trait;

use crate::check::Check;
use crate::verdict::Verdict;

/// What would be asked for a check, without asking it. Where nothing is sent because the answer is known (LiteLLM's
/// `mock_response`), `method`, `url` and `auth` are empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The provider that answers, or `http` or `tcp`.
    pub provider: String,
    /// The mode that is asked: `chat`, `embedding`, …; empty for `http` and `tcp`.
    pub mode: String,
    /// `GET`, `POST` or `CONNECT`.
    pub method: String,
    /// Where, without credentials.
    pub url: String,
    /// How the request proves who it is: `bearer`, `none`, …; never the key.
    pub auth: String,
    /// Whether the upstream bills it.
    pub billed: bool,
}

/// Asks checks.
#[async_trait]
pub trait Prober: Send + Sync + 'static {
    /// What [`Prober::probe`] would send.
    ///
    /// # Errors
    /// Why nothing can be sent, with the remedy and without any secret: the text of the check's `config_error`.
    fn plan(&self, check: &Check) -> Result<Plan, String>;

    /// Asks once: one upstream request at most, no retry. Ends within `check.timeout`; dropping the future ends the
    /// request. Never fails: whatever happens is the verdict.
    async fn probe(&self, check: &Check) -> Verdict;
}
