//! Cohere: `/v2/chat`, `/v2/embed`, `/v2/rerank`; what it knows of a model by `/v1/models/{model}`, which is free.
//!
//! What differs from LiteLLM's request, and why:
//! - `api_base` may be a base or the complete URL that LiteLLM wants: a path that ends in the call's own word
//!   (`/chat`, `/embed`, `/rerank`) is used as it is, any other is a base. Embeddings go to `api.cohere.com` like all
//!   else, not to the older `api.cohere.ai`, which is the vendor's too.
//! - No `Request-Source` header: it names LiteLLM.
//! - Models that think are told not to, unless the entry says something about it.
//! - The tokens that count are the billed ones.
//! - The mode `completion` is asked as a chat, as LiteLLM asks all who have no such call.

use serde_json::{Map, Value, json};
use url::Url;

use super::join::join;
use super::openai::prove;
use super::{Free, Provider, Shape};
use crate::ask::Ask;
use crate::base::{self, Base};
use crate::key::Scheme;
use crate::mode::Mode;
use crate::params;
use crate::promise::{Fields, Kind, Models, Promise};
use crate::request::ProbeRequest;

/// The base, and the host that older configurations name.
const BASE: &str = "https://api.cohere.com";
const OLDER_BASE: &str = "https://api.cohere.ai";

/// Ends of bases that are complete URLs, or name a version.
const TAILS: [&str; 8] = [
    "/v2/chat",
    "/v2/embed",
    "/v2/rerank",
    "/v1/chat",
    "/v1/embed",
    "/v1/rerank",
    "/v2",
    "/v1",
];

const CHAT: Promise = Promise::Json(Fields {
    any_of: &[("message", Kind::Object)],
    model: None,
    usage: Some((
        "usage.billed_units.input_tokens",
        "usage.billed_units.output_tokens",
    )),
});

const EMBED: Promise = Promise::Json(Fields {
    any_of: &[("embeddings", Kind::Object), ("embeddings.0", Kind::List)],
    model: None,
    usage: Some((
        "meta.billed_units.input_tokens",
        "meta.billed_units.output_tokens",
    )),
});

const RERANK: Promise = Promise::Json(Fields {
    any_of: &[("results", Kind::Filled)],
    model: None,
    usage: None,
});

/// The shape.
struct Cohere;

const LIKE_COHERE: Provider = Provider {
    name: "",
    shape: &Cohere,
    base: BASE,
    base_vars: &["COHERE_API_BASE"],
    key_vars: &["COHERE_API_KEY", "CO_API_KEY"],
    other_vars: &[],
    scheme: Scheme::Bearer,
    needs_key: true,
    modes: &[Mode::Chat, Mode::Completion, Mode::Embedding, Mode::Rerank],
    free: Free::None,
    fault: 500,
};

/// The rows.
pub(super) static ROWS: [Provider; 2] = [
    Provider {
        name: "cohere",
        ..LIKE_COHERE
    },
    Provider {
        name: "cohere_chat",
        ..LIKE_COHERE
    },
];

impl Shape for Cohere {
    fn inference(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String> {
        let base = self.base(ask)?;
        let (word, body, promise) = match ask.mode {
            Mode::Embedding => ("embed", embed(ask), EMBED),
            Mode::Rerank => ("rerank", rerank(ask), RERANK),
            _ => ("chat", chat(ask), CHAT),
        };
        let request = ProbeRequest::post(url(&base, word), &body, promise);
        prove(ask, &base, request)
    }

    fn free(&self, ask: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        let base = self.base(ask)?;
        let mut url = join(&base.endpoint, &TAILS, "/v1/models");
        let promise = if ask.is_wildcard() {
            Promise::Models(Models {
                list: "models",
                names: &["name"],
                wanted: None,
            })
        } else {
            // fails only for URLs that cannot be a base, which http and https always can
            if let Ok(mut segments) = url.path_segments_mut() {
                segments.push(ask.model);
            }
            Promise::Json(Fields {
                any_of: &[("name", Kind::Text)],
                model: Some("name"),
                usage: None,
            })
        };
        prove(ask, &base, ProbeRequest::get(url, promise)).map(Some)
    }

    fn base(&self, ask: &Ask<'_>) -> Result<Base, String> {
        let older = base::given(ask).is_some_and(|base| base.trim().starts_with(OLDER_BASE));
        base::of_or(ask, if older { OLDER_BASE } else { BASE })
    }

    fn mode_by_name(&self, model: &str) -> Option<&'static str> {
        if model.starts_with("embed-") {
            Some("embedding")
        } else if model.starts_with("rerank-") {
            Some("rerank")
        } else {
            None
        }
    }
}

/// The URL of a call.
fn url(base: &Base, word: &str) -> Url {
    let path = base.endpoint.url.path().trim_end_matches('/');
    let complete = path
        .strip_suffix(word)
        .is_some_and(|rest| rest.ends_with('/') && !rest.ends_with("/v1/"));
    if complete {
        return base.endpoint.join("");
    }
    join(&base.endpoint, &TAILS, &format!("/v2/{word}"))
}

fn chat(ask: &Ask<'_>) -> Map<String, Value> {
    let params = &ask.target.params;
    let mut body = Map::new();
    body.insert("model".into(), ask.model.into());
    body.insert(
        "messages".into(),
        json!([{"role": "user", "content": ask.text}]),
    );
    if let Some(limit) = ask.limit {
        body.insert("max_tokens".into(), limit.into());
    }
    let mut sampling = Map::new();
    params::copy_fields(params, &params::CHAT_SAMPLING, &mut sampling);
    for (name, value) in sampling {
        let name = if name == "top_p" { "p".into() } else { name };
        body.insert(name, value);
    }
    params::copy_mappings(params, &["thinking"], &mut body);
    if !body.contains_key("thinking") && ask.family().contains("reasoning") {
        body.insert("thinking".into(), json!({"type": "disabled"}));
    }
    params::merge_extra_body(params, &mut body);
    body
}

fn embed(ask: &Ask<'_>) -> Map<String, Value> {
    let params = &ask.target.params;
    let mut body = Map::new();
    body.insert("model".into(), ask.model.into());
    body.insert("texts".into(), json!([ask.text]));
    let kind = ask.param("input_type").unwrap_or("search_document");
    body.insert("input_type".into(), kind.into());
    if let Some(dimensions) = params.get("dimensions").filter(|value| value.is_u64()) {
        body.insert("output_dimension".into(), dimensions.clone());
    }
    params::copy_fields(params, &["truncate"], &mut body);
    params::merge_extra_body(params, &mut body);
    body
}

fn rerank(ask: &Ask<'_>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("model".into(), ask.model.into());
    body.insert("query".into(), ask.text.into());
    body.insert("documents".into(), json!([ask.text]));
    params::merge_extra_body(&ask.target.params, &mut body);
    body
}

#[cfg(test)]
#[path = "cohere_tests.rs"]
mod tests;
