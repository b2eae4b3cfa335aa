//! What shapes a probe: the `health_check_*` keys of `model_info` and the variables behind them.

use std::collections::BTreeMap;
use std::time::Duration;

use watchkeeper_core::check::HealthParams;
use watchkeeper_core::probe::ProbeKind;

use crate::python::str_of;
use crate::yaml::{Node, NodeInner, Yaml};

/// The longest time from one full probe to the next.
pub const MAX_INFERENCE_INTERVAL: Duration = Duration::from_secs(30 * 86_400);

/// What the environment says of all probes. LiteLLM reads it before its file, so `environment_variables` comes too
/// late for it.
#[derive(Debug, Default)]
pub(super) struct Defaults {
    /// `BACKGROUND_HEALTH_CHECK_MAX_TOKENS`.
    max_tokens: Option<u32>,
    /// `BACKGROUND_HEALTH_CHECK_MAX_TOKENS_REASONING`.
    max_tokens_reasoning: Option<u32>,
    /// `DEFAULT_HEALTH_CHECK_PROMPT`.
    prompt: Option<String>,
}

impl Defaults {
    /// From the environment. A number that is none counts as unset, as in LiteLLM.
    pub(super) fn of(env: &BTreeMap<String, String>) -> Self {
        let number = |name: &str| env.get(name)?.trim().parse().ok();
        Self {
            max_tokens: number("BACKGROUND_HEALTH_CHECK_MAX_TOKENS"),
            max_tokens_reasoning: number("BACKGROUND_HEALTH_CHECK_MAX_TOKENS_REASONING"),
            prompt: env
                .get("DEFAULT_HEALTH_CHECK_PROMPT")
                .filter(|prompt| !prompt.is_empty())
                .cloned(),
        }
    }
}

/// What `model_info` and the environment say of a deployment's probe. `model` is the configured one; `info` finds a key
/// of `model_info`. What cannot be used is ignored with a warning.
pub(super) fn read<'a>(
    model: &str,
    info: &impl Fn(&str) -> Option<&'a Node>,
    defaults: &Defaults,
    warn: &mut impl FnMut(String),
) -> HealthParams {
    let max_tokens = tokens("health_check_max_tokens", info, warn);
    let reasoning = tokens("health_check_max_tokens_reasoning", info, warn);
    let other = tokens("health_check_max_tokens_non_reasoning", info, warn);
    let wildcard = model.contains('*');
    let (reasoning, other) = if wildcard {
        (None, None)
    } else {
        (reasoning.or(defaults.max_tokens_reasoning), other)
    };
    HealthParams {
        model: text("health_check_model", info, warn),
        max_tokens,
        max_tokens_reasoning: reasoning.or(defaults.max_tokens),
        max_tokens_other: other.or(defaults.max_tokens),
        sends_max_tokens: info("health_check_supports_max_tokens").map(|node| node.truthy()),
        reasoning_effort: text("health_check_reasoning_effort", info, warn),
        voice: text("health_check_voice", info, warn),
        prompt: defaults.prompt.clone(),
        kind: ProbeKind::default(),
        price: None,
        base_model: text("base_model", info, warn),
    }
}

/// `health_check_probe`.
pub(super) fn kind<'a>(
    info: &impl Fn(&str) -> Option<&'a Node>,
    warn: &mut impl FnMut(String),
) -> Option<ProbeKind> {
    let node = info("health_check_probe")?;
    let word = node.as_str().map(str::trim).unwrap_or_default();
    let kind = ProbeKind::ALL
        .into_iter()
        .find(|kind| kind.as_str().eq_ignore_ascii_case(word));
    if kind.is_none() {
        let words = ProbeKind::ALL.map(|kind| format!("`{}`", kind.as_str()));
        warn(format!(
            "`health_check_probe` is ignored: it must be one of {}",
            words.join(", ")
        ));
    }
    kind
}

/// `health_check_inference_interval`.
pub(super) fn inference_every<'a>(
    info: &impl Fn(&str) -> Option<&'a Node>,
    warn: &mut impl FnMut(String),
) -> Option<Duration> {
    let node = info("health_check_inference_interval")?;
    let text = str_of(node);
    let text = text.trim();
    let every = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => humantime::parse_duration(text).ok(),
    };
    let every = every.filter(|every| *every <= MAX_INFERENCE_INTERVAL);
    if every.is_none() {
        warn(
            "`health_check_inference_interval` is ignored: it must be seconds or a duration such as `1h`, 30 days at most"
                .into(),
        );
    }
    every
}

