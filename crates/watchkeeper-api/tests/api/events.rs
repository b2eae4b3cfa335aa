use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tower::ServiceExt;
use watchkeeper_api::{Limits, serve};
use watchkeeper_core::events::{Happened, LeaseChange, MAX_EVENTS};
use watchkeeper_core::id::GroupId;
use watchkeeper_core::lease::Token;
use watchkeeper_core::report::Transition;
use watchkeeper_core::secret::Secret;
use watchkeeper_core::verdict::Outcome;

use crate::fake::*;

/// Longer than anything here takes; only a broken stream lets it pass.
const PATIENCE: Duration = Duration::from_secs(20);

fn store(up: bool) -> Happened {
    Happened::Store { up, error: None }
}

/// One block of a stream: name, id, data.
type Block = (String, String, Value);

struct Stream {
    body: BodyDataStream,
    text: String,
}

impl Stream {
    async fn open(api: &Api, path: &str, last: Option<&str>) -> Self {
        let mut request = Request::get(path);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = api.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        for (name, value) in [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-store"),
            ("x-accel-buffering", "no"),
        ] {
            assert_eq!(response.headers()[name], value);
        }
        Self {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    /// The next block.
    async fn next(&mut self) -> Block {
        while !self.text.contains("\n\n") {
            let data = tokio::time::timeout(PATIENCE, self.body.next()).await;
            let data = data.expect("nothing comes").expect("it ended").unwrap();
            self.text.push_str(std::str::from_utf8(&data).unwrap());
        }
        let (block, rest) = self.text.split_once("\n\n").unwrap();
        let field = |name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim_start_matches([':', ' ']).to_owned())
        };
        let data = field("data").map_or(Value::Null, |data| serde_json::from_str(&data).unwrap());
        let read = (
            field("event").unwrap_or_default(),
            field("id").unwrap_or_default(),
            data,
        );
        self.text = rest.to_owned();
        read
    }

    async fn names(&mut self, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        for _ in 0..count {
            let (name, id, _) = self.next().await;
            names.push(format!("{name} {id}"));
        }
        names
    }
}

fn pod_a() -> Api {
    api(snapshot(vec![model("a", "alpha", "openai/a")]))
}

#[tokio::test]
async fn every_kind_of_event_is_written_with_its_id_after_a_greeting() {
    let api = pod_a();
    let mut stream = Stream::open(&api, "/v1/events", None).await;
    let (name, id, data) = stream.next().await;
    assert_eq!((name.as_str(), id.as_str()), ("hello", "e1-0"));
    assert_eq!(data["pod_id"], "pod-a");
    assert_eq!(data["resumed"], false);
    let group = GroupId::new("all-1").unwrap();
    let transition = Transition {
        check: crate::fake::id("a"),
        healthy: false,
        at: unix(9.0),
        by: pod("pod-b"),
        token: Some(Token(7)),
        outcome: Outcome::Timeout,
        status: Some(408),
        error: Some("Timeout exceeded".to_owned()),
    };
    let at = "2026-11-22T14:40:11Z";
    for (number, what, name, expected) in [
        (
            1,
            Happened::Report {
                group: group.clone(),
                token: Some(Token(7)),
                by: pod("pod-b"),
                so_far: false,
                healthy: 2,
                unhealthy: 1,
            },
            "report",
            json!({"at": at, "group": "all-1", "token": 7, "by": "pod-b", "so_far": false, "healthy": 2, "unhealthy": 1}),
        ),
        (
            2,
            Happened::Lease {
                group: group.clone(),
                change: LeaseChange::TakenOver,
                holder: pod("pod-a"),
                token: Some(Token(8)),
                reason: None,
                from: Some(pod("pod-b")),
            },
            "lease",
            json!({"at": at, "group": "all-1", "change": "taken_over", "holder": "pod-a", "token": 8, "reason": null, "from": "pod-b"}),
        ),
        (
            3,
            Happened::Store {
                up: false,
                error: Some("cannot reach redis://u:secret@h:1".to_owned()),
            },
            "store",
            json!({"at": at, "up": false, "error": "cannot reach redis://h:1"}),
        ),
        (
            4,
            Happened::Turned {
                group,
                transition: Box::new(transition),
            },
            "transition",
            json!({"group": "all-1", "check_id": "a", "from": "healthy", "to": "unhealthy", "at": "2026-11-22T14:40:09Z",
                   "by": "pod-b", "token": 7, "outcome": "timeout", "status": 408, "error": "Timeout exceeded"}),
        ),
        (
            5,
            Happened::Reloaded {
                applied: false,
                error: Some("line 3".to_owned()),
            },
            "reload",
            json!({"at": at, "applied": false, "error": "line 3"}),
        ),
    ] {
        api.events.tell(what);
        let read = stream.next().await;
        assert_eq!(read.0, name);
        assert_eq!(read.1, format!("e1-{number}"));
        assert!(!read.2.to_string().contains("secret"));
        if name != "store" {
            assert_eq!(read.2, expected);
        }
    }
}

