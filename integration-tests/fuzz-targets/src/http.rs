//! What a client may send: any bytes on a socket of their own.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use watchkeeper_api::{Access, ApiState, Limits, MetricsText, router, serve};
use watchkeeper_core::check::{Check, HealthParams, ModelTarget, Target};
use watchkeeper_core::companion::CompanionState;
use watchkeeper_core::coordinator::Answered;
use watchkeeper_core::events::{EventSource, Since};
use watchkeeper_core::fingerprint::LockScope;
use watchkeeper_core::id::{CheckId, FleetName, GroupId, PodId};
use watchkeeper_core::lease::{Guarantee, Token};
use watchkeeper_core::on_demand::{NotRun, OnDemand};
use watchkeeper_core::report::{Entry, Thresholds};
use watchkeeper_core::secret::Secret;
use watchkeeper_core::status::{
    GroupView, Known, Mode, ShownSettings, Snapshot, StatusSource, Totals,
};
use watchkeeper_core::time::{Clock, Moment, UnixMillis};
use watchkeeper_core::verdict::{Outcome, Verdict};

use crate::clock::{Still, UNIX};
use crate::sockets::block_on;

/// Lets its owner in; no input holds it.
const KEY: &str = "sk-nobody-knows-5d1c8b7a";
/// Of the check, which nothing may show.
const UPSTREAM_KEY: &str = "sk-upstream-99aa77";
/// Shown to those who are let in, to nobody else.
const CHECK: &str = "secret-model";

/// What docs/http.md lists.
const STATUSES: [u16; 11] = [200, 400, 401, 403, 404, 405, 413, 414, 415, 422, 431];
const UNAVAILABLE: u16 = 503;

#[derive(Clone, Copy)]
struct Servers {
    open: SocketAddr,
    keyed: SocketAddr,
}

thread_local! {
    static SERVERS: OnceCell<Servers> = const { OnceCell::new() };
}

/// The first byte says whether a key is wanted, the rest is sent as it is.
pub(crate) fn request(input: &[u8]) {
    let (&how, sent) = input.split_first().unwrap_or((&0, &[]));
    let keyed = how % 2 == 1;
    let answers = SERVERS.with(|servers| {
        let servers = servers.get_or_init(|| block_on(start()));
        let address = if keyed { servers.keyed } else { servers.open };
        block_on(ask(address, sent))
    });
    let text = String::from_utf8(answers).expect("answers are text");
    assert!(
        !text.contains(UPSTREAM_KEY) && !text.contains(KEY),
        "{text}"
    );
    // A path is repeated in some answers, so a client that knows the name may see it again.
    let knows = sent.windows(CHECK.len()).any(|w| w == CHECK.as_bytes());
    assert!(
        !keyed || knows || !text.contains(CHECK),
        "let in without a key: {text}"
    );
    let mut rest = text.as_str();
    while !rest.is_empty() {
        rest = one(rest);
    }
}

async fn ask(address: SocketAddr, sent: &[u8]) -> Vec<u8> {
    let stream = TcpStream::connect(address).await.expect("it listens");
    // Thousands of closed connections a second would use up the ports.
    let _ = stream.set_zero_linger();
    let (mut reader, mut writer) = stream.into_split();
    let mut answers = Vec::new();
    let send = async {
        // A server that has enough closes, and need not take the rest.
        let _ = writer.write_all(sent).await;
        let _ = writer.shutdown().await;
    };
    let (_, _) = tokio::join!(send, reader.read_to_end(&mut answers));
    answers
}

