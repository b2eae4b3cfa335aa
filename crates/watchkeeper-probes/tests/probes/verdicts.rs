//! Every answer, provoked: its outcome, its status, and that it took one request.

use watchkeeper_core::check::Target;
use watchkeeper_core::verdict::Outcome;

use crate::server::{Reply, Server, head, json, reply};
use crate::support::{CHAT, EMBEDDING, check, found, model, model_check, probe};

const JSON: &str = "application/json";

fn sse(body: &str) -> Vec<u8> {
    let mut bytes = head(200, "text/event-stream; charset=utf-8", None);
    bytes.extend_from_slice(body.as_bytes());
    bytes
}

#[tokio::test]
async fn every_answer_of_a_chat_model_has_its_verdict_after_one_request() {
    use Outcome::{
        BadAnswer, Connect, ContentFilter, Forbidden, Healthy, NotFound, Overloaded, RateLimited,
        Timeout, Unauthorized,
    };
    let error = r#"{"error":{"message":"the upstream says so","code":"x"}}"#;
    let said = |status: u16| format!("answered {status}: the upstream says so");
    let limit = r#"{"error":{"message":"Could not finish the message because max_tokens or model output limit was reached. Please try again."}}"#;
    let mut cut_off = head(200, JSON, Some(500));
    cut_off.extend_from_slice(br#"{"choices":[{"in"#);
    let mut cut_chunk = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    cut_chunk.extend_from_slice(b"20\r\n{\"choices\":");
    let mut endless = head(200, JSON, None);
    endless.resize(10 * 1024 * 1024, b' ');
    let mut long_refusal = head(500, "text/plain", None);
    long_refusal.resize(10 * 1024 * 1024, b'x');
    #[rustfmt::skip]
    let rows: Vec<(&str, Reply, Outcome, Option<u16>, String)> = vec![
        ("empty content", json(200, CHAT), Healthy, None, "".into()),
        ("201", json(201, CHAT), Healthy, None, "".into()),
        ("{}", json(200, "{}"), BadAnswer, Some(500), "answered 200 without `choices`".into()),
        ("an embedding", json(200, EMBEDDING), BadAnswer, Some(500), "without `choices`".into()),
        ("no body", json(200, ""), BadAnswer, Some(500), "that is not JSON".into()),
        ("html", reply(200, "text/html", "<html>login</html>"), BadAnswer, Some(500), "with HTML that is not JSON".into()),
        ("error in 200", json(200, error), BadAnswer, Some(422), "answered 200 with an error: the upstream says so".into()),
        ("error in a choice", json(200, r#"{"choices":[{"error":{"message":"down"}}]}"#), BadAnswer, Some(422), "down".into()),
        ("not utf-8", reply(200, JSON, b"{\"choices\":[{\"a\":\"\xff\"}]}"), BadAnswer, Some(500), "that is not JSON".into()),
        ("not utf-8 in 500", reply(500, "text/plain", b"no \xff way"), BadAnswer, Some(500), "answered 500: no \u{fffd} way".into()),
        ("event stream that never ends", Reply::Stall(sse("data: {}\n\n")), BadAnswer, Some(500), "event stream".into()),
        ("event stream that ends", Reply::Close(sse("data: [DONE]\n\n")), BadAnswer, Some(500), "event stream".into()),
        ("event stream called json", reply(200, JSON, "data: {}\n\n"), BadAnswer, Some(500), "event stream".into()),
        ("301", json(301, ""), BadAnswer, Some(301), "answered 301, a redirect".into()),
        ("307", json(307, ""), BadAnswer, Some(307), "answered 307, a redirect".into()),
        ("400", json(400, error), BadAnswer, Some(400), said(400)),
        ("content filter", json(400, r#"{"error":{"code":"content_filter","message":"no"}}"#), ContentFilter, Some(400), "answered 400: no".into()),
        ("stopped at our limit", json(400, limit), Healthy, None, "".into()),
        ("401", json(401, error), Unauthorized, Some(401), said(401)),
        ("403", json(403, error), Forbidden, Some(403), said(403)),
        ("404", json(404, error), NotFound, Some(404), said(404)),
        ("408", json(408, error), Timeout, Some(408), said(408)),
        ("429", json(429, error), RateLimited, Some(429), said(429)),
        ("500", json(500, error), BadAnswer, Some(500), said(500)),
        ("502 html", reply(502, "text/html", "<h1>Bad Gateway</h1>"), BadAnswer, Some(502), "answered 502 with an HTML page".into()),
        ("503", json(503, error), Overloaded, Some(503), said(503)),
        ("503 empty", json(503, ""), Overloaded, Some(503), "answered 503 without a message".into()),
        ("529", json(529, error), Overloaded, Some(529), said(529)),
        ("reset", Reply::Reset, Connect, Some(500), "closed without an answer".into()),
        ("closed", Reply::Close(vec![]), Connect, Some(500), "closed without an answer".into()),
        ("half a head", Reply::Close(b"HTTP/1.1 200 OK\r\ncontent-ty".to_vec()), Connect, Some(500), "closed without an answer".into()),
        ("half a body", Reply::Close(cut_off), BadAnswer, Some(500), "the answer broke off".into()),
        ("half a chunk", Reply::Close(cut_chunk), BadAnswer, Some(500), "the answer broke off".into()),
        ("not http", Reply::Close(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()), BadAnswer, Some(500), "is not HTTP".into()),
        ("10 MiB, length unknown", Reply::Close(endless), BadAnswer, Some(500), "more than 1024 KiB".into()),
        ("10 MiB, announced", Reply::Stall(head(200, JSON, Some(10 << 20))), BadAnswer, Some(500), "more than 1024 KiB".into()),
        ("10 MiB refusal", Reply::Close(long_refusal), BadAnswer, Some(500), "answered 500: xxxx".into()),
    ];
    for (case, answer, outcome, status, text) in rows {
        let server = Server::start([answer]).await;
        let verdict = probe(&model_check(&server.url("/v1"))).await;
        let (got_outcome, got_status, got_text) = found(&verdict);
        assert_eq!(
            (got_outcome, got_status),
            (outcome, status),
            "{case}: {got_text}"
        );
        assert!(got_text.contains(&text), "{case}: {got_text}");
        assert_eq!(got_text.is_empty(), outcome == Outcome::Healthy, "{case}");
        assert_eq!(server.seen().len(), 1, "{case}: one request");
    }
}

#[tokio::test]
async fn an_embedding_model_must_answer_with_data() {
    for (body, outcome) in [(EMBEDDING, Outcome::Healthy), (CHAT, Outcome::BadAnswer)] {
        let server = Server::start([json(200, body)]).await;
        let mut target = model(&server.url("/v1"));
        target.mode = Some("embedding".into());
        let verdict = probe(&check(Target::Model(Box::new(target)))).await;
        assert_eq!(verdict.outcome, outcome);
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_refused_connection_is_no_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let verdict = probe(&model_check(&base)).await;
    let (outcome, status, text) = found(&verdict);
    assert_eq!((outcome, status), (Outcome::Connect, Some(500)), "{text}");
    assert!(text.contains("refused"), "{text}");
}

#[tokio::test]
async fn an_unknown_name_is_told_from_a_dead_host() {
    for base in [
        "http://watchkeeper-test.invalid/v1",
        "https://watchkeeper-test.invalid/v1",
    ] {
        let verdict = probe(&model_check(base)).await;
        let (outcome, status, text) = found(&verdict);
        assert_eq!((outcome, status), (Outcome::Dns, Some(500)), "{text}");
        assert!(text.contains("does not resolve"), "{text}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_key_stays() {
    let thief = Server::start([json(200, CHAT)]).await;
    for status in [301, 302, 303, 307, 308] {
        let redirect = format!(
            "HTTP/1.1 {status} Moved\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
            thief.url("/v1/chat/completions")
        );
        let server = Server::start([Reply::Send(redirect.into_bytes())]).await;
        let verdict = probe(&model_check(&server.url("/v1"))).await;
        assert_eq!(verdict.outcome, Outcome::BadAnswer);
        assert_eq!(verdict.status, Some(status));
        assert_eq!(server.seen().len(), 1);
    }
    assert_eq!(thief.connections(), 0);
}

#[tokio::test]
async fn rate_limit_counts_are_kept_and_nothing_else_in_their_place() {
    let answer = |headers: &str| {
        let length = CHAT.len();
        let text =
            format!("HTTP/1.1 200 OK\r\n{headers}\r\ncontent-length: {length}\r\n\r\n{CHAT}");
        Reply::Send(text.into_bytes())
    };
    for (headers, want) in [
        (
            "x-ratelimit-remaining-requests: 59\r\nX-RateLimit-Remaining-Tokens: 149984\r\nx-ratelimit-limit-requests: 60",
            vec![
                ("x-ratelimit-remaining-requests", "59"),
                ("x-ratelimit-remaining-tokens", "149984"),
            ],
        ),
        (
            "x-ratelimit-remaining-requests: sk-test-4f9a72c1d0\r\nx-ratelimit-remaining-tokens: 000000000000000000001",
            vec![],
        ),
        ("x-other: 1", vec![]),
    ] {
        let server = Server::start([answer(headers)]).await;
        let verdict = probe(&model_check(&server.url("/v1"))).await;
        let got: Vec<_> = verdict
            .limits
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        assert_eq!(got, want);
    }
    let refused =
        "HTTP/1.1 429 No\r\nx-ratelimit-remaining-requests: 0\r\ncontent-length: 0\r\n\r\n";
    let server = Server::start([Reply::Send(refused.into())]).await;
    let verdict = probe(&model_check(&server.url("/v1"))).await;
    assert_eq!(
        verdict.limits,
        [("x-ratelimit-remaining-requests".into(), "0".into())]
    );
}

#[tokio::test]
async fn a_key_without_the_right_to_the_free_call_is_told_what_to_do() {
    let server = Server::start([json(403, r#"{"error":{"message":"missing scope"}}"#)]).await;
    let mut picture = model(&server.url("/v1"));
    picture.model = "openai/dall-e-3".into();
    let verdict = probe(&check(Target::Model(Box::new(picture)))).await;
    assert_eq!(verdict.outcome, Outcome::Forbidden);
    let text = verdict.error.unwrap();
    for part in ["`reachability`", "missing scope"] {
        assert!(text.contains(part), "{text}");
    }
}