#[tokio::test]
async fn a_listener_goes_on_after_the_id_it_names_and_hears_of_what_is_gone() {
    let api = pod_a();
    for up in [true, false, true] {
        api.events.tell(store(up));
    }
    // The header goes before the query: it is what was seen last.
    for (path, last) in [
        ("/v1/events", Some("e1-1")),
        ("/v1/events?last_event_id=e1-1", None),
        ("/v1/events?last_event_id=e1-0", Some("e1-1")),
        ("/v1/events?last_event_id=e1-1", Some("")),
    ] {
        let mut stream = Stream::open(&api, path, last).await;
        let (name, id, data) = stream.next().await;
        assert_eq!((name.as_str(), id.as_str()), ("hello", "e1-1"), "{path}");
        assert_eq!(data["resumed"], true);
        assert_eq!(stream.names(2).await, ["store e1-2", "store e1-3"]);
    }
    // Not of this process, of the future, or none at all: nothing is replayed, and that is said.
    for unknown in [
        "e2-1",
        "e1-4",
        "e1-",
        "e1",
        "-1",
        "x y",
        "e1-99999999999999999999",
    ] {
        let mut stream = Stream::open(&api, "/v1/events", Some(unknown)).await;
        assert_eq!(stream.next().await.2["resumed"], false);
        let (name, id, data) = stream.next().await;
        assert_eq!((name.as_str(), id.as_str()), ("gap", "e1-3"), "{unknown}");
        assert_eq!(data, json!({"missed": null, "reason": "unknown_id"}));
        drop(stream);
    }
    // Overwritten: how many, and on with the rest.
    for n in 0..MAX_EVENTS {
        api.events.tell(store(n % 2 == 0));
    }
    let mut stream = Stream::open(&api, "/v1/events", Some("e1-1")).await;
    stream.next().await;
    let (name, id, data) = stream.next().await;
    assert_eq!((name.as_str(), id.as_str()), ("gap", "e1-3"));
    assert_eq!(data, json!({"missed": 2, "reason": "overwritten"}));
    let all = stream.names(MAX_EVENTS).await;
    assert_eq!(all.first().unwrap(), "store e1-4");
    assert_eq!(all.last().unwrap(), &format!("store e1-{}", MAX_EVENTS + 3));
}

#[tokio::test]
async fn a_listener_that_is_too_slow_is_told_what_it_missed_and_holds_nobody_up() {
    let api = pod_a();
    let mut slow = Stream::open(&api, "/v1/events", None).await;
    slow.next().await;
    api.events.tell(store(true));
    assert_eq!(slow.next().await.1, "e1-1");
    // Never waits, however much nobody reads.
    for n in 0..MAX_EVENTS + 10 {
        api.events.tell(store(n % 2 == 0));
    }
    let (name, id, data) = slow.next().await;
    assert_eq!((name.as_str(), id.as_str()), ("gap", "e1-11"));
    assert_eq!(data, json!({"missed": 10, "reason": "lagged"}));
    assert_eq!(slow.next().await.1, "e1-12");
}

#[tokio::test]
async fn a_filter_passes_what_it_names_and_moves_the_id_over_the_rest() {
    let api = pod_a();
    let mut stream = Stream::open(&api, "/v1/events?types=reload,lease", None).await;
    stream.next().await;
    let reload = Happened::Reloaded {
        applied: true,
        error: None,
    };
    api.events.tell(store(true));
    api.events.tell(reload.clone());
    api.events.tell(store(false));
    assert_eq!(stream.names(2).await, ["reload e1-2", " e1-3"]);
    // What only moves the id has no data: to a client it is no event.
    api.events.tell(store(true));
    assert_eq!(
        stream.next().await,
        (String::new(), "e1-4".to_owned(), Value::Null)
    );
    let answer = api.get("/v1/events?types=store,nope").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.json()["error"]["param"], "types");
    assert!(answer.text.contains("`nope`") && answer.text.contains("`transition`"));
}

