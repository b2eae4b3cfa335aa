//! Models of Azure AI Foundry: one resource with many models, models with hosts of their own, and Claude.
//!
//! Where LiteLLM sends no `api-version` unless the entry names one, Foundry's `/models` gets its default here: it answers
//! nobody without. A base of a resource that ends in `/openai/v1` or `/models` is taken as what it is.

use reqwest::header::HeaderValue;
use serde_json::{Map, Value, json};
use url::Url;

use super::place::{self, is_below, is_resource, prove, scheme};
use crate::ask::Ask;
use crate::base::Base;
use crate::key::Scheme;
use crate::mode::Mode;
use crate::promise::{Models, Promise};
use crate::providers::Shape;
use crate::providers::claude::{MESSAGE, messages_body};
use crate::providers::openai::{body, dialect, names, promises};
use crate::request::ProbeRequest;

/// The version of `/models` where the entry names none.
const VERSION: &str = "2024-05-01-preview";

/// The version of pictures where the entry names none.
const IMAGE_VERSION: &str = "2025-04-01-preview";

/// Where Foundry's resources are.
const FOUNDRY: [&str; 1] = [".services.ai.azure.com"];

/// Where resources are that speak OpenAI's API below `/openai/v1`.
const OPENAI: [&str; 2] = [".openai.azure.com", ".cognitiveservices.azure.com"];

/// What LiteLLM's users write before a model, and what it means for us nothing more than the model behind it.
const MARKS: [&str; 3] = ["responses/", "model_router/", "azure-model-router/"];

/// Words before a model that make it something else than a model.
const OTHER: [&str; 2] = ["doc-intelligence/", "agents/"];

/// Ends of a base that name a call. Longer ones before those that end them.
const COMPLETE: [&str; 8] = [
    "/chat/completions",
    "/embeddings",
    "/responses",
    "/images/generations",
    "/v1/messages",
    "/v2/rerank",
    "/v1/rerank",
    "/rerank",
];

/// The shape.
pub(super) struct Foundry;

impl Shape for Foundry {
    fn inference(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String> {
        if let Some(word) = OTHER.iter().find(|word| ask.model.starts_with(*word)) {
            return Err(format!(
                "`azure_ai/{word}` cannot be probed; set `probe: reachability` for it"
            ));
        }
        let responds = ask.model.starts_with("responses/");
        let ask = &Ask {
            model: unmarked(ask.model),
            ..*ask
        };
        let base = place::base(ask)?;
        let like = &dialect::OPENAI;
        let claude = ask.family().to_ascii_lowercase().contains("claude");
        let request = match ask.mode {
            Mode::Embedding => ProbeRequest::post(
                models(ask, &base, "/embeddings"),
                &body::embedding(ask, like),
                promises::DATA,
            ),
            Mode::Rerank => ProbeRequest::post(rerank(&base), &ranking(ask), promises::RANKS),
            Mode::ImageGeneration => {
                ProbeRequest::post(image(ask, &base), &body::image(ask), promises::PICTURES)
                    .for_media()
            }
            Mode::AnthropicMessages => return message(ask, &base),
            _ if claude => return message(ask, &base),
            Mode::Responses => respond(ask, &base),
            Mode::Chat if responds => respond(ask, &base),
            _ => {
                let url = models(ask, &base, "/chat/completions");
                // with a dated version only what was known at its date is taken
                let dialect = if is_dated(&url) {
                    &dialect::UNTOLD
                } else {
                    like
                };
                ProbeRequest::post(url, &body::chat(ask, dialect), promises::CHOICES)
            }
        };
        prove(ask, &base, &[scheme(&base)], request)
    }

    fn free(&self, ask: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        let base = place::base(ask)?;
        let list = Promise::Models(Models {
            list: "data",
            names: &["id"],
            wanted: None,
        });
        let (url, promise) = if is_below(&base, &FOUNDRY) || is_below(&base, &OPENAI) {
            (at_root(&base, "/openai/v1/models"), list)
        } else if is_resource(&base) {
            // a host of one model; it has no list, but tells what it is
            (at_root(&base, "/info"), Promise::Success)
        } else {
            (below(&base, "/models"), list)
        };
        prove(
            ask,
            &base,
            &[scheme(&base)],
            ProbeRequest::get(url, promise),
        )
        .map(Some)
    }

    fn base(&self, ask: &Ask<'_>) -> Result<Base, String> {
        place::base(ask)
    }

    fn mode_by_name(&self, model: &str) -> Option<&'static str> {
        let name = unmarked(model).to_ascii_lowercase();
        if name.starts_with("doc-intelligence/") || name.contains("-ocr") {
            Some("ocr")
        } else if name.contains("rerank") {
            Some("rerank")
        } else if name.contains("embed") {
            Some("embedding")
        } else if name.starts_with("flux") {
            Some("image_generation")
        } else {
            names::mode(unmarked(model))
        }
    }

    fn wants_more(&self, ask: &Ask<'_>) -> bool {
        ask.mode.is_chat_like() && names::wants_more(ask.family())
    }
}

