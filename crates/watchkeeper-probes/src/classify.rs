//! The one table from an answer to an outcome, and to LiteLLM's `exception_status`.
//!
//! | answer | outcome | status |
//! | --- | --- | --- |
//! | 2xx with what the API promises | healthy | - |
//! | 400 that tells of the probe's own limit of tokens | healthy | - |
//! | 2xx with `{"error": …}` | bad_answer | 500, Azure 400, OpenAI 422 |
//! | 2xx with anything else (`{}`, HTML, an event stream, not UTF-8, cut off, over the limit) | bad_answer | 500 |
//! | 2xx whose body does not end in time | timeout | 408 |
//! | 3xx | bad_answer | its own |
//! | 400 with a content filter's code | content_filter | 400 |
//! | 2xx that a content filter stopped, see `filtered` | content_filter | 400 |
//! | 400 with Google's reason for a key that is none | unauthorized | 400 |
//! | 403 of AWS's about credentials that are none, or no longer | unauthorized | 403 |
//! | 401, 403, 404, 408, 429 | unauthorized, forbidden, not_found, timeout, rate_limited | its own |
//! | 503, 529 | overloaded | its own |
//! | any other | bad_answer | its own |
//! | no answer: time, connection, TLS, name | timeout (408), connect, tls, dns | 500 |
//! | nothing sent | config_error | 500 |

use serde_json::Value;
use watchkeeper_core::money::Usage;
use watchkeeper_core::verdict::Outcome;

use crate::answer::Answer;

/// What OpenAI answers (400) when a reasoning model used the whole limit on thinking. The model works: it ran and
/// stopped where it was told to.
const LIMIT_REACHED: &str = "max_tokens or model output limit was reached";

/// What Bedrock answers (400) to a plain id of a model that is sold across regions only.
const NOT_ON_DEMAND: &str = "with on-demand throughput isn";

/// What AWS says (403) of credentials that are none, or no longer; refusals of a right are 403 too.
const STALE: [&str; 6] = [
    "security token included in the request is",
    "request signature we calculated does not match",
    "Signature expired",
    "Signature not yet current",
    "API Key is valid",
    "Bearer Token has expired",
];

/// AWS's names for the same, in its header.
const STALE_TYPES: [&str; 6] = [
    "ExpiredToken",
    "UnrecognizedClient",
    "InvalidSignature",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "IncompleteSignature",
];

/// The text of every timeout, as LiteLLM writes it.
pub(crate) const TIMEOUT_TEXT: &str = "Timeout exceeded";

/// What a probe found, before its text is cleaned of secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) outcome: Outcome,
    pub(crate) status: Option<u16>,
    /// Raw: may hold whatever the upstream said.
    pub(crate) error: Option<String>,
    /// The tokens that the answer says were used.
    pub(crate) usage: Option<Usage>,
    /// The model that the answer names. Raw, as the error is.
    pub(crate) model: Option<String>,
}

impl Finding {
    pub(crate) const fn healthy() -> Self {
        Self {
            outcome: Outcome::Healthy,
            status: None,
            error: None,
            usage: None,
            model: None,
        }
    }

    pub(crate) fn new(outcome: Outcome, status: u16, error: impl Into<String>) -> Self {
        Self {
            outcome,
            status: Some(status),
            error: Some(error.into()),
            usage: None,
            model: None,
        }
    }

    pub(crate) fn timeout() -> Self {
        Self::new(Outcome::Timeout, 408, TIMEOUT_TEXT)
    }

    pub(crate) fn config(reason: impl Into<String>) -> Self {
        Self::new(Outcome::ConfigError, 500, reason)
    }
}

/// The verdict on an answer that is no 2xx.
pub(crate) fn refused(answer: &Answer) -> Finding {
    let json = answer.json();
    let said = json.as_ref().and_then(message);
    if answer.status == 400
        && said
            .as_ref()
            .is_some_and(|text| text.contains(LIMIT_REACHED))
    {
        return Finding::healthy();
    }
    let outcome = match answer.status {
        400 if json.as_ref().is_some_and(is_content_filter) => Outcome::ContentFilter,
        400 if json.as_ref().is_some_and(is_bad_key) => Outcome::Unauthorized,
        401 => Outcome::Unauthorized,
        403 if is_stale(answer, said.as_deref()) => Outcome::Unauthorized,
        403 => Outcome::Forbidden,
        404 => Outcome::NotFound,
        408 => Outcome::Timeout,
        429 => Outcome::RateLimited,
        503 | 529 => Outcome::Overloaded,
        _ => Outcome::BadAnswer,
    };
    let status = answer.status;
    let text = match said {
        Some(message) if message.contains(NOT_ON_DEMAND) => format!(
            "answered {status}: {message} Name the model with the regions that it is sold in, such as `us.` before its id."
        ),
        Some(message) => format!("answered {status}: {message}"),
        None if (300..400).contains(&status) => format!(
            "answered {status}, a redirect, which a probe does not follow; give the address that it leads to"
        ),
        None if json.is_none() && !answer.is_html() && !answer.body.is_empty() => {
            format!("answered {status}: {}", answer.text())
        }
        None if answer.is_html() => format!("answered {status} with an HTML page"),
        None => format!("answered {status} without a message"),
    };
    Finding::new(outcome, status, text)
}

