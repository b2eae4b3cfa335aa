//! OpenAI, and every server that speaks as it does.
//!
//! Formats: OpenAI's API reference for `/chat/completions` and `/embeddings`; where servers and clients differ, what
//! LiteLLM sends through OpenAI's SDK.

use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};
use watchkeeper_core::check::ModelTarget;
use watchkeeper_core::secret::Secret;

use crate::adapter::{Adapter, Ask, Mode};
use crate::answer::Answer;
use crate::classify::{self, Finding, listed, refused};
use crate::endpoint::Endpoint;
use crate::options::ProviderKeys;
use crate::params;
use crate::request::{Auth, ProbeRequest, authorize};
use crate::tokens::{last_segment, reasons};

/// OpenAI's own base.
const DEFAULT_BASE: &str = "https://api.openai.com/v1";

/// The host that `OPENAI_API_KEY` may go to, with its regional ones below it.
const OWN_HOST: &str = "api.openai.com";

/// What OpenAI answers (400) when a reasoning model used the whole limit on thinking. The model works: it ran and
/// stopped where it was told to.
const LIMIT_REACHED: &str = "max_tokens or model output limit was reached";

/// Beginnings and ends of OpenAI's own names, and the mode they mean. First match wins.
const MODES_BY_NAME: [(Part, &str); 14] = [
    (Part::Start("text-embedding-"), "embedding"),
    (Part::Start("dall-e-"), "image_generation"),
    (Part::Start("gpt-image-"), "image_generation"),
    (Part::Start("chatgpt-image-"), "image_generation"),
    (Part::Start("sora-"), "video_generation"),
    (Part::Start("whisper-"), "audio_transcription"),
    (Part::Start("gpt-4o-transcribe"), "audio_transcription"),
    (Part::Start("gpt-4o-mini-transcribe"), "audio_transcription"),
    (Part::Start("gpt-4o-mini-tts"), "audio_speech"),
    (Part::Start("tts-1"), "audio_speech"),
    (Part::Start("omni-moderation-"), "moderation"),
    (Part::Start("text-moderation-"), "moderation"),
    (Part::Start("gpt-realtime"), "realtime"),
    (Part::Within("-realtime-preview"), "realtime"),
];

enum Part {
    Start(&'static str),
    Within(&'static str),
}

/// The adapter.
pub(crate) struct OpenAi;

impl Adapter for OpenAi {
    fn modes(&self) -> &'static [Mode] {
        &[Mode::Chat, Mode::Embedding]
    }

    fn mode_by_name(&self, model: &str) -> &'static str {
        let name = last_segment(model);
        MODES_BY_NAME
            .iter()
            .find(|(part, _)| match part {
                Part::Start(start) => name.starts_with(start),
                Part::Within(within) => name.contains(within),
            })
            .map_or("chat", |(_, mode)| mode)
    }

