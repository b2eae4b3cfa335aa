//! What came of reading the configuration again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The last time that the configuration was read again, in [`super::StatusAnswer`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReloadView {
    /// When, by the pod's wall clock.
    pub at: Option<Timestamp>,
    /// Whether it could be used. If not, the settings before it stay.
    pub ok: bool,
    /// Why not; no secret stands in it.
    pub error: Option<String>,
    /// What asked for it: `file`, `signal` or `request`.
    pub source: String,
    /// Keys whose new values wait for a restart.
    #[serde(default)]
    pub restart_needed: Vec<String>,
}

/// `POST /v1/reload`: the configuration took effect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReloadAnswer {
    /// Whether anything changed.
    pub changed: bool,
    /// What changed in the list of checks.
    pub checks: ChangedChecks,
    /// Keys whose new values took effect, with dots.
    pub settings: Vec<String>,
    /// Keys whose new values wait for a restart: until then the old ones hold.
    pub restart_needed: Vec<String>,
    /// What is odd but usable in the configuration.
    pub warnings: Vec<String>,
}

/// What changed in the list of checks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangedChecks {
    /// How many are new.
    pub added: usize,
    /// How many are gone.
    pub removed: usize,
    /// How many ask something else, with another key, or otherwise than before.
    pub changed: usize,
    /// The ids of the first hundred of each kind.
    pub ids: ChangedIds,
}

/// Ids of checks, at most a hundred of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangedIds {
    /// Of new ones.
    pub added: Vec<String>,
    /// Of those that are gone.
    pub removed: Vec<String>,
    /// Of changed ones.
    pub changed: Vec<String>,
}
