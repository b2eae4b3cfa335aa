//! Which `litellm_params` travel with a probe, and which do not.
//!
//! LiteLLM sends every key it does not know. A probe sends what can change whether a real call works and cannot make
//! the probe cost more or answer otherwise:
//!
//! | parameter | travels as |
//! | --- | --- |
//! | `organization` | header `OpenAI-Organization` |
//! | `headers`, `extra_headers` | headers; the second wins, both win over the probe's own; not those of [`KEPT_HEADERS`] |
//! | [`CHAT_SAMPLING`], [`CHAT_OTHER`], [`EMBEDDING`], [`IMAGE`], [`SPEECH`] | body fields of that mode, if plain values; sampling is left out for reasoning models, which refuse it |
//! | [`CHAT_MAPPINGS`] | body fields of a chat call, if mappings |
//! | `extra_body` | merged into the body, without [`OWNED_FIELDS`] |
//!
//! All else stays here: `tools`, `response_format`, `n`, router settings, other vendors' keys; `max_tokens`, in whose place
//! the probe's own limit goes; `stream`, since a whole answer proves as much and its status is final. What
//! `health_check_params` gives counts as if it stood in `litellm_params`.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

/// Body fields of a chat call that shape sampling.
pub(crate) const CHAT_SAMPLING: [&str; 5] = [
    "temperature",
    "top_p",
    "seed",
    "presence_penalty",
    "frequency_penalty",
];

/// Other body fields of a chat call. A high effort that the entry sets is
/// harmless: the output limit covers reasoning too.
pub(crate) const CHAT_OTHER: [&str; 4] = ["reasoning_effort", "service_tier", "user", "verbosity"];

/// Body fields of a chat call that are mappings: how, and whether, the model thinks, as vendors and self-hosted servers
/// behind OpenAI's shape take it.
pub(crate) const CHAT_MAPPINGS: [&str; 3] = ["thinking", "reasoning", "chat_template_kwargs"];

/// Body fields of an embedding call; the last two are needed by some self-hosted servers.
pub(crate) const EMBEDDING: [&str; 5] = [
    "dimensions",
    "encoding_format",
    "user",
    "input_type",
    "truncate",
];

/// Body fields of a picture: what it costs.
pub(crate) const IMAGE: [&str; 5] = [
    "quality",
    "size",
    "style",
    "output_format",
    "output_compression",
];

/// Body fields of a spoken text.
pub(crate) const SPEECH: [&str; 3] = ["response_format", "speed", "instructions"];

/// Fields of the body that are the probe's own: they decide what is asked and what it costs.
pub(crate) const OWNED_FIELDS: [&str; 34] = [
    "model",
    "models",
    "route",
    "fallbacks",
    "messages",
    "input",
    "prompt",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "min_tokens",
    "n",
    "best_of",
    "stream",
    "stream_options",
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "response_format",
    "modalities",
    "audio",
    "store",
    "plugins",
    "web_search_options",
    "search_parameters",
    "enable_search",
    "mcp_servers",
    "background",
    "query",
    "queries",
    "documents",
    "passages",
    "voice",
];

/// Headers that only the client may set: they frame the message, or ask for an answer that it cannot read.
pub(crate) const KEPT_HEADERS: [&str; 10] = [
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Copies the allowed fields into a body, in the order of the allow-list.
pub(crate) fn copy_fields(
    params: &Map<String, Value>,
    allowed: &[&str],
    body: &mut Map<String, Value>,
) {
    copy(params, allowed, body, |value| {
        value.is_string() || value.is_number() || value.is_boolean()
    });
}

/// As [`copy_fields`], for fields that are mappings.
pub(crate) fn copy_mappings(
    params: &Map<String, Value>,
    allowed: &[&str],
    body: &mut Map<String, Value>,
) {
    copy(params, allowed, body, Value::is_object);
}

fn copy(
    params: &Map<String, Value>,
    allowed: &[&str],
    body: &mut Map<String, Value>,
    fits: impl Fn(&Value) -> bool,
) {
    for name in allowed {
        if let Some(value) = params.get(*name).filter(|value| fits(value)) {
            body.insert((*name).to_owned(), value.clone());
        }
    }
}

/// Merges `extra_body`, without the fields that are the probe's own.
pub(crate) fn merge_extra_body(params: &Map<String, Value>, body: &mut Map<String, Value>) {
    let Some(Value::Object(extra)) = params.get("extra_body") else {
        return;
    };
    for (name, value) in extra {
        if !OWNED_FIELDS.contains(&name.as_str()) {
            body.insert(name.clone(), value.clone());
        }
    }
}

/// Adds `organization`, `headers` and `extra_headers`. Errors name the header and never its value.
pub(crate) fn add_headers(
    params: &Map<String, Value>,
    headers: &mut HeaderMap,
) -> Result<(), String> {
    match params.get("organization") {
        None | Some(Value::Null) => {}
        Some(value) => set(headers, "OpenAI-Organization", value, "organization")?,
    }
    for source in ["headers", "extra_headers"] {
        match params.get(source) {
            None | Some(Value::Null) => {}
            Some(Value::Object(map)) => {
                for (name, value) in map {
                    let kept = KEPT_HEADERS.iter().any(|k| name.eq_ignore_ascii_case(k));
                    if !kept && !value.is_null() {
                        set(headers, name, value, source)?;
                    }
                }
            }
            Some(_) => return Err(format!("`{source}` must be a mapping of names to values")),
        }
    }
    Ok(())
}

/// Whether `headers` or `extra_headers` give a header of this name.
pub(crate) fn gives_header(params: &Map<String, Value>, name: &str) -> bool {
    ["headers", "extra_headers"]
        .iter()
        .filter_map(|source| params.get(*source)?.as_object())
        .any(|map| {
            map.iter()
                .any(|(given, value)| !value.is_null() && given.eq_ignore_ascii_case(name))
        })
}

fn set(headers: &mut HeaderMap, name: &str, value: &Value, source: &str) -> Result<(), String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => {
            return Err(format!(
                "the value of `{name}` in `{source}` must be plain text"
            ));
        }
    };
    let header = HeaderName::from_bytes(name.as_bytes());
    let (Ok(header), Ok(mut value)) = (header, HeaderValue::from_str(&text)) else {
        return Err(format!(
            "`{name}` in `{source}` cannot be sent as a header; check it for spaces and line breaks"
        ));
    };
    value.set_sensitive(true);
    headers.insert(header, value);
    Ok(())
}
