//! What an answer's headers say is left of a rate limit.

use reqwest::header::HeaderMap;

/// Headers that are kept, and the names under which LiteLLM shows them. The first of a name counts.
const HEADERS: [(&str, &str); 11] = [
    ("x-ratelimit-remaining-requests", REQUESTS),
    ("x-ratelimit-remaining-tokens", TOKENS),
    ("anthropic-ratelimit-requests-remaining", REQUESTS),
    ("anthropic-ratelimit-tokens-remaining", TOKENS),
    ("x-ratelimit-remaining-requests-minute", REQUESTS),
    ("x-ratelimit-remaining-tokens-minute", TOKENS),
    ("x-ratelimit-remaining-req-minute", REQUESTS),
    (
        "x-ratelimit-remaining-requests-day",
        "x-ratelimit-remaining-requests-day",
    ),
    (
        "x-ratelimit-remaining-tokens-day",
        "x-ratelimit-remaining-tokens-day",
    ),
    ("x-ratelimit-remaining", REQUESTS),
    ("ratelimit-remaining", REQUESTS),
];

const REQUESTS: &str = "x-ratelimit-remaining-requests";
const TOKENS: &str = "x-ratelimit-remaining-tokens";

/// Most that are kept of one answer.
const MOST: usize = 4;

/// Longest value kept: they are counts.
const MAX_BYTES: usize = 20;

/// The counts in these headers; anything else in their place is dropped, since it could echo a secret.
pub(crate) fn of(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut kept: Vec<(String, String)> = Vec::new();
    for (header, name) in HEADERS {
        let value = headers.get(header).and_then(|value| value.to_str().ok());
        let Some(value) = value.map(str::trim).filter(|value| is_count(value)) else {
            continue;
        };
        if kept.len() < MOST && kept.iter().all(|(known, _)| known != name) {
            kept.push((name.to_owned(), value.to_owned()));
        }
    }
    kept
}

fn is_count(text: &str) -> bool {
    let mut chars = text.chars();
    !text.is_empty()
        && text.len() <= MAX_BYTES
        && chars.all(|c| c.is_ascii_digit() || matches!(c, '.' | '-'))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn what_is_left_of_a_limit_is_shown_under_one_name_whoever_says_it() {
        let left = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            let kept = of(&headers);
            kept.iter()
                .map(|(name, value)| format!("{name} {value}"))
                .collect::<Vec<_>>()
        };
        let requests = |count: &str| vec![format!("{REQUESTS} {count}")];
        assert_eq!(
            left(&[
                ("anthropic-ratelimit-requests-remaining", "49"),
                ("anthropic-ratelimit-tokens-remaining", "sk-ant-1"),
            ]),
            requests("49")
        );
        assert_eq!(
            left(&[
                ("anthropic-ratelimit-requests-remaining", "1"),
                ("x-ratelimit-remaining-requests", "2"),
                ("ratelimit-remaining", "3"),
            ]),
            requests("2")
        );
        assert_eq!(left(&[("ratelimit-remaining", "3")]), requests("3"));
        assert!(left(&[("x-ratelimit-remaining-secret", "3")]).is_empty());
        assert!(left(&[("ratelimit-remaining", "100000000000000000001")]).is_empty());
        let many = left(&[
            ("x-ratelimit-remaining-requests", "1"),
            ("x-ratelimit-remaining-tokens", "2"),
            ("x-ratelimit-remaining-requests-day", "3"),
            ("x-ratelimit-remaining-tokens-day", "4"),
            ("x-ratelimit-remaining", "5"),
        ]);
        assert_eq!(many.len(), MOST, "{many:?}");
    }
}
