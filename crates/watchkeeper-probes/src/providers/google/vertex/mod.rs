//! Vertex AI (`vertex_ai/`, `vertex_ai_beta/`): Gemini and Imagen, Claude, Mistral, AI21, and what Google serves to all
//! in OpenAI's words.
//!
//! Formats: the reference of `aiplatform.googleapis.com`, version `v1`; `v1beta1` for AI21, for deployed endpoints and for
//! the list of models, which `v1` has not. What is otherwise here than with LiteLLM:
//!
//! - fields in camel case, one picture, the least thinking: see `gemini` and `generate`.
//! - the environment's account is not sent to an `api_base` of the entry's own; the entry's `vertex_credentials` or
//!   `api_key` is.
//! - a base that is a gateway's gets the whole path; LiteLLM appends the method alone, to whatever stands there.
//! - `GOOGLE_CLOUD_PROJECT` counts where no credentials are named, as in Google's libraries.
//!
//! The free call is `:countTokens` for Gemini, which costs nothing and needs model, project, location and right; for all
//! else the model's page in Google's catalogue, which needs the account only.

mod family;
mod place;

use serde_json::{Map, Value, json};
use url::Url;

use self::family::{Family, is_number};
use self::place::Place;
use super::generate::{self, CANDIDATES, COUNT, EMBEDDINGS, PREDICTIONS, RESOURCE, VECTORS};
use crate::ask::Ask;
use crate::base::Base;
use crate::mode::Mode;
use crate::params;
use crate::promise::{Models, Promise};
use crate::providers::Shape;
use crate::providers::claude::{MESSAGE, messages_body};
use crate::providers::openai::promises::CHOICES;
use crate::request::ProbeRequest;
use watchkeeper_core::probe::Tier;

pub(super) use place::VARIABLES;

/// The version of the Messages API that Vertex AI wants named.
const CLAUDE_VERSION: (&str, &str) = ("anthropic_version", "vertex-2023-10-16");

/// The shape.
pub(super) struct Vertex;

impl Shape for Vertex {
    fn inference(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String> {
        let place = Place::of(ask)?;
        let request = match ask.mode {
            Mode::Batch => {
                let url = place.url("v1", "batchPredictionJobs", "");
                ProbeRequest::get(url, Promise::Success)
            }
            Mode::Embedding => embedding(ask, &place)?,
            Mode::ImageGeneration => picture(ask, &place)?,
            Mode::AudioSpeech => speech(ask, &place)?,
            _ => chat(ask, &place)?,
        };
        place.prove(ask, request)
    }

    fn free(&self, ask: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        let place = Place::of(ask)?;
        if ask.is_wildcard() {
            let list = Promise::Models(Models {
                list: "publisherModels",
                names: &["name"],
                wanted: None,
            });
            let url = place.public("v1beta1", "/publishers/google/models");
            let request = (!place.is_private()).then(|| ProbeRequest::get(url, list));
            return request.map(|r| place.prove(ask, r)).transpose();
        }
        let family = family::of(ask)?;
        let resource = family::resource(family, ask.model);
        let talks = ask.mode.is_chat_like() && family == Family::Google;
        let request = if talks {
            let mut body = Map::new();
            body.insert("contents".into(), generate::contents(ask));
            let url = place.url("v1", &resource, ":countTokens");
            Some(ProbeRequest {
                billed: false,
                tier: Tier::Free,
                ..ProbeRequest::post(url, &body, COUNT)
            })
        } else if place.is_private() {
            None
        } else {
            let url: Option<Url> = if resource.starts_with("endpoints/") && family != Family::Open {
                Some(place.url("v1", &resource, ""))
            } else {
                family::public(family, ask.model).map(|path| place.public("v1", &path))
            };
            url.map(|url| ProbeRequest::get(url, RESOURCE))
        };
        request.map(|r| place.prove(ask, r)).transpose()
    }

    fn base(&self, ask: &Ask<'_>) -> Result<Base, String> {
        place::base(ask)
    }

    fn mode_by_name(&self, model: &str) -> Option<&'static str> {
        generate::mode_by_name(model)
    }

    fn wants_more(&self, ask: &Ask<'_>) -> bool {
        ask.mode.is_chat_like() && generate::wants_more(ask.family())
    }
}

