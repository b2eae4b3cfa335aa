//! The errors of each vendor as they come over the wire: outcome, status, words, wait, one request.

use std::time::Duration;

use watchkeeper_core::verdict::Outcome;

use crate::server::{Reply, Server};
use crate::support::{KEY, model_check, probe};

fn answer(status: u16, headers: &str, body: &str) -> Reply {
    let length = body.len();
    let text = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n{body}");
    Reply::Send(text.into_bytes())
}

/// Vendor, status, headers, body; the outcome, a part of the text, and the milliseconds of `Retry-After`.
type Row = (
    &'static str,
    u16,
    &'static str,
    &'static str,
    Outcome,
    &'static str,
    Option<u64>,
);

#[tokio::test]
async fn each_vendors_refusals_mean_what_they_say() {
    use Outcome::{
        BadAnswer, ContentFilter, Forbidden, NotFound, Overloaded, RateLimited, Unauthorized,
    };
    #[rustfmt::skip]
    let rows: [Row; 24] = [
        ("OpenAI", 401, "", r#"{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}"#, Unauthorized, "Incorrect API key", None),
        ("OpenAI", 404, "", r#"{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}"#, NotFound, "does not exist", None),
        ("OpenAI", 429, "retry-after-ms: 1500\r\nretry-after: 2\r\n", r#"{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}"#, RateLimited, "Rate limit", Some(1500)),
        ("OpenAI", 429, "", r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#, RateLimited, "current quota", None),
        ("Azure", 404, "", r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#, NotFound, "deployment", None),
        ("Azure", 400, "", r#"{"error":{"message":"filtered","code":"content_filter","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#, ContentFilter, "filtered", None),
        ("Azure", 429, "retry-after: 7\r\n", r#"{"error":{"code":"429","message":"Requests have exceeded the call rate limit"}}"#, RateLimited, "call rate limit", Some(7000)),
        ("Anthropic", 529, "retry-after: 30\r\n", r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, Overloaded, "Overloaded", Some(30_000)),
        ("Anthropic", 400, "", r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#, BadAnswer, "credit balance", None),
        ("Google", 400, "", r#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#, Unauthorized, "not valid", None),
        ("Google", 503, "", r#"[{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}]"#, Overloaded, "overloaded", None),
        ("Bedrock", 403, "x-amzn-errortype: UnrecognizedClientException:http://x/\r\n", r#"{"message":"The security token included in the request is invalid."}"#, Unauthorized, "security token", None),
        ("Bedrock", 403, "x-amzn-errortype: AccessDeniedException\r\n", r#"{"message":"You don't have access to the model"}"#, Forbidden, "access", None),
        ("Bedrock", 429, "", r#"{"message":"Too many requests"}"#, RateLimited, "Too many", None),
        ("Cohere", 401, "", r#"{"message":"invalid api token"}"#, Unauthorized, "api token", None),
        ("Ollama", 404, "", r#"{"error":"model 'x' not found"}"#, NotFound, "model 'x' not found", None),
        ("vLLM", 404, "", r#"{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","code":404}"#, NotFound, "does not exist", None),
        ("FastAPI", 422, "", r#"{"detail":[{"type":"missing","loc":["body","model"],"msg":"Field required"}]}"#, BadAnswer, "Field required", None),
        ("TGI", 429, "", r#"{"error":"Model is overloaded","error_type":"overloaded"}"#, Overloaded, "Model is overloaded", None),
        ("Cloudflare", 401, "", r#"{"success":false,"errors":[{"code":10000,"message":"Authentication error"}]}"#, Unauthorized, "Authentication error", None),
        ("Cloudflare's page", 522, "content-type: text/html\r\n", "<!DOCTYPE html><title>522</title>", BadAnswer, "HTML page", None),
        ("Mistral", 400, "", r#"{"object":"error","message":"Invalid model: x","type":"invalid_model","code":"1500"}"#, NotFound, "Invalid model", None),
        ("OpenRouter", 402, "", r#"{"error":{"message":"Insufficient credits","code":402}}"#, Forbidden, "Insufficient credits", None),
        ("a proxy", 503, "retry-after: Wed, 15 Nov 2023 00:00:00 GMT\r\n", "busy", Overloaded, "busy", Some(3_600_000)),
    ];
    for (vendor, status, headers, body, outcome, words, wait) in rows {
        let server = Server::start([answer(status, headers, body)]).await;
        let verdict = probe(&model_check(&server.url("/v1"))).await;
        assert_eq!(verdict.outcome, outcome, "{vendor}: {body}");
        assert_eq!(verdict.status, Some(status), "{vendor}");
        let text = verdict.error.unwrap();
        assert!(text.contains(words), "{vendor}: {text}");
        assert_eq!(
            verdict.retry_after,
            wait.map(Duration::from_millis),
            "{vendor} {headers}"
        );
        assert_eq!(server.seen().len(), 1, "{vendor}");
    }
}

#[tokio::test]
async fn a_model_named_by_the_upstream_is_cleaned_like_any_other_text() {
    let named = |name: &str| {
        let body = serde_json::json!({"choices": [{"index": 0}], "model": name}).to_string();
        answer(200, "content-type: application/json\r\n", &body)
    };
    for (name, want) in [
        ("gpt-4o-2024-08-06", "gpt-4o-2024-08-06".to_owned()),
        (KEY, "***".to_owned()),
        (" a\n\u{1b}b ", "a b".to_owned()),
        (&"m".repeat(500), "m".repeat(64)),
    ] {
        let server = Server::start([named(name)]).await;
        let verdict = probe(&model_check(&server.url("/v1"))).await;
        assert_eq!(verdict.model.as_deref(), Some(want.as_str()));
    }
}
