//! Anthropic: the Messages API, and the older text completions as `anthropic_text/`.
//!
//! Formats: Anthropic's API reference (version 2023-06-01) for `/v1/messages`, `/v1/models`, `/v1/complete`. Every
//! chat-like mode and `batch` come down to one message, as with LiteLLM. What is otherwise here than there:
//!
//! - `batch` has the probe's own limit; LiteLLM sends 64,000 tokens.
//! - `thinking` and efforts are left out, see `claude`.
//! - `http://h/`, `http://h/v1` and a complete `…/v1/messages` as base all lead to `…/v1/messages`.
//! - a subscription's token (`sk-ant-oat…`) goes without the header that is meant for browsers.

use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use url::Url;

use super::claude::{MESSAGE, messages_body};
use super::{Free, Provider, Shape};
use crate::ask::Ask;
use crate::base::{self, Base, Origin};
use crate::key::{self, Proof, Scheme};
use crate::mode::Mode;
use crate::params;
use crate::promise::{Fields, Kind, Models, Promise};
use crate::request::{Auth, ProbeRequest};

const VERSION: (HeaderName, HeaderValue) = (
    HeaderName::from_static("anthropic-version"),
    HeaderValue::from_static("2023-06-01"),
);
const BETA: HeaderName = HeaderName::from_static("anthropic-beta");
const API_KEY: &str = "x-api-key";

/// How the tokens of a subscription begin, and the beta feature without which they are refused.
const SUBSCRIPTION: &str = "sk-ant-oat";
const SUBSCRIPTION_BETA: &str = "oauth-2025-04-20";

/// The limit of the older completions where the entry says that none is to be sent: the API wants one.
const TEXT_LIMIT: u32 = 16;

/// A model's own resource; it tells which model an alias stands for.
const MODEL: Promise = Promise::Json(Fields {
    any_of: &[("id", Kind::Text)],
    model: Some("id"),
    usage: None,
});

/// What the older completions answer.
const COMPLETION: Promise = Promise::Json(Fields {
    any_of: &[("completion", Kind::Text)],
    model: Some("model"),
    usage: None,
});

const ANTHROPIC: Provider = Provider {
    name: "anthropic",
    shape: &Anthropic { text: false },
    base: "https://api.anthropic.com",
    base_vars: &["ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"],
    key_vars: &["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"],
    other_vars: &[],
    scheme: Scheme::Header(API_KEY),
    needs_key: true,
    modes: &[
        Mode::Chat,
        Mode::Completion,
        Mode::Responses,
        Mode::AnthropicMessages,
        Mode::Batch,
    ],
    free: Free::None,
    fault: 500,
};

/// The rows.
pub(super) static ROWS: [Provider; 2] = [
    ANTHROPIC,
    Provider {
        name: "anthropic_text",
        shape: &Anthropic { text: true },
        modes: &[Mode::Chat, Mode::Completion],
        ..ANTHROPIC
    },
];

/// The shape.
struct Anthropic {
    /// Whether it is the older text completions.
    text: bool,
}

impl Shape for Anthropic {
    fn inference(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String> {
        let base = base::of(ask)?;
        let request = if self.text {
            ProbeRequest::post(url(&base, &["complete"]), &text_body(ask), COMPLETION)
        } else {
            let body = messages_body(ask, &[("model", ask.model)]);
            ProbeRequest::post(url(&base, &["messages"]), &body, MESSAGE)
        };
        prove(ask, &base, request)
    }

    fn free(&self, ask: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        let base = base::of(ask)?;
        // a private server has a list of models, if anything
        let request = if ask.is_wildcard() || base.origin == Origin::Entry {
            let list = Promise::Models(Models {
                list: "data",
                names: &["id"],
                wanted: None,
            });
            ProbeRequest::get(url(&base, &["models"]), list)
        } else {
            ProbeRequest::get(url(&base, &["models", ask.model]), MODEL)
        };
        prove(ask, &base, request).map(Some)
    }

    fn asked_as(&self, mode: Mode) -> Mode {
        match mode {
            Mode::Batch => Mode::Chat,
            other => other,
        }
    }
}

/// The URL of a resource, whichever part of `/v1/messages` the base already has.
fn url(base: &Base, resource: &[&str]) -> Url {
    let mut url = base.endpoint.url.clone();
    let path = url.path().trim_end_matches('/').to_owned();
    let complete = ["/messages", "/complete"]
        .iter()
        .find_map(|end| path.strip_suffix(end));
    let path = complete.unwrap_or(&path);
    url.set_path(path);
    // fails only for URLs that cannot be a base, which http and https always can
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty();
        if complete.is_none() && !path.ends_with("/v1") {
            segments.push("v1");
        }
        segments.extend(resource);
    }
    url
}

