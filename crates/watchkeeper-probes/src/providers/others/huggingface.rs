//! Hugging Face: a server of one's own (TGI, TEI) at `api_base`, else the router for chats.
//!
//! What differs from LiteLLM's request, and why: it first asks huggingface.co which vendor serves the model, and then
//! that vendor. Here the router is left to choose (`/v1/chat/completions`), which is one request; a vendor before the
//! model (`huggingface/together/org/model`) goes behind it, as the router wants it (`org/model:together`).

use serde_json::{Map, json};

use super::super::Shape;
use super::super::join::join;
use super::super::openai::promises::CHOICES;
use super::super::openai::prove;
use crate::ask::Ask;
use crate::base::{self, Origin};
use crate::mode::Mode;
use crate::params;
use crate::promise::{Fields, Kind, Models, Promise};
use crate::request::ProbeRequest;

/// Where chats go without an `api_base`.
pub(super) const ROUTER: &str = "https://router.huggingface.co";

const TAILS: [&str; 6] = [
    "/v1/chat/completions",
    "/chat/completions",
    "/v1",
    "/embed",
    "/rerank",
    "/v1/embeddings",
];

/// A list of vectors, or of lists of them.
const VECTORS: Promise = Promise::Json(Fields {
    any_of: &[("0", Kind::List), ("0", Kind::Number)],
    model: None,
    usage: None,
});

const RANKS: Promise = Promise::Json(Fields {
    any_of: &[("0", Kind::Object), ("results", Kind::Filled)],
    model: None,
    usage: None,
});

/// The shape.
pub(super) struct HuggingFace;

impl Shape for HuggingFace {
    fn inference(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String> {
        let base = base::of(ask)?;
        let own = base.origin != Origin::Vendor;
        let mut body = Map::new();
        let (url, promise) = match ask.mode {
            Mode::Embedding | Mode::Rerank if !own => {
                return Err(format!(
                    "mode `{}` of provider `huggingface` needs a server of your own: set `api_base` of this entry",
                    ask.mode.as_str()
                ));
            }
            Mode::Embedding => {
                body.insert("inputs".into(), json!([ask.text]));
                (base.endpoint.join(""), VECTORS)
            }
            Mode::Rerank => {
                body.insert("query".into(), ask.text.into());
                body.insert("texts".into(), json!([ask.text]));
                (join(&base.endpoint, &TAILS, "/rerank"), RANKS)
            }
            _ => {
                body.insert("model".into(), model(ask, own).into());
                let messages = json!([{"role": "user", "content": ask.text}]);
                body.insert("messages".into(), messages);
                if let Some(limit) = ask.limit {
                    body.insert("max_tokens".into(), limit.into());
                }
                params::copy_fields(&ask.target.params, &params::CHAT_SAMPLING, &mut body);
                let url = join(&base.endpoint, &TAILS, "/v1/chat/completions");
                (url, CHOICES)
            }
        };
        params::merge_extra_body(&ask.target.params, &mut body);
        prove(ask, &base, ProbeRequest::post(url, &body, promise))
    }

    fn free(&self, ask: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        let base = base::of(ask)?;
        if base.origin != Origin::Vendor {
            if ask.is_wildcard() {
                return Ok(None);
            }
            let url = join(&base.endpoint, &TAILS, "/health");
            return prove(ask, &base, ProbeRequest::get(url, Promise::Success)).map(Some);
        }
        let promise = Promise::Models(Models {
            list: "data",
            names: &["id"],
            wanted: None,
        });
        let url = join(&base.endpoint, &TAILS, "/v1/models");
        prove(ask, &base, ProbeRequest::get(url, promise)).map(Some)
    }
}

/// The model as the router or the server knows it.
fn model(ask: &Ask<'_>, own: bool) -> String {
    match ask.model.split_once('/') {
        Some((vendor, model)) if !own && model.contains('/') => format!("{model}:{vendor}"),
        _ => ask.model.to_owned(),
    }
}
