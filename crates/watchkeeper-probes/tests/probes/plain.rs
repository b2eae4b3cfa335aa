//! The `http` and `tcp` checks.

use watchkeeper_core::verdict::Outcome;

use crate::server::{Reply, Server, head, json, reply};
use crate::support::{found, http_check, probe, tcp_check};

#[tokio::test]
async fn an_http_check_is_healthy_below_400_without_following_or_reading_on() {
    let other = Server::start([json(200, "{}")]).await;
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        other.url("/")
    );
    for (case, answer) in [
        ("200", reply(200, "text/html", "<html></html>")),
        (
            "204",
            Reply::Send(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        ),
        ("302", Reply::Send(redirect.into_bytes())),
        ("304", json(304, "")),
        ("endless", Reply::Drip(head(200, "text/event-stream", None))),
    ] {
        let server = Server::start([answer]).await;
        let verdict = probe(&http_check(&server.url("/ready"))).await;
        assert_eq!(found(&verdict), (Outcome::Healthy, None, ""), "{case}");
        assert_eq!(server.seen().len(), 1, "{case}");
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn an_http_check_tells_refusals_apart() {
    for (status, outcome) in [
        (401, Outcome::Unauthorized),
        (403, Outcome::Forbidden),
        (404, Outcome::NotFound),
        (408, Outcome::Timeout),
        (418, Outcome::BadAnswer),
        (429, Outcome::RateLimited),
        (500, Outcome::BadAnswer),
        (503, Outcome::Overloaded),
    ] {
        let server = Server::start([reply(status, "text/plain", "not\r\nnow")]).await;
        let verdict = probe(&http_check(&server.url("/"))).await;
        let text = format!("answered {status}: not now");
        assert_eq!(found(&verdict), (outcome, Some(status), text.as_str()));
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn an_http_check_without_a_usable_url_is_a_config_error() {
    for url in ["", "h", "ftp://h/", "http://"] {
        let verdict = probe(&http_check(url)).await;
        assert_eq!(verdict.outcome, Outcome::ConfigError, "{url:?}");
    }
}

#[tokio::test]
async fn a_tcp_check_connects_and_sends_nothing() {
    let mut server = Server::start([]).await;
    let port = server.addr.port();
    for host in ["127.0.0.1", "localhost"] {
        let verdict = probe(&tcp_check(host, port)).await;
        assert_eq!(found(&verdict), (Outcome::Healthy, None, ""), "{host}");
        // the server saw the connection end before any request
        server.gone().await;
    }
    assert_eq!((server.connections(), server.seen().len()), (2, 0));
}

#[tokio::test]
async fn a_tcp_check_tells_a_closed_port_from_an_unknown_name() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let closed = probe(&tcp_check("127.0.0.1", port)).await;
    let (outcome, status, text) = found(&closed);
    assert_eq!((outcome, status), (Outcome::Connect, Some(500)), "{text}");
    assert!(text.contains("refused"), "{text}");
    let unknown = probe(&tcp_check("watchkeeper-test.invalid", 80)).await;
    let (outcome, status, text) = found(&unknown);
    assert_eq!((outcome, status), (Outcome::Dns, Some(500)), "{text}");
}
