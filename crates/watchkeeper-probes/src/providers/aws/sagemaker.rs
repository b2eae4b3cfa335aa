//! Amazon SageMaker's endpoints: text generation and embeddings as Hugging Face's servers take them (`sagemaker/`), or
//! OpenAI's chat (`sagemaker_chat/`).
//!
//! LiteLLM puts an entry's AWS keys into the body of `sagemaker_chat/`; here they sign and stay.

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Map, Value, json};

use super::REGION_VARS;
use super::bedrock::object;
use super::place::{Place, Service, prove};
use crate::ask::Ask;
use crate::base::{Base, Origin};
use crate::endpoint::Endpoint;
use crate::mode::Mode;
use crate::promise::{Fields, Kind, Promise};
use crate::providers::Shape;
use crate::providers::openai::{body, dialect, promises};
use crate::request::ProbeRequest;

/// Where endpoints are asked.
const RUNTIME: Service = Service {
    hosts: &["runtime.sagemaker", "runtime-fips.sagemaker"],
    api_aws: false,
    base_params: &["sagemaker_base_url"],
    region_vars: &REGION_VARS,
    region: "us-west-2",
    signs: "sagemaker",
};

/// Where endpoints are described.
const CONTROL: Service = Service {
    hosts: &["api.sagemaker"],
    ..RUNTIME
};

/// What a server of text generation answers.
const GENERATED: Promise = Promise::Json(Fields {
    any_of: &[
        ("0.generated_text", Kind::Text),
        ("generated_text", Kind::Text),
        ("0.generation", Kind::Text),
        ("0.generation", Kind::Object),
        ("generation", Kind::Text),
        ("choices", Kind::Filled),
    ],
    model: None,
    usage: None,
});

/// What a server of embeddings answers.
const EMBEDDED: Promise = Promise::Json(Fields {
    any_of: &[
        ("embedding", Kind::List),
        ("0", Kind::List),
        ("embeddings", Kind::List),
        ("data", Kind::Filled),
    ],
    model: None,
    usage: None,
});

/// An endpoint that takes requests.
const IN_SERVICE: Promise = Promise::Json(Fields {
    any_of: &[
        ("EndpointStatus", Kind::Exactly("InService")),
        ("EndpointStatus", Kind::Exactly("Updating")),
        ("EndpointStatus", Kind::Exactly("SystemUpdating")),
        ("EndpointStatus", Kind::Exactly("RollingBack")),
    ],
    model: None,
    usage: None,
});

const LISTED: Promise = Promise::Json(Fields {
    any_of: &[("Endpoints", Kind::List)],
    model: None,
    usage: None,
});

/// The shape; `chat` for endpoints that speak as OpenAI does.
pub(super) struct SageMaker {
    pub(super) chat: bool,
}

impl Shape for SageMaker {
    fn inference(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String> {
        let place = RUNTIME.place(ask, None)?;
        let (body, promise) = match ask.mode {
            Mode::Embedding => (object(json!({"inputs": [ask.text]})), EMBEDDED),
            _ if self.chat => (body::chat(ask, &dialect::PLAIN), promises::CHOICES),
            _ => (generate(ask), GENERATED),
        };
        let mut request = ProbeRequest::post(invocations(ask, &place), &body, promise);
        if let Some(component) = ask.param("model_id") {
            let value = HeaderValue::from_str(component)
                .map_err(|_| "`model_id` holds a character that no header may hold".to_owned())?;
            let name = "x-amzn-sagemaker-inference-component";
            request.headers.insert(name, value);
        }
        prove(ask, &place, &RUNTIME, request)
    }

    fn free(&self, ask: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        let place = RUNTIME.place(ask, None)?;
        if place.base.origin != Origin::Vendor {
            return Ok(None);
        }
        let (target, body, promise) = if ask.is_wildcard() {
            ("SageMaker.ListEndpoints", json!({"MaxResults": 1}), LISTED)
        } else {
            let body = json!({"EndpointName": ask.model});
            ("SageMaker.DescribeEndpoint", body, IN_SERVICE)
        };
        let base = Base {
            endpoint: Endpoint::parse("aws_region_name", &CONTROL.public(&place.region))?,
            origin: Origin::Vendor,
        };
        let mut request = ProbeRequest {
            billed: false,
            tier: ProbeRequest::get(base.endpoint.url.clone(), LISTED).tier,
            ..ProbeRequest::post(base.endpoint.url.clone(), &object(body), promise)
        };
        let json = HeaderValue::from_static("application/x-amz-json-1.1");
        request.headers.insert(CONTENT_TYPE, json);
        let target = HeaderValue::from_static(target);
        request.headers.insert("x-amz-target", target);
        let place = Place { base, ..place };
        prove(ask, &place, &CONTROL, request).map(Some)
    }

    fn base(&self, ask: &Ask<'_>) -> Result<Base, String> {
        RUNTIME.place(ask, None).map(|place| place.base)
    }
}

/// `base/endpoints/{name}/invocations`; a base that is the whole URL is taken as such.
fn invocations(ask: &Ask<'_>, place: &Place) -> url::Url {
    let endpoint = &place.base.endpoint;
    if endpoint
        .url
        .path()
        .trim_end_matches('/')
        .ends_with("/invocations")
    {
        return endpoint.url.clone();
    }
    let mut url = endpoint.join("/endpoints");
    // fails only for URLs that cannot be a base, which http and https always can
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.push(ask.model).push("invocations");
    }
    url
}

fn generate(ask: &Ask<'_>) -> Map<String, Value> {
    let mut body = object(json!({"inputs": ask.text}));
    if let Some(limit) = ask.limit {
        body.insert("parameters".into(), json!({"max_new_tokens": limit}));
    }
    body
}

#[cfg(test)]
#[path = "sagemaker_tests.rs"]
mod tests;
