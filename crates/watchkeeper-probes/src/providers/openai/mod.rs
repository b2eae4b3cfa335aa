//! OpenAI, and every server that speaks as it does.
//!
//! Formats: OpenAI's API reference for `/chat/completions` and `/embeddings`; where servers and clients differ, what
//! LiteLLM sends through OpenAI's SDK.

use reqwest::header::AUTHORIZATION;
use serde_json::{Map, Value, json};

use super::{Free, Shape};
use crate::ask::Ask;
use crate::base::{self, Base, Origin};
use crate::glance::OPENAI_USAGE;
use crate::key;
use crate::mode::Mode;
use crate::params;
use crate::promise::{Fields, Kind, Models, Promise};
use crate::request::{Auth, ProbeRequest};
use crate::tokens::{last_segment, reasons};

/// What a chat answers.
const CHOICES: Promise = Promise::Json(Fields {
    any_of: &[("choices", Kind::Filled)],
    model: Some("model"),
    usage: Some(OPENAI_USAGE),
});

/// What an embedding answers.
const DATA: Promise = Promise::Json(Fields {
    any_of: &[("data", Kind::Filled)],
    model: Some("model"),
    usage: Some(OPENAI_USAGE),
});

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

/// The shape.
pub(crate) struct OpenAi;

/// The one there is.
pub(super) static OPENAI: OpenAi = OpenAi;

impl Shape for OpenAi {
    fn inference(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String> {
        let base = base::of(ask)?;
        let (path, body, promise) = match ask.mode {
            Mode::Embedding => ("/embeddings", embedding(ask), DATA),
            _ => ("/chat/completions", chat(ask), CHOICES),
        };
        let request = ProbeRequest::post(base.endpoint.join(path), &body, promise);
        prove(ask, &base, request)
    }

    fn free(&self, ask: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        let base = base::of(ask)?;
        free(ask, &base)
            .map(|request| prove(ask, &base, request))
            .transpose()
    }

    fn mode_by_name(&self, model: &str) -> Option<&'static str> {
        let name = last_segment(model);
        MODES_BY_NAME
            .iter()
            .find(|(part, _)| match part {
                Part::Start(start) => name.starts_with(start),
                Part::Within(within) => name.contains(within),
            })
            .map(|(_, mode)| *mode)
    }
}

/// The free call of the provider's row. A private server under a vendor's prefix has a list of models, if anything.
pub(crate) fn free(ask: &Ask<'_>, base: &Base) -> Option<ProbeRequest> {
    let private = base.origin == Origin::Entry;
    let list = |wanted: Option<String>| {
        Promise::Models(Models {
            list: "data",
            names: &["id"],
            wanted,
        })
    };
    let (path, promise) = match ask.provider.free {
        Free::None => return None,
        Free::Model if !private && !ask.is_wildcard() => {
            let mut url = base.endpoint.join("/models");
            // fails only for URLs that cannot be a base, which http and https always can
            if let Ok(mut segments) = url.path_segments_mut() {
                segments.push(ask.model);
            }
            return Some(ProbeRequest::get(url, Promise::Success));
        }
        Free::Model => ("/models", list(None)),
        Free::List(path) => (path, list(None)),
        Free::Complete(path) => {
            let wanted = (!ask.is_wildcard()).then(|| ask.model.to_owned());
            (path, list(wanted))
        }
        Free::Success(path) => (path, Promise::Success),
    };
    let url = if path.starts_with("https://") {
        if private {
            return None;
        }
        url::Url::parse(path).ok()?
    } else if let Some(rest) = path.strip_prefix("//") {
        let mut url = base.endpoint.url.clone();
        url.set_path(rest);
        url
    } else {
        base.endpoint.join(path)
    };
    Some(ProbeRequest::get(url, promise))
}

/// Puts key and configured headers into a request. An `Authorization` that the entry gives replaces the key.
pub(crate) fn prove(
    ask: &Ask<'_>,
    base: &Base,
    mut request: ProbeRequest,
) -> Result<ProbeRequest, String> {
    let proof = key::prove(ask, base, &mut request.headers);
    params::add_headers(&ask.target.params, &mut request.headers)?;
    let own_header = ["headers", "extra_headers"]
        .iter()
        .filter_map(|source| ask.target.params.get(*source)?.as_object())
        .flat_map(Map::keys)
        .any(|name| name.eq_ignore_ascii_case(AUTHORIZATION.as_str()));
    let proof = if own_header {
        (Auth::Header, None)
    } else {
        proof
    };
    Ok(request.proved(proof))
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
mod tests;
