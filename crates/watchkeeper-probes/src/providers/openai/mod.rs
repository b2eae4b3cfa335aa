//! OpenAI, and every server that speaks as it does.
//!
//! Formats: OpenAI's API reference; where servers and clients differ, what LiteLLM sends. What differs on purpose:
//!
//! | here | LiteLLM | why |
//! | --- | --- | --- |
//! | a key goes to its own vendor only | `OPENAI_API_KEY` goes to other vendors | it is not theirs |
//! | no key, no `Authorization` | `fake-api-key` | a made-up key tells nothing |
//! | `max_output_tokens` with responses | no limit | a probe is to cost little |
//! | the least effort that a model's vendor documents, where the vendor answers | none is sent | as above |
//! | `/moderations` is asked | the mode is always unhealthy | it can be asked, at OpenAI for nothing |
//! | a complete URL as `api_base` leads where it says | the path is doubled with OpenAI's SDK | it is what was meant |
//! | no base, no request | `hosted_vllm/` and `lm_studio/` go to OpenAI | they are not there |
//! | the smallest picture of `gpt-image-*` and `dall-e-2`, as JPEG | a picture of default size | it costs less and fits into an answer |
//! | models that want sound or tools, or bill for a search, are asked by the free call | a chat, which is refused or dear | see `names::wants_more` |
//! | no thinking budget beyond the limit of tokens | it travels, and is refused | a probe is to tell the truth |
//! | a quarter of a second of silence | 0.9 s of speech | what is billed is its length |

pub(crate) mod audio;
pub(crate) mod body;
pub(crate) mod dialect;
mod free;
pub(crate) mod join;
pub(crate) mod names;
pub(crate) mod promises;
mod rerank;

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use watchkeeper_core::probe::Tier;

use super::Shape;
use super::claude::messages_body;
use crate::ask::Ask;
use crate::base::{self, Base, Origin};
use crate::handshake;
use crate::key::{self, Scheme};
use crate::mode::Mode;
use crate::params;
use crate::promise::Promise;
use crate::request::{Auth, ProbeRequest};
use dialect::{Dialect, Ending, Mark, Thinking};
use join::{join, root};
use promises::{CHOICES, CONTENT, DATA, LIST, OUTPUT, PICTURES, RESULTS};

pub(crate) use free::free;

/// The version of Anthropic's API that is spoken.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// The account that Cloudflare's own base holds.
const ACCOUNT: &str = "CLOUDFLARE_ACCOUNT_ID";

/// The client that signs in to Databricks.
const CLIENT: &str = "DATABRICKS_CLIENT_ID";

/// The shape.
pub(crate) struct OpenAi(pub(crate) Dialect);

/// OpenAI itself.
pub(super) static OPENAI: OpenAi = OpenAi(dialect::OPENAI);

impl Shape for OpenAi {
    fn inference(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String> {
        let base = self.base(ask)?;
        let dialect = &self.at(&base);
        let at = |path: &str| join(&base.endpoint, path);
        let post = |path: &str, body: &Map<String, Value>, promise| {
            ProbeRequest::post(at(path), body, promise)
        };
        let chat = || post("/chat/completions", &body::chat(ask, dialect), CHOICES);
        let response = |path| post(path, &body::response(ask, dialect), OUTPUT);
        let request = match ask.mode {
            Mode::Chat => match dialect.responses {
                Some(path) if must_respond(ask, &base) => response(path),
                _ => chat(),
            },
            Mode::Completion if dialect.completes => {
                post("/completions", &body::completion(ask, dialect), CHOICES)
            }
            Mode::Completion => chat(),
            Mode::Responses => dialect.responses.map_or_else(chat, response),
            Mode::AnthropicMessages => match dialect.messages {
                Some(path) => {
                    let body = messages_body(ask, &[("model", &body::model(ask))]);
                    let mut request = post(path, &body, CONTENT);
                    let version = HeaderValue::from_static(ANTHROPIC_VERSION);
                    request
                        .headers
                        .insert(HeaderName::from_static("anthropic-version"), version);
                    request
                }
                None => chat(),
            },
            Mode::Embedding => post("/embeddings", &body::embedding(ask, dialect), DATA),
            Mode::Rerank => rerank::request(ask, &base, dialect.rerank),
            Mode::Moderation => {
                let mut request = post("/moderations", &body::moderation(ask), RESULTS);
                request.billed = ask.provider.name != "openai";
                request
            }
            Mode::ImageGeneration if dialect.draws_in_chat => post(
                "/chat/completions",
                &body::drawing_chat(ask, dialect),
                CHOICES,
            )
            .for_media(),
            Mode::ImageGeneration => {
                post("/images/generations", &body::image(ask), PICTURES).for_media()
            }
            Mode::AudioSpeech => post("/audio/speech", &body::speech(ask), Promise::Media),
            Mode::AudioTranscription => audio::transcription(ask, at("/audio/transcriptions")),
            Mode::Realtime => {
                let mut url = at("/v1/realtime");
                url.query_pairs_mut()
                    .append_pair("model", &body::model(ask));
                let mut request = handshake::request(url);
                request.tier = Tier::Inference;
                request
            }
            Mode::Batch => {
                let mut url = at("/batches");
                url.query_pairs_mut().append_pair("limit", "1");
                let mut request = ProbeRequest::get(url, LIST);
                request.tier = Tier::Inference;
                request
            }
        };
        self.prove(ask, &base, request)
    }

    fn free(&self, ask: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        let base = self.base(ask)?;
        free(ask, &base)
            .map(|request| self.prove(ask, &base, request))
            .transpose()
    }

    fn base(&self, ask: &Ask<'_>) -> Result<Base, String> {
        let base = match self.0.ending {
            Ending::Account if base::given(ask).is_none() => account(ask)?,
            _ => base::of(ask)?,
        };
        let is_also = |base: &Base| {
            base.origin == Origin::Entry
                && self.0.also.iter().any(|own| {
                    base::of_or(ask, own).is_ok_and(|base| base.origin == Origin::Vendor)
                })
        };
        let origin = if is_also(&base) {
            Origin::Vendor
        } else {
            base.origin
        };
        Ok(Base {
            endpoint: root(base.endpoint, self.0.ending),
            origin,
        })
    }

    fn mode_by_name(&self, model: &str) -> Option<&'static str> {
        names::mode(model)
    }

