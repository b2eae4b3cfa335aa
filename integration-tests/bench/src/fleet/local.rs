//! Pods inside this process: each on a thread, a runtime and store connections of its own, so that one can be killed
//! without a word while the others go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use watchkeeper_core::cache::{
    Notices, PodSeen, Presence, Publish, Published, Read, ReportCache, Store,
};
use watchkeeper_core::check::{Check, HealthParams, ModelTarget, Target};
use watchkeeper_core::companion::CompanionState;
use watchkeeper_core::error::StoreError;
use watchkeeper_core::fingerprint::LockScope;
use watchkeeper_core::id::{CheckId, FleetName, GroupId, PodId};
use watchkeeper_core::lease::{
    Acquire, Acquired, Guarantee, LeaseRef, LeaseStore, LockState, Released, Renewed, Token,
};
use watchkeeper_core::probe::{Effort, Plan, Prober};
use watchkeeper_core::report::Thresholds;
use watchkeeper_core::secret::Secret;
use watchkeeper_core::status::ShownSettings;
use watchkeeper_core::time::Clock;
use watchkeeper_core::verdict::{Outcome, Verdict};
use watchkeeper_probes::{HttpProber, ProberOptions};
use watchkeeper_runtime::{
    BootClock, EventHub, GroupOptions, Metrics, Pod, PodOptions, ProbeFacts, StatusHub,
    group_settings,
};

use crate::Error;
use crate::server::Place;

/// As `backend.timeout` unless set otherwise.
const OP_TIMEOUT: Duration = Duration::from_millis(500);
/// As `probe.concurrency` unless set otherwise.
const CONCURRENCY: usize = 16;
/// As `coordination.jitter` unless set otherwise.
const JITTER: f64 = 0.05;

/// Is told of each report when it leaves the pod.
pub(crate) type OnPublish = Arc<dyn Fn(Token) + Send + Sync>;

/// What all pods of a fleet have in common.
#[derive(Clone)]
pub(crate) struct Shape {
    pub(crate) place: Place,
    pub(crate) checks: Vec<Check>,
    pub(crate) interval: Duration,
    pub(crate) lock_ttl: Duration,
    pub(crate) drain: Duration,
    /// Probes go out over HTTP; otherwise every check is healthy at once and nobody is asked.
    pub(crate) asks: bool,
    pub(crate) on_publish: Option<OnPublish>,
    /// Where pings and what concerns presence are counted.
    pub(crate) aside: Arc<Aside>,
}

/// How often the pods of a fleet pinged, said that they live, and asked who else does.
#[derive(Debug, Default)]
pub(crate) struct Aside {
    pub(crate) pings: AtomicU64,
    pub(crate) announced: AtomicU64,
    pub(crate) listed: AtomicU64,
}

enum Order {
    Force(oneshot::Sender<Result<(), String>>),
    Leave,
}

/// A pod of this process. Dropped, it is gone without a word, as after `kill -9`.
pub(crate) struct LocalPod {
    status: Arc<StatusHub>,
    orders: mpsc::Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl LocalPod {
    /// Starts one.
    pub(crate) async fn start(shape: &Shape, name: &str) -> Result<Self, Error> {
        let (orders, inbox) = mpsc::channel(4);
        let (ready, started) = oneshot::channel();
        let (shape, pod) = (shape.clone(), PodId::new(name)?);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || live(shape, pod, inbox, ready))?;
        Ok(Self {
            status: started.await??,
            orders,
            thread: Some(thread),
        })
    }

    /// What it shows.
    pub(crate) fn status(&self) -> &Arc<StatusHub> {
        &self.status
    }

