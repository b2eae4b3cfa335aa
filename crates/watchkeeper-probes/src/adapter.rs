//! What a provider has to say about itself, and the table of those that do.

use watchkeeper_core::check::ModelTarget;

use crate::answer::Answer;
use crate::classify::Finding;
use crate::options::ProviderKeys;
use crate::providers::openai::OpenAi;
use crate::request::ProbeRequest;
use crate::tokens;

/// What a model is asked where `DEFAULT_HEALTH_CHECK_PROMPT` says nothing else: short, fixed, harmless.
const TEXT: &str = "Say ok.";

/// The modes that some adapter can ask, in LiteLLM's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Chat,
    Embedding,
}

impl Mode {
    /// The word in configs and plans.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embedding => "embedding",
        }
    }

    /// Whether the answer is generated text, so that a limit of output tokens belongs to the request.
    pub(crate) const fn is_chat_like(self) -> bool {
        matches!(self, Self::Chat)
    }
}

/// One provider's side of a probe. Nothing here sends, waits or reads a clock.
pub(crate) trait Adapter: Send + Sync {
    /// The modes it can ask.
    fn modes(&self) -> &'static [Mode];

    /// LiteLLM's word for the mode of a model whose entry names none, by the model's name; it need not be one of
    /// [`Self::modes`], so that an image model is refused rather than asked to chat.
    fn mode_by_name(&self, model: &str) -> &'static str;

    /// The one request to send. An error is the check's `config_error`: it names the remedy and holds no secret.
    fn request(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String>;

    /// The verdict on what came back. Texts may be raw: they are cleaned afterwards.
    fn read(&self, mode: Mode, answer: &Answer) -> Finding;
}

/// What an adapter is asked to build a request for.
pub(crate) struct Ask<'a> {
    pub(crate) target: &'a ModelTarget,
    pub(crate) mode: Mode,
    /// The model as the upstream knows it: without the provider's prefix, `health_check_model` applied.
    pub(crate) model: &'a str,
    /// The limit of output tokens to send, if one is.
    pub(crate) limit: Option<u32>,
    /// What is said to the model.
    pub(crate) text: &'a str,
    pub(crate) keys: &'a ProviderKeys,
}

/// The providers that can be asked. A new one is a line here and a file under `providers/`.
static ADAPTERS: [(&str, &dyn Adapter); 1] = [("openai", &OpenAi)];

/// A model check, resolved: who answers, in which mode, and what is sent.
pub(crate) struct Resolved {
    pub(crate) adapter: &'static dyn Adapter,
    pub(crate) provider: &'static str,
    pub(crate) mode: Mode,
    pub(crate) request: ProbeRequest,
}

/// Finds adapter and mode and builds the request.
pub(crate) fn resolve(target: &ModelTarget, keys: &ProviderKeys) -> Result<Resolved, String> {
    let Some(name) = target.provider.as_deref() else {
        return Err(format!(
            "no provider is known for model `{}`; write it with its provider, such as `openai/{0}`",
            target.model
        ));
    };
    let Some(&(provider, adapter)) = ADAPTERS.iter().find(|(known, _)| *known == name) else {
        return Err(format!(
            "provider `{name}` is not supported; supported: {}",
            list(ADAPTERS.iter().map(|(known, _)| *known))
        ));
    };
    let configured = target.health.model.as_deref().unwrap_or(&target.model);
    let model = configured
        .strip_prefix(provider)
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(configured);
    if model.trim().is_empty() {
        return Err(format!("model `{configured}` names no model"));
    }
    if model.starts_with("responses/") {
        return Err(format!(
            "model `{configured}` is asked by the responses API, which is not supported yet"
        ));
    }
    if model.contains('*') {
        return Err(format!(
            "model `{configured}` is a wildcard; name the model to ask in `model_info.health_check_model`"
        ));
    }
    let explicit = target.mode.as_deref().filter(|mode| !mode.is_empty());
    let word = explicit.unwrap_or_else(|| adapter.mode_by_name(model));
    let Some(&mode) = adapter.modes().iter().find(|mode| mode.as_str() == word) else {
        let source = if explicit.is_some() {
            ""
        } else {
            ", told from the model's name,"
        };
        return Err(format!(
            "mode `{word}`{source} is not supported for provider `{provider}`; supported: {}",
            list(adapter.modes().iter().map(|mode| mode.as_str()))
        ));
    };
    let request = adapter.request(&Ask {
        target,
        mode,
        model,
        limit: tokens::limit(target, mode, model),
        text: target.health.prompt.as_deref().unwrap_or(TEXT),
        keys,
    })?;
    Ok(Resolved {
        adapter,
        provider,
        mode,
        request,
    })
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