#[tokio::test]
async fn a_key_is_needed_and_head_ends_at_once() {
    let api = with_keys(snapshot(vec![]), &["sk-1"], false);
    assert_eq!(api.get("/v1/events").await.status, StatusCode::UNAUTHORIZED);
    let api = pod_a();
    for _ in 0..100 {
        let head = Request::head("/v1/events").body(Body::empty()).unwrap();
        let answer = api.send(head).await;
        assert_eq!(answer.status, StatusCode::OK, "a place is freed");
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        assert_eq!(answer.text, "");
    }
}

struct Server {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<watchkeeper_api::Drained>,
}

async fn served(api: &Api, limits: Limits) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async {
        let _ = stopped.await;
    };
    let task = tokio::spawn(serve(listener, api.router.clone(), shutdown, limits));
    Server {
        address,
        stop,
        task,
    }
}

/// A stream over a socket, read up to the greeting; or the status line of a refusal.
async fn listen(server: &Server) -> (String, BufReader<TcpStream>) {
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let request = "GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n";
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut socket = BufReader::new(socket);
    let mut status = String::new();
    socket.read_line(&mut status).await.unwrap();
    if status.contains("200") {
        wait_for(&mut socket, "event: hello").await;
    }
    (status.trim().to_owned(), socket)
}

async fn wait_for(socket: &mut BufReader<TcpStream>, text: &str) {
    let found = async {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(socket.read_line(&mut line).await.unwrap(), 0, "no {text}");
        }
    };
    tokio::time::timeout(PATIENCE, found).await.expect(text);
}

#[tokio::test]
async fn streams_have_their_own_bound_and_leave_room_for_others() {
    let api = pod_a();
    let server = served(&api, Limits::default()).await;
    let mut open = Vec::new();
    for _ in 0..64 {
        let (status, socket) = listen(&server).await;
        assert_eq!(status, "HTTP/1.1 200 OK");
        open.push(socket);
    }
    let (status, mut refused) = listen(&server).await;
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
    wait_for(&mut refused, "retry-after: 30").await;
    assert_eq!(api.get("/v1/status").await.status, StatusCode::OK);
    api.events.tell(store(true));
    for socket in &mut open {
        wait_for(socket, "id: e1-1").await;
    }
    // A client that leaves makes room, once that is noticed: by the next event at the latest.
    drop(open.pop());
    let mut status = String::new();
    let room = async {
        while status != "HTTP/1.1 200 OK" {
            api.events.tell(store(false));
            status = listen(&server).await.0;
        }
    };
    tokio::time::timeout(PATIENCE, room).await.expect("no room");
}

#[tokio::test]
async fn a_stream_outlives_the_limits_of_requests_and_ends_with_the_server() {
    let api = pod_a();
    let short = Duration::from_millis(100);
    let limits = Limits {
        idle: short,
        request: short,
        unread: short,
        drain: PATIENCE,
        ..Limits::default()
    };
    let server = served(&api, limits).await;
    let (_, mut socket) = listen(&server).await;
    // Three times as long as any limit, without a word.
    tokio::time::sleep(short * 3).await;
    api.events.tell(store(true));
    wait_for(&mut socket, "id: e1-1").await;
    server.stop.send(()).unwrap();
    let ended = tokio::time::timeout(PATIENCE / 2, server.task).await;
    assert_eq!(ended.expect("the stream holds up the stop").unwrap().cut, 0);
    let mut rest = String::new();
    socket.read_to_string(&mut rest).await.unwrap();
}

#[tokio::test]
async fn a_stream_ends_once_its_key_is_taken_away_and_not_when_another_is() {
    let pod = snapshot(vec![model("a", "alpha", "openai/a")]);
    let api = with_keys(pod, &["sk-old", "sk-other"], false);
    let request = Request::get("/v1/events").header("authorization", "Bearer sk-old");
    let request = request.body(Body::empty()).unwrap();
    let response = api.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut stream = Stream {
        body: response.into_body().into_data_stream(),
        text: String::new(),
    };
    assert_eq!(stream.names(1).await, ["hello e1-0"]);
    api.access.replace(&[Secret::new("sk-old")], false);
    api.events.tell(store(true));
    assert_eq!(stream.names(1).await, ["store e1-1"]);
    api.access.replace(&[Secret::new("sk-new")], false);
    api.events.tell(store(false));
    let next = tokio::time::timeout(PATIENCE, stream.body.next()).await;
    assert!(next.expect("it goes on").is_none());
}