/// The upstream's own words, in the shapes that are met: OpenAI's, a plain string, FastAPI's `detail`, a list.
pub(crate) fn message(json: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().filter(|s| !s.is_empty()).map(str::to_owned);
    if let Some(first) = json.as_array().and_then(|list| list.first()) {
        return message(first);
    }
    let error = json.get("error");
    let detail = json.get("detail");
    let candidates = [
        error.and_then(|e| e.get("message")),
        error,
        json.get("message"),
        // AWS's gateways
        json.get("Message"),
        detail,
        detail.and_then(|d| d.get("message")),
        detail.and_then(|d| d.get(0)).and_then(|d| d.get("msg")),
        json.get("errors")
            .and_then(|e| e.get(0))
            .and_then(|e| e.get("message")),
    ];
    candidates.into_iter().flatten().find_map(text)
}

/// OpenAI's and Azure's codes for a prompt that a filter refused.
fn is_content_filter(json: &Value) -> bool {
    let Some(error) = json.get("error") else {
        return false;
    };
    let codes = [
        error.get("code"),
        error.get("innererror").and_then(|e| e.get("code")),
    ];
    codes.into_iter().flatten().any(|code| {
        matches!(
            code.as_str(),
            Some("content_filter" | "content_policy_violation" | "ResponsibleAIPolicyViolation")
        )
    })
}

/// Whether a 403 of AWS's is about who asks, not about what they may.
fn is_stale(answer: &Answer, said: Option<&str>) -> bool {
    let name = answer.headers.get("x-amzn-errortype");
    let name = name.and_then(|name| name.to_str().ok()).unwrap_or_default();
    STALE_TYPES.iter().any(|start| name.starts_with(start))
        || said.is_some_and(|said| STALE.iter().any(|part| said.contains(part)))
}

/// Google's reason (400) for a key that is unknown or has ended; errors come bare or in a list.
fn is_bad_key(json: &Value) -> bool {
    let first = json.as_array().and_then(|list| list.first());
    let details = first.unwrap_or(json).pointer("/error/details");
    details.and_then(Value::as_array).is_some_and(|details| {
        let mut reasons = details.iter().filter_map(|detail| detail.get("reason"));
        reasons.any(|reason| reason == "API_KEY_INVALID")
    })
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;

    use super::*;
    use crate::answer::End;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            headers: HeaderMap::new(),
            body: body.into(),
            end: End::Whole,
            headers_after: std::time::Duration::ZERO,
        }
    }

    #[test]
    fn every_status_has_its_outcome_and_keeps_its_number() {
        for (status, want) in [
            (301, Outcome::BadAnswer),
            (307, Outcome::BadAnswer),
            (400, Outcome::BadAnswer),
            (401, Outcome::Unauthorized),
            (402, Outcome::BadAnswer),
            (403, Outcome::Forbidden),
            (404, Outcome::NotFound),
            (408, Outcome::Timeout),
            (422, Outcome::BadAnswer),
            (429, Outcome::RateLimited),
            (500, Outcome::BadAnswer),
            (502, Outcome::BadAnswer),
            (503, Outcome::Overloaded),
            (504, Outcome::BadAnswer),
            (529, Outcome::Overloaded),
        ] {
            let finding = refused(&answer(status, ""));
            assert_eq!(
                (finding.outcome, finding.status),
                (want, Some(status)),
                "{status}"
            );
        }
    }

    #[test]
    fn a_filter_is_told_from_other_bad_requests_by_its_code() {
        for body in [
            r#"{"error":{"code":"content_filter","message":"filtered"}}"#,
            r#"{"error":{"code":"x","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
        ] {
            assert_eq!(refused(&answer(400, body)).outcome, Outcome::ContentFilter);
            assert_eq!(refused(&answer(500, body)).outcome, Outcome::BadAnswer);
        }
        let talk = r#"{"error":{"code":"invalid","message":"content_filter is no field"}}"#;
        assert_eq!(refused(&answer(400, talk)).outcome, Outcome::BadAnswer);
    }

    #[test]
    fn awss_403_about_credentials_means_what_a_401_means() {
        for (name, want) in [
            ("ExpiredTokenException", Outcome::Unauthorized),
            (
                "UnrecognizedClientException:http://x",
                Outcome::Unauthorized,
            ),
            ("AccessDeniedException", Outcome::Forbidden),
        ] {
            let mut answer = answer(403, r#"{"message":"no"}"#);
            answer
                .headers
                .insert("x-amzn-errortype", name.parse().unwrap());
            let finding = refused(&answer);
            assert_eq!(
                (finding.outcome, finding.status),
                (want, Some(403)),
                "{name}"
            );
        }
    }

    #[test]
    fn googles_answer_to_a_bad_key_means_what_a_401_means_and_keeps_its_number() {
        let error = r#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"@type":"x"},{"reason":"API_KEY_INVALID"}]}}"#;
        for body in [error.to_owned(), format!("[{error}]")] {
            let finding = refused(&answer(400, &body));
            assert_eq!(finding.outcome, Outcome::Unauthorized, "{body}");
            assert_eq!(finding.status, Some(400));
            let text = finding.error.unwrap();
            assert_eq!(text, "answered 400: API key not valid.");
        }
        let other = error.replace("API_KEY_INVALID", "OTHER");
        assert_eq!(refused(&answer(400, &other)).outcome, Outcome::BadAnswer);
    }

    #[test]
    fn the_upstreams_words_are_found_in_every_shape() {
        for body in [
            r#"{"error":{"message":"the words"}}"#,
            r#"{"error":"the words"}"#,
            r#"{"message":"the words"}"#,
            r#"{"detail":"the words"}"#,
            r#"{"detail":{"message":"the words"}}"#,
            r#"{"detail":[{"loc":["body"],"msg":"the words"}]}"#,
            r#"{"errors":[{"message":"the words"}]}"#,
            r#"[{"error":{"message":"the words"}}]"#,
            "the words",
        ] {
            let text = refused(&answer(500, body)).error.unwrap();
            assert_eq!(text, "answered 500: the words", "{body}");
        }
    }
}
