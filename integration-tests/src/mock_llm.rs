//! An OpenAI-compatible upstream in this process, with a path of Ollama's and a free list of models, that remembers
//! every request it got.
//!
//! Probe counts in the fleet tests are judged here and nowhere else: what a daemon says about itself is not evidence of
//! what it sent. A different key or base per pod would give each its own fingerprint, so pods are told apart by the door
//! through which they come: each is given one as its `HTTP_PROXY`. LiteLLM pods say in a header who they are.

mod answers;
mod seen;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use answers::JSON;
pub use seen::{Asked, End, Seen, Sender, gaps};

/// A probe is a few hundred bytes; a body beyond this is a bug worth failing on.
const MAX_REQUEST_BYTES: usize = 1 << 20;

/// What a model answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Behaviour {
    /// A well-formed answer at once.
    Ok,
    /// A well-formed answer after this long.
    Delay(Duration),
    /// No answer for as long as this behaviour stands; whatever replaces it is then answered.
    Hold,
    /// This status with OpenAI's error body.
    Status(u16),
    /// Status 429 with `Retry-After` in whole seconds.
    RetryAfter(u64),
    /// Status 200 with a body that is not JSON.
    Garbage,
    /// The connection ends without an answer.
    Close,
}

struct State {
    default: Behaviour,
    per_model: HashMap<String, Behaviour>,
    asked: Vec<Asked>,
}

struct Shared {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let result = act(&mut self.lock());
        self.changed.send_modify(|version| *version += 1);
        result
    }

    fn behaviour(&self, model: &str) -> Behaviour {
        let state = self.lock();
        state.per_model.get(model).unwrap_or(&state.default).clone()
    }
}

/// The running mock. Stops when dropped.
pub struct MockLlm {
    address: SocketAddr,
    shared: Arc<Shared>,
    servers: Vec<JoinHandle<()>>,
}

impl MockLlm {
    /// Starts one on a free port; every model answers [`Behaviour::Ok`].
    pub async fn start() -> Self {
        Self::start_at(IpAddr::V4(Ipv4Addr::LOCALHOST)).await
    }

