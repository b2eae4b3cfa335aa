//! Texts to rank. There is one document: what counts is that it is ranked.

use serde_json::{Value, json};

use super::body;
use super::dialect::Rerank;
use super::join::{join, name_model};
use super::promises::RANKS;
use crate::ask::Ask;
use crate::base::{Base, Origin};
use crate::params;
use crate::request::ProbeRequest;

/// NVIDIA ranks at another host than it chats.
const NVIDIA: &str = "https://ai.api.nvidia.com";

/// The request, as the provider takes it.
pub(crate) fn request(ask: &Ask<'_>, base: &Base, rerank: Rerank) -> ProbeRequest {
    let model = body::model(ask);
    let model = model.as_ref();
    let text = ask.text;
    let (url, body) = match rerank {
        Rerank::At(path) => (
            join(&base.endpoint, path),
            json!({"model": model, "query": text, "documents": [text]}),
        ),
        Rerank::Nvidia => {
            let mut url = base.endpoint.url.clone();
            if base.origin == Origin::Vendor {
                url = url::Url::parse(NVIDIA).unwrap_or(url);
            }
            let path = url.path().trim_end_matches('/');
            let path = path.strip_suffix("/v1").unwrap_or(path);
            if !path.contains("/retrieval/") {
                let path = format!("{path}/v1/retrieval");
                name_model(&mut url, &path, &format!("{model}/reranking"), false);
            }
            (
                url,
                json!({"model": model, "query": {"text": text}, "passages": [{"text": text}]}),
            )
        }
        Rerank::DeepInfra => {
            let mut url = base.endpoint.url.clone();
            let path = url.path().trim_end_matches('/');
            let path = path.strip_suffix("/openai").unwrap_or(path);
            let path = format!("{path}/inference");
            name_model(&mut url, &path, model, false);
            (url, json!({"queries": [text], "documents": [text]}))
        }
    };
    let mut body = match body {
        Value::Object(body) => body,
        _ => serde_json::Map::new(),
    };
    params::merge_extra_body(&ask.target.params, &mut body);
    ProbeRequest::post(url, &body, RANKS)
}
