//! Values for which LiteLLM drops a deployment: its parameters have types, and YAML guesses otherwise.
//!
//! The commonest is `api_version: 2024-06-01` without quotes, which is a date and no text.

use crate::python::str_of;
use crate::yaml::{Node, NodeInner, Yaml};

/// Must be texts.
const TEXTS: &[&str] = &[
    "api_base",
    "api_key",
    "api_version",
    "aws_access_key_id",
    "aws_bedrock_runtime_endpoint",
    "aws_external_id",
    "aws_profile_name",
    "aws_region_name",
    "aws_role_name",
    "aws_secret_access_key",
    "aws_session_name",
    "aws_session_token",
    "aws_sts_endpoint",
    "aws_web_identity_token",
    "azure_ad_token",
    "azure_password",
    "azure_scope",
    "azure_username",
    "budget_duration",
    "client_id",
    "client_secret",
    "custom_llm_provider",
    "gcs_bucket_name",
    "litellm_credential_name",
    "region_name",
    "tenant_id",
    "vertex_location",
    "vertex_project",
    "watsonx_region_name",
];
/// Must be whole numbers.
const WHOLE: &[&str] = &[
    "default_api_key_rpm_limit",
    "default_api_key_tpm_limit",
    "itpm",
    "max_retries",
    "otpm",
    "rpm",
    "tpm",
];
/// Must be numbers.
const NUMBERS: &[&str] = &[
    "input_cost_per_pixel",
    "input_cost_per_second",
    "input_cost_per_token",
    "keepalive_seconds",
    "max_budget",
    "max_file_size_mb",
    "output_cost_per_pixel",
    "output_cost_per_second",
    "output_cost_per_token",
];
/// Must be numbers or texts.
const TIMES: &[&str] = &["stream_timeout", "timeout"];
/// Must be lists of texts.
const LISTS: &[&str] = &["tag_regex", "tags"];
/// Must be true or false.
const FLAGS: &[&str] = &[
    "allow_client_keepalive_override",
    "merge_reasoning_content_in_choices",
    "use_in_pass_through",
    "use_litellm_proxy",
];
/// What LiteLLM takes for true or false, in any case.
const FLAG_WORDS: [&str; 12] = [
    "0", "1", "f", "false", "n", "no", "off", "on", "t", "true", "y", "yes",
];

/// Why LiteLLM would drop a deployment with these parameters; the value itself is not repeated.
pub(super) fn of_params(params: &Node) -> Option<String> {
    params.pairs().iter().find_map(|(key, value)| {
        let key = key.as_str()?;
        if value.is_null() {
            return None;
        }
        let wanted = wanted(key, value)?;
        let remedy = match value.value {
            Yaml::Time(_) => ": put it in quotes",
            _ => "",
        };
        Some(format!(
            "line {}: `litellm_params.{key}` must be {wanted}, not {}{remedy}; litellm drops such a deployment",
            value.line,
            value.kind()
        ))
    })
}

/// The same for `model_info`.
pub(super) fn of_info(info: &Node) -> Option<String> {
    if !info.is_map() {
        return Some(format!(
            "line {}: `model_info` must be a mapping, not {}; litellm does not start with it",
            info.line,
            info.kind()
        ));
    }
    let wrong = |key: &str, good: fn(&NodeInner) -> bool, wanted: &str| {
        let value = info.get_set(key).filter(|value| !good(value))?;
        Some(format!(
            "line {}: `model_info.{key}` must be {wanted}; litellm drops such a deployment",
            value.line
        ))
    };
    wrong("base_model", is_text, "a text").or_else(|| {
        wrong(
            "tier",
            |node| matches!(node.as_str(), Some("free" | "paid")),
            "`free` or `paid`",
        )
    })
}

/// Keys, what their values must satisfy, and that in words.
type Rule = (
    &'static [&'static str],
    fn(&NodeInner) -> bool,
    &'static str,
);

