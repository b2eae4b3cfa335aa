//! For the tests of providers that compare a request as one value; entries and verdicts are those of `fixture`.

use serde_json::{Map, Value, json};

use crate::request::ProbeRequest;

pub(super) use super::fixture::{resolved, verdict};

/// All that leaves: `POST URL`, the word for the proof, billed, tier, headers, body.
pub(super) fn told(request: &ProbeRequest) -> Value {
    let headers: Map<String, Value> = request
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()))
        .collect();
    let body = request.body.as_deref().map(|body| {
        serde_json::from_slice(body)
            .unwrap_or_else(|_| Value::from(format!("{} bytes", body.len())))
    });
    json!({
        "to": format!("{} {}", request.method, request.url),
        "auth": request.auth.as_str(),
        "billed": request.billed,
        "tier": request.tier.as_str(),
        "headers": headers,
        "body": body,
    })
}

/// The headers of a request with a JSON body, and these.
pub(super) fn with_json(more: &[(&str, &str)]) -> Value {
    let mut all = vec![
        ("accept", "application/json"),
        ("content-type", "application/json"),
    ];
    all.extend(more);
    only(&all)
}

/// Exactly these headers.
pub(super) fn only(headers: &[(&str, &str)]) -> Value {
    let pairs = headers.iter();
    Value::Object(
        pairs
            .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
            .collect(),
    )
}
