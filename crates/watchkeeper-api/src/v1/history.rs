//! A check's past: its latest results, and when it turned.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use watchkeeper_core::check::Check;
use watchkeeper_core::report::Transition;
use watchkeeper_core::scrub::scrub;
use watchkeeper_core::status::Snapshot;
use watchkeeper_core::verdict::Outcome;

use super::build::millis;
use crate::openapi::OutcomeWord;
use crate::times::timestamp;

/// `GET /v1/checks/{id}/history`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CheckHistory {
    /// The check's id.
    pub id: String,
    /// The name people use.
    pub name: String,
    /// At most 64 results, newest first.
    pub results: Vec<PastView>,
    /// At most 16 changes of its standing, newest first. They reach further back than the results.
    pub transitions: Vec<TransitionView>,
}

/// One result of the past.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PastView {
    /// When the probe ended, to the second.
    pub checked_at: Option<Timestamp>,
    /// What it found.
    #[schema(value_type = OutcomeWord)]
    pub outcome: Outcome,
    /// How long it took.
    pub latency_ms: u64,
}

/// One change of a check's standing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TransitionView {
    /// Which check.
    pub check_id: String,
    /// What it counted as: `healthy` or `unhealthy`.
    pub from: String,
    /// What it counts as since: the other of the two.
    pub to: String,
    /// When the probe ended that brought it about, by the wall clock of the pod that made it.
    pub at: Option<Timestamp>,
    /// The pod that made that probe.
    pub by: String,
    /// The token under which the fleet's report had it first; null while only this pod knows of it.
    pub token: Option<u64>,
    /// What the probe found.
    #[schema(value_type = OutcomeWord)]
    pub outcome: Outcome,
    /// LiteLLM's `exception_status` of it; null when it passed.
    pub status: Option<u16>,
    /// What went wrong, cut at 120 bytes.
    pub error: Option<String>,
}

const fn word(healthy: bool) -> &'static str {
    if healthy { "healthy" } else { "unhealthy" }
}

impl From<&Transition> for TransitionView {
    fn from(transition: &Transition) -> Self {
        let error = transition.error.as_deref();
        Self {
            check_id: transition.check.as_str().to_owned(),
            from: word(!transition.healthy).to_owned(),
            to: word(transition.healthy).to_owned(),
            at: timestamp(transition.at),
            by: transition.by.as_str().to_owned(),
            token: transition.token.map(|token| token.0),
            outcome: transition.outcome,
            status: transition.status,
            error: error.map(|error| scrub(error).into_owned()),
        }
    }
}

/// The check of this id and its past.
pub(super) fn of(snapshot: &Snapshot, id: &str) -> Option<CheckHistory> {
    let check = snapshot.checks.iter().find(|c| c.id.as_str() == id)?;
    Some(CheckHistory {
        id: check.id.as_str().to_owned(),
        name: check.name.clone(),
        results: results(snapshot, check),
        transitions: transitions(snapshot, check).collect(),
    })
}

/// The results that are kept of a check, newest first.
pub(super) fn results(snapshot: &Snapshot, check: &Check) -> Vec<PastView> {
    let known = snapshot.known(&check.id).into_iter();
    let past = known.flat_map(|known| known.entry.history.iter());
    past.map(|past| PastView {
        checked_at: timestamp(past.at),
        outcome: past.outcome,
        latency_ms: millis(past.latency),
    })
    .collect()
}

/// How a check turned, newest first.
pub(super) fn transitions<'a>(
    snapshot: &'a Snapshot,
    check: &'a Check,
) -> impl Iterator<Item = TransitionView> + 'a {
    let group = snapshot.group_of(&check.id).into_iter();
    group
        .flat_map(|group| group.transitions.of(&check.id))
        .map(TransitionView::from)
}
