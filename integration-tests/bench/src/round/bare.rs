//! The peer: hyper alone, a connection per place, the bytes of each request made beforehand as far as hyper allows.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::HeaderValue;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Error;
use crate::round::pod::{KEY, body};

/// Makes the requests and reads the answers; what they say is not looked at.
pub(crate) async fn round(
    requests: usize,
    concurrency: usize,
    address: SocketAddr,
) -> Result<(), Error> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut places = JoinSet::new();
    for _ in 0..concurrency.min(requests) {
        places.spawn(place(Arc::clone(&next), requests, address));
    }
    while let Some(done) = places.join_next().await {
        done??;
    }
    Ok(())
}

async fn place(next: Arc<AtomicUsize>, requests: usize, address: SocketAddr) -> Result<(), Error> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let host = HeaderValue::from_str(&address.to_string())?;
    let key = HeaderValue::from_str(&format!("Bearer {KEY}"))?;
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        if at >= requests {
            break;
        }
        let request = Request::builder()
            .method(Method::POST)
            .uri("/v1/chat/completions")
            .header("accept", HeaderValue::from_static("application/json"))
            .header("content-type", HeaderValue::from_static("application/json"))
            .header("authorization", key.clone())
            .header("user-agent", HeaderValue::from_static("watchkeeper/0.1.0"))
            .header("host", host.clone())
            .body(Full::new(Bytes::from(body(at))))?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        if !status.is_success() {
            return Err(format!("the endpoint answered {status}").into());
        }
        answer.into_body().collect().await?;
    }
    drop(sender);
    // The connection ends with its sender.
    connection.await??;
    Ok(())
}
