//! HTTPS: with a CA of one's own, over both HTTP versions, and every way a handshake fails.

use std::sync::Arc;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use watchkeeper_core::probe::{Effort, Prober};
use watchkeeper_core::verdict::Outcome;
use watchkeeper_probes::HttpProber;

use crate::server::{Server, json};
use crate::support::{CHAT, found, model_check, options, probe};

/// A CA in PEM and an acceptor for `localhost` that offers these protocols.
fn authority(protocols: &[&str]) -> (String, TlsAcceptor) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_cert = ca.self_signed(&ca_key).unwrap();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let cert = leaf.signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![cert.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
    (ca_cert.pem(), TlsAcceptor::from(Arc::new(config)))
}

struct Tls {
    port: u16,
    task: JoinHandle<()>,
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves one chat answer per request that says which HTTP version it came by.
async fn serve(acceptor: TlsAcceptor) -> Tls {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // a failed handshake is what some tests are about
            let Ok(stream) = acceptor.accept(stream).await else {
                continue;
            };
            let service = hyper::service::service_fn(async |request: hyper::Request<_>| {
                let _: &hyper::body::Incoming = request.body();
                let count = match request.version() {
                    hyper::Version::HTTP_2 => "2",
                    _ => "1",
                };
                let body = http_body_util::Full::new(CHAT.as_bytes());
                hyper::Response::builder()
                    .header("x-ratelimit-remaining-requests", count)
                    .body(body)
            });
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        }
    });
    Tls { port, task }
}

fn prober_with(ca: &str) -> HttpProber {
    let mut options = options();
    options.extra_ca_pem = Some(ca.as_bytes().to_vec());
    HttpProber::new(options).unwrap()
}

#[tokio::test]
async fn a_server_under_ones_own_ca_is_asked_by_http_1_and_2() {
    for (protocols, version) in [(&["http/1.1"][..], "1"), (&["h2", "http/1.1"], "2")] {
        let (ca, acceptor) = authority(protocols);
        let server = serve(acceptor).await;
        let check = model_check(&format!("https://localhost:{}/v1", server.port));
        let verdict = prober_with(&ca).probe(&check, Effort::Full).await;
        assert_eq!(verdict.outcome, Outcome::Healthy, "{verdict:?}");
        assert_eq!(verdict.limits[0].1, version, "{protocols:?}");
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_or_not_for_the_host_is_a_tls_failure() {
    let (ca, acceptor) = authority(&["http/1.1"]);
    let server = serve(acceptor).await;
    let unknown = probe(&model_check(&format!(
        "https://localhost:{}/v1",
        server.port
    )))
    .await;
    let (outcome, status, text) = found(&unknown);
    assert_eq!((outcome, status), (Outcome::Tls, Some(500)), "{text}");
    assert!(text.contains("UnknownIssuer"), "{text}");
    let check = model_check(&format!("https://127.0.0.1:{}/v1", server.port));
    let wrong_name = prober_with(&ca).probe(&check, Effort::Full).await;
    let (outcome, status, text) = found(&wrong_name);
    assert_eq!((outcome, status), (Outcome::Tls, Some(500)), "{text}");
}

#[tokio::test]
async fn tls_to_a_plain_port_is_a_tls_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}/v1", listener.local_addr().unwrap());
    for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b""] {
        let accept = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            // read the client's hello, so that closing is an end and not a reset
            let mut hello = [0; 4096];
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut hello).await;
            stream.write_all(answer).await.unwrap();
            stream.shutdown().await.unwrap();
        };
        let check = model_check(&base);
        let (verdict, ()) = tokio::join!(probe(&check), accept);
        let (outcome, status, text) = found(&verdict);
        assert_eq!((outcome, status), (Outcome::Tls, Some(500)), "{text}");
        assert!(text.starts_with("the TLS handshake failed"), "{text}");
    }
}

#[tokio::test]
async fn plain_http_to_a_tls_port_is_a_bad_answer_or_no_connection_and_never_healthy() {
    let (_, acceptor) = authority(&["http/1.1"]);
    let server = serve(acceptor).await;
    let verdict = probe(&model_check(&format!(
        "http://localhost:{}/v1",
        server.port
    )))
    .await;
    assert!(
        matches!(verdict.outcome, Outcome::BadAnswer | Outcome::Connect),
        "{verdict:?}"
    );
}

#[tokio::test]
async fn plain_http_works_without_any_ca() {
    let server = Server::start([json(200, CHAT)]).await;
    let verdict = probe(&model_check(&server.url("/v1"))).await;
    assert_eq!(verdict.outcome, Outcome::Healthy);
}