fn tokens<'a>(
    key: &str,
    info: &impl Fn(&str) -> Option<&'a Node>,
    warn: &mut impl FnMut(String),
) -> Option<u32> {
    let node = info(key)?;
    let tokens = whole(node);
    if tokens.is_none() {
        warn(format!(
            "`{key}` is ignored: it must be a whole number, not {}",
            node.kind()
        ));
    }
    tokens
}

/// A number as Python's `int()` makes it: of a text too, and without the fraction.
fn whole(node: &NodeInner) -> Option<u32> {
    match &node.value {
        Yaml::Float(_) => str_of(node).split('.').next()?.parse().ok(),
        Yaml::Int(text) | Yaml::Str(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn text<'a>(
    key: &str,
    info: &impl Fn(&str) -> Option<&'a Node>,
    warn: &mut impl FnMut(String),
) -> Option<String> {
    let node = info(key)?;
    let text = node.as_str().map(str::to_owned);
    if text.is_none() {
        warn(format!(
            "`{key}` is ignored: it must be a text, not {}",
            node.kind()
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::load;

    fn health(model: &str, info: &str, env: &[(&str, &str)]) -> (HealthParams, Vec<String>) {
        let root = load(info.as_bytes()).unwrap().root;
        let env = env
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let mut warnings = Vec::new();
        let params = read(
            model,
            &|key| root.get_set(key),
            &Defaults::of(&env),
            &mut |warning| warnings.push(warning),
        );
        (params, warnings)
    }

    const BOTH: [(&str, &str); 2] = [
        ("BACKGROUND_HEALTH_CHECK_MAX_TOKENS", " 5 "),
        ("BACKGROUND_HEALTH_CHECK_MAX_TOKENS_REASONING", "6"),
    ];

    #[test]
    fn every_key_finds_its_field() {
        let (params, warnings) = health(
            "openai/m",
            "{health_check_model: openai/x, health_check_max_tokens: '1', health_check_max_tokens_reasoning: 2, \
             health_check_max_tokens_non_reasoning: 3.9, health_check_supports_max_tokens: no, \
             health_check_reasoning_effort: low, health_check_voice: nova}",
            &[("DEFAULT_HEALTH_CHECK_PROMPT", "hi")],
        );
        let text = |text: &str| Some(text.to_owned());
        let expected = HealthParams {
            model: text("openai/x"),
            max_tokens: Some(1),
            max_tokens_reasoning: Some(2),
            max_tokens_other: Some(3),
            sends_max_tokens: Some(false),
            reasoning_effort: text("low"),
            voice: text("nova"),
            prompt: text("hi"),
            ..HealthParams::default()
        };
        assert_eq!(params, expected);
        assert!(warnings.is_empty(), "{warnings:?}");
    }

    #[test]
    fn the_environment_stands_behind_the_pair_of_limits() {
        let pair = |model: &str, info: &str, env: &[(&str, &str)]| {
            let params = health(model, info, env).0;
            (params.max_tokens_reasoning, params.max_tokens_other)
        };
        assert_eq!(pair("m", "{a: 1}", &[]), (None, None));
        assert_eq!(pair("m", "{a: 1}", &BOTH), (Some(6), Some(5)));
        assert_eq!(pair("m", "{a: 1}", &BOTH[..1]), (Some(5), Some(5)));
        assert_eq!(pair("m", "{a: 1}", &BOTH[1..]), (Some(6), None));
        let own = "{health_check_max_tokens_reasoning: 9}";
        assert_eq!(pair("m", own, &BOTH), (Some(9), Some(5)));
    }

    #[test]
    fn a_wildcard_route_takes_the_plain_variable_only() {
        let own =
            "{health_check_max_tokens_reasoning: 9, health_check_max_tokens_non_reasoning: 8}";
        let (params, _) = health("openai/*", own, &BOTH);
        assert_eq!(params.max_tokens_reasoning, Some(5));
        assert_eq!(params.max_tokens_other, Some(5));
    }

    #[test]
    fn what_is_no_number_is_ignored_aloud_in_the_file_and_silently_in_the_environment() {
        let (params, warnings) = health(
            "m",
            "{health_check_max_tokens: many, health_check_voice: [a]}",
            &[("BACKGROUND_HEALTH_CHECK_MAX_TOKENS", "few")],
        );
        assert_eq!(params, HealthParams::default());
        assert_eq!(warnings.len(), 2, "{warnings:?}");
    }
}
