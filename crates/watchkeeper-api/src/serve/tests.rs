use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::*;

/// Longer than anything here takes; only a broken server lets it pass.
const PATIENCE: Duration = Duration::from_secs(20);

/// Passes while a test waits for it, and is long beside what a busy machine takes to send a line.
const SHORT: Duration = Duration::from_millis(200);

fn idle(idle: Duration) -> Limits {
    Limits {
        idle,
        ..Limits::default()
    }
}

struct Server {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Drained>,
}

impl Server {
    async fn start(router: Router, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(serve(listener, router, shutdown, limits));
        Self {
            address,
            stop,
            task,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

async fn send(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// What comes until the server closes the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    // A connection that is cut while a request's body lies unread ends with a reset: what came before counts.
    let _ = read.unwrap_or_else(|_| panic!("the server kept the connection: {bytes:?}"));
    String::from_utf8(bytes).unwrap()
}

/// The answer to one request, on a connection of its own.
async fn ask(server: &Server, request: &str) -> String {
    let mut stream = server.connect().await;
    send(&mut stream, request).await;
    rest(stream).await
}

/// One answer with a short body, on a connection that stays open.
async fn one(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    while !text.ends_with("hello") {
        let mut byte = [0];
        let read = timeout(PATIENCE, stream.read_exact(&mut byte)).await;
        read.unwrap().unwrap();
        text.push(char::from(byte[0]));
    }
    text
}

fn hello() -> Router {
    Router::new().route("/", get(async || "hello")).route(
        "/body",
        post(async |body: bytes::Bytes| body.len().to_string()),
    )
}

#[tokio::test]
async fn requests_are_answered_one_after_another_on_one_connection() {
    let server = Server::start(hello(), Limits::default()).await;
    let mut stream = server.connect().await;
    for _ in 0..3 {
        send(&mut stream, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(one(&mut stream).await.starts_with("HTTP/1.1 200 OK\r\n"));
    }
    send(
        &mut stream,
        "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(rest(stream).await.ends_with("hello"));
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_in_json_announced_or_not() {
    let limits = Limits {
        body_bytes: 10,
        ..Limits::default()
    };
    let server = Server::start(hello(), limits).await;
    let fits = "POST /body HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 10\r\n\r\n0123456789";
    assert!(ask(&server, fits).await.ends_with("\r\n\r\n10"));
    for path in ["/body", "/"] {
        let announced = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 11\r\n\r\n0123456789a"
        );
        let answer = ask(&server, &announced).await;
        assert!(
            answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"),
            "{answer}"
        );
        assert!(
            answer.contains("the request's body is larger than 10 bytes"),
            "{answer}"
        );
    }
    let chunked = "POST /body HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n\
                   6\r\n012345\r\n6\r\n012345\r\n0\r\n\r\n";
    let answer = ask(&server, chunked).await;
    assert!(
        answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn headers_over_the_limit_and_what_is_no_http_are_refused() {
    let limits = Limits {
        head_bytes: 8192,
        ..Limits::default()
    };
    let server = Server::start(hello(), limits).await;
    let large = format!(
        "GET / HTTP/1.1\r\nhost: x\r\nx-large: {}\r\n\r\n",
        "a".repeat(9000)
    );
    assert!(ask(&server, &large).await.starts_with("HTTP/1.1 431 "));
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(9000));
    assert!(ask(&server, &long).await.starts_with("HTTP/1.1 4"));
    let many = format!(
        "GET / HTTP/1.1\r\nhost: x\r\n{}\r\n",
        "a: b\r\n".repeat(100)
    );
    assert!(ask(&server, &many).await.starts_with("HTTP/1.1 431 "));
    assert!(
        ask(&server, "nonsense\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 400 ")
    );
}

#[tokio::test]
async fn a_connection_without_a_whole_request_is_closed() {
    let server = Server::start(hello(), idle(SHORT)).await;
    // Nothing at all, a part, and nothing after an answer.
    rest(server.connect().await).await;
    assert!(
        !ask(&server, "GET / HTTP/1.1\r\nhost:")
            .await
            .contains("200")
    );
    assert!(
        ask(&server, "GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .ends_with("hello")
    );
}

#[tokio::test]
async fn a_connection_with_an_open_request_is_kept() {
    let (server, stream, go) = with_a_request_under_way(idle(SHORT)).await;
    for _ in 0..4 {
        // An idle one is closed meanwhile, so at least that long has passed.
        rest(server.connect().await).await;
    }
    go.notify_one();
    assert!(rest(stream).await.ends_with("hello"));
}

#[tokio::test]
async fn a_request_without_an_answer_in_time_is_told_so() {
    let router = Router::new().route("/", get(std::future::pending::<()>));
    let limits = Limits {
        request: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = Server::start(router, limits).await;
    let answer = ask(
        &server,
        "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("no answer within 0.05 s"), "{answer}");
}

#[tokio::test]
async fn a_client_that_never_reads_is_cut() {
    let large = bytes::Bytes::from(vec![b'x'; 64 << 20]);
    let router = Router::new().route("/", get(async move || large.clone()));
    let limits = Limits {
        connections: 1,
        unread: Duration::from_millis(100),
        ..Limits::default()
    };
    let server = Server::start(router.route("/hello", get(async || "hello")), limits).await;
    let mut deaf = server.connect().await;
    send(&mut deaf, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    // There is one place only: an answer to the next client shows that the deaf one lost it.
    let answer = ask(
        &server,
        "GET /hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.ends_with("hello"), "{answer}");
    drop(deaf);
}

/// A body that never ends.
struct Endless;

impl hyper::body::Body for Endless {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        let data = bytes::Bytes::from_static(&[b'x'; 65536]);
        std::task::Poll::Ready(Some(Ok(hyper::body::Frame::data(data))))
    }
}

#[tokio::test]
async fn a_client_that_goes_on_reading_is_kept() {
    let router = Router::new().route("/", get(async || axum::body::Body::new(Endless)));
    let server = Arc::new(Server::start(router, idle(SHORT)).await);
    let mut reader = server.connect().await;
    send(&mut reader, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let clock = tokio::spawn(async move {
        for _ in 0..4 {
            // An idle one is closed meanwhile, so at least that long has passed.
            rest(server.connect().await).await;
        }
    });
    let mut some = vec![0; 65536];
    while !clock.is_finished() {
        reader.read_exact(&mut some).await.unwrap();
    }
    clock.await.unwrap();
}

#[tokio::test]
async fn no_more_connections_than_the_limit_are_served_at_once() {
    static OPEN: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let busy = async || {
        MOST.fetch_max(OPEN.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        // Long enough for every other client to get in, if it were let.
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        OPEN.fetch_sub(1, Ordering::SeqCst);
        "hello"
    };
    let limits = Limits {
        connections: 3,
        ..Limits::default()
    };
    let server = Arc::new(Server::start(Router::new().route("/", get(busy)), limits).await);
    let mut clients = JoinSet::new();
    for _ in 0..30 {
        let server = Arc::clone(&server);
        clients.spawn(async move {
            ask(
                &server,
                "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            )
            .await
        });
    }
    while let Some(answer) = clients.join_next().await {
        assert!(answer.unwrap().ends_with("hello"));
    }
    assert_eq!(MOST.load(Ordering::SeqCst), 3);
}

fn drain(drain: Duration) -> Limits {
    Limits {
        drain,
        ..Limits::default()
    }
}

/// A server with one request under way that ends when `go` is told.
async fn with_a_request_under_way(limits: Limits) -> (Server, TcpStream, Arc<Notify>) {
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (inside, wait) = (Arc::clone(&entered), Arc::clone(&go));
    let slow = async move || {
        inside.notify_one();
        wait.notified().await;
        "hello"
    };
    let router = hello().route("/slow", get(slow));
    let server = Server::start(router, limits).await;
    let mut stream = server.connect().await;
    send(&mut stream, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    entered.notified().await;
    (server, stream, go)
}

#[tokio::test]
async fn a_shutdown_lets_the_request_under_way_end_and_closes_everything_else() {
    let (server, stream, go) = with_a_request_under_way(drain(PATIENCE)).await;
    let mut idle = server.connect().await;
    send(&mut idle, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    one(&mut idle).await;
    let Server {
        address,
        stop,
        task,
    } = server;
    stop.send(()).unwrap();
    // The idle connection is closed at once, and by then nobody new is let in.
    assert_eq!(rest(idle).await, "");
    assert!(TcpStream::connect(address).await.is_err());
    go.notify_one();
    assert!(rest(stream).await.ends_with("hello"));
    assert_eq!(task.await.unwrap(), Drained { cut: 0 });
}

#[tokio::test]
async fn a_request_that_does_not_end_within_the_drain_is_cut() {
    let (server, stream, _go) = with_a_request_under_way(drain(Duration::from_millis(50))).await;
    server.stop.send(()).unwrap();
    assert_eq!(rest(stream).await, "");
    assert_eq!(server.task.await.unwrap(), Drained { cut: 1 });
}

/// Answers after a while; tells when it begins, and when it ends or nobody waits any more.
fn slow(takes: Duration, extends: bool, tells: Arc<Notify>) -> Router {
    struct Dropped(Arc<Notify>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let handler = move |patience: axum::Extension<Patience>| async move {
        if extends {
            patience.extend(PATIENCE);
        }
        tells.notify_one();
        let _told = Dropped(tells);
        sleep(takes).await;
        "hello"
    };
    Router::new().route("/", post(handler))
}

const POST: &str = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn only_an_answer_that_was_said_to_take_longer_may() {
    for (extends, status) in [(true, "200"), (false, "503")] {
        let limits = Limits {
            request: SHORT / 2,
            ..Limits::default()
        };
        let server = Server::start(slow(SHORT, extends, Arc::default()), limits).await;
        let answer = ask(&server, POST).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{extends}: {answer}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_ends_what_is_done_for_it() {
    let tells = Arc::new(Notify::new());
    let server = Server::start(slow(PATIENCE * 2, true, tells.clone()), Limits::default()).await;
    let mut stream = server.connect().await;
    send(&mut stream, POST).await;
    timeout(PATIENCE, tells.notified()).await.unwrap();
    drop(stream);
    let ended = timeout(PATIENCE, tells.notified()).await;
    assert!(ended.is_ok(), "it goes on");
}