    /// The same at an address of this machine that others reach, such as containers.
    ///
    /// # Panics
    /// When it is no address of this machine.
    pub async fn start_at(ip: IpAddr) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                default: Behaviour::Ok,
                per_model: HashMap::new(),
                asked: Vec::new(),
            }),
            changed: watch::Sender::new(0),
        });
        let server = tokio::spawn(serve(listener, None, Arc::clone(&shared)));
        Self {
            address,
            shared,
            servers: vec![server],
        }
    }

    /// Opens another address at which requests are answered alike and remembered as `name`'s. As an HTTP proxy of one
    /// pod (`HTTP_PROXY=http://<address>`) it tells whose a request is.
    pub async fn open_door(&mut self, name: &str) -> SocketAddr {
        let listener = TcpListener::bind((self.address.ip(), 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let door = Some(Arc::from(name));
        self.servers.push(tokio::spawn(serve(
            listener,
            door,
            Arc::clone(&self.shared),
        )));
        address
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What `api_base` is to be.
    #[must_use]
    pub fn api_base(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What `model` does from now on; requests that are held see it at once.
    pub fn set(&self, model: &str, behaviour: Behaviour) {
        self.shared.change(|state| {
            state.per_model.insert(model.to_owned(), behaviour);
        });
    }

    /// What models do that [`Self::set`] never named.
    pub fn set_default(&self, behaviour: Behaviour) {
        self.shared.change(|state| state.default = behaviour);
    }

    /// Forgets the requests seen so far. Those under way are remembered as they end.
    pub fn forget(&self) {
        self.shared.change(|state| {
            state.asked.retain(|asked| asked.ended.is_none());
        });
    }

    /// Every request, in the order of arrival.
    #[must_use]
    pub fn asked(&self) -> Seen {
        Seen(self.shared.lock().asked.clone())
    }

    /// Waits until `enough` holds for what was asked so far.
    ///
    /// # Panics
    /// When it does not within `limit`; the message shows what was asked.
    pub async fn wait_for(
        &self,
        what: &str,
        limit: Duration,
        enough: impl Fn(&Seen) -> bool,
    ) -> Seen {
        let mut changed = self.shared.changed.subscribe();
        let wait = async {
            loop {
                let seen = self.asked();
                if enough(&seen) {
                    return seen;
                }
                changed.changed().await.unwrap();
            }
        };
        match tokio::time::timeout(limit, wait).await {
            Ok(seen) => seen,
            Err(_) => panic!(
                "waited {limit:?} in vain for {what}; asked so far:\n{}",
                self.asked().table()
            ),
        }
    }

    /// Waits until each of `models` has been asked `count` times in all. Within a round they are asked in any order.
    pub async fn wait_for_rounds(&self, models: &[&str], count: usize, limit: Duration) -> Seen {
        self.wait_for(
            &format!("{count} starts of each of {models:?}"),
            limit,
            |seen| models.iter().all(|model| seen.count(model) >= count),
        )
        .await
    }

    /// Waits until `model` has been asked `count` times in all.
    pub async fn wait_for_starts(&self, model: &str, count: usize, limit: Duration) -> Seen {
        self.wait_for(&format!("{count} starts of {model}"), limit, |seen| {
            seen.count(model) >= count
        })
        .await
    }
}

impl Drop for MockLlm {
    fn drop(&mut self) {
        for server in &self.servers {
            server.abort();
        }
    }
}

async fn serve(listener: TcpListener, door: Option<Arc<str>>, shared: Arc<Shared>) {
    // Dropped with the task, which aborts every connection.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, door.clone(), Arc::clone(&shared)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// What makes hyper end the connection without an answer.
#[derive(Debug)]
struct CloseNow;

impl std::fmt::Display for CloseNow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("asked to close")
    }
}

impl std::error::Error for CloseNow {}

async fn connection(stream: TcpStream, door: Option<Arc<str>>, shared: Arc<Shared>) {
    let service = service_fn(move |request| answer(request, door.clone(), Arc::clone(&shared)));
    // Errors are clients that went away and closes that were asked for: both are recorded per request.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Marks its request as ended; as [`End::ClientGone`] if the future that owns it is dropped first, which is what hyper
/// does when the client closes the connection.
struct Record {
    shared: Arc<Shared>,
    index: usize,
    done: bool,
    started: Instant,
}

impl Record {
    fn end(&mut self, how: End) {
        self.done = true;
        let (index, started) = (self.index, self.started);
        self.shared.change(|state| {
            // `forget` may have moved it.
            let same = |asked: &&mut Asked| asked.started == started && asked.ended.is_none();
            let at = match state.asked.get_mut(index) {
                Some(asked) if same(&asked) => Some(asked),
                _ => state.asked.iter_mut().find(same),
            };
            if let Some(asked) = at {
                asked.ended = Some((Instant::now(), how));
            }
        });
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.done {
            self.end(End::ClientGone);
        }
    }
}

fn header<'a>(request: &'a Request<Incoming>, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

/// LiteLLM's client library sends what `OPENAI_ORGANIZATION` says with each request, and it is no part of a deployment's
/// parameters, so it leaves the model ids alone.
fn sender(request: &Request<Incoming>) -> Sender {
    if header(request, "user-agent").is_some_and(|agent| agent.starts_with("watchkeeper/")) {
        return Sender::Watchkeeper;
    }
    header(request, "openai-organization")
        .map_or(Sender::Other, |name| Sender::Litellm(Arc::from(name)))
}

async fn answer(
    request: Request<Incoming>,
    door: Option<Arc<str>>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, CloseNow> {
    let started = Instant::now();
    let path = request.uri().path().to_owned();
    let key = header(&request, "authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::to_owned);
    let sender = sender(&request);
    let body = match Limited::new(request.into_body(), MAX_REQUEST_BYTES)
        .collect()
        .await
    {
        Ok(body) => body.to_bytes(),
        Err(_) => return Err(CloseNow),
    };
    let body = answers::fields(&body);
    let model = body["model"].as_str().unwrap_or("?").to_owned();

    let index = shared.change(|state| {
        state.asked.push(Asked {
            model: model.clone(),
            path: path.clone(),
            door,
            sender,
            key,
            body,
            started,
            ended: None,
        });
        state.asked.len() - 1
    });
    let mut record = Record {
        shared: Arc::clone(&shared),
        index,
        done: false,
        started,
    };

    let mut changed = shared.changed.subscribe();
    let behaviour = loop {
        match shared.behaviour(&model) {
            Behaviour::Hold => {
                if changed.changed().await.is_err() {
                    return Err(CloseNow);
                }
            }
            other => break other,
        }
    };
    if let Behaviour::Delay(delay) = behaviour {
        tokio::time::sleep(delay).await;
    }
    let mut response = Response::builder();
    let (status, kind, body) = match behaviour {
        Behaviour::Ok | Behaviour::Delay(_) | Behaviour::Hold => answers::good(&path, &model),
        Behaviour::Status(status) => answers::error(status),
        Behaviour::RetryAfter(seconds) => {
            response = response.header("retry-after", seconds);
            answers::error(429)
        }
        Behaviour::Garbage => (200, JSON, "<html>this is not the API</html>".into()),
        Behaviour::Close => {
            record.end(End::Closed);
            return Err(CloseNow);
        }
    };
    record.end(End::Answered(status));
    Ok(response
        .status(status)
        .header("content-type", kind)
        .body(Full::new(body))
        .unwrap())
}