fn text_body(ask: &Ask<'_>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("model".into(), ask.model.into());
    let prompt = format!("\n\nHuman: {}\n\nAssistant:", ask.text);
    body.insert("prompt".into(), prompt.into());
    let limit = ask.limit.unwrap_or(TEXT_LIMIT);
    body.insert("max_tokens_to_sample".into(), json!(limit));
    params::copy_fields(
        &ask.target.params,
        &["temperature", "top_p", "top_k"],
        &mut body,
    );
    body
}

/// Puts version, key and configured headers into a request.
fn prove(ask: &Ask<'_>, base: &Base, mut request: ProbeRequest) -> Result<ProbeRequest, String> {
    let (name, version) = VERSION;
    request.headers.insert(name, version);
    let proof = key(ask, base, &mut request);
    let subscription = request.headers.get(BETA).cloned();
    params::add_headers(&ask.target.params, &mut request.headers)?;
    if let (Some(ours), Some(given)) = (subscription, request.headers.get(BETA)) {
        let both = merged(&ours, given);
        request.headers.insert(BETA, both);
    }
    let given = |name| params::gives_header(&ask.target.params, name);
    let proof = if given("authorization") {
        // the header that the entry gives is in the place of a key
        if !given(API_KEY) {
            request.headers.remove(API_KEY);
        }
        (Auth::Header, None)
    } else if given(API_KEY) {
        (Auth::Header, None)
    } else {
        proof
    };
    Ok(request.proved(proof))
}

/// Puts the key into the headers: the entry's or `ANTHROPIC_API_KEY`, else `ANTHROPIC_AUTH_TOKEN` as bearer.
fn key(ask: &Ask<'_>, base: &Base, request: &mut ProbeRequest) -> Proof {
    if base.endpoint.basic().is_some() {
        return key::prove(ask, base, &mut request.headers);
    }
    let headers = &mut request.headers;
    let found = key::own(ask).or_else(|| key::of_environment(ask, base, &["ANTHROPIC_API_KEY"]));
    if let Some(key) = found {
        if key.starts_with(SUBSCRIPTION) {
            headers.insert(BETA, HeaderValue::from_static(SUBSCRIPTION_BETA));
            return key::put(Scheme::Bearer, key, headers);
        }
        let bearer = base.origin != Origin::Vendor
            && !key.starts_with("sk-ant-")
            && ask.target.params.get("use_bearer_for_custom_base") == Some(&Value::Bool(true));
        if bearer {
            let bare = key.strip_prefix("Bearer ").unwrap_or(key);
            return key::put(Scheme::Bearer, bare, headers);
        }
        return key::put(ask.provider.scheme, key, headers);
    }
    if let Some(token) = key::of_environment(ask, base, &["ANTHROPIC_AUTH_TOKEN"]) {
        return key::put(Scheme::Bearer, token, headers);
    }
    key::prove(ask, base, headers)
}

/// Both lists of beta features in one header; each feature once.
fn merged(ours: &HeaderValue, given: &HeaderValue) -> HeaderValue {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let (ours, given) = (text(ours), text(given));
    if given.split(',').any(|feature| feature.trim() == ours) {
        return HeaderValue::from_str(&given)
            .unwrap_or(HeaderValue::from_static(SUBSCRIPTION_BETA));
    }
    // both came out of headers, so both may stand in one
    HeaderValue::from_str(&format!("{ours},{given}"))
        .unwrap_or(HeaderValue::from_static(SUBSCRIPTION_BETA))
}

#[cfg(test)]
mod tests;
