//! A probe ends at its time limit, whatever part of the answer is missing, and leaves when it is dropped.

use std::time::Duration;

use watchkeeper_core::probe::{Effort, Prober};
use watchkeeper_core::verdict::Outcome;

use crate::server::{Reply, Server, head};
use crate::support::{AMPLE, found, http_check, model_check, prober};

/// Short, and long enough for a loopback connection on a busy machine.
const SHORT: Duration = Duration::from_millis(300);

fn drip(status: u16) -> Reply {
    Reply::Drip(head(status, "application/json", None))
}

fn stall(status: u16) -> Reply {
    let mut bytes = head(status, "application/json", Some(64));
    bytes.extend_from_slice(b"{\"ch");
    Reply::Stall(bytes)
}

#[tokio::test]
async fn a_slow_answer_ends_at_the_checks_limit_with_litellms_words() {
    for (case, reply) in [
        ("no head", Reply::Stall(vec![])),
        (
            "half a head",
            Reply::Stall(b"HTTP/1.1 200 OK\r\nx: ".to_vec()),
        ),
        (
            "a head that drips",
            Reply::Drip(b"HTTP/1.1 200 OK\r\nx: y".to_vec()),
        ),
        ("half a body", stall(200)),
        ("a body that drips", drip(200)),
    ] {
        let mut server = Server::start([reply]).await;
        let mut check = model_check(&server.url("/v1"));
        check.timeout = SHORT;
        let prober = prober();
        let verdict = tokio::time::timeout(AMPLE, prober.probe(&check, Effort::Full))
            .await
            .expect(case);
        assert_eq!(
            found(&verdict),
            (Outcome::Timeout, Some(408), "Timeout exceeded"),
            "{case}"
        );
        assert_eq!(server.seen().len(), 1, "{case}: one request");
        tokio::time::timeout(AMPLE, server.gone())
            .await
            .expect("the connection of a timed out probe stays open");
    }
}

#[tokio::test]
async fn a_refusal_counts_although_its_body_never_ends() {
    for reply in [stall(401), drip(401)] {
        let server = Server::start([reply]).await;
        let mut check = model_check(&server.url("/v1"));
        check.timeout = SHORT;
        let prober = prober();
        let verdict = tokio::time::timeout(AMPLE, prober.probe(&check, Effort::Full))
            .await
            .unwrap();
        assert_eq!(
            (verdict.outcome, verdict.status),
            (Outcome::Unauthorized, Some(401))
        );
    }
}

#[tokio::test]
async fn a_peer_that_never_shakes_hands_is_a_timeout() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut check = model_check(&format!("https://{}/v1", listener.local_addr().unwrap()));
    check.timeout = SHORT;
    let verdict = tokio::time::timeout(AMPLE, prober().probe(&check, Effort::Full))
        .await
        .unwrap();
    assert_eq!(
        found(&verdict),
        (Outcome::Timeout, Some(408), "Timeout exceeded")
    );
}

#[tokio::test]
async fn a_limit_of_zero_or_of_ages_is_no_panic() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut check = model_check(&format!("http://{}/v1", listener.local_addr().unwrap()));
    check.timeout = Duration::ZERO;
    let verdict = prober().probe(&check, Effort::Full).await;
    assert_eq!(
        found(&verdict),
        (Outcome::Timeout, Some(408), "Timeout exceeded")
    );
    let server = Server::start([Reply::Close(head(200, "text/plain", Some(0)))]).await;
    let mut check = http_check(&server.url("/"));
    check.timeout = Duration::MAX;
    let verdict = prober().probe(&check, Effort::Full).await;
    assert_eq!(verdict.outcome, Outcome::Healthy, "{verdict:?}");
}

#[tokio::test]
async fn dropping_a_probe_closes_its_connection() {
    for reply in [Reply::Stall(vec![]), stall(200)] {
        let mut server = Server::start([reply]).await;
        let check = model_check(&server.url("/v1"));
        let prober = prober();
        tokio::select! {
            verdict = prober.probe(&check, Effort::Full) => panic!("ended by itself: {verdict:?}"),
            () = server.arrived() => {}
        }
        tokio::time::timeout(AMPLE / 2, server.gone())
            .await
            .expect("the dropped probe is still connected");
    }
}
