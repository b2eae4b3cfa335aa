//! The bodies that are asked, per mode.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::dialect::{Dialect, Mark, Thinking};
use crate::ask::Ask;
use crate::effort;
use crate::params;
use crate::tokens::{last_segment, reasons};

/// The least `max_output_tokens` that OpenAI takes.
pub(crate) const LEAST_OUTPUT: u32 = 16;

/// The voice that speaks where the entry names none.
const VOICE: &str = "alloy";

/// Parameters that say how much a model is to think. Whoever sets one wants it so.
const SAYS_THINKING: [&str; 4] = [
    "reasoning_effort",
    "reasoning",
    "thinking",
    "chat_template_kwargs",
];

/// Where a mapping sets tokens aside for thinking: Anthropic's, OpenRouter's.
const BUDGETS: [(&str, &str); 2] = [("thinking", "budget_tokens"), ("reasoning", "max_tokens")];

/// The model as the upstream knows it. LiteLLM's mark for a model that is asked for responses is not part of it; all of
/// OpenRouter's names have an author, and its own models are by itself.
pub(crate) fn model<'a>(ask: &Ask<'a>) -> Cow<'a, str> {
    let model = ask.model.strip_prefix("responses/").unwrap_or(ask.model);
    if ask.provider.name == "openrouter" && !model.contains(['/', '*']) {
        Cow::Owned(format!("openrouter/{model}"))
    } else {
        Cow::Borrowed(model)
    }
}

/// A chat of one message.
pub(crate) fn chat(ask: &Ask<'_>, dialect: &Dialect) -> Map<String, Value> {
    let mut body = begin(ask);
    body.insert(
        "messages".into(),
        json!([{"role": "user", "content": ask.text}]),
    );
    limit(ask, dialect, &mut body);
    sampling(ask, &mut body);
    params::copy_fields(&ask.target.params, &params::CHAT_OTHER, &mut body);
    params::copy_mappings(&ask.target.params, &params::CHAT_MAPPINGS, &mut body);
    match think(ask, dialect) {
        Think::Effort(effort) => {
            body.insert("reasoning_effort".into(), effort.into());
        }
        Think::Reasoning(effort) => {
            body.insert("reasoning".into(), json!({"effort": effort}));
        }
        Think::AsGiven => {}
    }
    if dialect.mark == Mark::Router {
        body.insert("usage".into(), json!({"include": true}));
    }
    params::merge_extra_body(&ask.target.params, &mut body);
    drop_budgets(ask, &mut body);
    body
}

/// A chat that is to answer with a picture.
pub(crate) fn drawing_chat(ask: &Ask<'_>, dialect: &Dialect) -> Map<String, Value> {
    let mut body = chat(ask, dialect);
    body.insert("modalities".into(), json!(["image", "text"]));
    body
}

/// A text to complete.
pub(crate) fn completion(ask: &Ask<'_>, dialect: &Dialect) -> Map<String, Value> {
    let mut body = begin(ask);
    body.insert("prompt".into(), ask.text.into());
    limit(ask, dialect, &mut body);
    sampling(ask, &mut body);
    params::copy_fields(&ask.target.params, &["user"], &mut body);
    params::merge_extra_body(&ask.target.params, &mut body);
    body
}

/// A response.
pub(crate) fn response(ask: &Ask<'_>, dialect: &Dialect) -> Map<String, Value> {
    let mut body = begin(ask);
    body.insert("input".into(), ask.text.into());
    if let Some(limit) = ask.limit {
        body.insert("max_output_tokens".into(), limit.max(LEAST_OUTPUT).into());
    }
    if !reasons(ask.family()) {
        params::copy_fields(&ask.target.params, &["temperature", "top_p"], &mut body);
    }
    params::copy_fields(&ask.target.params, &["service_tier", "user"], &mut body);
    params::copy_mappings(&ask.target.params, &["reasoning"], &mut body);
    let given = ask.param("reasoning_effort");
    match (think(ask, dialect), given) {
        (Think::Effort(effort) | Think::Reasoning(effort), _) | (Think::AsGiven, Some(effort)) => {
            body.insert("reasoning".into(), json!({"effort": effort}));
        }
        (Think::AsGiven, None) => {}
    }
    params::merge_extra_body(&ask.target.params, &mut body);
    body
}

/// A text to embed.
pub(crate) fn embedding(ask: &Ask<'_>, dialect: &Dialect) -> Map<String, Value> {
    let mut body = begin(ask);
    body.insert("input".into(), json!([ask.text]));
    limit(ask, dialect, &mut body);
    params::copy_fields(&ask.target.params, &params::EMBEDDING, &mut body);
    params::merge_extra_body(&ask.target.params, &mut body);
    body
}

