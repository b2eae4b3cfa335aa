//! The probe port: how a check is asked.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::check::Check;
use crate::money::Usd;
use crate::verdict::Verdict;

/// How a check is to be asked (`probe`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProbeKind {
    /// By a call like those of users, unless that bills for real output (an image, a spoken text): then by what is free.
    #[default]
    Auto,
    /// By a call like those of users.
    Inference,
    /// By the provider's free call, such as its list of models; where it has none, by whether it can be reached.
    Free,
    /// By whether something answers at the endpoint. Sends no key.
    Reachability,
}

impl ProbeKind {
    /// All, in the order of the enum.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Inference, Self::Free, Self::Reachability];

    /// The word in configurations.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Inference => "inference",
            Self::Free => "free",
            Self::Reachability => "reachability",
        }
    }
}

/// What one probe was.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Tier {
    /// A call like those of users.
    #[default]
    #[serde(rename = "i")]
    Inference,
    /// The provider's free call.
    #[serde(rename = "f")]
    Free,
    /// Whether something answers there. A tier that a newer version wrote and this one does not know reads as this one,
    /// which says least.
    #[serde(rename = "r", other)]
    Reachability,
}

impl Tier {
    /// The word in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inference => "inference",
            Self::Free => "free",
            Self::Reachability => "reachability",
        }
    }

    /// For serde: whether it is the one that a verdict need not name.
    #[must_use]
    pub fn is_inference(&self) -> bool {
        *self == Self::Inference
    }
}

/// How much a probe may cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effort {
    /// What the check's [`ProbeKind`] says.
    #[default]
    Full,
    /// Nothing: the free call at most.
    Cheap,
}

/// A digest of what is sent, where, and as whom. Equal ones are answered alike.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(pub [u8; 16]);

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        write!(f, "Identity({hex})")
    }
}

/// What would be asked for a check, without asking it. Where nothing is sent because the answer is known (LiteLLM's
/// `mock_response`), `method`, `url` and `auth` are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// What kind of probe it is.
    pub tier: Tier,
    /// The most that it costs; none where no price is known. Nothing where nothing is billed.
    pub most_cost: Option<Usd>,
    /// What tells it from other requests; none where nothing is sent over HTTP.
    pub identity: Option<Identity>,
}

/// Asks checks.
#[async_trait]
pub trait Prober: Send + Sync + 'static {
    /// What [`Prober::probe`] would send.
    ///
    /// # Errors
    /// Why nothing can be sent, with the remedy and without any secret: the text of the check's `config_error`.
    fn plan(&self, check: &Check, effort: Effort) -> Result<Plan, String>;

    /// Asks once: one upstream request at most, no retry. Ends within `check.timeout`; dropping the future ends the
    /// request. Never fails: whatever happens is the verdict.
    async fn probe(&self, check: &Check, effort: Effort) -> Verdict;
}
