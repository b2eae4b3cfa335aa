//! A server with a queue of replies. Records every request; each queued reply is used once, later requests get a 599.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

/// What the server does once it has read a request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Writes this and waits for the next request.
    Send(Vec<u8>),
    /// Writes this and holds the connection until the client leaves.
    Stall(Vec<u8>),
    /// Writes this, then a byte now and then until the client leaves.
    Drip(Vec<u8>),
    /// Writes this and closes.
    Close(Vec<u8>),
    /// Writes what this makes of the request and waits for the next.
    Made(fn(&Seen) -> Vec<u8>),
    /// Closes with a reset.
    Reset,
    /// Answers with this status and a message that quotes the whole request.
    Echo(u16),
}

/// A reply with a status, a content type and a body.
pub(crate) fn reply(status: u16, kind: &str, body: impl AsRef<[u8]>) -> Reply {
    let mut bytes = head(status, kind, Some(body.as_ref().len()));
    bytes.extend_from_slice(body.as_ref());
    Reply::Send(bytes)
}

/// A JSON reply.
pub(crate) fn json(status: u16, body: &str) -> Reply {
    reply(status, "application/json", body)
}

/// The head of a reply; without a length the body ends with the connection.
pub(crate) fn head(status: u16, kind: &str, length: Option<usize>) -> Vec<u8> {
    let length = length.map_or(String::new(), |n| format!("content-length: {n}\r\n"));
    format!("HTTP/1.1 {status} Whatever\r\ncontent-type: {kind}\r\n{length}\r\n").into_bytes()
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    raw: Vec<u8>,
}

#[derive(Default)]
pub(crate) struct Record {
    replies: Mutex<VecDeque<Reply>>,
    seen: Mutex<Vec<Seen>>,
    connections: Mutex<usize>,
}

pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    record: Arc<Record>,
    gone: mpsc::UnboundedReceiver<()>,
    arrived: mpsc::UnboundedReceiver<()>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let record = Arc::new(Record {
            replies: Mutex::new(replies.into_iter().collect()),
            ..Record::default()
        });
        let (gone_tx, gone) = mpsc::unbounded_channel();
        let (arrived_tx, arrived) = mpsc::unbounded_channel();
        let shared = Arc::clone(&record);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                *shared.connections.lock().unwrap() += 1;
                let (record, gone, arrived) = (shared.clone(), gone_tx.clone(), arrived_tx.clone());
                connections.spawn(async move {
                    serve(stream, &record, &arrived).await;
                    let _ = gone.send(());
                });
            }
        });
        Self {
            addr,
            record,
            gone,
            arrived,
            task,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.record.seen.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.record.connections.lock().unwrap()
    }

    /// Returns once a request has arrived.
    pub(crate) async fn arrived(&mut self) {
        self.arrived.recv().await.unwrap();
    }

    /// Returns once a connection has ended.
    pub(crate) async fn gone(&mut self) {
        self.gone.recv().await.unwrap();
    }
}

async fn serve(mut stream: TcpStream, record: &Record, arrived: &mpsc::UnboundedSender<()>) {
    while let Some(seen) = read_request(&mut stream).await {
        record.seen.lock().unwrap().push(seen.clone());
        let _ = arrived.send(());
        let next = record.replies.lock().unwrap().pop_front();
        let next = next.unwrap_or_else(|| json(599, r#"{"error":"one request too many"}"#));
        // a client that leaves early is what some tests are about
        let sent = match next {
            Reply::Send(bytes) => stream.write_all(&bytes).await,
            Reply::Made(make) => stream.write_all(&make(&seen)).await,
            Reply::Echo(status) => stream.write_all(&echo(status, &seen)).await,
            Reply::Close(bytes) => {
                let _ = stream.write_all(&bytes).await;
                return;
            }
            Reply::Stall(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.read(&mut [0; 64]).await;
                return;
            }
            Reply::Drip(bytes) => {
                let _ = stream.write_all(&bytes).await;
                while stream.write_all(b" ").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                return;
            }
            Reply::Reset => {
                let _ = stream.set_zero_linger();
                return;
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

fn echo(status: u16, seen: &Seen) -> Vec<u8> {
    let request = String::from_utf8_lossy(&seen.raw).into_owned();
    let message = format!("cannot: {request}");
    let body = serde_json::json!({"error": {"message": message}}).to_string();
    let token = seen.headers.get("authorization").cloned();
    let mut bytes = format!(
        "HTTP/1.1 {status} Bad\r\nx-ratelimit-remaining-requests: {0}\r\nlocation: http://127.0.0.1:1/{0}\r\ncontent-length: {1}\r\n\r\n",
        token.unwrap_or_default(),
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body.as_bytes());
    bytes
}

/// Reads one HTTP/1.1 request with a `content-length` body; `None` when the client is gone.
pub(crate) async fn read_request(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> Option<Seen> {
    let mut raw = Vec::new();
    let end = loop {
        if let Some(at) = raw.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut raw).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(raw[..end].to_vec()).unwrap();
    let mut lines = text.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers
        .get("content-length")
        .map_or(0, |n| n.parse().unwrap());
    while raw.len() < end + length {
        if stream.read_buf(&mut raw).await.ok()? == 0 {
            return None;
        }
    }
    Some(Seen {
        method,
        path,
        headers,
        body: raw[end..end + length].to_vec(),
        raw,
    })
}
