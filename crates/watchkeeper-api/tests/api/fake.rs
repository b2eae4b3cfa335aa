//! A fleet to ask about.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Map, Value};
use tower::ServiceExt;
use watchkeeper_api::{Access, ApiState, MetricsText, Reloader, RequestObserver, router};
use watchkeeper_core::check::{Check, HealthParams, ModelTarget, Target};
use watchkeeper_core::companion::CompanionState;
use watchkeeper_core::coordinator::Answered;
use watchkeeper_core::events::{EventRing, EventSource, Happened, Since};
use watchkeeper_core::fingerprint::LockScope;
use watchkeeper_core::id::{CheckId, FleetName, GroupId, PodId};
use watchkeeper_core::lease::{Guarantee, Token};
use watchkeeper_core::on_demand::{NotRun, OnDemand};
use watchkeeper_core::report::{Entry, Thresholds};
use watchkeeper_core::secret::Secret;
use watchkeeper_core::status::{
    GroupView, Known, Mode, ShownSettings, Snapshot, StatusSource, Totals,
};
use watchkeeper_core::time::{Moment, UnixMillis};
use watchkeeper_core::verdict::{Outcome, Verdict};

use crate::documented;

/// The wall clock when the fake fleet's clock stands at 0: 2026-11-22T14:40:00Z.
pub(crate) const EPOCH: i64 = 1_795_358_400_000;

pub(crate) fn at(seconds: f64) -> Moment {
    Moment::ZERO + Duration::from_secs_f64(seconds)
}

pub(crate) fn unix(seconds: f64) -> UnixMillis {
    UnixMillis(EPOCH + i64::try_from(Duration::from_secs_f64(seconds).as_millis()).unwrap())
}

pub(crate) fn pod(name: &str) -> PodId {
    PodId::new(name).unwrap()
}

pub(crate) fn id(text: &str) -> CheckId {
    CheckId::new(text).unwrap()
}

/// A check of a model as a LiteLLM file gives it.
pub(crate) fn model(id_: &str, name: &str, model: &str) -> Check {
    let mut shown = Map::new();
    shown.insert("api_base".into(), "http://127.0.0.1:18080/v1".into());
    shown.insert("model".into(), model.into());
    Check {
        id: id(id_),
        name: name.to_owned(),
        target: Target::Model(Box::new(ModelTarget {
            model: model.to_owned(),
            provider: Some("openai".to_owned()),
            mode: None,
            api_base: Some(Secret::new("http://127.0.0.1:18080/v1")),
            api_key: Some(Secret::new("sk-upstream")),
            params: Map::new(),
            health: HealthParams::default(),
        })),
        timeout: Duration::from_secs(60),
        shown,
        background: true,
        full_every: None,
    }
}

/// A probe that ended `seconds` after the epoch, 250 ms after it began.
pub(crate) fn verdict(
    outcome: Outcome,
    status: Option<u16>,
    error: Option<&str>,
    seconds: f64,
) -> Verdict {
    Verdict::new(
        outcome,
        status,
        error.map(str::to_owned),
        Duration::from_millis(250),
        unix(seconds),
    )
}

pub(crate) fn passed(seconds: f64) -> Verdict {
    verdict(Outcome::Healthy, None, None, seconds)
}

pub(crate) fn timed_out(seconds: f64) -> Verdict {
    verdict(
        Outcome::Timeout,
        Some(408),
        Some("Timeout exceeded"),
        seconds,
    )
}

/// The entry that a list of probes leaves behind, each one second before the next, the last at `seconds`.
pub(crate) fn entry(check: &Check, thresholds: Thresholds, verdicts: Vec<Verdict>) -> Entry {
    let mut entry = None;
    for verdict in verdicts {
        let started = verdict.at;
        let (by, token) = (pod("pod-b"), Some(Token(7)));
        entry = Some(Entry::after(
            entry.as_ref(),
            check.id.clone(),
            by,
            token,
            started,
            verdict,
            thresholds,
        ));
    }
    entry.unwrap()
}

