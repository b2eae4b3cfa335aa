//! Chats: by Converse, by Invoke in the words of the model's vendor, or as OpenAI's.

use serde_json::{Map, Value, json};

use super::id::{Id, Route};
use crate::ask::Ask;
use crate::promise::{Fields, Kind, Promise};
use crate::providers::claude::{MESSAGE, messages_body};

/// Models that LiteLLM asks by Invoke, by how their names begin. All others are asked by Converse, which takes them all.
const BY_INVOKE: [&str; 8] = [
    "ai21.j2",
    "amazon.titan-text",
    "amazon.titan-tg1",
    "cohere.command",
    "meta.llama2",
    "mistral.mistral-7b",
    "mistral.mistral-small-2402",
    "mistral.mixtral",
];

/// From this version on OpenAI's models are asked in OpenAI's own words.
const GPT_SPEAKS_OPENAI: (u32, u32) = (5, 6);

/// The version of Anthropic's Messages at Bedrock.
const VERSION: (&str, &str) = ("anthropic_version", "bedrock-2023-05-31");

/// How a chat is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Converse,
    /// Converse's body at the very URL that the entry gives.
    ConverseLike,
    Invoke(Words),
    /// `/openai/v1/chat/completions`.
    ChatCompletions,
    /// `/anthropic/v1/messages` of Bedrock Mantle.
    Mantle,
}

/// The vendors' ways to put a question and an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// Anthropic's Messages.
    Messages,
    /// OpenAI's chat, which most open models take.
    Chat,
    Nova,
    Titan,
    MistralPrompt,
    /// Llama, and what was imported in its format.
    LlamaPrompt,
    DeepSeekPrompt,
    CohereChat,
    CoherePrompt,
    Jurassic,
}

/// How this model is asked. An error names the remedy.
pub(super) fn call(id: &Id<'_>) -> Result<Call, String> {
    match id.route {
        Some(Route::Converse) => return Ok(Call::Converse),
        Some(Route::ConverseLike) => return Ok(Call::ConverseLike),
        Some(Route::Invoke) => return words(id).map(Call::Invoke),
        Some(Route::OpenAiBody) => return Ok(Call::Invoke(Words::Chat)),
        Some(Route::ChatCompletions) => return Ok(Call::ChatCompletions),
        Some(Route::Mantle) => return Ok(Call::Mantle),
        Some(Route::Other(word)) => {
            return Err(format!(
                "`bedrock/{word}/` cannot be probed; set `probe: reachability` for it, or name a model in \
                 `model_info.health_check_model`"
            ));
        }
        None => {}
    }
    match id.format {
        Some("nova" | "nova-2") => return Ok(Call::Converse),
        Some(_) => return words(id).map(Call::Invoke),
        None => {}
    }
    if id.family.starts_with("twelvelabs.pegasus") {
        return Err(format!(
            "model `{}` answers about videos only, so a probe cannot ask it; set `probe: free`",
            id.name
        ));
    }
    let plain = id.asked == id.name;
    if plain
        && id
            .gpt_version()
            .is_some_and(|version| version >= GPT_SPEAKS_OPENAI)
    {
        Ok(Call::ChatCompletions)
    } else if BY_INVOKE.iter().any(|start| id.family.starts_with(start))
        || id.family.is_empty() && id.resource() == Some("imported-model")
    {
        words(id).map(Call::Invoke)
    } else {
        Ok(Call::Converse)
    }
}