    /// Has all its checks probed now.
    pub(crate) async fn force(&self) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        self.orders
            .send(Order::Force(reply))
            .await
            .map_err(|_| "the pod has stopped")?;
        Ok(answer.await??)
    }

    /// Ends it as SIGTERM does.
    pub(crate) async fn leave(mut self) -> Result<(), Error> {
        self.orders
            .send(Order::Leave)
            .await
            .map_err(|_| "the pod has stopped")?;
        self.join().await
    }

    /// Ends it as `kill -9` does: its tasks are dropped and its connections closed.
    pub(crate) async fn kill(mut self) -> Result<(), Error> {
        self.orders = mpsc::channel(1).0;
        self.join().await
    }

    async fn join(&mut self) -> Result<(), Error> {
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        tokio::task::spawn_blocking(move || thread.join())
            .await?
            .map_err(|_| "a pod panicked".into())
    }
}

type Ready = oneshot::Sender<Result<Arc<StatusHub>, Error>>;

fn live(shape: Shape, pod: PodId, mut inbox: mpsc::Receiver<Order>, ready: Ready) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = ready.send(Err(error.into()));
            return;
        }
    };
    let ids: Vec<CheckId> = shape.checks.iter().map(|check| check.id.clone()).collect();
    runtime.block_on(async {
        let pod = match start(shape, pod) {
            Ok(pod) => pod,
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        let _ = ready.send(Ok(pod.status()));
        while let Some(order) = inbox.recv().await {
            match order {
                Order::Force(reply) => {
                    let done = pod.force(ids.clone()).await;
                    let _ = reply.send(done.map(drop).map_err(|e| e.to_string()));
                }
                Order::Leave => {
                    pod.leave().await;
                    return;
                }
            }
        }
    });
    // Whatever still runs is dropped where it waits.
    runtime.shutdown_background();
}

fn start(shape: Shape, pod: PodId) -> Result<Pod, Error> {
    let fleet = FleetName::new("bench")?;
    let backend = shape.place.word();
    let clock: Arc<dyn Clock> = Arc::new(BootClock);
    let store: Arc<dyn Store> = Arc::new(Noted {
        store: shape.place.open(fleet.clone(), OP_TIMEOUT)?,
        on_publish: shape.on_publish,
        aside: shape.aside,
    });
    let prober: Arc<dyn Prober> = if shape.asks {
        let mut options = ProberOptions::new(Arc::clone(&clock));
        options.proxies_from_env = false;
        Arc::new(HttpProber::new(options)?)
    } else {
        Arc::new(AllHealthy(Arc::clone(&clock)))
    };
    let seed = pod.as_str().bytes().fold(1_u64, |seed, byte| {
        seed.wrapping_mul(31).wrapping_add(byte.into())
    });
    // As `coordination.cache_ttl` unless set otherwise.
    let cache_ttl = shape.interval.max(Duration::from_secs(300));
    let options = GroupOptions {
        fleet: fleet.clone(),
        secret: None,
        pod: pod.clone(),
        scope: LockScope::Fleet,
        interval: shape.interval,
        lock_ttl: shape.lock_ttl,
        cache_ttl,
        jitter: JITTER,
        concurrency: CONCURRENCY,
        spread: Duration::ZERO,
        thresholds: Thresholds {
            healthy_after: 1,
            unhealthy_after: 1,
            passes: watchkeeper_core::report::Passes::HEALTHY,
        },
        lanes: std::collections::BTreeMap::new(),
        budget: watchkeeper_core::money::Budget::default(),
        honours_retry_after: true,
        op_timeout: OP_TIMEOUT,
        drain: shape.drain,
        coordinate: true,
        background: true,
        seed,
    };
    let groups = group_settings(&options, &shape.checks, |_| ProbeFacts::default())?;
    Ok(Pod::start(PodOptions {
        events: Arc::new(EventHub::new(&pod, Arc::clone(&clock))),
        fleet,
        pod,
        version: "bench".to_owned(),
        checks: shape.checks,
        groups,
        shown: ShownSettings {
            enabled: true,
            background: true,
            interval: shape.interval,
            lock_ttl: shape.lock_ttl,
            cache_ttl,
            lock_scope: LockScope::Fleet,
            fresh_for: ShownSettings::fresh_for(shape.interval, cache_ttl, JITTER),
            budget: watchkeeper_core::money::Budget::default(),
            passes: watchkeeper_core::report::Passes::HEALTHY,
            details: true,
        },
        backend,
        address: "redis".to_owned(),
        store,
        prober,
        clock,
        metrics: Arc::new(Metrics::new("bench")),
        concurrency: CONCURRENCY,
        op_timeout: OP_TIMEOUT,
        drain: shape.drain,
        companions: None,
    }))
}

