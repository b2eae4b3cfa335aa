//! How LiteLLM spells servers of Redis that are several, and signing in by token (1.106.2, `_redis.py`).

use serde_json::Value;

/// What to do where LiteLLM signs in with a token, which is not done here.
pub const INSTEAD_OF_TOKEN: &str = "give a user and a password of Redis, or set `[backend.redis]` in watchkeeper.toml, which goes \
                                    before LiteLLM's settings";

/// The servers in the text of `REDIS_CLUSTER_NODES`, as `host:port`; at least one.
///
/// # Errors
/// What is expected in its place, completing a sentence that begins with the key. Repeats nothing of the text.
pub fn cluster(json: &str) -> Result<Vec<String>, String> {
    cluster_of(&parsed(json))
}

/// The servers in the text of `REDIS_SENTINEL_NODES`, as `host:port`; at least one.
///
/// # Errors
/// As [`cluster`] has them.
pub fn sentinels(json: &str) -> Result<Vec<String>, String> {
    sentinels_of(&parsed(json))
}

/// Whether this value of a variable, or of the key that belongs to it, asks for a token in place of a password.
#[must_use]
pub fn asks_for_token(name: &str, value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    if name.ends_with("gcp_service_account") {
        !value.is_empty()
    } else if name.contains("azure") {
        lower == "true"
    } else {
        matches!(lower.as_str(), "true" | "1" | "yes")
    }
}

/// The same for the value of `redis_startup_nodes` or `startup_nodes`: the list, or its text.
pub(crate) fn cluster_of(value: &Value) -> Result<Vec<String>, String> {
    servers(
        value,
        "must be a list of nodes, each with a host and a port, such as `[{\"host\": \"redis-0\", \"port\": 7001}]`",
        |node| Some((node.get("host")?, node.get("port")?)),
    )
}

/// The same for the value of `sentinel_nodes`: the list, or its text.
pub(crate) fn sentinels_of(value: &Value) -> Result<Vec<String>, String> {
    servers(
        value,
        "must be a list of pairs of a host and a port, such as `[[\"sentinel-0\", 26379]]`",
        |node| match node.as_array()?.as_slice() {
            [host, port] => Some((host, port)),
            _ => None,
        },
    )
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or(Value::Null)
}

fn servers(
    value: &Value,
    expected: &str,
    parts: impl Fn(&Value) -> Option<(&Value, &Value)>,
) -> Result<Vec<String>, String> {
    let read;
    let value = match value {
        Value::String(text) => {
            read = parsed(text);
            &read
        }
        value => value,
    };
    let nodes = value.as_array().filter(|nodes| !nodes.is_empty());
    let nodes = nodes.ok_or_else(|| expected.to_owned())?;
    let server = |(index, node)| {
        parts(node)
            .and_then(|(host, port)| spelt(host, port))
            .ok_or_else(|| format!("{expected}; entry {} is none", index + 1))
    };
    nodes.iter().enumerate().map(server).collect()
}

/// `host:port`, where the two may be that.
fn spelt(host: &Value, port: &Value) -> Option<String> {
    let host = host.as_str()?.trim();
    let odd =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '@' | ',' | '[' | ']');
    if host.is_empty() || host.contains(odd) {
        return None;
    }
    let port: u16 = match port {
        Value::String(text) => text.trim().parse().ok()?,
        number => u16::try_from(number.as_u64()?).ok()?,
    };
    let bracketed = host.contains(':');
    (port > 0).then(|| {
        if bracketed {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_read_as_litellm_spells_them() {
        for (json, expected) in [
            (r#"[{"host": "a", "port": 7001}]"#, vec!["a:7001"]),
            (
                r#"[{"host": "a", "port": "7001"}, {"host": "::1", "port": 1}]"#,
                vec!["a:7001", "[::1]:1"],
            ),
            (r#""[{\"host\": \"a\", \"port\": 1}]""#, vec!["a:1"]),
        ] {
            assert_eq!(cluster(json).unwrap(), expected, "{json}");
        }
        assert_eq!(
            sentinels(r#"[["a", 26379], ["b", "26380"]]"#).unwrap(),
            ["a:26379", "b:26380"]
        );
    }

    #[test]
    fn what_are_no_nodes_is_refused_with_what_is_expected_and_without_the_text() {
        for json in [
            "",
            "hunter22",
            "{}",
            "[]",
            "[{}]",
            "7",
            "[[\"hunter22\"]]",
            r#"[{"host": "hunter22", "port": 0}]"#,
            r#"[{"host": "hunter22", "port": "many"}]"#,
            r#"[{"host": "u:hunter22@a", "port": 1}]"#,
            r#"[{"host": "hunter22"}]"#,
        ] {
            for (why, example) in [
                (cluster(json), "\"port\": 7001"),
                (sentinels(json), "26379"),
            ] {
                let why = why.unwrap_err();
                assert!(
                    why.contains(example) && !why.contains("hunter22"),
                    "{json}: {why}"
                );
            }
        }
        let why = sentinels(r#"[["a", 1], ["b"]]"#).unwrap_err();
        assert!(why.contains("entry 2"), "{why}");
    }

    #[test]
    fn a_token_is_asked_for_by_litellms_words() {
        for (name, value, asks) in [
            ("aws_iam_auth", "True", true),
            ("REDIS_AWS_IAM_AUTH", "yes", true),
            ("aws_iam_auth", "false", false),
            ("azure_redis_ad_token", "true", true),
            ("REDIS_AZURE_AD_TOKEN", "1", false),
            ("gcp_service_account", "projects/-/x", true),
            ("REDIS_GCP_SERVICE_ACCOUNT", "", false),
        ] {
            assert_eq!(asks_for_token(name, value), asks, "{name} {value}");
        }
    }
}
