//! What the providers' tests share: entries as they stand in a LiteLLM file, and requests as they would be compared.

use serde_json::{Map, Value};
use watchkeeper_core::check::{HealthParams, ModelTarget};
use watchkeeper_core::probe::{Effort, ProbeKind};
use watchkeeper_core::secret::Secret;
use watchkeeper_core::verdict::Outcome;

use crate::answer::{Answer, End};
use crate::classify::Finding;
use crate::judge::judge;
use crate::options::ProviderKeys;
use crate::request::ProbeRequest;
use crate::resolve::{Resolved, resolve};

/// An entry's `litellm_params`, with `mode`, `probe` and the keys of `model_info` beside them. The provider is what
/// stands before the model's first slash.
pub(crate) fn target(entry: &Value) -> ModelTarget {
    let mut params = entry.as_object().unwrap().clone();
    let mut take = |name: &str| params.shift_remove(name);
    let text = |value: Option<Value>| value.map(|value| value.as_str().unwrap().to_owned());
    let number = |value: Option<Value>| value.map(|value| value.as_u64().unwrap() as u32);
    let model = text(take("model")).unwrap();
    let kind = match text(take("probe")).as_deref() {
        None => ProbeKind::Auto,
        Some("inference") => ProbeKind::Inference,
        Some("free") => ProbeKind::Free,
        Some("reachability") => ProbeKind::Reachability,
        Some(other) => panic!("no kind of probe: {other}"),
    };
    let health = HealthParams {
        model: text(take("health_check_model")),
        max_tokens: number(take("health_check_max_tokens")),
        sends_max_tokens: take("health_check_supports_max_tokens").map(|v| v.as_bool().unwrap()),
        reasoning_effort: text(take("health_check_reasoning_effort")),
        voice: text(take("health_check_voice")),
        prompt: text(take("PROMPT")),
        base_model: text(take("base_model")),
        kind,
        ..HealthParams::default()
    };
    ModelTarget {
        provider: model.split_once('/').map(|(provider, _)| provider.into()),
        model,
        mode: text(take("mode")),
        api_base: text(take("api_base")).map(Secret::new),
        api_key: text(take("api_key")).map(Secret::new),
        params,
        health,
    }
}

/// What an entry comes to, or why nothing does.
pub(crate) fn resolved(entry: &Value, env: &[(&str, &str)]) -> Result<Resolved, String> {
    let keys = ProviderKeys::from_vars(env.iter().copied());
    resolve(&target(entry), &keys, Effort::Full)
}

/// The request of an entry.
pub(crate) fn request(entry: &Value, env: &[(&str, &str)]) -> ProbeRequest {
    let resolved = resolved(entry, env);
    resolved
        .unwrap_or_else(|why| panic!("{entry}: {why}"))
        .request
}

/// The body as JSON; null where there is none.
pub(crate) fn body(request: &ProbeRequest) -> Value {
    let body = request.body.as_deref();
    body.map_or(Value::Null, |body| serde_json::from_slice(body).unwrap())
}

/// All headers.
pub(crate) fn headers(request: &ProbeRequest) -> Value {
    let pairs = request.headers.iter();
    let map: Map<String, Value> = pairs
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()))
        .collect();
    Value::Object(map)
}

/// The verdict on an answer to an entry's request.
pub(crate) fn verdict(entry: &Value, env: &[(&str, &str)], status: u16, body: &str) -> Finding {
    let resolved = resolved(entry, env).unwrap_or_else(|why| panic!("{entry}: {why}"));
    let answer = Answer {
        status,
        headers: reqwest::header::HeaderMap::new(),
        body: body.into(),
        end: End::Whole,
        headers_after: std::time::Duration::ZERO,
    };
    judge(&answer, &resolved.request.promise, resolved.provider.fault)
}

/// Outcome, status, and the tokens used, for comparing.
pub(crate) fn told(finding: &Finding) -> (Outcome, Option<u16>, Option<(u64, u64)>) {
    let usage = finding.usage.map(|usage| (usage.input, usage.output));
    (finding.outcome, finding.status, usage)
}
