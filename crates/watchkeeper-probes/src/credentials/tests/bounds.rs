//! What an endpoint for credentials may do wrong.

use serde_json::json;
use watchkeeper_core::verdict::Outcome;

use super::server::{Reply, Server, head, json as reply, reply as any};
use super::*;
use crate::credentials::entra::Source;

async fn refusal(answer: Reply, time: Duration) -> (Refusal, Duration, usize) {
    let server = Server::start([answer]).await;
    let fixture = Fixture::new(&[("AZURE_AUTHORITY_HOST", &server.url("/"))]);
    let app = Signing::Entra(Source::from_params(&params(&json!({
        "tenant_id": "t", "client_id": "c", "client_secret": "Xq8~entra-client-secret",
    }))));
    let began = Instant::now();
    let refused = fixture
        .sign_within(&app, "https://upstream.test/", time)
        .await;
    let refused = refused.err().unwrap();
    assert!(!refused.text.contains("Xq8~"), "{}", refused.text);
    (refused, began.elapsed(), server.seen().len())
}

#[tokio::test]
async fn every_wrong_answer_has_its_outcome_and_is_asked_for_once() {
    let long = format!(r#"{{"access_token":"{}"}}"#, "x".repeat(10 << 20));
    for (answer, outcome, words) in [
        (
            any(200, "text/html", "<html>"),
            Outcome::BadAnswer,
            "no JSON object",
        ),
        (reply(200, "[1]"), Outcome::BadAnswer, "no JSON object"),
        (
            any(200, "text/plain", b"\xff\xfe"),
            Outcome::BadAnswer,
            "no JSON object",
        ),
        (
            reply(200, "{}"),
            Outcome::BadAnswer,
            "has no `access_token`",
        ),
        (
            reply(200, r#"{"access_token":""}"#),
            Outcome::BadAnswer,
            "has no `access_token`",
        ),
        (
            reply(200, r#"{"access_token":"a\nb"}"#),
            Outcome::BadAnswer,
            "line break",
        ),
        (reply(200, &long), Outcome::BadAnswer, "more than 64 KiB"),
        (
            reply(302, ""),
            Outcome::BadAnswer,
            "a redirect, which is not followed",
        ),
        (
            reply(400, r#"{"error":"invalid_request"}"#),
            Outcome::Unauthorized,
            "invalid_request",
        ),
        (reply(429, "{}"), Outcome::RateLimited, "with 429"),
        (reply(500, "{}"), Outcome::BadAnswer, "with 500"),
        (reply(503, "{}"), Outcome::Overloaded, "with 503"),
        (
            Reply::Echo(403),
            Outcome::Unauthorized,
            "gave no credentials (403",
        ),
        (Reply::Reset, Outcome::Connect, "no credentials from"),
        (
            Reply::Close(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_vec()),
            Outcome::Connect,
            "broke off",
        ),
    ] {
        let (refused, _, asked) = refusal(answer, Duration::from_secs(20)).await;
        assert_eq!(refused.outcome, outcome, "{words}: {}", refused.text);
        assert!(refused.text.contains(words), "{words}: {}", refused.text);
        assert_eq!(asked, 1, "{words}");
    }
}

#[tokio::test]
async fn an_endpoint_that_hangs_is_left_at_the_deadline() {
    let start = head(200, "application/json", None);
    for answer in [
        Reply::Stall(Vec::new()),
        Reply::Stall(start.clone()),
        Reply::Drip(start),
    ] {
        let (refused, took, _) = refusal(answer, Duration::from_millis(300)).await;
        assert_eq!(refused.outcome, Outcome::Timeout);
        assert_eq!(refused.status(), 408);
        assert!(took >= Duration::from_millis(300), "{took:?}");
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}