pub(crate) const AT_ONCE: Thresholds = Thresholds {
    healthy_after: 1,
    unhealthy_after: 1,
    passes: watchkeeper_core::report::Passes::HEALTHY,
};
pub(crate) const AFTER_TWO: Thresholds = Thresholds {
    healthy_after: 2,
    unhealthy_after: 2,
    passes: watchkeeper_core::report::Passes::HEALTHY,
};

pub(crate) fn settings() -> ShownSettings {
    ShownSettings {
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
    }
}

pub(crate) fn group(name: &str) -> GroupView {
    GroupView {
        group: GroupId::new(name).unwrap(),
        mode: Mode::Following,
        holder: None,
        token: None,
        lease_until: None,
        highest_token: Token::ZERO,
        checked_by: None,
        entries: BTreeMap::new(),
        next_due: None,
        late_after: Duration::from_secs(205),
        ledger: watchkeeper_core::money::Ledger::default(),
        transitions: watchkeeper_core::report::Transitions::default(),
        saved: Arc::default(),
    }
}

/// A pod `pod-a` with these checks in one group, and no result yet.
pub(crate) fn snapshot(checks: Vec<Check>) -> Snapshot {
    Snapshot {
        version: 1,
        pod: pod("pod-a"),
        fleet: FleetName::new("test").unwrap(),
        started: Moment::ZERO,
        started_unix: UnixMillis(EPOCH),
        backend: "redis",
        address: Arc::from("redis.example:6379"),
        guarantee: Guarantee::SinglePrimary,
        store_up: true,
        store_error: None,
        draining: false,
        had_results: false,
        settings: Arc::new(settings()),
        index: Arc::new(
            checks
                .iter()
                .map(|check| (check.id.clone(), 0))
                .collect::<HashMap<_, _>>(),
        ),
        checks: Arc::new(checks),
        groups: vec![Arc::new(group("all-1"))],
        pods: vec![],
        companions: CompanionState::default(),
        totals: Totals {
            led: 1,
            followed: 2,
            isolated: 3,
            probes: 4,
            saved: 5,
            ..Totals::default()
        },
    }
}

/// Puts what these probes found into the snapshot, probed at `probed_at` on the steady clock.
pub(crate) fn found(
    snapshot: &mut Snapshot,
    check: usize,
    thresholds: Thresholds,
    verdicts: Vec<Verdict>,
    probed_at: f64,
) {
    let check = &snapshot.checks[check];
    let entry = Arc::new(entry(check, thresholds, verdicts));
    let group = std::sync::Arc::make_mut(&mut snapshot.groups[snapshot.index[&check.id]]);
    group.checked_by = Some(entry.checked_by.clone());
    group.highest_token = Token(7);
    group.entries.insert(
        check.id.clone(),
        Known {
            entry,
            probed_at: at(probed_at),
        },
    );
}

pub(crate) struct Fake {
    snapshot: Mutex<Arc<Snapshot>>,
    now: AtomicI64,
}

impl Fake {
    pub(crate) fn set(&self, snapshot: Snapshot) {
        *self.snapshot.lock().unwrap() = Arc::new(snapshot);
    }

    /// A change of the present snapshot, with a new version.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Snapshot)) {
        let mut snapshot = Snapshot::clone(&self.snapshot());
        snapshot.version += 1;
        change(&mut snapshot);
        self.set(snapshot);
    }

    pub(crate) fn clock(&self, seconds: f64) {
        self.now.store(at(seconds).as_micros(), Ordering::Relaxed);
    }
}

impl StatusSource for Fake {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.lock().unwrap().clone()
    }
    fn now(&self) -> Moment {
        Moment::from_micros(self.now.load(Ordering::Relaxed))
    }
    fn unix(&self) -> UnixMillis {
        UnixMillis(EPOCH + self.now().as_micros() / 1000)
    }
}

/// Answers runs on demand with what the snapshot has, or as it is told.
#[derive(Default)]
pub(crate) struct Runner {
    fake: OnceLock<Arc<Fake>>,
    pub(crate) refusal: Mutex<Option<NotRun>>,
    /// Checks that were not asked for this call.
    pub(crate) joined: Mutex<Vec<CheckId>>,
    /// What was asked for.
    pub(crate) asked: Mutex<Vec<Vec<CheckId>>>,
}