    fn request(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String> {
        let endpoint = base(ask.target, ask.keys)?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let (auth, unsendable) = authenticate(ask, &endpoint, &mut headers);
        params::add_headers(&ask.target.params, &mut headers)?;
        let own_header = ["headers", "extra_headers"]
            .iter()
            .filter_map(|source| ask.target.params.get(*source)?.as_object())
            .flat_map(Map::keys)
            .any(|name| name.eq_ignore_ascii_case(AUTHORIZATION.as_str()));
        let (auth, unsendable) = if own_header {
            (Auth::Header, None)
        } else {
            (auth, unsendable)
        };
        let (path, body) = match ask.mode {
            Mode::Chat => ("/chat/completions", chat(ask)),
            Mode::Embedding => ("/embeddings", embedding(ask)),
        };
        Ok(ProbeRequest {
            method: Method::POST,
            url: endpoint.join(path),
            headers,
            body: Some(Value::Object(body).to_string().into_bytes()),
            auth,
            billed: true,
            unsendable,
        })
    }

    fn read(&self, mode: Mode, answer: &Answer) -> Finding {
        if !answer.is_success() {
            let stopped = answer.status == 400
                && mode == Mode::Chat
                && answer
                    .json()
                    .and_then(|json| classify::message(&json))
                    .is_some_and(|text| text.contains(LIMIT_REACHED));
            return if stopped {
                Finding::healthy()
            } else {
                refused(answer)
            };
        }
        match mode {
            Mode::Chat => listed(answer, "choices"),
            Mode::Embedding => listed(answer, "data"),
        }
    }
}

/// The entry's base, else the environment's, else OpenAI's.
fn base(target: &ModelTarget, keys: &ProviderKeys) -> Result<Endpoint, String> {
    if let Some(base) = given_base(target) {
        return Endpoint::parse("api_base", base);
    }
    for name in ["OPENAI_BASE_URL", "OPENAI_API_BASE"] {
        if let Some(base) = keys.get(name) {
            return Endpoint::parse(name, base.expose());
        }
    }
    Endpoint::parse("api_base", DEFAULT_BASE)
}

/// The base that this entry names; `base_url` is a synonym.
fn given_base(target: &ModelTarget) -> Option<&str> {
    let named = |name: &str| target.params.get(name).and_then(Value::as_str);
    let base = target.api_base.as_ref().map(Secret::expose);
    [base, named("api_base"), named("base_url")]
        .into_iter()
        .flatten()
        .find(|base| !base.trim().is_empty())
}

/// Sets the auth header and says which it is, and why nothing can be sent if that is so.
///
/// A login in the URL wins over the key, as in the HTTP library under OpenAI's SDK: such bases stand behind a proxy
/// that wants it, with a placeholder for a key.
fn authenticate(
    ask: &Ask<'_>,
    endpoint: &Endpoint,
    headers: &mut HeaderMap,
) -> (Auth, Option<String>) {
    if let Some(value) = endpoint.basic() {
        // base64 can always stand in a header
        let _ = authorize(headers, &value);
        return (Auth::Basic, None);
    }
    let vendor = is_own(endpoint);
    let own = ask.target.api_key.as_ref().filter(|key| is_set(key));
    // the environment's key goes to OpenAI, or to the base that the same environment names
    let fallback = (vendor || given_base(ask.target).is_none())
        .then(|| ask.keys.get("OPENAI_API_KEY"))
        .flatten();
    match own.or(fallback) {
        Some(key) if authorize(headers, &format!("Bearer {}", key.expose().trim())) => {
            (Auth::Bearer, None)
        }
        Some(_) => (
            Auth::Bearer,
            Some(
                "the API key holds a character that no header may hold, such as a line break"
                    .into(),
            ),
        ),
        None if vendor => (
            Auth::Bearer,
            Some("no API key; set `api_key` of this entry, or `OPENAI_API_KEY`".into()),
        ),
        None => (Auth::None, None),
    }
}

fn is_set(key: &Secret) -> bool {
    !key.expose().trim().is_empty()
}

/// Whether the endpoint is OpenAI's own, over TLS.
fn is_own(endpoint: &Endpoint) -> bool {
    endpoint.url.scheme() == "https"
        && endpoint.url.host_str().is_some_and(|host| {
            host == OWN_HOST
                || host
                    .strip_suffix(OWN_HOST)
                    .is_some_and(|region| region.ends_with('.'))
        })
}

fn chat(ask: &Ask<'_>) -> Map<String, Value> {
    let reasons = reasons(ask.model);
    let mut body = Map::new();
    body.insert("model".into(), ask.model.into());
    body.insert(
        "messages".into(),
        json!([{"role": "user", "content": ask.text}]),
    );
    limit(ask, &mut body);
    if !reasons {
        params::copy_fields(&ask.target.params, &params::CHAT_SAMPLING, &mut body);
    }
    params::copy_fields(&ask.target.params, &params::CHAT_OTHER, &mut body);
    params::copy_mappings(&ask.target.params, &params::CHAT_MAPPINGS, &mut body);
    if let Some(effort) = &ask.target.health.reasoning_effort {
        body.insert("reasoning_effort".into(), effort.as_str().into());
    }
    params::merge_extra_body(&ask.target.params, &mut body);
    body
}

fn embedding(ask: &Ask<'_>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("model".into(), ask.model.into());
    body.insert("input".into(), json!([ask.text]));
    limit(ask, &mut body);
    params::copy_fields(&ask.target.params, &params::EMBEDDING, &mut body);
    params::merge_extra_body(&ask.target.params, &mut body);
    body
}

/// The limit of output tokens, under the name that the model takes.
fn limit(ask: &Ask<'_>, body: &mut Map<String, Value>) {
    if let Some(limit) = ask.limit {
        let name = if reasons(ask.model) {
            "max_completion_tokens"
        } else {
            "max_tokens"
        };
        body.insert(name.into(), limit.into());
    }
}

#[cfg(test)]
#[path = "openai_tests.rs"]
mod tests;
