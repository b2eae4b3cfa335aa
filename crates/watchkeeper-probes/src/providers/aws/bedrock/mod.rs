//! Amazon Bedrock.
//!
//! Formats: AWS's API reference of `bedrock-runtime`, `bedrock-agent-runtime` and `bedrock`; which model is asked which
//! way is LiteLLM's choice. What differs from LiteLLM's own health check, and why:
//!
//! - A region in the model's name (`bedrock/eu-west-1/…`) is used, as in LiteLLM's real calls; its health check drops it.
//!   A private region of an endpoint of AWS's own goes before the environment's region. Regions in AWS's own files are
//!   not read; where nothing names one it is `us-west-2`, as in LiteLLM.
//! - A model that no list knows is asked by Converse, where LiteLLM tries Invoke; AWS takes both.
//! - Prompts go out plain, without the marks of a chat; sampling settings and thinking do not go out.
//! - A plain id of a reranker becomes the ARN that the API wants.
//! - Mode `batch` lists the account's batch jobs, which is free; LiteLLM pays for a chat.
//! - `aws_bedrock_runtime_endpoint` and `api_base` of the entry go before `AWS_BEDROCK_RUNTIME_ENDPOINT`.

mod chat;
mod control;
mod id;
mod media;

pub(super) use chat::object;
pub(super) use id::gpt_version;

use serde_json::{Map, Value};

use self::chat::Call;
use self::id::{Id, segment};
use super::place::{Place, Service, prove};
use super::{MANTLE, REGION_VARS};
use crate::ask::Ask;
use crate::base::{Base, Origin};
use crate::mode::Mode;
use crate::promise::Promise;
use crate::providers::Shape;
use crate::providers::claude::MESSAGE;
use crate::providers::openai::{body, dialect, promises};
use crate::request::ProbeRequest;

/// Where models are asked.
const RUNTIME: Service = Service {
    hosts: &["bedrock-runtime", "bedrock-runtime-fips"],
    api_aws: false,
    base_params: &["aws_bedrock_runtime_endpoint"],
    region_vars: &REGION_VARS,
    region: "us-west-2",
    signs: "bedrock",
};

/// Where rerankings are asked.
const AGENT_RUNTIME: Service = Service {
    hosts: &["bedrock-agent-runtime"],
    ..RUNTIME
};

/// The shape.
pub(super) struct Bedrock;

impl Shape for Bedrock {
    fn inference(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String> {
        let id = Id::of(ask);
        let place = place(ask, &id)?;
        match ask.mode {
            Mode::Batch => control::jobs(ask, &place),
            Mode::Rerank => rerank(ask, &id, &place),
            Mode::Embedding => {
                let (body, promise) = media::embedding(ask, &id)?;
                invoke(ask, &id, &place, &body, promise)
            }
            Mode::ImageGeneration => {
                let (body, promise) = media::image(ask, &id);
                invoke(ask, &id, &place, &body, promise).map(ProbeRequest::for_media)
            }
            Mode::Responses if chat::call(&id)? == Call::ChatCompletions => {
                let ask = Ask {
                    model: id.asked,
                    ..*ask
                };
                let url = join(&place.base, "/openai/v1", "/responses");
                let request = ProbeRequest::post(
                    url,
                    &body::response(&ask, &dialect::OPENAI),
                    promises::OUTPUT,
                );
                prove(&ask, &place, &RUNTIME, request)
            }
            Mode::AnthropicMessages if id.route.is_none() && id.family.contains("claude") => {
                let words = chat::Words::Messages;
                invoke(ask, &id, &place, &chat::invoke(ask, words), MESSAGE)
            }
            _ => chat(ask, &id, place),
        }
    }

    fn free(&self, ask: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        let id = Id::of(ask);
        let place = place(ask, &id)?;
        // a private endpoint has no control plane that is known of
        if place.base.origin != Origin::Vendor {
            return Ok(None);
        }
        control::model(ask, &id, &place).map(Some)
    }

    fn base(&self, ask: &Ask<'_>) -> Result<Base, String> {
        place(ask, &Id::of(ask)).map(|place| place.base)
    }

    fn mode_by_name(&self, model: &str) -> Option<&'static str> {
        MODES_BY_NAME
            .iter()
            .find(|(part, _)| model.contains(part))
            .map(|(_, mode)| *mode)
    }
}