fn chat(ask: &Ask<'_>, place: &Place) -> Result<ProbeRequest, String> {
    let family = family::of(ask)?;
    let resource = family::resource(family, ask.model);
    let (version, tail, body, promise) = match family {
        Family::Google => ("v1", ":generateContent", generate::body(ask), CANDIDATES),
        Family::Claude => {
            let body = messages_body(ask, &[CLAUDE_VERSION]);
            ("v1", ":rawPredict", body, MESSAGE)
        }
        // the body names the model without the version that the path may name
        Family::Mistral => {
            let name = ask.model.split('@').next().unwrap_or(ask.model);
            ("v1", ":rawPredict", openai(ask, name), CHOICES)
        }
        Family::Ai21 => ("v1beta1", ":rawPredict", openai(ask, ask.model), CHOICES),
        Family::Open => ("v1", "/chat/completions", openai(ask, ask.model), CHOICES),
        Family::Deployed => ("v1beta1", "/chat/completions", openai(ask, ""), CHOICES),
        Family::Bge => {
            return Err(format!(
                "model `{}` makes embeddings; set `mode: embedding` in `model_info`",
                ask.model
            ));
        }
    };
    let url = place.url(version, &resource, tail);
    Ok(ProbeRequest::post(url, &body, promise))
}

/// A chat in OpenAI's words.
fn openai(ask: &Ask<'_>, model: &str) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    body.insert(
        "messages".into(),
        json!([{"role": "user", "content": ask.text}]),
    );
    if let Some(limit) = ask.limit {
        body.insert("max_tokens".into(), limit.into());
    }
    params::copy_fields(&ask.target.params, &params::CHAT_SAMPLING, &mut body);
    params::merge_extra_body(&ask.target.params, &mut body);
    body
}

fn embedding(ask: &Ask<'_>, place: &Place) -> Result<ProbeRequest, String> {
    let family = family::of(ask)?;
    let resource = family::resource(family, ask.model);
    if ask.model.starts_with("gemini-embedding-2") {
        let url = place.url("v1", &resource, ":embedContent");
        return Ok(ProbeRequest::post(
            url,
            &generate::embedding(ask),
            EMBEDDINGS,
        ));
    }
    let (word, promise) = match family {
        Family::Bge => ("prompt", VECTORS),
        Family::Google if is_number(ask.model) => ("inputs", VECTORS),
        Family::Google if ask.model.starts_with("multimodal") => ("text", PREDICTIONS),
        Family::Google => ("content", PREDICTIONS),
        _ => return Err(no_such(ask, "embeddings")),
    };
    let mut parameters = Map::new();
    if let Some(size) = generate::dimensions(ask) {
        parameters.insert("outputDimensionality".into(), size);
    }
    let mut body = Map::new();
    body.insert("instances".into(), json!([{word: ask.text}]));
    body.insert("parameters".into(), parameters.into());
    let url = place.url("v1", &resource, ":predict");
    Ok(ProbeRequest::post(url, &body, promise))
}

fn picture(ask: &Ask<'_>, place: &Place) -> Result<ProbeRequest, String> {
    let family = family::of(ask)?;
    if family != Family::Google {
        return Err(no_such(ask, "pictures"));
    }
    let (tail, body, promise) = if generate::is_gemini(ask.family()) {
        (":generateContent", generate::body(ask), CANDIDATES)
    } else {
        (":predict", generate::picture(ask), PREDICTIONS)
    };
    let url = place.url("v1", &family::resource(family, ask.model), tail);
    Ok(ProbeRequest::post(url, &body, promise).for_media())
}

fn speech(ask: &Ask<'_>, place: &Place) -> Result<ProbeRequest, String> {
    let family = family::of(ask)?;
    if family != Family::Google || !generate::is_gemini(ask.family()) {
        return Err(no_such(ask, "speech"));
    }
    let url = place.url(
        "v1",
        &family::resource(family, ask.model),
        ":generateContent",
    );
    Ok(ProbeRequest::post(url, &generate::body(ask), CANDIDATES).for_media())
}

fn no_such(ask: &Ask<'_>, what: &str) -> String {
    format!(
        "model `{}` of provider `{}` cannot be asked for {what}; set another `mode` in `model_info`, or \
         `health_check_model` to a model of Google's that can",
        ask.model, ask.provider.name
    )
}

#[cfg(test)]
mod tests;
