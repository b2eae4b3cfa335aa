//! What is to be probed.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::id::CheckId;
use crate::money::Price;
use crate::probe::ProbeKind;
use crate::secret::Secret;

/// Longest time that one probe may be given.
pub const MAX_PROBE_TIMEOUT: Duration = Duration::from_secs(3_600);

/// One check of the fleet's list.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Stable across pods and restarts.
    pub id: CheckId,
    /// The name people use: LiteLLM's `model_name`, or the native check's name. Not unique for LiteLLM's.
    pub name: String,
    /// What is asked.
    pub target: Target,
    /// How long one probe may take.
    pub timeout: Duration,
    /// The fields shown in LiteLLM-shaped answers: `litellm_params` cut to LiteLLM's allow-list, in file order, without
    /// `model_id`. Holds no secret.
    pub shown: Map<String, Value>,
    /// Whether the background loop asks it (`disable_background_health_check` says no; it is then only asked on
    /// demand).
    pub background: bool,
    /// How often its full probe is made (`intervals`), where a cheaper one is made in between; none: each time.
    pub full_every: Option<Duration>,
}

impl Check {
    /// The provider's name for labels: the prefix of the model, `http`, `tcp`, or `unknown`.
    #[must_use]
    pub fn provider(&self) -> &str {
        match &self.target {
            Target::Model(model) => model.provider.as_deref().unwrap_or("unknown"),
            Target::Http { .. } => "http",
            Target::Tcp { .. } => "tcp",
            Target::Invalid { provider, .. } => provider.as_deref().unwrap_or("unknown"),
        }
    }

    /// The model as configured, if it is one.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        match &self.target {
            Target::Model(model) => Some(&model.model),
            _ => self.shown.get("model").and_then(Value::as_str),
        }
    }
}

/// What a check asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A model behind a provider's API.
    Model(Box<ModelTarget>),
    /// A URL that is to answer with a status below 400. May hold credentials, so it is a secret.
    Http {
        /// The URL.
        url: Secret,
    },
    /// A port that is to accept a connection.
    Tcp {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// Nothing can be asked; shown as a `config_error`.
    Invalid {
        /// Why, with the remedy; holds no secret.
        reason: String,
        /// The provider as far as it is known.
        provider: Option<String>,
    },
}

/// A model behind a provider's API, in LiteLLM's words.
#[derive(Clone, PartialEq)]
pub struct ModelTarget {
    /// The model as configured, prefix included: `openai/gpt-4o`.
    pub model: String,
    /// The provider that the prefix, `custom_llm_provider` or the bare name resolves to; `None` where none does.
    pub provider: Option<String>,
    /// The mode given, else the one that is known of the model; `None` where nothing is known.
    pub mode: Option<String>,
    /// The base URL given for this entry; may hold credentials.
    pub api_base: Option<Secret>,
    /// The key given for this entry. Goes to this entry's endpoint only.
    pub api_key: Option<Secret>,
    /// All other `litellm_params`, in file order, resolved; may hold secrets.
    pub params: Map<String, Value>,
    /// How the probe is to be made.
    pub health: HealthParams,
}

/// The `model_info.health_check_*` keys that shape a probe, and the variables that LiteLLM falls back to.
///
/// The limit of output tokens is the first that is set of: [`max_tokens`](Self::max_tokens); then
/// [`max_tokens_reasoning`](Self::max_tokens_reasoning) for a model that reasons and
/// [`max_tokens_other`](Self::max_tokens_other) for any other; then the prober's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthParams {
    /// `health_check_model`: asked in place of the configured model.
    pub model: Option<String>,
    /// `health_check_max_tokens`.
    pub max_tokens: Option<u32>,
    /// The limit if the model reasons: `health_check_max_tokens_reasoning`, else
    /// `BACKGROUND_HEALTH_CHECK_MAX_TOKENS_REASONING`, else `BACKGROUND_HEALTH_CHECK_MAX_TOKENS`. For a wildcard route
    /// only the last of them.
    pub max_tokens_reasoning: Option<u32>,
    /// The limit if it does not: `health_check_max_tokens_non_reasoning`, else `BACKGROUND_HEALTH_CHECK_MAX_TOKENS`.
    /// For a wildcard route only the last of them.
    pub max_tokens_other: Option<u32>,
    /// `health_check_supports_max_tokens`: whether a limit is sent at all. Unset: only in chat-like modes.
    pub sends_max_tokens: Option<bool>,
    /// `health_check_reasoning_effort`, for the modes `chat` and `completion`.
    pub reasoning_effort: Option<String>,
    /// `health_check_voice`, for the mode `audio_speech`.
    pub voice: Option<String>,
    /// `DEFAULT_HEALTH_CHECK_PROMPT`: what is asked, in place of the prober's own words.
    pub prompt: Option<String>,
    /// How it is asked (`probe`).
    pub kind: ProbeKind,
    /// What a call costs, where that is known.
    pub price: Option<Price>,
    /// `model_info.base_model`: the model that stands behind a deployment whose name does not say it.
    pub base_model: Option<String>,
}

impl std::fmt::Debug for ModelTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelTarget")
            .field("model", &self.model)
            .field("provider", &self.provider)
            .field("mode", &self.mode)
            .field("api_base", &self.api_base)
            .field("api_key", &self.api_key)
            .field("params", &self.params.keys().collect::<Vec<_>>())
            .field("health", &self.health)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_a_model_target_shows_no_key_no_base_and_no_parameter_value() {
        let mut params = Map::new();
        params.insert("aws_secret_access_key".into(), Value::from("hunter22"));
        let target = ModelTarget {
            model: "openai/gpt-4o".into(),
            provider: Some("openai".into()),
            mode: None,
            api_base: Some(Secret::new("https://user:pass@host/v1")),
            api_key: Some(Secret::new("sk-live")),
            params,
            health: HealthParams::default(),
        };
        let text = format!("{target:?}");
        for secret in ["hunter22", "pass", "sk-live"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