    fn wants_more(&self, ask: &Ask<'_>) -> bool {
        ask.mode.is_chat_like() && names::wants_more(ask.family())
    }
}

impl OpenAi {
    /// What is spoken at a base. Which efforts a model takes is known where its vendor answers: a gateway in the vendor's
    /// place may stand before an older API, and refuse what it does not know.
    fn at(&self, base: &Base) -> Dialect {
        match base.origin {
            Origin::Vendor => self.0,
            Origin::Entry | Origin::Environment => Dialect {
                thinking: Thinking::Untold,
                ..self.0
            },
        }
    }

    fn prove(
        &self,
        ask: &Ask<'_>,
        base: &Base,
        mut request: ProbeRequest,
    ) -> Result<ProbeRequest, String> {
        match self.0.mark {
            Mark::None | Mark::Workspace => {}
            Mark::Router => {
                for (name, variable) in
                    [("http-referer", "OR_SITE_URL"), ("x-title", "OR_APP_NAME")]
                {
                    let value = ask.variable(&[variable]).map(HeaderValue::from_str);
                    if let Some(Ok(value)) = value {
                        request.headers.insert(HeaderName::from_static(name), value);
                    }
                }
            }
            Mark::Key(name) => {
                if let Some(key) = key::find(ask, base) {
                    // a key that cannot stand in a header is refused as the bearer
                    let _ = key::put(Scheme::Header(name), key, &mut request.headers);
                }
            }
        }
        let mut request = prove(ask, base, request)?;
        if self.0.mark == Mark::Workspace && request.auth == Auth::None {
            request.unsendable = machine_login(ask);
        }
        Ok(request)
    }
}

/// Why nothing is sent where a workspace is to be asked in a way that is not known here.
fn machine_login(ask: &Ask<'_>) -> Option<String> {
    ask.variable(&[CLIENT]).map(|_| {
        format!(
            "provider `{0}` is asked with a token, not with the login of `{CLIENT}`; set `api_key` of this entry",
            ask.provider.name
        )
    })
}

/// Cloudflare's own base, which holds the account.
fn account(ask: &Ask<'_>) -> Result<Base, String> {
    if ask.variable(ask.provider.base_vars).is_some() {
        return base::of(ask);
    }
    let Some(account) = ask.variable(&[ACCOUNT]) else {
        return Err(format!(
            "provider `{}` has one address per account: set `{ACCOUNT}`, or `api_base` of this entry",
            ask.provider.name
        ));
    };
    let mut base = base::of(ask)?;
    let mut url = base.endpoint.url.clone();
    join::name_model(&mut url, "/client/v4/accounts", account, true);
    base.endpoint.url = url;
    base.endpoint.url = base.endpoint.join("/ai/v1");
    Ok(base)
}

/// Whether a chat is to be asked as a response: the entry says so, or OpenAI itself makes nothing else with the model.
fn must_respond(ask: &Ask<'_>, base: &Base) -> bool {
    ask.model.starts_with("responses/")
        || (base.origin == Origin::Vendor
            && ask.provider.name == "openai"
            && names::only_responds(ask.family()))
}

/// Puts key and configured headers into a request. An `Authorization` that the entry gives replaces the key.
pub(crate) fn prove(
    ask: &Ask<'_>,
    base: &Base,
    mut request: ProbeRequest,
) -> Result<ProbeRequest, String> {
    let proof = key::prove(ask, base, &mut request.headers);
    params::add_headers(&ask.target.params, &mut request.headers)?;
    let proof = if params::gives_header(&ask.target.params, AUTHORIZATION.as_str()) {
        (Auth::Header, None)
    } else {
        proof
    };
    Ok(request.proved(proof))
}

#[cfg(test)]
mod tests;
