//! One check's entry in LiteLLM's lists.
//!
//! Where rise and fall thresholds are set, a check's standing and its latest verdict may disagree; LiteLLM has no such
//! thing. The list follows the standing:
//!
//! * healthy, latest verdict a failure: a healthy entry like any other; `/v1/checks` shows the failure;
//! * unhealthy, latest verdict a pass: `error` says that it is recovering, and `exception_status` is what the latest
//!   failure in its history stands for, else 500.

use serde_json::{Map, Value};
use watchkeeper_core::check::Check;
use watchkeeper_core::report::Entry;
use watchkeeper_core::verdict::Outcome;

use watchkeeper_core::scrub::{scrub, scrub_value};

/// The upstream's headers that LiteLLM shows.
const SHOWN_HEADERS: [&str; 3] = [
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-ms-region",
];

/// `exception_status` where nothing more exact is known.
pub(crate) const UNKNOWN_FAILURE: u16 = 500;

/// The entry: shown fields, then rate limits, `error`, `model_id`, `exception_status`. Without `details` only `model`,
/// `model_id` and `exception_status`.
#[must_use]
pub fn shown(check: &Check, entry: &Entry, details: bool) -> Map<String, Value> {
    let mut out = Map::new();
    if details {
        for (key, value) in &check.shown {
            out.insert(key.clone(), scrub_value(value));
        }
        // LiteLLM's readers find `model` in every entry; a URL or a port has none.
        out.entry("model")
            .or_insert_with(|| Value::from(model_of(check)));
        for (name, value) in &entry.verdict.limits {
            if SHOWN_HEADERS.contains(&name.as_str()) {
                out.insert(name.clone(), Value::from(value.as_str()));
            }
        }
    } else {
        let model = check
            .shown
            .get("model")
            .map_or_else(|| Value::from(model_of(check)), scrub_value);
        out.insert("model".to_owned(), model);
    }
    let failure = (!entry.standing.healthy).then(|| failure(entry));
    if details && let Some((Some(error), _)) = &failure {
        out.insert("error".to_owned(), Value::from(scrub(error)));
    }
    out.insert("model_id".to_owned(), Value::from(check.id.as_str()));
    if let Some((_, status)) = failure {
        out.insert("exception_status".to_owned(), Value::from(status));
    }
    out
}

fn model_of(check: &Check) -> &str {
    check.model().unwrap_or(&check.name)
}

/// What an unhealthy entry says: the latest failure's words and status.
fn failure(entry: &Entry) -> (Option<String>, u16) {
    let verdict = &entry.verdict;
    if !verdict.outcome.is_healthy() {
        return (
            verdict.error.clone(),
            verdict.status.unwrap_or(UNKNOWN_FAILURE),
        );
    }
    let passes = entry.standing.streak;
    match entry.history.iter().find(|past| !past.outcome.is_healthy()) {
        Some(past) => (
            Some(format!(
                "recovering: last failure was `{}`, passed since: {passes}",
                past.outcome.as_str()
            )),
            status_of(past.outcome),
        ),
        None => (
            Some(format!("recovering: passes in a row: {passes}")),
            UNKNOWN_FAILURE,
        ),
    }
}

/// Failures that LiteLLM's exceptions tell by a status of their own; of several for one outcome the first is written.
const STATUSES: [(Outcome, u16); 8] = [
    (Outcome::Unauthorized, 401),
    (Outcome::Forbidden, 403),
    (Outcome::NotFound, 404),
    (Outcome::Timeout, 408),
    (Outcome::RateLimited, 429),
    (Outcome::Overloaded, 503),
    (Outcome::Overloaded, 529),
    (Outcome::ContentFilter, 400),
];

/// The status that LiteLLM's exception for such a failure carries.
fn status_of(outcome: Outcome) -> u16 {
    STATUSES
        .iter()
        .find(|(known, _)| *known == outcome)
        .map_or(UNKNOWN_FAILURE, |(_, status)| *status)
}

/// What a failure was that LiteLLM shows by its status. A 400 may be anything.
pub(crate) fn outcome_of(status: u16) -> Outcome {
    STATUSES
        .iter()
        .find(|(outcome, known)| *known == status && *outcome != Outcome::ContentFilter)
        .map_or(Outcome::BadAnswer, |(outcome, _)| *outcome)
}
