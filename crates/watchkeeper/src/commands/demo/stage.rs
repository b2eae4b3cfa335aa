//! The pods: each with its own HTTP API, all on one store.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use watchkeeper_api::{Access, ApiState, Drained, Limits, router, serve};
use watchkeeper_core::check::Check;
use watchkeeper_core::fingerprint::LockScope;
use watchkeeper_core::id::{FleetName, PodId};
use watchkeeper_core::probe::Prober;
use watchkeeper_core::report::Thresholds;
use watchkeeper_core::status::{ShownSettings, StatusSource};
use watchkeeper_core::time::Clock;
use watchkeeper_memory::MemoryStore;
use watchkeeper_probes::{HttpProber, ProberOptions};
use watchkeeper_runtime::{
    EventHub, GroupOptions, Metrics, Pod, PodOptions, ProbeFacts, StatusHub, group_settings,
};

use super::models::{self, LOCK_TTL};
use super::story::View;
use crate::exit::Failure;
use crate::wiring::metrics::PodMetrics;
use crate::wiring::pod::VERSION;

/// All probes of a round start together.
const CONCURRENCY: usize = 16;
/// The store is in memory; a sixth of `lock_ttl` is the most that is allowed.
const OP_TIMEOUT: Duration = Duration::from_millis(300);
/// A pod that leaves may finish its round.
const DRAIN: Duration = Duration::from_secs(10);
/// As configured by default.
const JITTER: f64 = 0.05;
/// As configured by default.
const CACHE_TTL: Duration = Duration::from_secs(300);
/// At the end of the demo nobody waits for a round under way.
const CURTAIN: Duration = Duration::from_millis(500);

/// The fleet.
pub(super) struct Stage {
    fleet: FleetName,
    interval: Duration,
    checks: Vec<Check>,
    store: Arc<MemoryStore>,
    prober: Arc<dyn Prober>,
    clock: Arc<dyn Clock>,
    members: Vec<Member>,
    leaving: Vec<(String, Arc<StatusHub>)>,
    leavers: JoinSet<String>,
    /// How many pods there were so far.
    named: usize,
}

/// A pod that is not leaving.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) address: SocketAddr,
    status: Arc<StatusHub>,
    pod: Pod,
    close: CancellationToken,
    server: JoinHandle<Drained>,
}

impl Member {
    async fn leave(self) -> String {
        self.pod.leave().await;
        self.close.cancel();
        // It can only fail by being cut at the end of the process.
        let _ = self.server.await;
        self.name
    }
}

impl Stage {
    /// An empty fleet; `base` is where the models' endpoints are.
    pub(super) fn new(
        interval: Duration,
        base: String,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let mut options = ProberOptions::new(Arc::clone(&clock));
        // The endpoints are on this machine: no proxy stands before them.
        options.proxies_from_env = false;
        Ok(Self {
            fleet: FleetName::new("demo").map_err(Failure::failed)?,
            interval,
            checks: models::checks(&base)?,
            store: Arc::new(MemoryStore::new(Arc::clone(&clock))),
            prober: Arc::new(HttpProber::new(options).map_err(Failure::failed)?),
            clock,
            members: Vec::new(),
            leaving: Vec::new(),
            leavers: JoinSet::new(),
            named: 0,
        })
    }

