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
//! | 2xx that a content filter stopped, see `filtered` | content_filter | 400 |
//! | 4xx with a code, or words, that [`MEANINGS`] and [`FILTERED`] know | what they mean | its own |
//! | 401 | unauthorized | its own |
//! | 403 of AWS's about credentials that are none, or no longer | unauthorized | 403 |
//! | 402 (no credit), 403 | forbidden | its own |
//! | 404, 410 | not_found | its own |
//! | 408 | timeout | its own |
//! | 429, without credit (`insufficient_quota`) too | rate_limited | its own |
//! | 503, 529 | overloaded | its own |
//! | any other | bad_answer | its own |
//! | no answer: time, connection, TLS, name | timeout (408), connect, tls, dns | 500 |
//! | nothing sent | config_error | 500 |

use serde_json::Value;
use watchkeeper_core::money::Usage;
use watchkeeper_core::verdict::Outcome;

use crate::answer::Answer;
use crate::complaint::{bare, has_code, message};

/// What OpenAI answers (400) when a reasoning model used the whole limit on thinking. The model works: it ran and
/// stopped where it was told to.
const LIMIT_REACHED: &str = "max_tokens or model output limit was reached";

/// Codes by which a refusal says more than by its status (4xx but 401, 404 and 408). First match wins.
const MEANINGS: [(&[&str], Outcome); 5] = [
    (
        &[
            "content_filter",
            "content_policy_violation",
            "ResponsibleAIPolicyViolation",
            "moderation_blocked",
            "data_inspection_failed",
            "DataInspectionFailed",
        ],
        Outcome::ContentFilter,
    ),
    (
        &[
            "invalid_api_key",
            "API_KEY_INVALID",
            "UnrecognizedClientException",
            "InvalidSignatureException",
            "IncompleteSignatureException",
            "MissingAuthenticationTokenException",
            "ExpiredTokenException",
        ],
        Outcome::Unauthorized,
    ),
    (
        &["model_not_found", "model_not_supported", "invalid_model"],
        Outcome::NotFound,
    ),
    (
        &["ThrottlingException", "TooManyRequestsException"],
        Outcome::RateLimited,
    ),
    (&["overloaded", "overloaded_error"], Outcome::Overloaded),
];

/// What Bedrock answers (400) to a plain id of a model that is sold across regions only.
const NOT_ON_DEMAND: &str = "with on-demand throughput isn";

/// What AWS says (403) of credentials that are none, or no longer; a missing right is 403 too.
const STALE: [&str; 6] = [
    "security token included in the request is",
    "request signature we calculated does not match",
    "Signature expired",
    "Signature not yet current",
    "API Key is valid",
    "Bearer Token has expired",
];

/// Words of those filters that have no code: Anthropic's, DeepSeek's.
const FILTERED: [&str; 2] = ["blocked by content filtering policy", "Content Exists Risk"];

/// Statuses by which somebody on the way says that the answer took too long: the model may be at work all the same.
const GIVEN_UP: [u16; 4] = [408, 499, 504, 524];

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
    /// Whether the upstream may bill it although it does not say what was used.
    pub(crate) may_bill: bool,
}

impl Finding {
    pub(crate) const fn healthy() -> Self {
        Self {
            outcome: Outcome::Healthy,
            status: None,
            error: None,
            usage: None,
            model: None,
            may_bill: true,
        }
    }

    pub(crate) fn new(outcome: Outcome, status: u16, error: impl Into<String>) -> Self {
        Self {
            outcome,
            status: Some(status),
            error: Some(error.into()),
            usage: None,
            model: None,
            may_bill: false,
        }
    }