/// Checks of models behind `api_base`.
pub(crate) fn checks(api_base: &str, models: &[String]) -> Result<Vec<Check>, Error> {
    let one = |name: &String| {
        Ok(Check {
            id: CheckId::new(name)?,
            name: name.clone(),
            target: Target::Model(Box::new(ModelTarget {
                model: format!("openai/{name}"),
                provider: Some("openai".to_owned()),
                mode: None,
                api_base: Some(Secret::new(api_base)),
                api_key: Some(Secret::new("sk-bench")),
                params: serde_json::Map::new(),
                health: HealthParams::default(),
            })),
            timeout: Duration::from_secs(30),
            shown: serde_json::Map::new(),
            background: true,
            full_every: None,
        })
    };
    models.iter().map(one).collect()
}

/// Finds every check healthy at once.
struct AllHealthy(Arc<dyn Clock>);

#[async_trait]
impl Prober for AllHealthy {
    fn plan(&self, _: &Check, _: Effort) -> Result<Plan, String> {
        Err("nobody is asked".to_owned())
    }

    async fn probe(&self, _: &Check, _: Effort) -> Verdict {
        let at = self.0.unix();
        Verdict::new(
            Outcome::Healthy,
            Some(200),
            None,
            Duration::from_millis(123),
            at,
        )
    }
}

/// A backend, telling when a report leaves.
struct Noted {
    store: Arc<dyn Store>,
    on_publish: Option<OnPublish>,
    aside: Arc<Aside>,
}

#[async_trait]
impl LeaseStore for Noted {
    async fn acquire(&self, request: &Acquire) -> Result<Acquired, StoreError> {
        self.store.acquire(request).await
    }

    async fn renew(&self, lease: &LeaseRef, ttl: Duration) -> Result<Renewed, StoreError> {
        self.store.renew(lease, ttl).await
    }

    async fn release(&self, lease: &LeaseRef) -> Result<Released, StoreError> {
        self.store.release(lease).await
    }

    async fn inspect(&self, group: &GroupId) -> Result<LockState, StoreError> {
        self.store.inspect(group).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.aside.pings.fetch_add(1, Ordering::Relaxed);
        self.store.ping().await
    }

    fn guarantee(&self) -> Guarantee {
        self.store.guarantee()
    }
}

#[async_trait]
impl ReportCache for Noted {
    async fn publish(&self, publish: &Publish) -> Result<Published, StoreError> {
        if let Some(tell) = &self.on_publish {
            tell(publish.lease.token);
        }
        self.store.publish(publish).await
    }

    async fn read(&self, group: &GroupId, floor: Token) -> Result<Read, StoreError> {
        self.store.read(group, floor).await
    }

    async fn announce(&self, presence: &Presence) -> Result<(), StoreError> {
        self.aside.announced.fetch_add(1, Ordering::Relaxed);
        self.store.announce(presence).await
    }

    async fn leave(&self, pod: &PodId) -> Result<(), StoreError> {
        self.store.leave(pod).await
    }

    async fn pods(&self) -> Result<Vec<PodSeen>, StoreError> {
        self.aside.listed.fetch_add(1, Ordering::Relaxed);
        self.store.pods().await
    }

    fn companion(&self) -> CompanionState {
        self.store.companion()
    }

    fn watch(&self) -> Notices {
        self.store.watch()
    }
}
