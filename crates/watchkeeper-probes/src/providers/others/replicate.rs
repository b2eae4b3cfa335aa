//! Replicate: a prediction is started, and that it was started is the proof.
//!
//! What differs from LiteLLM's request, and why:
//! - LiteLLM asks again until the prediction is done. Here `Prefer: wait` has the first answer wait for it; one that is
//!   not done by then is healthy if it did not fail: a cold start takes minutes.
//! - An `api_base` is not left aside.

use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::super::Shape;
use super::super::openai::prove;
use crate::ask::Ask;
use crate::base;
use crate::params;
use crate::promise::{Fields, Kind, Promise};
use crate::request::ProbeRequest;

/// An error of the prediction stands in `error` and makes the answer a failure.
const PREDICTION: Promise = Promise::Json(Fields {
    any_of: &[("status", Kind::Text)],
    model: Some("model"),
    usage: Some(("metrics.input_token_count", "metrics.output_token_count")),
});

/// The shape.
pub(super) struct Replicate;

impl Shape for Replicate {
    fn inference(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String> {
        let base = base::of(ask)?;
        let (name, version) = parts(ask.model);
        let mut input = Map::new();
        input.insert("prompt".into(), ask.text.into());
        if let Some(limit) = ask.limit {
            input.insert("max_new_tokens".into(), limit.into());
            input.insert("max_tokens".into(), limit.into());
        }
        params::copy_fields(&ask.target.params, &["temperature", "top_p"], &mut input);
        let mut body = Map::new();
        if let Some(version) = version {
            body.insert("version".into(), version.into());
        }
        body.insert("input".into(), Value::Object(input));
        let path = match (version, name.strip_prefix("deployments/")) {
            (_, Some(deployment)) => format!("/deployments/{deployment}/predictions"),
            (Some(_), None) => "/predictions".to_owned(),
            (None, None) => format!("/models/{name}/predictions"),
        };
        let mut request = ProbeRequest::post(base.endpoint.join(&path), &body, PREDICTION);
        request.headers.insert(
            HeaderName::from_static("prefer"),
            HeaderValue::from_static("wait"),
        );
        prove(ask, &base, request)
    }

    fn free(&self, ask: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        let base = base::of(ask)?;
        let (name, _) = parts(ask.model);
        let path = match name.strip_prefix("deployments/") {
            _ if ask.is_wildcard() => "/account".to_owned(),
            Some(deployment) => format!("/deployments/{deployment}"),
            None => format!("/models/{name}"),
        };
        let request = ProbeRequest::get(base.endpoint.join(&path), Promise::Success);
        prove(ask, &base, request).map(Some)
    }
}

/// A model's name, and its version where one is given.
fn parts(model: &str) -> (&str, Option<&str>) {
    match model.split_once(':') {
        Some((name, version)) => (name, Some(version)),
        None => (model, None),
    }
}
