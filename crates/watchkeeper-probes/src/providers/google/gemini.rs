//! Gemini's API (`gemini/`, Google AI Studio).
//!
//! Formats: the reference of `generativelanguage.googleapis.com`, version `v1beta`. What is otherwise here than with
//! LiteLLM:
//!
//! - fields in camel case, as documented (`maxOutputTokens`, `responseModalities`); Google takes both.
//! - `v1beta` for all models, where LiteLLM asks the third generation through `v1alpha`: nothing that a probe sends needs
//!   more than the documented version.
//! - Google's own host given as base without a version means `v1beta`; a complete URL of a method is cut back to its base.
//! - one picture, where LiteLLM leaves the number to Google, whose default is four.
//! - pictures are asked with `GOOGLE_API_KEY` too, in the same order as all else.

use serde_json::{Map, Value, json};
use url::Url;

use super::generate::{self, CANDIDATES, EMBEDDINGS, PREDICTIONS, RESOURCE};
use crate::ask::Ask;
use crate::base::{self, Base, Origin};
use crate::key;
use crate::mode::Mode;
use crate::params;
use crate::promise::{Models, Promise};
use crate::providers::Shape;
use crate::request::{Auth, ProbeRequest};

const KEY_HEADER: &str = "x-goog-api-key";

/// The shape.
pub(super) struct Gemini;

impl Shape for Gemini {
    fn inference(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String> {
        let base = base(ask)?;
        let post = |verb: &str, body: &Map<String, Value>, promise| {
            ProbeRequest::post(url(&base, ask.model, Some(verb)), body, promise)
        };
        let request = match ask.mode {
            Mode::Embedding => {
                let mut one = Map::new();
                one.insert("model".into(), format!("models/{}", bare(ask.model)).into());
                one.extend(generate::embedding(ask));
                let mut body = Map::new();
                body.insert("requests".into(), json!([one]));
                post("batchEmbedContents", &body, EMBEDDINGS)
            }
            Mode::ImageGeneration if !generate::is_gemini(ask.family()) => {
                post("predict", &generate::picture(ask), PREDICTIONS).for_media()
            }
            mode => {
                let request = post("generateContent", &generate::body(ask), CANDIDATES);
                if mode.bills_real_output() {
                    request.for_media()
                } else {
                    request
                }
            }
        };
        prove(ask, &base, request)
    }

    fn free(&self, ask: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        let base = base(ask)?;
        // a private server has a list of models, if anything
        let request = if ask.is_wildcard() || base.origin == Origin::Entry {
            let list = Promise::Models(Models {
                list: "models",
                names: &["name"],
                wanted: None,
            });
            ProbeRequest::get(base.endpoint.join("/models"), list)
        } else {
            ProbeRequest::get(url(&base, ask.model, None), RESOURCE)
        };
        prove(ask, &base, request).map(Some)
    }

    fn asked_as(&self, mode: Mode) -> Mode {
        match mode {
            Mode::Batch => Mode::Chat,
            other => other,
        }
    }

    fn base(&self, ask: &Ask<'_>) -> Result<Base, String> {
        base(ask)
    }

    fn mode_by_name(&self, model: &str) -> Option<&'static str> {
        generate::mode_by_name(model)
    }

    fn wants_more(&self, ask: &Ask<'_>) -> bool {
        ask.mode.is_chat_like() && generate::wants_more(ask.family())
    }
}

/// The base up to the version.
fn base(ask: &Ask<'_>) -> Result<Base, String> {
    let mut base = base::of(ask)?;
    let url = &mut base.endpoint.url;
    let path = url.path().trim_end_matches('/').to_owned();
    let path = match path.split_once("/models/") {
        Some((path, _)) => path,
        None => path.strip_suffix("/models").unwrap_or(&path),
    };
    let google = url.host_str() == Some("generativelanguage.googleapis.com");
    url.set_path(if path.is_empty() && google {
        "/v1beta"
    } else {
        path
    });
    Ok(base)
}

/// The URL of a model, or of one of its methods.
fn url(base: &Base, model: &str, verb: Option<&str>) -> Url {
    let mut url = base.endpoint.join("/models");
    let mut last = bare(model).to_owned();
    if let Some(verb) = verb {
        last.push(':');
        last.push_str(verb);
    }
    // fails only for URLs that cannot be a base, which http and https always can
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.push(&last);
    }
    url
}

/// A model without the collection that Google's own names begin with.
fn bare(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}

/// Puts key and configured headers into a request. The key stands in a header, never in the query.
fn prove(ask: &Ask<'_>, base: &Base, mut request: ProbeRequest) -> Result<ProbeRequest, String> {
    let proof = key::prove(ask, base, &mut request.headers);
    params::add_headers(&ask.target.params, &mut request.headers)?;
    let given = |name| params::gives_header(&ask.target.params, name);
    let proof = if given("authorization") || given(KEY_HEADER) {
        if !given(KEY_HEADER) {
            request.headers.remove(KEY_HEADER);
        }
        (Auth::Header, None)
    } else {
        proof
    };
    Ok(request.proved(proof))
}

#[cfg(test)]
#[path = "gemini_tests.rs"]
mod tests;
