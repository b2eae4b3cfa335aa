//! Entries with `mock_response`: LiteLLM answers their callers itself and asks no endpoint, so neither does a probe.
//!
//! What such an entry's callers get is the verdict: healthy, unless the value is one of the words that LiteLLM turns into
//! a failure.

use serde_json::Value;
use watchkeeper_core::check::ModelTarget;
use watchkeeper_core::money::Usd;
use watchkeeper_core::probe::Plan;
use watchkeeper_core::verdict::Outcome;

use crate::classify::Finding;

/// The words that stand for a failure, and which one.
const FAILURES: [(&str, Outcome, u16); 3] = [
    ("litellm.RateLimitError", Outcome::RateLimited, 429),
    (
        "litellm.ContextWindowExceededError",
        Outcome::BadAnswer,
        400,
    ),
    ("litellm.InternalServerError", Outcome::BadAnswer, 500),
];

/// How a value begins that stands for a refusal by a content filter.
const FILTERED: &str = "Exception: content_filter_policy";

/// What an entry answers by itself; `None` where there is an endpoint to ask. As in Python, an empty value is none.
pub(crate) fn finding(target: &ModelTarget) -> Option<Finding> {
    let text = match target.params.get("mock_response")? {
        Value::Null | Value::Bool(false) => return None,
        Value::String(text) if text.is_empty() => return None,
        Value::String(text) => text.as_str(),
        _ => "",
    };
    let failed = |outcome, status| {
        Finding::new(
            outcome,
            status,
            "`mock_response` of this entry stands for this failure; nothing was asked",
        )
    };
    if text.starts_with(FILTERED) {
        return Some(failed(Outcome::ContentFilter, 400));
    }
    let failure = FAILURES.iter().find(|(word, ..)| *word == text);
    Some(
        failure.map_or_else(Finding::healthy, |&(_, outcome, status)| {
            failed(outcome, status)
        }),
    )
}

/// The plan of such an entry: nothing is sent, so it has no method, no URL and no auth.
pub(crate) fn plan(target: &ModelTarget) -> Plan {
    Plan {
        provider: target
            .provider
            .clone()
            .unwrap_or_else(|| "unknown".to_owned()),
        mode: target.mode.clone().unwrap_or_default(),
        method: String::new(),
        url: String::new(),
        auth: String::new(),
        billed: false,
        most_cost: Some(Usd::ZERO),
        ..Plan::default()
    }
}