/// Looks at the first answer; what follows it.
fn one(text: &str) -> &str {
    let (head, rest) = text.split_once("\r\n\r\n").expect("a whole head");
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap();
    let version = first
        .strip_prefix("HTTP/1.1 ")
        .or(first.strip_prefix("HTTP/1.0 "));
    let status: u16 = version
        .and_then(|rest| rest.get(..3)?.parse().ok())
        .unwrap_or_else(|| panic!("no status in `{first}`"));
    let headers: BTreeMap<&str, &str> = lines
        .map(|line| {
            line.split_once(": ")
                .unwrap_or_else(|| panic!("no header: {line}"))
        })
        .collect();
    if status == 100 {
        return rest;
    }
    if headers.get("content-type") == Some(&"text/event-stream") {
        // Ends with the connection only, which the client has half closed.
        return "";
    }
    let length = headers.get("content-length");
    let length: usize = length.map_or(0, |n| n.parse().expect("a length"));
    // The answer to `HEAD` has a length and no body.
    let whole = rest
        .get(..length)
        .filter(|body| !body.starts_with("HTTP/1."));
    let body = whole.unwrap_or_default();
    assert!(
        STATUSES.contains(&status) || status == UNAVAILABLE,
        "{status}: {text}"
    );
    if !body.is_empty() && headers.get("content-type") == Some(&"application/json") {
        let json: Result<Value, _> = serde_json::from_str(body);
        assert!(json.is_ok(), "no JSON: {body}");
    } else if !body.is_empty() {
        assert_eq!(status, 200, "bad input is answered in JSON: {text}");
    }
    // Only what knows of unhealthy or missing results says so: a question about checks, or readiness.
    assert!(
        status != UNAVAILABLE || !body.contains("timeout_error"),
        "{text}"
    );
    &rest[body.len()..]
}

async fn start() -> Servers {
    Servers {
        open: listen(Vec::new()).await,
        keyed: listen(vec![Secret::new(KEY)]).await,
    }
}

async fn listen(keys: Vec<Secret>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let address = listener.local_addr().expect("its address");
    let router = router(ApiState {
        source: Arc::new(Still),
        on_demand: Arc::new(Still),
        events: Arc::new(Still),
        access: Arc::new(Access::new(&keys, !keys.is_empty())),
        reloader: None,
        metrics: Arc::new(Still),
        observer: None,
    });
    let limits = Limits::default();
    tokio::spawn(serve(listener, router, std::future::pending(), limits));
    address
}

#[async_trait]
impl OnDemand for Still {
    async fn run(&self, checks: Vec<CheckId>) -> Result<Vec<Answered>, NotRun> {
        let snapshot = snapshot();
        let answered = checks.into_iter().filter_map(|check| {
            let known = snapshot.known(&check)?.clone();
            Some(Answered {
                check,
                known,
                joined: false,
            })
        });
        Ok(answered.collect())
    }
}

impl MetricsText for Still {
    fn render(&self) -> String {
        format!("checks{{name=\"{CHECK}\"}} 1\n# EOF\n")
    }
}

#[async_trait::async_trait]
impl EventSource for Still {
    fn epoch(&self) -> &'static str {
        "e1"
    }

    fn latest(&self) -> u64 {
        0
    }

    fn since(&self, _: u64, _: usize) -> Since {
        Since::default()
    }

    async fn after(&self, _: u64) {
        std::future::pending().await
    }
}

impl StatusSource for Still {
    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::new(snapshot())
    }

    fn now(&self) -> Moment {
        Clock::now(self)
    }

    fn unix(&self) -> UnixMillis {
        UNIX
    }
}

