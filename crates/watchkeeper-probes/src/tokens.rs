//! How many output tokens a probe may take, in LiteLLM's order:
//!
//! 1. `health_check_max_tokens`;
//! 2. `health_check_max_tokens_reasoning` or `…_non_reasoning`, whichever fits the model, with the variables behind them;
//! 3. 16.
//!
//! A limit goes out in chat-like modes only, unless `health_check_supports_max_tokens` says yes or no. LiteLLM sends none
//! at all for a wildcard with `health_check_model`; here 16 holds there too.

use watchkeeper_core::check::ModelTarget;

use crate::mode::Mode;

/// The limit where nothing else is said. Fewer are refused by some models, more are paid for.
const DEFAULT: u32 = 16;

/// The least limit sent: every API refuses 0.
const LEAST: u32 = 1;

/// The limit to send; `None` where the mode takes none. `probed` is the model that is asked.
pub(crate) fn limit(target: &ModelTarget, mode: Mode, probed: &str) -> Option<u32> {
    let health = &target.health;
    if !health.sends_max_tokens.unwrap_or(mode.is_chat_like()) {
        return None;
    }
    // as in LiteLLM the configured model decides, whatever `health_check_model` is; a wildcard is no model
    let model = if target.model.contains('*') {
        probed
    } else {
        &target.model
    };
    let by_kind = if reasons(model) {
        health.max_tokens_reasoning
    } else {
        health.max_tokens_other
    };
    Some(health.max_tokens.or(by_kind).unwrap_or(DEFAULT).max(LEAST))
}

/// Whether a model thinks before it answers, by OpenAI's names: `o1`, `o3`, `o4`, `gpt-5` and `gpt-6`, with anything
/// behind a separator, also fine-tuned. These refuse `max_tokens` and sampling settings.
pub(crate) fn reasons(model: &str) -> bool {
    let name = family_of(model);
    ["o1", "o3", "o4", "gpt-5", "gpt-6"]
        .iter()
        .any(|family| is_family(name, family))
}

/// A model's name as far as it tells the family: its last segment, without the mark of a fine-tuned one
/// and without what Bedrock puts before it.
pub(crate) fn family_of(model: &str) -> &str {
    let name = last_segment(model);
    let name = name.split_once("openai.").map_or(name, |(_, name)| name);
    name.strip_prefix("ft:").unwrap_or(name)
}

/// Whether a name is that of a family, alone or with more behind a separator.
pub(crate) fn is_family(name: &str, family: &str) -> bool {
    name.strip_prefix(family)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.', ':']))
}

/// A model's name without what stands before its last slash.
pub(crate) fn last_segment(model: &str) -> &str {
    model.rsplit('/').next().unwrap_or(model)
}

#[cfg(test)]
mod tests {
    use serde_json::Map;
    use watchkeeper_core::check::HealthParams;

    use super::*;

    fn target(model: &str, health: HealthParams) -> ModelTarget {
        ModelTarget {
            model: model.into(),
            provider: Some("openai".into()),
            mode: None,
            api_base: None,
            api_key: None,
            params: Map::new(),
            health,
        }
    }

    #[test]
    fn the_first_limit_that_is_set_counts() {
        let health = |all, reasoning, other| HealthParams {
            max_tokens: all,
            max_tokens_reasoning: reasoning,
            max_tokens_other: other,
            ..HealthParams::default()
        };
        for (model, set, want) in [
            ("openai/gpt-4o", health(None, None, None), 16),
            ("openai/o3", health(None, None, None), 16),
            ("openai/gpt-4o", health(Some(50), Some(60), Some(7)), 50),
            ("openai/o3", health(Some(50), Some(60), Some(7)), 50),
            ("openai/gpt-4o", health(None, Some(60), Some(7)), 7),
            ("openai/o3", health(None, Some(60), Some(7)), 60),
            ("openai/gpt-4o", health(None, Some(60), None), 16),
            ("openai/o3", health(None, None, Some(7)), 16),
            ("openai/gpt-4o", health(Some(0), None, None), 1),
        ] {
            let got = limit(&target(model, set.clone()), Mode::Chat, "gpt-4o");
            assert_eq!(got, Some(want), "{model} {set:?}");
        }
    }

    #[test]
    fn the_configured_model_decides_which_limit_fits_and_a_wildcard_leaves_it_to_the_one_asked() {
        let health = HealthParams {
            max_tokens_reasoning: Some(60),
            max_tokens_other: Some(7),
            ..HealthParams::default()
        };
        for (configured, asked, want) in [
            ("openai/o3", "gpt-4o", 60),
            ("openai/gpt-4o", "o3", 7),
            ("openai/*", "o3", 60),
            ("*", "gpt-4o", 7),
        ] {
            let got = limit(&target(configured, health.clone()), Mode::Chat, asked);
            assert_eq!(got, Some(want), "{configured} asked as {asked}");
        }
    }

    #[test]
    fn only_chat_like_modes_take_a_limit_unless_the_entry_says_otherwise() {
        for (mode, says, want) in [
            (Mode::Chat, None, Some(16)),
            (Mode::Chat, Some(true), Some(16)),
            (Mode::Chat, Some(false), None),
            (Mode::Embedding, None, None),
            (Mode::Embedding, Some(false), None),
            (Mode::Embedding, Some(true), Some(16)),
        ] {
            let health = HealthParams {
                sends_max_tokens: says,
                ..HealthParams::default()
            };
            let got = limit(&target("openai/m", health), mode, "m");
            assert_eq!(got, want, "{mode:?} {says:?}");
        }
    }

    #[test]
    fn reasoning_models_are_known_by_name() {
        for yes in [
            "o1",
            "o1-mini",
            "o3-2025-04-16",
            "o4-mini",
            "gpt-5",
            "gpt-5.2",
            "gpt-5-nano",
            "gpt-6-sol",
            "openai/gpt-5",
            "us.openai.gpt-5.6-sol",
            "ft:o4-mini:org",
        ] {
            assert!(reasons(yes), "{yes}");
        }
        for no in ["gpt-4o", "o1x", "o30", "gpt-50", "olmo-o1", "gpt-4.1", ""] {
            assert!(!reasons(no), "{no}");
        }
    }
}
