//! What a provider is asked to build a request for.

use serde_json::Value;
use watchkeeper_core::check::ModelTarget;

use crate::mode::Mode;
use crate::options::ProviderKeys;
use crate::providers::Provider;

/// What a model is asked where `DEFAULT_HEALTH_CHECK_PROMPT` says nothing else: short, fixed, harmless.
pub(crate) const TEXT: &str = "Say ok.";

/// What a provider is asked to build a request for.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// The provider's row in the table.
    pub(crate) provider: &'static Provider,
    pub(crate) target: &'a ModelTarget,
    pub(crate) mode: Mode,
    /// The model as the upstream knows it: without the provider's prefix, `health_check_model` applied. A wildcard where
    /// only the list of models can be asked.
    pub(crate) model: &'a str,
    /// The limit of output tokens to send, if one is.
    pub(crate) limit: Option<u32>,
    /// What is said to the model.
    pub(crate) text: &'a str,
    /// The environment's keys and bases.
    pub(crate) env: &'a ProviderKeys,
}

impl<'a> Ask<'a> {
    /// A parameter of the entry that is a text; empty counts as not set.
    pub(crate) fn param(&self, name: &str) -> Option<&'a str> {
        let text = self.target.params.get(name).and_then(Value::as_str)?;
        Some(text).filter(|text| !text.trim().is_empty())
    }

    /// The first of these variables that the environment sets.
    pub(crate) fn variable(&self, names: &[&str]) -> Option<&'a str> {
        names
            .iter()
            .find_map(|name| self.env.get(name))
            .map(|value| value.expose())
    }

    /// Whether the model is a wildcard.
    pub(crate) fn is_wildcard(&self) -> bool {
        self.model.contains('*')
    }

    /// The model's own name, for what depends on its family: `base_model` where a deployment is named otherwise. What is
    /// asked in the configured model's place goes by its own name.
    pub(crate) fn family(&self) -> &'a str {
        let health = &self.target.health;
        let base = health
            .base_model
            .as_deref()
            .filter(|_| health.model.is_none());
        base.unwrap_or(self.model)
    }
}