fn unmarked(model: &str) -> &str {
    MARKS
        .iter()
        .find_map(|mark| model.strip_prefix(mark))
        .unwrap_or(model)
}

/// The path of a base without the call that it may end in.
fn front(base: &Base) -> &str {
    let path = base.endpoint.url.path().trim_end_matches('/');
    COMPLETE
        .iter()
        .find_map(|end| path.strip_suffix(end))
        .unwrap_or(path)
        .trim_end_matches('/')
}

fn with_path(base: &Base, path: &str) -> Url {
    let mut url = base.endpoint.url.clone();
    url.set_path(path);
    url
}

/// A path below the base.
fn below(base: &Base, path: &str) -> Url {
    with_path(base, &format!("{}{path}", front(base)))
}

/// A path at the root of the host, or of the project that the base names; without the base's query.
fn at_root(base: &Base, path: &str) -> Url {
    let own = base.endpoint.url.path();
    let project = own
        .strip_prefix("/api/projects/")
        .and_then(|rest| rest.split('/').next())
        .filter(|name| !name.is_empty())
        .map(|name| format!("/api/projects/{name}"))
        .unwrap_or_default();
    let mut url = with_path(base, &format!("{project}{path}"));
    url.set_query(None);
    url
}

/// The URL of a call that names its model in the body.
fn models(ask: &Ask<'_>, base: &Base, call: &str) -> Url {
    let front = front(base);
    if front.ends_with("/openai/v1") {
        return with_path(base, &format!("{front}{call}"));
    }
    let (add, version) = if front.contains("/openai/deployments/") {
        ("", Some(VERSION))
    } else if is_below(base, &FOUNDRY) {
        let add = if front.ends_with("/models") {
            ""
        } else {
            "/models"
        };
        (add, Some(VERSION))
    } else if is_below(base, &OPENAI) {
        let add = if front.ends_with("/openai") {
            "/v1"
        } else {
            "/openai/v1"
        };
        return with_path(base, &format!("{front}{add}{call}"));
    } else {
        ("", None)
    };
    dated(
        ask,
        with_path(base, &format!("{front}{add}{call}")),
        version,
    )
}

fn is_dated(url: &Url) -> bool {
    url.query_pairs().any(|(name, _)| name == "api-version")
}

/// With the version of the base, else of the entry, else this one.
fn dated(ask: &Ask<'_>, mut url: Url, version: Option<&str>) -> Url {
    if let Some(version) = ask.param("api_version").or(version)
        && !is_dated(&url)
    {
        url.query_pairs_mut()
            .append_pair("api-version", version.trim());
    }
    url
}

fn image(ask: &Ask<'_>, base: &Base) -> Url {
    let front = front(base);
    if front.ends_with("/openai/v1") || front.contains("/openai/deployments/") {
        return dated(ask, below(base, "/images/generations"), None);
    }
    let mut url = with_path(
        base,
        &format!("{}/openai/deployments", front.trim_end_matches("/models")),
    );
    // fails only for URLs that cannot be a base, which http and https always can
    if let Ok(mut path) = url.path_segments_mut() {
        path.push(ask.model).push("images").push("generations");
    }
    dated(ask, url, Some(IMAGE_VERSION))
}

/// `/v1/rerank`, or the version that the base names.
fn rerank(base: &Base) -> Url {
    let path = base.endpoint.url.path().trim_end_matches('/');
    if path.ends_with("/rerank") {
        return base.endpoint.url.clone();
    }
    let add = if path.ends_with("/v1") || path.ends_with("/v2") {
        "/rerank"
    } else {
        "/v1/rerank"
    };
    base.endpoint.join(add)
}

fn ranking(ask: &Ask<'_>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("model".into(), ask.model.into());
    body.insert("query".into(), ask.text.into());
    body.insert("documents".into(), json!([ask.text]));
    body
}

fn respond(ask: &Ask<'_>, base: &Base) -> ProbeRequest {
    let body = body::response(ask, &dialect::OPENAI);
    ProbeRequest::post(
        at_root(base, "/openai/v1/responses"),
        &body,
        promises::OUTPUT,
    )
}

/// Claude, whose API takes the key under Anthropic's name and under Azure's.
fn message(ask: &Ask<'_>, base: &Base) -> Result<ProbeRequest, String> {
    let path = base.endpoint.url.path().trim_end_matches('/');
    let url = match path.split_once("/anthropic") {
        Some((front, _)) => with_path(base, &format!("{front}/anthropic/v1/messages")),
        None => with_path(
            base,
            &format!(
                "{}/anthropic/v1/messages",
                front(base).trim_end_matches("/models")
            ),
        ),
    };
    let body = messages_body(ask, &[("model", ask.model)]);
    let mut request = ProbeRequest::post(url, &body, MESSAGE);
    let version = HeaderValue::from_static("2023-06-01");
    request.headers.insert("anthropic-version", version);
    let schemes = [Scheme::Header("api-key"), Scheme::Header("x-api-key")];
    prove(ask, base, &schemes, request)
}
