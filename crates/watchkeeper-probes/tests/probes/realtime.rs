//! Handshakes: what is sent, and who can answer it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use watchkeeper_core::check::{Check, Target};
use watchkeeper_core::probe::Tier;
use watchkeeper_core::verdict::Outcome;

use crate::server::{Reply, Seen, Server, json};
use crate::support::{KEY, check, model, probe};

fn realtime(server: &Server) -> Check {
    let mut target = model(&server.url("/v1"));
    target.model = "openai/gpt-realtime".into();
    check(Target::Model(Box::new(target)))
}

/// The answer of a server that speaks WebSocket (RFC 6455, section 4.2.2).
fn accepted(seen: &Seen) -> Vec<u8> {
    let key = &seen.headers["sec-websocket-key"];
    let text = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = STANDARD.encode(sha1_smol::Sha1::from(text).digest().bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: \
         {accept}\r\n\r\n"
    )
    .into_bytes()
}

#[tokio::test]
async fn a_server_that_speaks_websocket_is_healthy_after_the_handshake_alone() {
    let mut server = Server::start([Reply::Made(accepted), Reply::Made(accepted)]).await;
    let mut keys = Vec::new();
    for _ in 0..2 {
        let verdict = probe(&realtime(&server)).await;
        assert_eq!(verdict.outcome, Outcome::Healthy, "{verdict:?}");
        assert_eq!(verdict.tier, Tier::Inference);
        // the connection is not kept, nor used for anything else
        server.gone().await;
    }
    for seen in server.seen() {
        assert_eq!(seen.method, "GET");
        assert_eq!(seen.path, "/v1/realtime?model=gpt-realtime");
        assert_eq!(seen.headers["upgrade"], "websocket");
        assert_eq!(seen.headers["connection"].to_ascii_lowercase(), "upgrade");
        assert_eq!(seen.headers["sec-websocket-version"], "13");
        assert_eq!(seen.headers["authorization"], format!("Bearer {KEY}"));
        let key = seen.headers["sec-websocket-key"].clone();
        assert_eq!(STANDARD.decode(&key).unwrap().len(), 16);
        keys.push(key);
    }
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0], keys[1], "each handshake has its own key");
}

#[tokio::test]
async fn one_that_only_says_101_or_something_else_is_not() {
    let fake = b"HTTP/1.1 101 X\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: x\r\n\r\n";
    for (reply, outcome, status) in [
        (Reply::Send(fake.to_vec()), Outcome::BadAnswer, 500),
        (json(200, "{}"), Outcome::BadAnswer, 500),
        (
            json(401, r#"{"error":{"message":"no"}}"#),
            Outcome::Unauthorized,
            401,
        ),
        (json(404, "{}"), Outcome::NotFound, 404),
        (Reply::Reset, Outcome::Connect, 500),
    ] {
        let server = Server::start([reply]).await;
        let verdict = probe(&realtime(&server)).await;
        assert_eq!(
            (verdict.outcome, verdict.status),
            (outcome, Some(status)),
            "{verdict:?}"
        );
        assert_eq!(server.seen().len(), 1);
    }
}
