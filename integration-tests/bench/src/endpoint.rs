//! A model endpoint that answers after a fixed time and does next to nothing else, as a process of its own: what it
//! costs must not be counted as the client's.

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket};

use crate::Error;

/// What it answers: a short completion.
const ANSWER: &[u8] = br#"{"id":"chatcmpl-0","object":"chat.completion","created":1700000000,"model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"ok"}}],"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}}"#;

/// Connections that may wait to be taken. A round opens hundreds at once, and one that finds no room is tried again after
/// a second.
const BACKLOG: u32 = 4096;

/// The running endpoint. It ends with its standard input, and so with this process whatever becomes of it.
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    child: Child,
    _stdin: Option<ChildStdin>,
}

impl Endpoint {
    /// Starts this program again as the endpoint.
    pub(crate) fn start(delay: Duration) -> Result<Self, Error> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--endpoint")
            .arg(delay.as_millis().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("the endpoint has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        Ok(Self {
            address: line.trim().parse()?,
            _stdin: child.stdin.take(),
            child,
        })
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        // It ends by itself as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is the endpoint: says its address, and serves until its standard input ends.
pub(crate) fn serve(delay: Duration) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let listener = socket.listen(BACKLOG)?;
        println!("{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        let over = tokio::task::spawn_blocking(|| {
            // Nothing is ever written: this returns at the end of the input.
            let _ = std::io::stdin().read(&mut [0]);
        });
        tokio::select! {
            served = accept(listener, delay) => served,
            _ = over => Ok(()),
        }
    })
}

async fn accept(listener: TcpListener, delay: Duration) -> Result<(), Error> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, delay));
            // An error is a client that went away.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    delay: Duration,
) -> Result<Response<Full<Bytes>>, Infallible> {
    // A body that breaks off is the client's business.
    let _ = request.into_body().collect().await;
    tokio::time::sleep(delay).await;
    let mut response = Response::new(Full::new(Bytes::from_static(ANSWER)));
    response.headers_mut().insert(
        hyper::header::CONTENT_TYPE,
        hyper::header::HeaderValue::from_static("application/json"),
    );
    Ok(response)
}
