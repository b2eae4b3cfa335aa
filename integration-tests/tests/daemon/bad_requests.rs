//! Bad input over HTTP: a 4xx with a JSON body that says what was wrong, and the daemon lives on.

use hyper::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use watchkeeper_integration_tests::daemon::{Daemon, Setup};
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::MockLlm;

use crate::SOON;

async fn pod(mock: &MockLlm) -> Daemon {
    let config = NativeConfig::new(&mock.api_base(), &["m1"]);
    let pod = Setup::new().toml(config.toml()).start().await;
    watchkeeper_integration_tests::eventually("a report", SOON, async || {
        pod.get("/health/readiness").await.status == 200
    })
    .await;
    pod
}

#[tokio::test]
async fn each_bad_request_is_told_what_was_wrong_with_it() {
    let mock = MockLlm::start().await;
    let pod = pod(&mock).await;
    let long = format!("/health?model={}", "x".repeat(20_000));
    let cases: [(Method, &str, &[u16], &str); 11] = [
        (Method::GET, "/nothing/here", &[404], ""),
        (Method::GET, "/v1/checks/nope", &[404], "nope"),
        (Method::GET, "/v1/checks/%ff%fe", &[400, 404], ""),
        (Method::POST, "/health", &[405], ""),
        (Method::DELETE, "/v1/checks", &[405], ""),
        (
            Method::GET,
            "/health/history?limit=abc",
            &[400, 422],
            "limit",
        ),
        (
            Method::GET,
            "/health/history?limit=-1",
            &[400, 422],
            "limit",
        ),
        (
            Method::GET,
            "/health/history?limit=99999999999999999999",
            &[400, 422],
            "limit",
        ),
        (
            Method::GET,
            "/health/history?offset=-3",
            &[400, 422],
            "offset",
        ),
        (Method::GET, "/health?model_id=nope", &[404], "nope"),
        (Method::GET, &long, &[400, 404, 414, 431, 503], ""),
    ];
    for (method, path, allowed, part) in cases {
        let shown = &path[..path.len().min(80)];
        let answer = pod.request(method.clone(), path, None).await;
        let status = answer.status.as_u16();
        assert!(
            allowed.contains(&status),
            "{method} {shown}: {status} {}",
            answer.text()
        );
        if status == 503 || status == 431 {
            continue;
        }
        let body = answer.json();
        let text = body.to_string();
        assert!(
            body.is_object() && text.len() > 10,
            "{method} {shown}: {text}"
        );
        assert!(
            text.contains(part),
            "{method} {shown} should name `{part}`: {text}"
        );
        assert!(
            text.len() < 2_000,
            "{method} {shown} repeats its input: {} bytes",
            text.len()
        );
    }
    assert_eq!(pod.get("/health").await.status, 200);
}

#[tokio::test]
async fn bytes_that_are_not_http_and_clients_that_leave_do_no_harm() {
    let mock = MockLlm::start().await;
    let pod = pod(&mock).await;
    let huge_head = [b"GET / HTTP/1.1\r\nx: ".to_vec(), vec![b'y'; 1 << 20]].concat();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"GET /health HTTP/1.1\r\n",
        b"\0\0\0\0\r\n\r\n",
        &huge_head,
    ] {
        let mut stream = TcpStream::connect(pod.address()).await.unwrap();
        // It may stop reading before all is written: that is the point.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await;
        assert!(
            ended.is_ok(),
            "the connection stays open after `{:?}`",
            &bytes[..bytes.len().min(20)]
        );
    }
    assert_eq!(pod.get("/health").await.status, 200);
    assert!(!pod.log().contains("panicked"), "{}", pod.log());
}
