//! The Messages API's body and answer, wherever Claude is served: by Anthropic, Vertex AI, Bedrock, Azure AI.
//!
//! What of an entry travels: `temperature`, `top_p`, `top_k`, for models that take them; `extra_body`. `thinking` and
//! efforts stay here: a thinking Claude has to be given 1,024 tokens at least, sixty-four times what a probe allows.

use serde_json::{Map, Value, json};

use crate::ask::Ask;
use crate::params;
use crate::promise::{Fields, Kind, Promise};
use crate::tokens::last_segment;

/// What the Messages API answers. The content may be empty: the limit of tokens was reached before any.
pub(crate) const MESSAGE: Promise = Promise::Json(Fields {
    any_of: &[("content", Kind::List)],
    model: Some("model"),
    usage: Some(("usage.input_tokens", "usage.output_tokens")),
});

/// The limit where the entry says that none is to be sent: the API wants one.
const LIMIT: u32 = 16;

const SAMPLING: [&str; 3] = ["temperature", "top_p", "top_k"];

/// Fields of `extra_body` that stay here: they make Claude think or act, or are the probe's own.
const KEPT_FIELDS: [&str; 6] = [
    "anthropic_version",
    "container",
    "context_management",
    "output_config",
    "system",
    "thinking",
];

/// The body of a Messages call. `head` are the fields that name model or version, which differ by who serves it:
/// `("model", …)` at Anthropic, `("anthropic_version", "bedrock-2023-05-31")` at Bedrock.
pub(crate) fn messages_body(ask: &Ask<'_>, head: &[(&str, &str)]) -> Map<String, Value> {
    let mut body = Map::new();
    for (name, value) in head {
        body.insert((*name).to_owned(), (*value).into());
    }
    let content = json!([{"type": "text", "text": ask.text}]);
    body.insert("max_tokens".into(), ask.limit.unwrap_or(LIMIT).into());
    body.insert(
        "messages".into(),
        json!([{"role": "user", "content": content}]),
    );
    if takes_sampling(ask.family()) {
        params::copy_fields(&ask.target.params, &SAMPLING, &mut body);
    }
    let mut extra = Map::new();
    params::merge_extra_body(&ask.target.params, &mut extra);
    body.extend(
        extra
            .into_iter()
            .filter(|(name, _)| !KEPT_FIELDS.contains(&name.as_str())),
    );
    body
}

/// Whether a model takes sampling settings. From Opus 4.7 on, and from the fifth generation on, Claude refuses them.
fn takes_sampling(model: &str) -> bool {
    let name = last_segment(model).to_ascii_lowercase().replace('.', "-");
    if ["opus-4-7", "opus-4-8", "fable", "mythos"]
        .iter()
        .any(|part| name.contains(part))
    {
        return false;
    }
    let generation = ["opus-", "sonnet-", "haiku-"].iter().find_map(|family| {
        let (_, rest) = name.split_once(family)?;
        let digits = rest.split('-').next()?;
        // dates follow the family too, in the third generation's names
        digits.parse::<u32>().ok().filter(|number| *number < 100)
    });
    generation.is_none_or(|number| number < 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_claudes_get_no_sampling_settings() {
        for (model, want) in [
            ("claude-3-5-sonnet-20241022", true),
            ("claude-3-haiku-20240307", true),
            ("claude-sonnet-4-5", true),
            ("claude-opus-4-6", true),
            ("us.anthropic.claude-sonnet-4-20250514-v1:0", true),
            ("claude-opus-4-7-20260416", false),
            ("anthropic/claude-opus-4.8", false),
            ("claude-sonnet-5-5", false),
            ("claude-haiku-5-5@20261001", false),
            ("claude-fable-5", false),
            ("claude-mythos-preview", false),
        ] {
            assert_eq!(takes_sampling(model), want, "{model}");
        }
    }
}
