//! What of a check may be seen.

use serde_json::{Map, Value};
use url::Url;

/// The parameters of LiteLLM's allow-list that stand in a configuration; all others are taken for secret.
const ALLOWED: [&str; 14] = [
    "model",
    "mode",
    "custom_llm_provider",
    "base_model",
    "api_base",
    "api_version",
    "aws_bedrock_runtime_endpoint",
    "aws_region_name",
    "region_name",
    "watsonx_region_name",
    "vertex_project",
    "vertex_location",
    "tpm",
    "rpm",
];

/// Whether a parameter may be shown.
#[must_use]
pub fn allowed(key: &str) -> bool {
    ALLOWED.contains(&key)
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
    use super::*;

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
