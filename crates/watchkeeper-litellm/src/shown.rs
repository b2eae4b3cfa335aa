//! What of a check may be seen.

use serde_json::{Map, Value};
use url::Url;

/// The parameters of LiteLLM's allow-list that stand in a configuration; all others are taken for secret. Those of
/// workload identity federation, which LiteLLM shows to its admins, are left out: they say how to get a key.
///
/// The order is that of LiteLLM's answers: first what its `LiteLLM_Params` declares, in that order; what it does not
/// declare (the last [`UNDECLARED`]) follows in the file's order.
const ALLOWED: [&str; 14] = [
    "api_base",
    "api_version",
    "vertex_project",
    "vertex_location",
    "region_name",
    "aws_region_name",
    "aws_bedrock_runtime_endpoint",
    "watsonx_region_name",
    "custom_llm_provider",
    "tpm",
    "rpm",
    "model",
    "mode",
    "base_model",
];

/// How many at the end of [`ALLOWED`] LiteLLM does not declare.
const UNDECLARED: usize = 2;

/// AWS regions that LiteLLM drops from the path of a Bedrock model.
const BEDROCK_REGIONS: [&str; 23] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "eu-north-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "sa-east-1",
];

/// Whether a parameter may be shown.
#[must_use]
pub fn allowed(key: &str) -> bool {
    ALLOWED.contains(&key)
}

/// What is shown of a deployment with these `litellm_params`: the allowed ones that are set, in the order of LiteLLM's
/// answers, as they may be shown. `model` is what is probed: `health_check_model` if there is one, and a Bedrock model
/// without its prefix and region, which has `custom_llm_provider` beside it then.
#[must_use]
pub fn fields<'a>(
    params: impl IntoIterator<Item = (&'a str, Value)>,
    health_check_model: Option<&str>,
) -> Map<String, Value> {
    let place = |key: &str| ALLOWED.iter().position(|allowed| *allowed == key);
    let mut found: Vec<_> = params
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .filter_map(|(key, value)| Some((place(key)?.min(ALLOWED.len() - UNDECLARED), key, value)))
        .collect();
    // stable, so that what shares the last place keeps the file's order
    found.sort_by_key(|(place, ..)| *place);
    let mut shown: Map<String, Value> = found
        .into_iter()
        .map(|(_, key, value)| (key.to_owned(), public(&typed(key, value))))
        .collect();
    let Some(model) = shown.get_mut("model") else {
        return shown;
    };
    if let Some(probed) = health_check_model {
        *model = public(&Value::from(probed));
    }
    if let Some(path) = model
        .as_str()
        .and_then(|model| model.strip_prefix("bedrock/"))
    {
        *model = Value::from(without_region(path));
        shown
            .entry("custom_llm_provider")
            .or_insert_with(|| Value::from("bedrock"));
    }
    shown
}

/// A value in the type that LiteLLM gives it: limits are whole numbers, also where the file has them as text.
fn typed(key: &str, value: Value) -> Value {
    match (key, &value) {
        ("tpm" | "rpm", Value::String(text)) => {
            text.trim().parse::<i64>().map_or(value, Value::from)
        }
        _ => value,
    }
}

/// The path of a Bedrock model without the segments that are regions; routes and handlers such as `converse` stay.
fn without_region(path: &str) -> String {
    let parts: Vec<_> = path
        .split('/')
        .filter(|part| !BEDROCK_REGIONS.contains(part))
        .collect();
    parts.join("/")
}

/// A value as it may be shown: user, password, query and fragment of a URL are left out.
#[must_use]
pub fn public(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(public_url(text)),
        Value::Object(_) | Value::Array(_) => Value::from("***"),
        other => other.clone(),
    }
}

/// A URL without what may be secret in it. Text that is no URL, or has nothing to hide, stays as it is written.
#[must_use]
pub fn public_url(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else {
        return if text.contains('@') && text.contains("://") {
            "***".into()
        } else {
            text.to_owned()
        };
    };
    let hides = !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some();
    if !hides {
        return text.to_owned();
    }
    url.set_query(None);
    url.set_fragment(None);
    if url.set_username("").is_err() || url.set_password(None).is_err() {
        return "***".into();
    }
    url.to_string()
}

/// What is shown of a check with nothing but an address.
#[must_use]
pub fn address(text: &str) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("api_base".into(), Value::from(public_url(text)));
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(params: &Value, probed: Option<&str>) -> String {
        let params = params.as_object().unwrap();
        let pairs = params.iter().map(|(k, v)| (k.as_str(), v.clone()));
        Value::Object(fields(pairs, probed)).to_string()
    }

    #[test]
    fn only_what_is_allowed_is_shown_in_the_order_of_litellms_answers() {
        let params = json!({
            "base_model": "azure/gpt-4o", "mode": "chat", "model": "azure/eu", "api_key": "sk-1", "temperature": 0.1,
            "extra_headers": {"authorization": "hunter22"}, "aws_secret_access_key": "hunter22", "region_name": null,
            "rpm": "600", "tpm": 9000, "custom_llm_provider": "azure", "api_version": "2024-06-01",
            "api_base": "https://me:hunter22@host/v1",
        });
        assert_eq!(
            shown(&params, None),
            r#"{"api_base":"https://host/v1","api_version":"2024-06-01","custom_llm_provider":"azure","tpm":9000,"rpm":600,"model":"azure/eu","base_model":"azure/gpt-4o","mode":"chat"}"#
        );
    }

    #[test]
    fn the_model_shown_is_the_one_probed() {
        let wildcard = json!({"model": "openai/*"});
        assert_eq!(
            shown(&wildcard, Some("openai/gpt-4o-mini")),
            r#"{"model":"openai/gpt-4o-mini"}"#
        );
        assert_eq!(shown(&wildcard, None), r#"{"model":"openai/*"}"#);
    }

    #[test]
    fn a_bedrock_model_is_shown_without_prefix_and_region_and_with_its_provider() {
        for (model, bare) in [
            ("bedrock/amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
            ("bedrock/us-west-2/mistral.m", "mistral.m"),
            ("bedrock/converse/us-east-1/mistral.m", "converse/mistral.m"),
            ("bedrock/us.anthropic.claude", "us.anthropic.claude"),
            ("bedrock/mars-north-1/m", "mars-north-1/m"),
        ] {
            let params = json!({"model": model, "mode": "chat"});
            let want = json!({"model": bare, "mode": "chat", "custom_llm_provider": "bedrock"});
            assert_eq!(shown(&params, None), want.to_string());
        }
        let own = json!({"model": "bedrock/m", "custom_llm_provider": "bedrock_converse"});
        assert_eq!(
            shown(&own, None),
            r#"{"custom_llm_provider":"bedrock_converse","model":"m"}"#
        );
        let probed = shown(&json!({"model": "bedrock/*"}), Some("bedrock/eu-west-1/m"));
        assert_eq!(probed, r#"{"model":"m","custom_llm_provider":"bedrock"}"#);
    }

    #[test]
    fn what_is_secret_in_a_url_is_left_out() {
        for (text, shown) in [
            ("http://h:1/v1", "http://h:1/v1"),
            ("https://u:p@h/v1?key=k#f", "https://h/v1"),
            ("https://h/v1?key=k", "https://h/v1"),
            ("not a url", "not a url"),
            ("http://u:p@[bad/v1", "***"),
            ("data:u@x?y", "***"),
        ] {
            assert_eq!(public_url(text), shown, "{text}");
        }
    }
}