fn wanted(key: &str, value: &NodeInner) -> Option<&'static str> {
    let rules: [Rule; 6] = [
        (TEXTS, is_text, "a text"),
        (WHOLE, is_whole, "a whole number"),
        (NUMBERS, is_number, "a number"),
        (TIMES, |node| is_text(node) || is_number(node), "seconds"),
        (LISTS, is_list_of_texts, "a list of texts"),
        (FLAGS, is_flag, "true or false"),
    ];
    rules
        .into_iter()
        .find(|(keys, good, _)| keys.contains(&key) && !good(value))
        .map(|(_, _, wanted)| wanted)
}

fn is_text(node: &NodeInner) -> bool {
    node.as_str().is_some()
}

fn is_whole(node: &NodeInner) -> bool {
    match &node.value {
        Yaml::Bool(_) | Yaml::Int(_) => true,
        Yaml::Float(f) => f.fract() == 0.0,
        // `1e6` is a text in YAML 1.1, and no whole number.
        Yaml::Str(text) => {
            let text = text.trim().replace('_', "");
            let digits = text.strip_suffix(".0").unwrap_or(&text);
            digits.parse::<i64>().is_ok()
        }
        _ => false,
    }
}

fn is_number(node: &NodeInner) -> bool {
    match &node.value {
        Yaml::Bool(_) | Yaml::Int(_) | Yaml::Float(_) => true,
        Yaml::Str(text) => text.trim().parse::<f64>().is_ok(),
        _ => false,
    }
}

fn is_list_of_texts(node: &NodeInner) -> bool {
    node.items()
        .is_some_and(|items| items.iter().all(|item| is_text(item)))
}

fn is_flag(node: &NodeInner) -> bool {
    match &node.value {
        Yaml::Bool(_) => true,
        Yaml::Int(_) | Yaml::Str(_) => {
            FLAG_WORDS.contains(&str_of(node).to_ascii_lowercase().as_str())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::load;

    // Tried on LiteLLM's router, which kept the ones and dropped the others.
    #[test]
    fn what_litellm_keeps_is_kept() {
        for params in [
            "{api_key: ~, api_version: '2024-06-01', tpm: '100', rpm: true, itpm: 1.0}",
            "{timeout: abc, stream_timeout: 1.5, drop_params: maybe, temperature: abc}",
            "{input_cost_per_token: 1e-6, foo: 2024-01-01, base_url: 5, use_in_pass_through: 'yes'}",
            "{tags: [a], mock_response: 5, max_retries: '3'}",
        ] {
            assert_eq!(
                of_params(&load(params.as_bytes()).unwrap().root),
                None,
                "{params}"
            );
        }
    }

    #[test]
    fn what_litellm_drops_is_named_without_its_value() {
        for (params, key) in [
            (
                "{api_version: 2024-06-01}",
                "`litellm_params.api_version` must be a text, not a date: put it in quotes",
            ),
            ("{api_key: 12345678}", "api_key"),
            ("{api_key: true}", "api_key"),
            ("{tpm: abc}", "tpm"),
            ("{tpm: 1.5}", "tpm"),
            ("{tpm: 1e6}", "tpm"),
            ("{timeout: [1]}", "timeout"),
            ("{max_retries: abc}", "max_retries"),
            ("{tags: prod}", "tags"),
            ("{tags: [1]}", "tags"),
            ("{input_cost_per_token: abc}", "input_cost_per_token"),
            ("{use_in_pass_through: maybe}", "use_in_pass_through"),
            ("{region_name: 2024-01-01}", "region_name"),
        ] {
            let why = of_params(&load(params.as_bytes()).unwrap().root).unwrap();
            assert!(why.starts_with("line 1: ") && why.contains(key), "{why}");
            assert!(!why.contains("12345678") && !why.contains("maybe"), "{why}");
        }
    }

    #[test]
    fn model_info_has_types_too() {
        let why = |info: &str| of_info(&load(info.as_bytes()).unwrap().root);
        assert_eq!(why("{mode: 5, tier: free, base_model: m}"), None);
        for (info, key) in [
            ("{tier: gold}", "tier"),
            ("{base_model: 5}", "base_model"),
            ("[a]", "model_info"),
        ] {
            assert!(why(info).unwrap().contains(key), "{info}");
        }
    }
}
