//! What a Bedrock model's name says: how it is called, in which region, and what AWS knows it by.

use super::super::region;
use crate::ask::Ask;

/// How the name says that the model is called, in LiteLLM's words.
const ROUTES: [(&str, Route); 10] = [
    ("converse", Route::Converse),
    ("converse_like", Route::ConverseLike),
    ("invoke", Route::Invoke),
    ("openai", Route::OpenAiBody),
    ("chat_completions", Route::ChatCompletions),
    ("mantle", Route::Mantle),
    ("agent", Route::Other("agent")),
    ("agentcore", Route::Other("agentcore")),
    ("async_invoke", Route::Other("async_invoke")),
    ("claude_platform", Route::Other("claude_platform")),
];

/// Words before an ARN that say how a model that was imported or tuned is spoken to.
const FORMATS: [&str; 14] = [
    "nova-2",
    "nova",
    "llama",
    "deepseek_r1",
    "qwen2",
    "qwen3",
    "moonshot",
    "anthropic",
    "mistral",
    "meta",
    "cohere",
    "ai21",
    "amazon",
    "stability",
];

/// What stands before the vendor's name where a model is asked across regions.
const ACROSS: [&str; 13] = [
    "global", "us", "eu", "apac", "jp", "au", "us-gov", "ca", "in", "sa", "il", "me", "af",
];

/// A way to call a model that its name asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Converse,
    ConverseLike,
    Invoke,
    OpenAiBody,
    ChatCompletions,
    Mantle,
    Other(&'static str),
}

/// A model's name, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id<'a> {
    pub(super) route: Option<Route>,
    /// The region that stands in the name.
    pub(super) region: Option<&'a str>,
    /// How an imported model is spoken to.
    pub(super) format: Option<&'a str>,
    /// What AWS knows the model by: an id or an ARN.
    pub(super) name: &'a str,
    /// What is asked: the entry's `model_id`, else the name.
    pub(super) asked: &'a str,
    /// The vendor's name of the model, as far as it is known; empty for an ARN that does not tell.
    pub(super) family: &'a str,
}

impl<'a> Id<'a> {
    /// Takes the model of a check apart.
    pub(super) fn of(ask: &Ask<'a>) -> Self {
        let mut id = Self::parse(ask.model);
        if let Some(asked) = ask.param("model_id") {
            id.asked = asked;
        }
        if id.is_opaque()
            && let Some(base) = ask.target.health.base_model.as_deref()
        {
            id.family = Self::parse(base.strip_prefix("bedrock/").unwrap_or(base)).family;
        }
        id
    }

    fn parse(model: &'a str) -> Self {
        let (mut route, mut region, mut format) = (None, None, None);
        let mut name = model;
        // ARNs have slashes of their own
        while !name.starts_with("arn:")
            && let Some((word, rest)) = name.split_once('/')
        {
            if let Some((_, found)) = ROUTES.iter().find(|(known, _)| *known == word) {
                route = route.or(Some(*found));
            } else if region::is_region(word) {
                region = region.or(Some(word));
            } else if FORMATS.contains(&word) {
                format = format.or(Some(word));
            } else {
                break;
            }
            name = rest;
        }
        Self {
            route,
            region: region.or_else(|| region::of_arn(name)),
            format,
            name,
            asked: name,
            family: family(name),
        }
    }

    /// Whether nothing is known of the model but its ARN.
    fn is_opaque(&self) -> bool {
        self.family.is_empty()
    }

    /// The region that the model's name or the entry's `model_id` holds.
    pub(super) fn named_region(&self) -> Option<&'a str> {
        region::of_arn(self.asked).or(self.region)
    }

    /// The kind of resource that an ARN names: `inference-profile`, `imported-model`; `None` for a plain id.
    pub(super) fn resource(&self) -> Option<&'a str> {
        resource(self.asked)
    }

    /// Whether the id names a profile that spreads over regions.
    pub(super) fn is_across(&self) -> bool {
        self.asked
            .split_once('.')
            .is_some_and(|(start, _)| ACROSS.contains(&start))
    }

    /// The version of one of OpenAI's closed models, such as (5, 6); none for `gpt-oss`.
    pub(super) fn gpt_version(&self) -> Option<(u32, u32)> {
        gpt_version(self.family)
    }
}