/// A text to moderate.
pub(crate) fn moderation(ask: &Ask<'_>) -> Map<String, Value> {
    let mut body = begin(ask);
    body.insert("input".into(), ask.text.into());
    params::merge_extra_body(&ask.target.params, &mut body);
    body
}

/// A picture to make: the cheapest that OpenAI's own models make and that fits into an answer, unless the entry says
/// otherwise.
pub(crate) fn image(ask: &Ask<'_>) -> Map<String, Value> {
    let mut body = begin(ask);
    body.insert("prompt".into(), ask.text.into());
    let family = last_segment(ask.family());
    let cheapest: &[(&str, Value)] = &if family.starts_with("gpt-image-") {
        vec![
            ("quality", "low".into()),
            ("size", "1024x1024".into()),
            ("output_format", "jpeg".into()),
            ("output_compression", 50.into()),
        ]
    } else if family == "dall-e-2" {
        vec![("size", "256x256".into())]
    } else {
        Vec::new()
    };
    for (name, value) in cheapest {
        body.insert((*name).to_owned(), value.clone());
    }
    params::copy_fields(&ask.target.params, &params::IMAGE, &mut body);
    params::merge_extra_body(&ask.target.params, &mut body);
    body
}

/// A text to speak.
pub(crate) fn speech(ask: &Ask<'_>) -> Map<String, Value> {
    let mut body = begin(ask);
    body.insert("input".into(), ask.text.into());
    let voice = ask.target.health.voice.as_deref();
    let voice = voice.or_else(|| ask.param("voice")).unwrap_or(VOICE);
    body.insert("voice".into(), voice.into());
    params::copy_fields(&ask.target.params, &params::SPEECH, &mut body);
    params::merge_extra_body(&ask.target.params, &mut body);
    body
}

fn begin(ask: &Ask<'_>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("model".into(), model(ask).as_ref().into());
    body
}

/// The limit of output tokens, under the name that the model takes.
fn limit(ask: &Ask<'_>, dialect: &Dialect, body: &mut Map<String, Value>) {
    if let Some(limit) = ask.limit {
        let name = if dialect.renames_limit && reasons(ask.family()) {
            "max_completion_tokens"
        } else {
            "max_tokens"
        };
        body.insert(name.into(), limit.into());
    }
}

fn sampling(ask: &Ask<'_>, body: &mut Map<String, Value>) {
    if !reasons(ask.family()) {
        params::copy_fields(&ask.target.params, &params::CHAT_SAMPLING, body);
    }
}

/// Leaves out what sets more tokens aside for thinking than the answer may have: such a request is refused.
fn drop_budgets(ask: &Ask<'_>, body: &mut Map<String, Value>) {
    let Some(limit) = ask.limit else {
        return;
    };
    for (name, field) in BUDGETS {
        let budget = body.get(name).and_then(|value| value.get(field)?.as_u64());
        if budget.is_some_and(|budget| budget >= u64::from(limit)) {
            body.shift_remove(name);
        }
    }
}

/// How a model is told how much to think.
enum Think<'a> {
    /// By this `reasoning_effort`.
    Effort(&'a str),
    /// By this effort in `reasoning`.
    Reasoning(&'a str),
    /// As the entry's own parameters say, or not at all.
    AsGiven,
}

/// The configured effort of the probe, else the entry's own parameters, else the least that the model takes.
fn think<'a>(ask: &Ask<'a>, dialect: &Dialect) -> Think<'a> {
    if let Some(effort) = ask.target.health.reasoning_effort.as_deref() {
        return Think::Effort(effort);
    }
    let params = &ask.target.params;
    let extra = params.get("extra_body").and_then(Value::as_object);
    let is_given = |name: &&str| {
        let given = |params: &Map<String, Value>| params.get(*name).is_some_and(|v| !v.is_null());
        given(params) || extra.is_some_and(given)
    };
    if SAYS_THINKING.iter().any(is_given) {
        return Think::AsGiven;
    }
    let family = ask.family();
    let effort = match dialect.thinking {
        Thinking::Untold => None,
        Thinking::OpenAi => effort::of_openai(family).map(Think::Effort),
        Thinking::Router if family.starts_with("openai/") => {
            effort::of_openai(family).map(Think::Reasoning)
        }
        Thinking::Router => None,
        Thinking::Known(known) => effort::of_list(known, family).map(Think::Effort),
    };
    effort.unwrap_or(Think::AsGiven)
}