/// Parts of names, and the mode they mean. First match wins.
const MODES_BY_NAME: [(&str, &str); 10] = [
    ("titan-embed", "embedding"),
    ("cohere.embed", "embedding"),
    ("multimodal-embeddings", "embedding"),
    ("marengo-embed", "embedding"),
    (".rerank", "rerank"),
    ("nova-canvas", "image_generation"),
    ("titan-image", "image_generation"),
    ("stability.", "image_generation"),
    ("nova-reel", "video_generation"),
    ("sonic", "realtime"),
];

fn place(ask: &Ask<'_>, id: &Id<'_>) -> Result<Place, String> {
    RUNTIME.place(ask, id.named_region())
}

fn chat(ask: &Ask<'_>, id: &Id<'_>, mut place: Place) -> Result<ProbeRequest, String> {
    let request = match chat::call(id)? {
        Call::Converse => {
            let url = model_url(&place.base, id, "converse");
            ProbeRequest::post(url, &chat::converse(ask), chat::CONVERSED)
        }
        Call::ConverseLike => {
            if place.base.origin == Origin::Vendor {
                return Err("`bedrock/converse_like/` has no address of its own: set `api_base` of this entry".into());
            }
            let url = place.base.endpoint.url.clone();
            ProbeRequest::post(url, &chat::converse(ask), chat::CONVERSED)
        }
        Call::Invoke(words) => {
            let body = chat::invoke(ask, words);
            return invoke(ask, id, &place, &body, chat::answered(words));
        }
        Call::ChatCompletions => {
            let mut body = body::chat(
                &Ask {
                    model: id.asked,
                    ..*ask
                },
                &dialect::OPENAI,
            );
            // here all models take the limit under the newer name
            if let Some(limit) = body.shift_remove("max_tokens") {
                body.insert("max_completion_tokens".into(), limit);
            }
            let url = join(&place.base, "/openai/v1", "/chat/completions");
            ProbeRequest::post(url, &body, promises::CHOICES)
        }
        Call::Mantle => {
            place = MANTLE.place(ask, id.named_region().or(Some(&place.region)))?;
            return super::mantle::ask_messages(
                &Ask {
                    model: id.asked,
                    ..*ask
                },
                &place,
            );
        }
    };
    prove(ask, &place, &RUNTIME, request)
}

fn invoke(
    ask: &Ask<'_>,
    id: &Id<'_>,
    place: &Place,
    body: &Map<String, Value>,
    promise: Promise,
) -> Result<ProbeRequest, String> {
    let url = model_url(&place.base, id, "invoke");
    prove(ask, place, &RUNTIME, ProbeRequest::post(url, body, promise))
}

fn rerank(ask: &Ask<'_>, id: &Id<'_>, place: &Place) -> Result<ProbeRequest, String> {
    let body = media::rerank(ask, id, &place.region);
    let base = match place.base.origin {
        Origin::Vendor => control::public(&AGENT_RUNTIME, place)?,
        Origin::Entry | Origin::Environment => place.base.clone(),
    };
    let request = ProbeRequest::post(join(&base, "", "/rerank"), &body, media::RANKED);
    prove(ask, place, &AGENT_RUNTIME, request)
}

/// `base/model/{id}/{call}`; a base that is the whole URL, or ends in `/model`, is taken as such.
fn model_url(base: &Base, id: &Id<'_>, call: &str) -> url::Url {
    let path = base.endpoint.url.path().trim_end_matches('/');
    if path.contains("/model/") && path.ends_with(call) {
        return base.endpoint.url.clone();
    }
    let start = if path.ends_with("/model") {
        ""
    } else {
        "/model"
    };
    base.endpoint
        .join(&format!("{start}/{}/{call}", segment(id.asked)))
}

/// `base` + `version` + `path`, whichever of them the base ends in already.
pub(super) fn join(base: &Base, version: &str, path: &str) -> url::Url {
    let have = base.endpoint.url.path().trim_end_matches('/');
    if have.ends_with(path) {
        base.endpoint.url.clone()
    } else if have.ends_with(version) {
        base.endpoint.join(path)
    } else {
        base.endpoint.join(&format!("{version}{path}"))
    }
}

#[cfg(test)]
mod tests;