#[async_trait]
impl OnDemand for Runner {
    async fn run(&self, checks: Vec<CheckId>) -> Result<Vec<Answered>, NotRun> {
        self.asked.lock().unwrap().push(checks.clone());
        if let Some(why) = *self.refusal.lock().unwrap() {
            return Err(why);
        }
        let snapshot = self.fake.get().unwrap().snapshot();
        let joined = self.joined.lock().unwrap();
        Ok(checks
            .into_iter()
            .map(|check| Answered {
                known: snapshot.known(&check).unwrap().clone(),
                joined: joined.contains(&check),
                check,
            })
            .collect())
    }
}

/// What happens, told by a test.
#[derive(Default)]
pub(crate) struct Events {
    ring: Mutex<EventRing>,
    latest: tokio::sync::watch::Sender<u64>,
}

impl Events {
    pub(crate) fn tell(&self, what: Happened) {
        let number = self.ring.lock().unwrap().push(unix(11.0), what);
        self.latest.send_replace(number);
    }
}

#[async_trait::async_trait]
impl EventSource for Events {
    fn epoch(&self) -> &str {
        "e1"
    }
    fn latest(&self) -> u64 {
        self.ring.lock().unwrap().latest()
    }
    fn since(&self, number: u64, most: usize) -> Since {
        self.ring.lock().unwrap().since(number, most)
    }
    async fn after(&self, number: u64) {
        let mut latest = self.latest.subscribe();
        latest.wait_for(|latest| *latest > number).await.unwrap();
    }
}

pub(crate) struct Metrics;

impl MetricsText for Metrics {
    fn render(&self) -> String {
        "watchkeeper_store_up 1\n# EOF\n".to_owned()
    }
}

/// What the observer was told: route, method, status.
#[derive(Default)]
pub(crate) struct Observer(pub(crate) Mutex<Vec<(String, &'static str, u16)>>);

impl RequestObserver for Observer {
    fn observe(&self, route: &str, method: &'static str, status: u16, _: Duration) {
        self.0
            .lock()
            .unwrap()
            .push((route.to_owned(), method, status));
    }
}

pub(crate) struct Api {
    pub(crate) access: Arc<Access>,
    pub(crate) fake: Arc<Fake>,
    pub(crate) events: Arc<Events>,
    pub(crate) observer: Arc<Observer>,
    pub(crate) runner: Arc<Runner>,
    pub(crate) router: Router,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A pod without keys at 10 s.
pub(crate) fn api(snapshot: Snapshot) -> Api {
    with_keys(snapshot, &[], false)
}

pub(crate) fn with_keys(snapshot: Snapshot, keys: &[&str], metrics_auth: bool) -> Api {
    with_reloader(snapshot, keys, metrics_auth, None)
}

pub(crate) fn with_reloader(
    snapshot: Snapshot,
    keys: &[&str],
    metrics_auth: bool,
    reloader: Option<Arc<dyn Reloader>>,
) -> Api {
    let keys: Vec<Secret> = keys.iter().map(Secret::new).collect();
    let fake = Arc::new(Fake {
        snapshot: Mutex::new(Arc::new(snapshot)),
        now: AtomicI64::new(0),
    });
    fake.clock(10.0);
    let observer = Arc::new(Observer::default());
    let runner = Arc::new(Runner::default());
    let _ = runner.fake.set(fake.clone());
    let events = Arc::new(Events::default());
    let access = Arc::new(Access::new(&keys, metrics_auth));
    let router = router(ApiState {
        source: fake.clone(),
        on_demand: runner.clone(),
        events: events.clone(),
        access: Arc::clone(&access),
        reloader,
        metrics: Arc::new(Metrics),
        observer: Some(observer.clone()),
    });
    Api {
        fake,
        access,
        events,
        observer,
        runner,
        router,
    }
}

impl Api {
    /// Whatever a test asks, the document has to have said that it may be answered so.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let answer = self.send_unjudged(request).await;
        documented::judge(&method, &path, &answer);
        answer
    }

    async fn send_unjudged(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        let request = Request::post(path).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }
}
