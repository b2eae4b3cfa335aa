//! For the tests of providers: entries like those of a LiteLLM file, and requests and verdicts told as one value.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};
use watchkeeper_core::check::{HealthParams, ModelTarget};
use watchkeeper_core::probe::{Effort, ProbeKind};
use watchkeeper_core::secret::Secret;

use crate::answer::{Answer, End};
use crate::classify::Finding;
use crate::judge::judge;
use crate::options::ProviderKeys;
use crate::request::ProbeRequest;
use crate::resolve::{Resolved, resolve};

/// `litellm_params` with `mode`, `probe` and `health_check_*` beside them; the provider is the model's prefix.
pub(super) fn target(entry: &Value) -> ModelTarget {
    let mut params = entry.as_object().unwrap().clone();
    let mut take = |name: &str| {
        params
            .shift_remove(name)
            .map(|value| value.as_str().unwrap().to_owned())
    };
    let model = take("model").unwrap();
    let provider = model.split('/').next().unwrap().to_owned();
    let kind = take("probe").map_or(ProbeKind::Auto, |word| {
        ProbeKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .unwrap()
    });
    ModelTarget {
        model,
        provider: Some(provider),
        mode: take("mode"),
        api_base: take("api_base").map(Secret::new),
        api_key: take("api_key").map(Secret::new),
        health: HealthParams {
            model: take("health_check_model"),
            reasoning_effort: take("health_check_reasoning_effort"),
            voice: take("health_check_voice"),
            kind,
            ..HealthParams::default()
        },
        params,
    }
}

/// What comes of an entry in an environment with these variables.
pub(super) fn resolved(entry: &Value, vars: &[(&str, &str)]) -> Result<Resolved, String> {
    let keys = ProviderKeys::from_vars(vars.iter().copied());
    resolve(&target(entry), &keys, Effort::Full)
}

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

/// The verdict on an answer to this entry's request.
pub(super) fn verdict(entry: &Value, vars: &[(&str, &str)], status: u16, body: &str) -> Finding {
    let resolved = resolved(entry, vars).unwrap();
    let answer = Answer {
        status,
        headers: HeaderMap::new(),
        body: body.into(),
        end: End::Whole,
        headers_after: Duration::ZERO,
    };
    judge(&answer, &resolved.request.promise, resolved.provider.fault)
}
