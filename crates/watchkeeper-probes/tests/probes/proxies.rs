//! Proxies by value, the operator's headers, and who we say we are.

use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use watchkeeper_core::probe::{Effort, Prober};
use watchkeeper_core::secret::Secret;
use watchkeeper_core::verdict::Outcome;
use watchkeeper_probes::{HttpProber, Proxies};

use crate::server::{Reply, Server, json, read_request};
use crate::support::{CHAT, KEY, http_check, model_check, options};

/// A prober that uses this proxy for everything but what `no_proxy` names.
fn behind(proxy: &str, no_proxy: &str) -> HttpProber {
    let mut options = options();
    options.proxies = Proxies {
        all: Some(Secret::new(proxy)),
        no_proxy: Some(no_proxy.to_owned()),
        ..Proxies::default()
    };
    HttpProber::new(options).unwrap()
}

#[tokio::test]
async fn a_plain_url_goes_to_its_proxy_whole_and_what_no_proxy_names_does_not() {
    let proxy = Server::start([json(200, CHAT)]).await;
    let direct = Server::start([json(200, CHAT)]).await;
    let prober = behind(
        &format!("http://me:hunter22-long@{}", proxy.addr),
        "127.0.0.1,localhost",
    );
    let far = model_check("http://model.example/v1");
    let verdict = prober.probe(&far, Effort::Full).await;
    assert_eq!(verdict.outcome, Outcome::Healthy, "{verdict:?}");
    let seen = proxy.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].path, "http://model.example/v1/chat/completions");
    assert_eq!(
        seen[0].headers["proxy-authorization"],
        "Basic bWU6aHVudGVyMjItbG9uZw=="
    );
    let near = model_check(&direct.url("/v1"));
    let verdict = prober.probe(&near, Effort::Full).await;
    assert_eq!(verdict.outcome, Outcome::Healthy, "{verdict:?}");
    assert_eq!((proxy.seen().len(), direct.seen().len()), (1, 1));
    assert!(!direct.seen()[0].headers.contains_key("proxy-authorization"));
}

#[tokio::test]
async fn tls_goes_through_a_tunnel_and_the_proxy_sees_no_key() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = target.local_addr().unwrap().port();
    let (told, mut heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let request = read_request(&mut stream).await.unwrap();
            let mut upstream = TcpStream::connect(&request.path).await.unwrap();
            told.send(request).unwrap();
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            let _ = copy_bidirectional(&mut stream, &mut upstream).await;
        }
    });
    // a plain port behind it: what arrives is the beginning of a handshake
    let arrived = tokio::spawn(async move {
        let (mut stream, _) = target.accept().await.unwrap();
        let mut first = [0; 1];
        let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut first).await;
        first[0]
    });
    let check = model_check(&format!("https://127.0.0.1:{port}/v1"));
    let verdict = behind(&proxy, "").probe(&check, Effort::Full).await;
    assert_eq!(verdict.outcome, Outcome::Tls, "{verdict:?}");
    let request = heard.recv().await.unwrap();
    assert_eq!(request.method, "CONNECT");
    assert_eq!(request.path, format!("127.0.0.1:{port}"));
    assert!(!format!("{request:?}").contains(KEY));
    assert_eq!(arrived.await.unwrap(), 0x16, "a TLS handshake");
}

#[tokio::test]
async fn a_proxy_that_refuses_reveals_no_login() {
    let proxy = Server::start([Reply::Echo(407), Reply::Echo(407)]).await;
    let prober = behind(&format!("http://me:hunter22-long@{}", proxy.addr), "");
    for base in ["http://model.example/v1", "https://model.example/v1"] {
        let verdict = prober.probe(&model_check(base), Effort::Full).await;
        assert!(!verdict.outcome.is_healthy(), "{base}");
        let text = format!("{verdict:?}");
        for secret in ["hunter22", "bWU6aHVudGVy", KEY] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[tokio::test]
async fn the_operators_headers_go_out_with_every_probe_and_are_not_shown() {
    let server = Server::start([json(200, CHAT), Reply::Echo(200), Reply::Echo(500)]).await;
    let mut options = options();
    options.headers = vec![
        ("X-Team-Token".into(), Secret::new("team-token-4711")),
        ("Accept".into(), Secret::new("text/html")),
    ];
    let prober = HttpProber::new(options).unwrap();
    let model = model_check(&server.url("/v1"));
    prober.probe(&model, Effort::Full).await;
    prober
        .probe(&http_check(&server.url("/")), Effort::Full)
        .await;
    let verdict = prober.probe(&model, Effort::Full).await;
    assert!(
        !format!("{verdict:?}").contains("team-token"),
        "{verdict:?}"
    );
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    for request in &seen {
        assert_eq!(request.headers["x-team-token"], "team-token-4711");
        assert_eq!(request.headers["user-agent"], "watchkeeper/1.2.3");
    }
    assert_eq!(seen[0].headers["accept"], "application/json");
    assert_eq!(seen[0].headers["authorization"], format!("Bearer {KEY}"));
}
