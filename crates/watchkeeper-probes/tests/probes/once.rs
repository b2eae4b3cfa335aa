//! No question is asked twice: whatever is answered, and also when a kept connection ends under the request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use watchkeeper_core::probe::{Effort, Prober};
use watchkeeper_core::verdict::Outcome;

use crate::server::{Reply, Server, json, read_request, reply};
use crate::support::{CHAT, model_check, probe, prober};

#[tokio::test]
async fn every_status_costs_one_request() {
    let error = r#"{"error":{"message":"the upstream says so"}}"#;
    for status in (300..=308)
        .chain(400..=431)
        .chain([451, 499])
        .chain(500..=530)
    {
        let server = Server::start([json(status, error)]).await;
        let verdict = probe(&model_check(&server.url("/v1"))).await;
        assert!(!verdict.outcome.is_healthy(), "{status}");
        assert_eq!(verdict.status, Some(status));
        assert_eq!(server.seen().len(), 1, "{status}");
        assert_eq!(server.connections(), 1, "{status}");
    }
}

/// A prober with one kept connection to a server that answered a first probe.
async fn acquainted(then: Reply) -> (Server, watchkeeper_probes::HttpProber) {
    let server = Server::start([json(200, CHAT), then]).await;
    let prober = prober();
    let first = prober
        .probe(&model_check(&server.url("/v1")), Effort::Full)
        .await;
    assert_eq!(first.outcome, Outcome::Healthy);
    (server, prober)
}

#[tokio::test]
async fn a_kept_connection_that_ends_under_a_request_is_a_failure_and_no_second_request() {
    for ending in [Reply::Close(vec![]), Reply::Reset] {
        let (server, prober) = acquainted(ending).await;
        let check = model_check(&server.url("/v1"));
        let verdict = prober.probe(&check, Effort::Full).await;
        assert_eq!(verdict.outcome, Outcome::Connect, "{verdict:?}");
        assert_eq!(server.seen().len(), 2, "one per probe");
        assert_eq!(server.connections(), 1, "the kept one was used");
    }
}

#[tokio::test]
async fn a_kept_connection_that_ended_before_is_left_for_a_new_one() {
    let closing = |body: &str| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
        let text = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        Reply::Close(text.into_bytes())
    };
    let mut server = Server::start([closing(CHAT), reply(200, "application/json", CHAT)]).await;
    let prober = prober();
    let check = model_check(&server.url("/v1"));
    for _ in 0..2 {
        let verdict = prober.probe(&check, Effort::Full).await;
        assert_eq!(verdict.outcome, Outcome::Healthy, "{verdict:?}");
        if server.seen().len() == 1 {
            server.gone().await;
        }
    }
    assert_eq!(server.seen().len(), 2);
    assert_eq!(server.connections(), 2);
}

/// Answers on each connection once and closes it at about the time when the next request comes.
#[tokio::test]
async fn a_close_in_the_very_moment_of_a_request_makes_it_fail_or_move_but_never_double() {
    const ROUNDS: usize = 150;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let server = tokio::spawn(async move {
        let mut round = 0_u64;
        while let Ok((mut stream, _)) = listener.accept().await {
            let counter = Arc::clone(&counter);
            round += 1;
            tokio::spawn(async move {
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{CHAT}",
                    CHAT.len()
                );
                if read_request(&mut stream).await.is_none() {
                    return;
                }
                counter.fetch_add(1, Ordering::SeqCst);
                let _ = stream.write_all(answer.as_bytes()).await;
                // whoever comes within this time has been seen and gets no answer
                let wait = Duration::from_micros(round % 40 * 25);
                let next = tokio::time::timeout(wait, read_request(&mut stream)).await;
                if matches!(next, Ok(Some(_))) {
                    counter.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    let prober = prober();
    let check = model_check(&base);
    let mut healthy = 0;
    for _ in 0..ROUNDS {
        let verdict = prober.probe(&check, Effort::Full).await;
        healthy += usize::from(verdict.outcome.is_healthy());
        assert!(
            matches!(verdict.outcome, Outcome::Healthy | Outcome::Connect),
            "{verdict:?}"
        );
    }
    server.abort();
    let seen = seen.load(Ordering::SeqCst);
    assert!(seen <= ROUNDS, "{seen} requests for {ROUNDS} probes");
    assert!(healthy > 0);
}
