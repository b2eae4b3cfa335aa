//! IBM watsonx.ai, with a token of its own (`token`, `WATSONX_TOKEN`) or a Zen key (`zen_api_key`).
//!
//! What differs from LiteLLM's request, and why: an IBM Cloud API key has to be changed for a token at IBM's login
//! first, which probes cannot do; such an entry is a `config_error` that says so. Its free call needs no key at all.

use serde_json::{Map, json};
use url::Url;

use super::super::Shape;
use super::super::openai::prove;
use crate::ask::Ask;
use crate::base::{self, Base, Origin};
use crate::glance::OPENAI_USAGE;
use crate::mode::Mode;
use crate::params;
use crate::promise::{Fields, Kind, Models, Promise};
use crate::request::{Auth, ProbeRequest, authorize};

/// Variables beside base and token.
pub(super) const VARIABLES: [&str; 8] = [
    "WATSONX_ZENAPIKEY",
    "WATSONX_PROJECT_ID",
    "WX_PROJECT_ID",
    "PROJECT_ID",
    "WATSONX_DEPLOYMENT_SPACE_ID",
    "WATSONX_SPACE_ID",
    "WX_SPACE_ID",
    "SPACE_ID",
];

/// The version of the API that LiteLLM asks for.
const VERSION: &str = "2024-03-13";

/// What is said of an entry that has neither.
const NO_TOKEN: &str = "watsonx wants a token: an IBM Cloud API key has to be changed for one at IBM's login, which \
                        probes cannot do; set `token` of this entry or `WATSONX_TOKEN`, or, for Cloud Pak, \
                        `zen_api_key` or `WATSONX_ZENAPIKEY`";

/// The shape.
pub(super) struct Watsonx;

impl Shape for Watsonx {
    fn inference(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String> {
        let base = base::of(ask)?;
        let mut body = Map::new();
        let deployment = ask.model.strip_prefix("deployment/");
        let call = match ask.mode {
            Mode::Embedding => "embeddings",
            Mode::Rerank => "rerank",
            _ => "chat",
        };
        if deployment.is_none() {
            body.insert("model_id".into(), ask.model.into());
            let (name, value) = home(ask)?;
            body.insert(name.into(), value.into());
        }
        let fields = match ask.mode {
            Mode::Embedding => {
                body.insert("inputs".into(), json!([ask.text]));
                Fields {
                    any_of: &[("results", Kind::Filled)],
                    model: Some("model_id"),
                    usage: Some(("input_token_count", "output_token_count")),
                }
            }
            Mode::Rerank => {
                body.insert("query".into(), ask.text.into());
                body.insert("inputs".into(), json!([{"text": ask.text}]));
                Fields {
                    any_of: &[("results", Kind::Filled)],
                    model: Some("model_id"),
                    usage: Some(("input_token_count", "output_token_count")),
                }
            }
            _ => {
                let messages = json!([{"role": "user", "content": ask.text}]);
                body.insert("messages".into(), messages);
                if let Some(limit) = ask.limit {
                    body.insert("max_tokens".into(), limit.into());
                }
                params::copy_fields(&ask.target.params, &params::CHAT_SAMPLING, &mut body);
                Fields {
                    any_of: &[("choices", Kind::Filled)],
                    model: Some("model_id"),
                    usage: Some(OPENAI_USAGE),
                }
            }
        };
        let path = match deployment {
            Some(id) => format!("/ml/v1/deployments/{id}/text/{call}"),
            None => format!("/ml/v1/text/{call}"),
        };
        let url = versioned(ask, base.endpoint.join(&path));
        let request = ProbeRequest::post(url, &body, Promise::Json(fields));
        signed(ask, &base, request)
    }

    fn free(&self, ask: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        if ask.model.starts_with("deployment/") {
            return Ok(None);
        }
        let base = base::of(ask)?;
        let url = versioned(ask, base.endpoint.join("/ml/v1/foundation_model_specs"));
        let promise = Promise::Models(Models {
            list: "resources",
            names: &["model_id"],
            wanted: None,
        });
        Ok(Some(ProbeRequest::get(url, promise)))
    }
}

/// The project or space that is billed.
fn home<'a>(ask: &Ask<'a>) -> Result<(&'static str, &'a str), String> {
    let project = ask
        .param("project_id")
        .or_else(|| ask.param("watsonx_project"));
    let [_, project_vars @ .., _, _, _, _] = &VARIABLES;
    let [_, _, _, _, space_vars @ ..] = &VARIABLES;
    if let Some(project) = project {
        return Ok(("project_id", project));
    }
    if let Some(space) = ask.param("space_id") {
        return Ok(("space_id", space));
    }
    if let Some(project) = ask.variable(project_vars) {
        return Ok(("project_id", project));
    }
    let space = ask.variable(space_vars).map(|space| ("space_id", space));
    space.ok_or_else(|| {
        "watsonx wants to know whom to bill: set `project_id` or `space_id` of this entry, or `WATSONX_PROJECT_ID`"
            .into()
    })
}

fn versioned(ask: &Ask<'_>, mut url: Url) -> Url {
    let version = ask.param("api_version").unwrap_or(VERSION);
    url.query_pairs_mut().append_pair("version", version);
    url
}

/// With the entry's token, else the environment's. `api_key` is a key that has to be changed first, and is not sent.
fn signed(ask: &Ask<'_>, base: &Base, request: ProbeRequest) -> Result<ProbeRequest, String> {
    let of_env = |name| {
        (base.origin != Origin::Entry)
            .then(|| ask.variable(&[name]))
            .flatten()
    };
    let token = ask.param("token").or_else(|| of_env("WATSONX_TOKEN"));
    let zen = ask
        .param("zen_api_key")
        .or_else(|| of_env("WATSONX_ZENAPIKEY"));
    let value = match (token, zen) {
        (Some(token), _) => format!("Bearer {token}"),
        (None, Some(zen)) => format!("ZenApiKey {zen}"),
        (None, None) => {
            let request = request.proved((Auth::Bearer, Some(NO_TOKEN.to_owned())));
            return Ok(request);
        }
    };
    let mut request = prove(ask, base, request)?;
    let sent = authorize(&mut request.headers, &value);
    let refused = (!sent).then(|| "the token holds a character that no header may hold".to_owned());
    Ok(request.proved((Auth::Bearer, refused)))
}