    /// The question may have arrived.
    pub(crate) fn timeout() -> Self {
        Self {
            may_bill: true,
            ..Self::new(Outcome::Timeout, 408, TIMEOUT_TEXT)
        }
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
    let by_code = json.as_ref().and_then(|json| by_code(answer, json));
    let outcome = by_code.unwrap_or(match answer.status {
        401 => Outcome::Unauthorized,
        403 if is_stale(said.as_deref()) => Outcome::Unauthorized,
        402 | 403 => Outcome::Forbidden,
        404 | 410 => Outcome::NotFound,
        408 => Outcome::Timeout,
        429 => Outcome::RateLimited,
        503 | 529 => Outcome::Overloaded,
        _ => Outcome::BadAnswer,
    });
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
    Finding {
        may_bill: GIVEN_UP.contains(&status),
        ..Finding::new(outcome, status, text)
    }
}

/// Whether a 403 is about who asks, not about what they may.
fn is_stale(said: Option<&str>) -> bool {
    said.is_some_and(|said| STALE.iter().any(|part| said.contains(part)))
}

/// What a refusal's own codes say, where its status says less.
fn by_code(answer: &Answer, json: &Value) -> Option<Outcome> {
    if matches!(answer.status, 401 | 404 | 408) || !(400..500).contains(&answer.status) {
        return None;
    }
    let header = answer.headers.get("x-amzn-errortype");
    let header = header.and_then(|code| code.to_str().ok()).map(bare);
    let meaning = MEANINGS.iter().find(|(codes, _)| {
        has_code(json, codes) || header.is_some_and(|code| codes.contains(&code))
    });
    meaning.map(|(_, outcome)| *outcome).or_else(|| {
        // OpenRouter's moderation has no code, and some vendors have words alone
        let flagged = json.pointer("/error/metadata/flagged_input").is_some();
        let filtered = flagged
            || message(json).is_some_and(|text| FILTERED.iter().any(|words| text.contains(words)));
        filtered.then_some(Outcome::ContentFilter)
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
            (402, Outcome::Forbidden),
            (403, Outcome::Forbidden),
            (404, Outcome::NotFound),
            (408, Outcome::Timeout),
            (410, Outcome::NotFound),
            (422, Outcome::BadAnswer),
            (425, Outcome::BadAnswer),
            (429, Outcome::RateLimited),
            (499, Outcome::BadAnswer),
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
    fn a_code_says_more_than_the_status() {
        use Outcome::{
            BadAnswer, ContentFilter, Forbidden, NotFound, Overloaded, RateLimited, Unauthorized,
        };
        #[rustfmt::skip]
        let rows = [
            (400, r#"{"error":{"code":"content_policy_violation","message":"no"}}"#, ContentFilter),
            (400, r#"{"error":{"code":"moderation_blocked","type":"image_generation_user_error"}}"#, ContentFilter),
            (400, r#"{"code":"DataInspectionFailed","message":"no"}"#, ContentFilter),
            (400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"Output blocked by content filtering policy"}}"#, ContentFilter),
            (403, r#"{"error":{"code":403,"message":"moderation","metadata":{"reasons":["x"],"flagged_input":"Say"}}}"#, ContentFilter),
            (400, r#"{"error":{"message":"Incorrect API key","code":"invalid_api_key"}}"#, Unauthorized),
            (403, r#"{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"token"}"#, Unauthorized),
            (403, r#"{"__type":"AccessDeniedException","message":"no"}"#, Forbidden),
            (400, r#"{"error":{"code":"model_not_found","message":"no"}}"#, NotFound),
            (400, r#"{"object":"error","message":"Invalid model: x","type":"invalid_model","code":"1500"}"#, NotFound),
            (400, r#"{"__type":"ThrottlingException"}"#, RateLimited),
            (429, r#"{"error":{"code":"insufficient_quota","type":"insufficient_quota"}}"#, RateLimited),
            (429, r#"{"error":"Model is overloaded","error_type":"overloaded"}"#, Overloaded),
            (401, r#"{"error":{"code":"model_not_found"}}"#, Unauthorized),
            (500, r#"{"error":{"code":"content_filter"}}"#, BadAnswer),
            (400, r#"{"error":{"code":"invalid","message":"content_filter is no field"}}"#, BadAnswer),
        ];
        for (status, body, want) in rows {
            let finding = refused(&answer(status, body));
            assert_eq!(
                (finding.outcome, finding.status),
                (want, Some(status)),
                "{body}"
            );
        }
        let mut aws = answer(403, r#"{"message":"The security token is expired"}"#);
        let code = "ExpiredTokenException:http://internal.amazon.com/coral/";
        aws.headers
            .insert("x-amzn-errortype", code.parse().unwrap());
        assert_eq!(refused(&aws).outcome, Unauthorized);
    }

    #[test]
    fn a_refusal_bills_nothing_unless_somebody_only_gave_up_waiting() {
        for status in [400, 401, 403, 404, 429, 500, 502, 503, 529] {
            assert!(!refused(&answer(status, "{}")).may_bill, "{status}");
        }
        for status in [408, 499, 504, 524] {
            assert!(refused(&answer(status, "{}")).may_bill, "{status}");
        }
    }

    #[test]
    fn the_upstreams_words_are_kept_whether_they_are_json_or_not() {
        for body in [r#"{"error":{"message":"the words"}}"#, "the words"] {
            let text = refused(&answer(500, body)).error.unwrap();
            assert_eq!(text, "answered 500: the words", "{body}");
        }
    }
}
