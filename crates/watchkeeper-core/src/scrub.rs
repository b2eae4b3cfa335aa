//! A last look at text before it leaves: no URL shows its credentials.
//!
//! Configuration and probes keep secrets out of what they hand over already; entries also come from the store, where
//! another program may have written them.

use std::borrow::Cow;

use serde_json::Value;

/// Query parameters whose values are keys, at one provider or another.
const SECRET_PARAMS: [&str; 14] = [
    "key",
    "apikey",
    "api_key",
    "api-key",
    "subscription-key",
    "token",
    "access_token",
    "auth",
    "sig",
    "signature",
    "secret",
    "client_secret",
    "password",
    "code",
];

/// The text without the user info and the secret query parameters of the URLs in it; all else is left as it is.
#[must_use]
pub fn scrub(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        out.push_str(before);
        out.push_str("://");
        let end = after.find(ends_a_url).unwrap_or(after.len());
        let (url, tail) = after.split_at(end);
        // A URL may stand in another one's query; it is looked at in the next turn.
        let nested = url
            .find("://")
            .map_or(url.len(), |at| scheme_start(url, at));
        let (url, nested) = url.split_at(nested);
        push_without_credentials(url, &mut out);
        rest = after
            .get(after.len() - tail.len() - nested.len()..)
            .unwrap_or("");
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Where the scheme before the `://` at `at` begins.
fn scheme_start(url: &str, at: usize) -> usize {
    let before = url.get(..at).unwrap_or("");
    before
        .rfind(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'))
        .map_or(0, |i| i + 1)
}

fn ends_a_url(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '`' | '<' | '>')
}

/// `rest` is a URL after its `://`.
fn push_without_credentials(rest: &str, out: &mut String) {
    let path = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(path);
    // A password with a slash in it: what looks like the port is none, and the host comes later.
    let odd = authority.rsplit_once(':').is_some_and(|(host, port)| {
        !host.starts_with('[') && (host.contains(':') || !port.bytes().all(|b| b.is_ascii_digit()))
    });
    let clean = if let Some((_, host)) = authority.rsplit_once('@') {
        out.push_str(host);
        tail
    } else if let (true, Some((_, host))) = (odd, rest.rsplit_once('@')) {
        host
    } else {
        out.push_str(authority);
        tail
    };
    let Some((path, query)) = clean.split_once('?') else {
        out.push_str(clean);
        return;
    };
    out.push_str(path);
    let (query, fragment) = query.split_at(query.find('#').unwrap_or(query.len()));
    let mut separator = '?';
    for pair in query.split('&') {
        out.push(separator);
        separator = '&';
        match pair.split_once('=') {
            Some((name, _)) if SECRET_PARAMS.iter().any(|s| name.eq_ignore_ascii_case(s)) => {
                out.push_str(name);
                out.push_str("=***");
            }
            _ => out.push_str(pair),
        }
    }
    out.push_str(fragment);
}

/// The value with every text in it scrubbed.
#[must_use]
pub fn scrub_value(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(scrub(text).into_owned()),
        Value::Array(items) => items.iter().map(scrub_value).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(k, v)| (k.clone(), scrub_value(v)))
            .collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn urls_lose_their_credentials_and_nothing_else() {
        for (text, clean) in [
            ("no url at all", "no url at all"),
            ("http://127.0.0.1:18080/v1", "http://127.0.0.1:18080/v1"),
            ("https://user:pass@host/v1", "https://host/v1"),
            ("https://token@host:8443/v1/", "https://host:8443/v1/"),
            ("https://user:pa@ss@host/v1", "https://host/v1"),
            ("https://user:pa/ss@host/v1", "https://host/v1"),
            ("https://host/@scope/package", "https://host/@scope/package"),
            ("http://[::1]:80/a@b", "http://[::1]:80/a@b"),
            (
                "https://h/v1?api-version=1&KEY=abc#x",
                "https://h/v1?api-version=1&KEY=***#x",
            ),
            (
                "get `https://u:p@h/x`: refused by 'redis://:pw@r:6379/0'",
                "get `https://h/x`: refused by 'redis://r:6379/0'",
            ),
            (
                "https://h/?next=https://u:p@i/",
                "https://h/?next=https://i/",
            ),
            ("://", "://"),
            ("a://b@", "a://"),
        ] {
            assert_eq!(scrub(text), clean);
        }
    }

    #[test]
    fn texts_are_scrubbed_at_any_depth() {
        let value = serde_json::json!({"a": ["http://u:p@h"], "b": {"c": "http://x@h"}, "d": 1});
        assert_eq!(
            scrub_value(&value),
            serde_json::json!({"a": ["http://h"], "b": {"c": "http://h"}, "d": 1})
        );
    }

    proptest! {
        #[test]
        fn no_password_comes_through(user in "[a-z]{0,8}", pass in "[a-zA-Z][a-zA-Z0-9/:%?#-]{0,6}PASSWORD[a-zA-Z0-9/:%?#-]{0,6}", text in ".{0,20}") {
            let clean = scrub(&format!("{text} https://{user}:{pass}@host/v1")).into_owned();
            prop_assert!(!clean.contains("PASSWORD"), "{clean}");
        }

        #[test]
        fn any_text_is_taken(text in ".{0,80}") {
            let _ = scrub(&text);
            let _ = scrub(&format!("{text}://{text}@{text}?key={text}"));
        }
    }
}
