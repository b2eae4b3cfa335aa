//! Amazon Bedrock Mantle: OpenAI's chat and responses, Anthropic's Messages for Claude.
//!
//! Where LiteLLM looks into its cost map for the path of a model, its name decides here: OpenAI's closed models, Gemma 4
//! and Grok are below `/openai/v1`, all others below `/v1`.

use reqwest::header::HeaderValue;

use super::bedrock::{gpt_version, join};
use super::place::{Place, Service, prove};
use super::region;
use crate::ask::Ask;
use crate::base::Base;
use crate::mode::Mode;
use crate::promise::{Models, Promise};
use crate::providers::Shape;
use crate::providers::claude::{MESSAGE, messages_body};
use crate::providers::openai::{body, dialect, promises};
use crate::request::ProbeRequest;

/// Where it is asked.
pub(super) const MANTLE: Service = Service {
    hosts: &["bedrock-mantle"],
    api_aws: true,
    base_params: &[],
    region_vars: &["BEDROCK_MANTLE_REGION", "AWS_REGION_NAME", "AWS_REGION"],
    region: "us-east-1",
    signs: "bedrock",
};

/// Ends of bases that name an API; what is before them is the host.
const ENDS: [&str; 9] = [
    "/anthropic/v1/messages",
    "/anthropic/v1",
    "/anthropic",
    "/openai/v1/chat/completions",
    "/openai/v1/responses",
    "/v1/chat/completions",
    "/v1/responses",
    "/openai/v1",
    "/v1",
];

/// The shape.
pub(super) struct Mantle;

impl Shape for Mantle {
    fn inference(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String> {
        let (region, model) = split(ask.model);
        let place = place(ask, region)?;
        let ask = &Ask { model, ..*ask };
        let claude = is_claude(model);
        let (end, body, promise) = match ask.mode {
            Mode::AnthropicMessages => return ask_messages(ask, &place),
            Mode::Chat if claude => return ask_messages(ask, &place),
            Mode::Responses if !claude => (
                "/responses",
                body::response(ask, &dialect::OPENAI),
                promises::OUTPUT,
            ),
            Mode::Responses => return ask_messages(ask, &place),
            _ => (
                "/chat/completions",
                body::chat(ask, &dialect::OPENAI),
                promises::CHOICES,
            ),
        };
        let url = join(&place.base, version(model), end);
        let mut request = ProbeRequest::post(url, &body, promise);
        project(ask, "openai-project", &mut request)?;
        prove(ask, &place, &MANTLE, request)
    }

    fn free(&self, ask: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        let (region, _) = split(ask.model);
        let place = place(ask, region)?;
        let url = join(&place.base, "/v1", "/models");
        let promise = Promise::Models(Models {
            list: "data",
            names: &["id"],
            wanted: None,
        });
        prove(ask, &place, &MANTLE, ProbeRequest::get(url, promise)).map(Some)
    }

    fn base(&self, ask: &Ask<'_>) -> Result<Base, String> {
        place(ask, split(ask.model).0).map(|place| place.base)
    }

    fn mode_by_name(&self, model: &str) -> Option<&'static str> {
        let model = split(model).1;
        if is_claude(model) {
            Some("anthropic_messages")
        } else if gpt_version(model).is_some() {
            Some("responses")
        } else {
            None
        }
    }
}

/// A region in front of the model, and the model.
fn split(model: &str) -> (Option<&str>, &str) {
    match model.split_once('/') {
        Some((word, rest)) if region::is_region(word) => (Some(word), rest),
        _ => (None, model),
    }
}

fn is_claude(model: &str) -> bool {
    model.to_ascii_lowercase().contains("claude")
}

/// The place, its base cut back to what all APIs have in common.
fn place(ask: &Ask<'_>, region: Option<&str>) -> Result<Place, String> {
    let mut place = MANTLE.place(ask, region)?;
    cut(&mut place.base);
    Ok(place)
}

/// Cuts off what names an API.
fn cut(base: &mut Base) {
    let url = &mut base.endpoint.url;
    let path = url.path().trim_end_matches('/').to_owned();
    if let Some(rest) = ENDS.iter().find_map(|end| path.strip_suffix(end)) {
        url.set_path(rest);
    }
}

/// Where a model's OpenAI surface begins.
fn version(model: &str) -> &'static str {
    let closed = gpt_version(model).is_some() || model.starts_with("openai.gpt-daybreak");
    if closed || model.starts_with("google.gemma-4") || model.starts_with("xai.") {
        "/openai/v1"
    } else {
        "/v1"
    }
}

/// A chat in Anthropic's words; the model stands in the body.
pub(super) fn ask_messages(ask: &Ask<'_>, place: &Place) -> Result<ProbeRequest, String> {
    let mut place = place.clone();
    cut(&mut place.base);
    let body = messages_body(ask, &[("model", ask.model)]);
    let url = join(&place.base, "/anthropic/v1", "/messages");
    let mut request = ProbeRequest::post(url, &body, MESSAGE);
    let version = HeaderValue::from_static("2023-06-01");
    request.headers.insert("anthropic-version", version);
    project(ask, "anthropic-workspace-id", &mut request)?;
    prove(ask, &place, &MANTLE, request)
}

/// Puts the project of the entry into a header.
fn project(ask: &Ask<'_>, header: &'static str, request: &mut ProbeRequest) -> Result<(), String> {
    if let Some(project) = ask.param("aws_bedrock_project_id") {
        let value = HeaderValue::from_str(project).map_err(|_| {
            "`aws_bedrock_project_id` holds a character that no header may hold".to_owned()
        })?;
        request.headers.insert(header, value);
    }
    Ok(())
}

#[cfg(test)]
#[path = "mantle_tests.rs"]
mod tests;
