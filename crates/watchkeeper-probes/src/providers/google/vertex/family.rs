//! Whose model it is, by its name as LiteLLM reads it: that decides path and words.

use crate::ask::Ask;

/// A family of models on Vertex AI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Google's own, also tuned ones at an endpoint.
    Google,
    /// Anthropic's, in the words of its Messages API.
    Claude,
    /// Mistral's, in OpenAI's words at a path of their own.
    Mistral,
    /// AI21's, in OpenAI's words at a path of their own.
    Ai21,
    /// Served to all in OpenAI's words: Llama, DeepSeek, Qwen and more.
    Open,
    /// Deployed at an endpoint of the project's own, in OpenAI's words.
    Deployed,
    /// BGE embeddings at an endpoint of the project's own.
    Bge,
}

/// How the names begin of what is served to all in OpenAI's words.
const OPEN: [&str; 9] = [
    "meta/",
    "deepseek-ai",
    "qwen",
    "openai/gpt-oss-",
    "minimaxai/",
    "moonshotai/",
    "zai-org/",
    "google/gemma-",
    "xai/",
];

/// The family of the model that is asked; an error says what cannot be asked.
pub(super) fn of(ask: &Ask<'_>) -> Result<Family, String> {
    let model = ask.model;
    let base_model = ask.param("base_model").unwrap_or_else(|| ask.family());
    if model.contains("agent_engine/") || model.starts_with("gemma/") {
        return Err(format!(
            "model `{model}` is behind an endpoint that takes no chat; give its own address as `api_base` of an \
             `openai/` entry, or check that address as a plain URL"
        ));
    }
    let starts = |start: &&str| model.starts_with(*start);
    let family = if base_model != model && base_model.contains("gemini") {
        Family::Google
    } else if model.starts_with("claude") {
        Family::Claude
    } else if OPEN.iter().any(starts) {
        Family::Open
    } else if ["mistral", "codestral"].iter().any(starts) {
        Family::Mistral
    } else if model.starts_with("jamba") {
        Family::Ai21
    } else if model.to_ascii_lowercase().contains("bge") {
        Family::Bge
    } else if model.starts_with("openai/") {
        Family::Deployed
    } else {
        Family::Google
    };
    Ok(family)
}

/// The resource of a model, below project and location.
pub(super) fn resource(family: Family, model: &str) -> String {
    let bare = ["gemini/", "bge/", "openai/"]
        .iter()
        .find_map(|route| model.strip_prefix(route))
        .unwrap_or(model);
    let publisher = match family {
        Family::Open => return "endpoints/openapi".to_owned(),
        Family::Deployed => return format!("endpoints/{bare}"),
        Family::Google | Family::Bge if is_number(bare) => return format!("endpoints/{bare}"),
        Family::Google | Family::Bge => "google",
        Family::Claude => "anthropic",
        Family::Mistral => "mistralai",
        Family::Ai21 => "ai21",
    };
    format!("publishers/{publisher}/models/{bare}")
}

/// The public resource of a model in Google's catalogue, which knows no versions; `None` for what is not in it.
pub(super) fn public(family: Family, model: &str) -> Option<String> {
    let resource = match family {
        Family::Open => {
            let (publisher, name) = model.split_once('/')?;
            format!("publishers/{publisher}/models/{name}")
        }
        family => resource(family, model),
    };
    let bare = resource.split('@').next()?;
    bare.starts_with("publishers/").then(|| format!("/{bare}"))
}

/// Whether it is the number of an endpoint.
pub(super) fn is_number(model: &str) -> bool {
    !model.is_empty() && model.bytes().all(|b| b.is_ascii_digit())
}