/// The words that a model takes by Invoke.
fn words(id: &Id<'_>) -> Result<Words, String> {
    if let Some(format) = id.format {
        return Ok(match format {
            "nova" | "nova-2" => Words::Nova,
            "anthropic" => Words::Messages,
            "mistral" => Words::MistralPrompt,
            "cohere" => Words::CoherePrompt,
            "ai21" => Words::Jurassic,
            "amazon" => Words::Titan,
            "moonshot" => Words::Chat,
            _ => Words::LlamaPrompt,
        });
    }
    let vendor = id.family.split('.').next().unwrap_or_default();
    Ok(match vendor {
        "anthropic" => Words::Messages,
        "amazon" if id.family.contains("nova") => Words::Nova,
        "amazon" => Words::Titan,
        "mistral" if is_old_mistral(id.family) => Words::MistralPrompt,
        "meta" => Words::LlamaPrompt,
        "deepseek" if id.family.starts_with("deepseek.r1") => Words::DeepSeekPrompt,
        "cohere" if id.family.starts_with("cohere.command-r") => Words::CohereChat,
        "cohere" => Words::CoherePrompt,
        "ai21" if id.family.starts_with("ai21.j2") => Words::Jurassic,
        "" => {
            return Err(
                "how this model is spoken to is not known from its ARN; put it before the ARN, such as \
                 `bedrock/llama/arn:…`, `bedrock/openai/arn:…`, `bedrock/qwen3/arn:…` or `bedrock/converse/arn:…`"
                    .into(),
            );
        }
        _ => Words::Chat,
    })
}

/// The models that take a prompt; later ones take a chat.
fn is_old_mistral(family: &str) -> bool {
    BY_INVOKE.iter().any(|start| family.starts_with(start))
        || family.starts_with("mistral.mistral-large-24")
}

/// Converse's body.
pub(super) fn converse(ask: &Ask<'_>) -> Map<String, Value> {
    let mut body = object(json!({
        "messages": [{"role": "user", "content": [{"text": ask.text}]}],
    }));
    if let Some(limit) = ask.limit {
        body.insert("inferenceConfig".into(), json!({"maxTokens": limit}));
    }
    body
}

/// What Converse answers.
pub(super) const CONVERSED: Promise = Promise::Json(Fields {
    any_of: &[("output.message", Kind::Object)],
    model: None,
    usage: Some(("usage.inputTokens", "usage.outputTokens")),
});

/// The body of a chat by Invoke.
pub(super) fn invoke(ask: &Ask<'_>, words: Words) -> Map<String, Value> {
    let text = ask.text;
    let (body, place) = match words {
        Words::Messages => return messages_body(ask, &[VERSION]),
        Words::Nova => return converse(ask),
        Words::Titan => {
            let mut body = object(json!({"inputText": text}));
            if let Some(limit) = ask.limit {
                body.insert(
                    "textGenerationConfig".into(),
                    json!({"maxTokenCount": limit}),
                );
            }
            return body;
        }
        Words::Chat => (
            json!({"messages": [{"role": "user", "content": text}]}),
            "max_tokens",
        ),
        Words::MistralPrompt | Words::DeepSeekPrompt | Words::CoherePrompt => {
            (json!({"prompt": text}), "max_tokens")
        }
        Words::LlamaPrompt => (json!({"prompt": text}), "max_gen_len"),
        Words::CohereChat => (json!({"message": text}), "max_tokens"),
        Words::Jurassic => (json!({"prompt": text}), "maxTokens"),
    };
    let mut body = object(body);
    if let Some(limit) = ask.limit {
        body.insert(place.into(), limit.into());
    }
    body
}

/// What a chat by Invoke answers.
pub(super) fn answered(words: Words) -> Promise {
    let (any_of, usage): (&'static [(&'static str, Kind)], _) = match words {
        Words::Messages => return MESSAGE,
        Words::Nova => return CONVERSED,
        Words::Titan => (
            &[("results", Kind::Filled)],
            Some(("inputTextTokenCount", "results.0.tokenCount")),
        ),
        Words::Chat => return crate::providers::openai::promises::CHOICES,
        Words::MistralPrompt => (
            &[("outputs", Kind::Filled), ("choices", Kind::Filled)],
            None,
        ),
        Words::DeepSeekPrompt => (&[("choices", Kind::Filled)], None),
        // servers of imported models differ
        Words::LlamaPrompt => (
            &[
                ("generation", Kind::Text),
                ("choices", Kind::Filled),
                ("outputs", Kind::Filled),
            ],
            Some(("prompt_token_count", "generation_token_count")),
        ),
        Words::CohereChat => (&[("text", Kind::Text)], None),
        Words::CoherePrompt => (&[("generations", Kind::Filled)], None),
        Words::Jurassic => (&[("completions", Kind::Filled)], None),
    };
    Promise::Json(Fields {
        any_of,
        model: None,
        usage,
    })
}

/// The map of a literal object.
pub(in super::super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