    /// The pods that are not leaving.
    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    /// A fresh pod joins.
    pub(super) async fn join(&mut self) -> Result<&Member, Failure> {
        self.named += 1;
        let name = format!("pod-{}", self.named);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| {
            Failure::failed(format!("{name} cannot listen on a loopback port: {error}"))
        })?;
        let address = listener.local_addr().map_err(Failure::failed)?;
        let metrics = Arc::new(Metrics::of_fleet(VERSION, &self.fleet));
        let pod = self.pod(&name, &metrics)?;
        let status = pod.status();
        let pod_metrics = Arc::new(PodMetrics {
            metrics,
            status: Arc::clone(&status),
        });
        let state = ApiState {
            source: Arc::clone(&status) as _,
            on_demand: pod.on_demand(),
            events: pod.events(),
            access: Arc::new(Access::new(&[], false)),
            reloader: None,
            metrics: Arc::clone(&pod_metrics) as _,
            observer: Some(pod_metrics),
        };
        let close = CancellationToken::new();
        let limits = Limits {
            drain: CURTAIN / 2,
            ..Limits::default()
        };
        let server = tokio::spawn(serve(
            listener,
            router(state),
            close.clone().cancelled_owned(),
            limits,
        ));
        self.members.push(Member {
            name,
            address,
            status,
            pod,
            close,
            server,
        });
        self.members
            .last()
            .ok_or_else(|| Failure::failed("the pod that joined is not there"))
    }

    fn pod(&self, name: &str, metrics: &Arc<Metrics>) -> Result<Pod, Failure> {
        let pod = PodId::new(name).map_err(Failure::failed)?;
        let options = GroupOptions {
            fleet: self.fleet.clone(),
            secret: None,
            pod: pod.clone(),
            scope: LockScope::Fleet,
            interval: self.interval,
            lock_ttl: LOCK_TTL,
            cache_ttl: CACHE_TTL.max(self.interval),
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
            drain: DRAIN,
            coordinate: true,
            background: true,
            seed: rand::random(),
        };
        let groups = group_settings(&options, &self.checks, |check| {
            ProbeFacts::of(&*self.prober, check)
        })
        .map_err(Failure::failed)?;
        let shown = ShownSettings {
            enabled: options.coordinate,
            background: options.background,
            interval: options.interval,
            lock_ttl: options.lock_ttl,
            cache_ttl: options.cache_ttl,
            lock_scope: options.scope,
            fresh_for: ShownSettings::fresh_for(
                options.interval,
                options.cache_ttl,
                options.jitter,
            ),
            budget: watchkeeper_core::money::Budget::default(),
            passes: watchkeeper_core::report::Passes::HEALTHY,
            details: true,
        };
        Ok(Pod::start(PodOptions {
            events: Arc::new(EventHub::new(&pod, Arc::clone(&self.clock))),
            fleet: options.fleet,
            pod,
            version: VERSION.to_owned(),
            checks: self.checks.clone(),
            groups,
            shown,
            backend: "memory",
            address: "this process".to_owned(),
            store: Arc::clone(&self.store) as _,
            prober: Arc::clone(&self.prober),
            clock: Arc::clone(&self.clock),
            metrics: Arc::clone(metrics),
            concurrency: CONCURRENCY,
            op_timeout: OP_TIMEOUT,
            drain: DRAIN,
            companions: None,
        }))
    }

    /// The pod leaves in order, as on SIGTERM. Returns at once.
    pub(super) fn leave(&mut self, name: &str) {
        let Some(at) = self.members.iter().position(|member| member.name == name) else {
            return;
        };
        let member = self.members.remove(at);
        self.leaving
            .push((member.name.clone(), Arc::clone(&member.status)));
        self.leavers.spawn(member.leave());
    }

    /// The pods that have left since this was last asked.
    pub(super) fn take_left(&mut self) -> Vec<String> {
        let mut left = Vec::new();
        while let Some(ended) = self.leavers.try_join_next() {
            // A task that failed has told why itself.
            if let Ok(name) = ended {
                self.leaving.retain(|(leaving, _)| *leaving != name);
                left.push(name);
            }
        }
        left
    }

    /// What every pod shows now, those that are leaving included.
    pub(super) fn views(&self) -> Vec<View> {
        let members = self.members.iter().map(|member| (&member.status, false));
        let leaving = self.leaving.iter().map(|(_, status)| (status, true));
        members
            .chain(leaving)
            .map(|(status, leaving)| View::of(&status.snapshot(), leaving))
            .collect()
    }

    /// All leave, as far as they can in a moment.
    pub(super) async fn close(mut self) {
        for member in std::mem::take(&mut self.members) {
            self.leavers.spawn(member.leave());
        }
        let all = async { while self.leavers.join_next().await.is_some() {} };
        // Whoever is in the middle of a round is cut off by the end of the process.
        let _ = tokio::time::timeout(CURTAIN, all).await;
    }
}
