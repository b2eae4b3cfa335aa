//! Deployments of an Azure OpenAI resource.
//!
//! Formats: Microsoft's reference of the data plane; paths and versions as LiteLLM sends them. What differs from LiteLLM:
//!
//! - A base of a resource that ends in `/openai` or `/openai/v1` is taken as what it is; LiteLLM doubles the path. One that
//!   ends in `/openai/v1` means the API without versions, unless the entry names a version.
//! - An `api-version` in the base counts, after the entry's `api_version` and before `AZURE_API_VERSION`.
//! - Responses have a limit. Embeddings come as numbers, not as base64.
//! - The least effort is told where the API has no dated version. A dated one takes the efforts that were known at its
//!   date, or none at all, and refuses the others.
//! - Whether a deployment's model thinks is told by `model_info.base_model`, else by the deployment's name (LiteLLM's marks
//!   `o_series/` and `gpt5_series/` included); one of which nothing is known gets `max_tokens`.

use serde_json::{Map, Value};
use url::Url;
use watchkeeper_core::probe::Tier;

use super::place::{self, is_below, is_resource, prove};
use crate::ask::Ask;
use crate::base::Base;
use crate::handshake;
use crate::key::Scheme;
use crate::mode::Mode;
use crate::params;
use crate::promise::{Models, Promise};
use crate::providers::Shape;
use crate::providers::openai::dialect::{self, Dialect};
use crate::providers::openai::{audio, body, names, promises};
use crate::request::ProbeRequest;
use crate::tokens::reasons;

/// The version where nothing names one.
const VERSION: &str = "2025-02-01-preview";

/// The version of responses where the entry names none.
const RESPONSES_VERSION: &str = "preview";

/// The version of the older realtime API where the entry names none.
const REALTIME_VERSION: &str = "2024-10-01-preview";

/// Words for the API without dated versions.
const UNDATED: [&str; 3] = ["v1", "latest", "preview"];

/// What LiteLLM's users write before a deployment to say that its model thinks.
const THINKS: [&str; 2] = ["o_series/", "gpt5_series/"];

/// Cloudflare's gateway, whose bases name resource and all.
const GATEWAY: [&str; 1] = ["gateway.ai.cloudflare.com"];

/// The shape; `text` for deployments that complete texts.
pub(super) struct Resource {
    pub(super) text: bool,
}

impl Shape for Resource {
    fn inference(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String> {
        let (model, thinks) = unmarked(ask.model);
        let ask = &Ask { model, ..*ask };
        let place = Place::of(ask)?;
        let post = |path: &str, body: &Map<String, Value>, promise| {
            ProbeRequest::post(place.deployment(model, path), body, promise)
        };
        let like = &place.dialect(ask.mode);
        let request = match ask.mode {
            Mode::Completion if self.text => post(
                "/completions",
                &body::completion(ask, like),
                promises::CHOICES,
            ),
            Mode::Responses => ProbeRequest::post(
                place.responses(),
                &body::response(ask, like),
                promises::OUTPUT,
            ),
            Mode::Embedding => post("/embeddings", &body::embedding(ask, like), promises::DATA),
            Mode::ImageGeneration => {
                post("/images/generations", &body::image(ask), promises::PICTURES).for_media()
            }
            Mode::AudioSpeech => post("/audio/speech", &body::speech(ask), Promise::Media),
            Mode::AudioTranscription => {
                let url = place.deployment(model, "/audio/transcriptions");
                audio::transcription(ask, url)
            }
            Mode::Realtime => {
                let mut request = handshake::request(place.realtime(ask));
                request.tier = Tier::Inference;
                request
            }
            Mode::Batch => {
                let mut url = place.api("/batches");
                url.query_pairs_mut().append_pair("limit", "1");
                let mut request = ProbeRequest::get(url, promises::LIST);
                request.tier = Tier::Inference;
                request
            }
            _ => {
                let mut body = body::chat(ask, like);
                if thinks && !reasons(ask.family()) {
                    think(&mut body);
                }
                post("/chat/completions", &body, promises::CHOICES)
            }
        };
        prove(ask, &place.base, &[place.scheme(ask.mode)], request)
    }

    fn free(&self, ask: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        let place = Place::of(ask)?;
        if is_below(&place.base, &GATEWAY) {
            return Ok(None);
        }
        let promise = Promise::Models(Models {
            list: "data",
            names: &["id"],
            wanted: None,
        });
        let request = ProbeRequest::get(place.api("/models"), promise);
        prove(ask, &place.base, &[place.scheme(Mode::Chat)], request).map(Some)
    }

    fn base(&self, ask: &Ask<'_>) -> Result<Base, String> {
        Place::of(ask).map(|place| place.base)
    }

    fn mode_by_name(&self, model: &str) -> Option<&'static str> {
        let by_name = names::mode(unmarked(model).0);
        by_name.or(self.text.then_some("completion"))
    }

    fn wants_more(&self, ask: &Ask<'_>) -> bool {
        ask.mode.is_chat_like() && names::wants_more(ask.family())
    }
}

/// The deployment, and whether it is marked as one that thinks.
fn unmarked(model: &str) -> (&str, bool) {
    let marked = THINKS.iter().find_map(|mark| model.strip_prefix(mark));
    (marked.unwrap_or(model), marked.is_some())
}

/// Makes a chat what a model that thinks takes.
fn think(body: &mut Map<String, Value>) {
    for name in params::CHAT_SAMPLING {
        body.shift_remove(name);
    }
    if let Some(limit) = body.shift_remove("max_tokens") {
        body.insert("max_completion_tokens".into(), limit);
    }
}