fn snapshot() -> Snapshot {
    let check = Check {
        id: CheckId::new(CHECK).unwrap(),
        name: CHECK.to_owned(),
        target: Target::Model(Box::new(ModelTarget {
            model: format!("openai/{CHECK}"),
            provider: Some("openai".to_owned()),
            mode: None,
            api_base: None,
            api_key: Some(Secret::new(UPSTREAM_KEY)),
            params: Map::new(),
            health: HealthParams::default(),
        })),
        timeout: Duration::from_secs(60),
        shown: Map::from_iter([("model".to_owned(), Value::from(CHECK))]),
        background: true,
        full_every: None,
    };
    let verdict = Verdict::new(
        Outcome::Unauthorized,
        Some(401),
        Some("answered 401: ***".to_owned()),
        Duration::from_millis(250),
        UNIX,
    );
    let pod = PodId::new("pod-a").unwrap();
    let at_once = Thresholds {
        healthy_after: 1,
        unhealthy_after: 1,
        passes: watchkeeper_core::report::Passes::HEALTHY,
    };
    let entry = Entry::after(
        None,
        check.id.clone(),
        pod.clone(),
        Some(Token(7)),
        UNIX,
        verdict,
        at_once,
    );
    let known = Known {
        entry: Arc::new(entry),
        probed_at: Moment::ZERO,
    };
    let group = GroupView {
        group: GroupId::new("all-1").unwrap(),
        mode: Mode::Following,
        holder: None,
        token: None,
        lease_until: None,
        highest_token: Token(7),
        checked_by: Some(pod.clone()),
        entries: BTreeMap::from([(check.id.clone(), known)]),
        next_due: None,
        late_after: Duration::from_secs(205),
        ledger: watchkeeper_core::money::Ledger::default(),
        transitions: watchkeeper_core::report::Transitions::default(),
        saved: Arc::default(),
    };
    Snapshot {
        version: 1,
        pod,
        fleet: FleetName::new("test").unwrap(),
        started: Moment::ZERO,
        started_unix: UNIX,
        backend: "redis",
        address: Arc::from("redis.example:6379"),
        guarantee: Guarantee::SinglePrimary,
        store_up: true,
        store_error: None,
        draining: false,
        had_results: false,
        settings: Arc::new(ShownSettings {
            enabled: true,
            background: true,
            interval: Duration::from_secs(300),
            lock_ttl: Duration::from_secs(60),
            cache_ttl: Duration::from_secs(30),
            lock_scope: LockScope::Fleet,
            fresh_for: Duration::from_secs(316),
            budget: watchkeeper_core::money::Budget::default(),
            passes: watchkeeper_core::report::Passes::HEALTHY,
            details: true,
        }),
        index: Arc::new(HashMap::from([(check.id.clone(), 0)])),
        checks: Arc::new(vec![check]),
        groups: vec![Arc::new(group)],
        pods: Vec::new(),
        totals: Totals::default(),
        companions: CompanionState::default(),
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for path in [
        "/health",
        "/health?model=secret-model",
        "/health?model_id=x%20y&model=%ff",
        "/health/shared-status",
        "/health/latest",
        "/health/history?limit=5&offset=-1&status_filter=healthy",
        "/health/liveliness",
        "/health/readiness",
        "/health/readiness/details",
        "/v1/checks",
        "/v1/checks/%73ecret-model",
        "/v1/checks/%ff",
        "/v1/checks/secret-model/history",
        "/v1/events?types=store&last_event_id=e1-7",
        "/v1/fleet",
        "/v1/status",
        "/metrics",
        "/nothing/here",
    ] {
        for how in [0, 1] {
            let request =
                format!("GET {path} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer x\r\n\r\n");
            seeds.push([&[how][..], request.as_bytes()].concat());
        }
    }
    for request in [
        "GET /health HTTP/1.1\r\nhost: h\r\n\r\nHEAD /health/latest HTTP/1.1\r\nhost: h\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
        "POST /health HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc",
        "POST /x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 70000\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nhost: h\r\n\r\n",
        "CONNECT h:1 HTTP/1.1\r\n\r\n",
        "GET http://h/health HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /health HTTP/1.1\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
        "\r\n\r\nGET / HTTP/1.1\r\nx: y\r\n z\r\n\r\n",
        "GET /health\r\n",
        "\u{16}\u{3}\u{1}",
    ] {
        seeds.push([&[0][..], request.as_bytes()].concat());
    }
    seeds.push([&[0][..], b"GET /", "a".repeat(40_000).as_bytes()].concat());
    seeds
}