fn resource(name: &str) -> Option<&str> {
    if !name.starts_with("arn:") {
        return None;
    }
    name.split(':').nth(5)?.split('/').next()
}

/// The vendor's name of a model: without the regions before it; of an ARN what stands last, unless it is but a number.
fn family(name: &str) -> &str {
    let last = match resource(name) {
        None => name,
        Some("foundation-model" | "inference-profile") => {
            name.rsplit('/').next().unwrap_or_default()
        }
        Some(_) => "",
    };
    match last.split_once('.') {
        Some((start, rest)) if ACROSS.contains(&start) => rest,
        _ => last,
    }
}

/// The version in `openai.gpt-MAJOR.MINOR`.
pub(in super::super) fn gpt_version(family: &str) -> Option<(u32, u32)> {
    let rest = family.strip_prefix("openai.gpt-")?;
    let version = rest.split('-').next()?;
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// An id as one segment of a path, encoded as AWS's own SDKs do.
pub(super) fn segment(id: &str) -> String {
    percent_encoding::utf8_percent_encode(id, &UNRESERVED).to_string()
}

/// All but letters, digits and `-._~`.
const UNRESERVED: percent_encoding::AsciiSet = percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_apart_into_route_region_format_and_id() {
        let profile = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-6";
        let opaque = "arn:aws:bedrock:us-east-1:123456789012:imported-model/r4c4kewx2s0n";
        let (converse, invoke) = (Some(Route::Converse), Some(Route::Invoke));
        for (model, route, region, format, name, family) in [
            (
                "anthropic.claude-v2:1",
                None,
                None,
                None,
                "anthropic.claude-v2:1",
                "anthropic.claude-v2:1",
            ),
            (
                "us.amazon.nova-pro-v1:0",
                None,
                None,
                None,
                "us.amazon.nova-pro-v1:0",
                "amazon.nova-pro-v1:0",
            ),
            (
                "us-gov.openai.gpt-oss-20b-1:0",
                None,
                None,
                None,
                "us-gov.openai.gpt-oss-20b-1:0",
                "openai.gpt-oss-20b-1:0",
            ),
            ("converse/us.x.y", converse, None, None, "us.x.y", "x.y"),
            (
                "invoke/eu-west-3/mistral.m",
                invoke,
                Some("eu-west-3"),
                None,
                "mistral.m",
                "mistral.m",
            ),
            (
                "us-east-1/anthropic.claude-v2",
                None,
                Some("us-east-1"),
                None,
                "anthropic.claude-v2",
                "anthropic.claude-v2",
            ),
            (
                profile,
                None,
                Some("eu-west-1"),
                None,
                profile,
                "anthropic.claude-sonnet-4-6",
            ),
            (opaque, None, Some("us-east-1"), None, opaque, ""),
        ] {
            let id = Id::parse(model);
            assert_eq!(
                (id.route, id.region, id.format, id.name, id.family),
                (route, region, format, name, family),
                "{model}"
            );
        }
        let imported = format!("invoke/llama/{opaque}");
        let id = Id::parse(&imported);
        assert_eq!(
            (id.format, id.name, id.resource()),
            (Some("llama"), opaque, Some("imported-model"))
        );
    }

    #[test]
    fn versions_of_gpt_are_read_and_gpt_oss_has_none() {
        for (name, want) in [
            ("openai.gpt-5.6-sol", Some((5, 6))),
            ("openai.gpt-6-luna", Some((6, 0))),
            ("openai.gpt-oss-120b-1:0", None),
            ("anthropic.claude-v2", None),
        ] {
            assert_eq!(gpt_version(name), want, "{name}");
        }
    }

    #[test]
    fn ids_are_encoded_as_one_segment() {
        assert_eq!(segment("a.b-v1:0"), "a.b-v1%3A0");
        assert_eq!(segment("arn:x/y"), "arn%3Ax%2Fy");
    }
}