/// A resource and the version of its API.
struct Place {
    /// Cut back to what all paths have in common, without a query that is ours to give.
    base: Base,
    /// The dated version; none for the API without.
    version: Option<String>,
    /// What the entry itself says of the version.
    named: Option<String>,
}

impl Place {
    fn of(ask: &Ask<'_>) -> Result<Self, String> {
        let mut base = place::base(ask)?;
        let of_base = take_version(&mut base.endpoint.url);
        let is_v1 = cut(&mut base);
        let named = ask.param("api_version").map(|text| text.trim().to_owned());
        let named = named.or(of_base).filter(|version| !version.is_empty());
        let version = match &named {
            Some(version) => version.clone(),
            None if is_v1 => "v1".into(),
            None => ask
                .variable(&["AZURE_API_VERSION"])
                .unwrap_or(VERSION)
                .to_owned(),
        };
        let version = Some(version).filter(|version| !UNDATED.contains(&version.as_str()));
        let named = named.or(is_v1.then(|| "v1".into()));
        Ok(Self {
            base,
            version,
            named,
        })
    }

    /// The URL of one of a deployment's calls.
    fn deployment(&self, name: &str, path: &str) -> Url {
        let endpoint = &self.base.endpoint;
        let mut url = if is_below(&self.base, &GATEWAY) {
            let mut url = endpoint.url.clone();
            let given = url
                .path()
                .trim_end_matches('/')
                .ends_with(&format!("/{name}"));
            if !given {
                push(&mut url, &[name]);
            }
            url
        } else if self.version.is_none() {
            return self.api(path);
        } else {
            let mut url = endpoint.join("/openai/deployments");
            push(&mut url, &[name]);
            url
        };
        let full = format!("{}{path}", url.path().trim_end_matches('/'));
        url.set_path(&full);
        self.dated(url)
    }

    /// The URL of a call that is the resource's own.
    fn api(&self, path: &str) -> Url {
        let endpoint = &self.base.endpoint;
        match self.version {
            Some(_) => self.dated(endpoint.join(&format!("/openai{path}"))),
            None => endpoint.join(&format!("/openai/v1{path}")),
        }
    }

    fn dated(&self, mut url: Url) -> Url {
        if let Some(version) = &self.version {
            url.query_pairs_mut().append_pair("api-version", version);
        }
        url
    }

    /// What the API's version takes.
    fn dialect(&self, mode: Mode) -> Dialect {
        let undated = match mode {
            Mode::Responses => UNDATED.contains(&self.responses_version()),
            _ => self.version.is_none(),
        };
        if undated {
            dialect::OPENAI
        } else {
            dialect::UNTOLD
        }
    }

    /// Responses have a version of their own; the environment's does not count.
    fn responses_version(&self) -> &str {
        self.named.as_deref().unwrap_or(RESPONSES_VERSION)
    }

    fn responses(&self) -> Url {
        let version = self.responses_version();
        let path = if UNDATED.contains(&version) {
            "/openai/v1/responses"
        } else {
            "/openai/responses"
        };
        let mut url = self.base.endpoint.join(path);
        url.query_pairs_mut().append_pair("api-version", version);
        url
    }

    fn realtime(&self, ask: &Ask<'_>) -> Url {
        let endpoint = &self.base.endpoint;
        let protocol = ask
            .param("realtime_protocol")
            .or_else(|| ask.variable(&["LITELLM_AZURE_REALTIME_PROTOCOL"]));
        if protocol.is_some_and(|word| !["ga", "v1"].contains(&word.to_ascii_lowercase().as_str()))
        {
            let mut url = endpoint.join("/openai/realtime");
            let version = self.named.as_deref().unwrap_or(REALTIME_VERSION);
            url.query_pairs_mut()
                .append_pair("api-version", version)
                .append_pair("deployment", ask.model);
            return url;
        }
        let mut url = endpoint.join("/openai/v1/realtime");
        url.query_pairs_mut().append_pair("model", ask.model);
        url
    }

    /// The API without versions takes the key as bearer.
    fn scheme(&self, mode: Mode) -> Scheme {
        let own_way = matches!(mode, Mode::Responses | Mode::Realtime);
        if self.version.is_none() && !own_way {
            Scheme::Bearer
        } else {
            Scheme::Header("api-key")
        }
    }
}

fn push(url: &mut Url, segments: &[&str]) {
    // fails only for URLs that cannot be a base, which http and https always can
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
}

/// Takes the `api-version` out of a query and leaves the rest.
fn take_version(url: &mut Url) -> Option<String> {
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let (version, rest): (Vec<_>, Vec<_>) = pairs
        .into_iter()
        .partition(|(name, _)| name == "api-version");
    let version = version.into_iter().next()?.1;
    url.set_query(None);
    if !rest.is_empty() {
        url.query_pairs_mut().extend_pairs(rest);
    }
    Some(version)
}

/// Cuts a base back to the resource. Whether it was one of the API without versions.
///
/// A whole deployment's URL is cut everywhere, as LiteLLM does; `/openai` and `/openai/v1` only where the host is a
/// resource, since a gateway may well have the first in front of the second.
fn cut(base: &mut Base) -> bool {
    let own = is_resource(base);
    let url = &mut base.endpoint.url;
    let path = url.path().trim_end_matches('/').to_owned();
    if let Some((front, _)) = path.split_once("/openai/deployments/") {
        url.set_path(front);
        return false;
    }
    let front = match path.split_once("/openai") {
        Some((front, rest)) if own && (rest.is_empty() || rest.starts_with('/')) => front,
        _ => return false,
    };
    let is_v1 = path
        .strip_prefix(front)
        .is_some_and(|rest| rest == "/openai/v1" || rest.starts_with("/openai/v1/"));
    url.set_path(front);
    is_v1
}
