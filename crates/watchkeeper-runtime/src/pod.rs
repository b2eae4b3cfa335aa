//! A running pod: starts the tasks, answers forced runs, and leaves in order.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};
use watchkeeper_core::cache::{Notice, Store};
use watchkeeper_core::check::Check;
use watchkeeper_core::companion::CompanionCodec;
use watchkeeper_core::coordinator::{Answered, Coordinator, Hint, Settings};
use watchkeeper_core::id::{CheckId, FleetName, PodId};
use watchkeeper_core::on_demand::{NotRun, OnDemand};
use watchkeeper_core::probe::Prober;
use watchkeeper_core::status::{PodFacts, ShownSettings, Snapshot, Totals};
use watchkeeper_core::time::{Clock, Moment};

use crate::calls::{Caller, Calls};
use crate::companions::Companions;
use crate::driver::{Driver, INBOX, Input};
use crate::events::EventHub;
use crate::group::{Group, GroupKey};
use crate::metrics::Metrics;
use crate::pulse::Pulse;
use crate::reloads::{Reloads, asked};
use crate::slots::Slots;
use crate::status::StatusHub;
use crate::store_client::StoreClient;

/// Beyond the drain, leaving takes at most this long: a publication, a release and a goodbye, each with its limit.
const LEAVE_SLACK: Duration = Duration::from_secs(3);

/// What a pod is made of.
pub struct PodOptions {
    /// Its fleet.
    pub fleet: FleetName,
    /// Its name.
    pub pod: PodId,
    /// Its version, told to the fleet.
    pub version: String,
    /// What is probed.
    pub checks: Vec<Check>,
    /// One coordinator's settings per group, from [`crate::group_settings`].
    pub groups: Vec<Settings>,
    /// What answers repeat.
    pub shown: ShownSettings,
    /// The backend's name.
    pub backend: &'static str,
    /// Where it is, for people, without any secret.
    pub address: String,
    /// The backend.
    pub store: Arc<dyn Store>,
    /// How checks are asked.
    pub prober: Arc<dyn Prober>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where things are counted.
    pub metrics: Arc<Metrics>,
    /// Where what happens is told to listeners.
    pub events: Arc<EventHub>,
    /// Most probes at once.
    pub concurrency: usize,
    /// The limit of one store operation.
    pub op_timeout: Duration,
    /// How long probes in flight may go on after the order to leave.
    pub drain: Duration,
    /// How companions of the reports are written and read, where the store keeps any.
    pub companions: Option<Arc<dyn CompanionCodec>>,
}

/// A running pod.
pub struct Pod {
    status: Arc<StatusHub>,
    inbox: mpsc::Sender<Input>,
    driver: JoinHandle<()>,
    tasks: TaskTracker,
    stop: CancellationToken,
    store: StoreClient,
    pod: PodId,
    drain: Duration,
    events: Arc<EventHub>,
}

impl Pod {
    /// Starts a pod on the current runtime. Nothing waits for the store: it may come later.
    #[must_use]
    pub fn start(options: PodOptions) -> Self {
        let PodOptions {
            fleet,
            pod,
            version,
            checks,
            groups,
            shown,
            backend,
            address,
            prober,
            clock,
            metrics,
            events,
            ..
        } = options;
        let store = StoreClient::new(
            options.store,
            Arc::clone(&clock),
            Arc::clone(&metrics),
            options
                .companions
                .map(|codec| Arc::new(Companions::new(codec, Arc::clone(&clock)))),
            options.op_timeout,
        );
        let started = clock.now();
        let started_unix = clock.unix();
        let coordinate = shown.enabled;
        let guarantee = store.guarantee();
        info!(
            pod = %pod, fleet = %fleet, backend, address, guarantee = guarantee.as_str(), checks = checks.len(), groups = groups.len(),
            interval = ?shown.interval, lock_ttl = ?shown.lock_ttl, cache_ttl = ?shown.cache_ttl,
            "Initialized shared health check manager"
        );
        // All groups have the same.
        let lanes = groups.first().map(|g| g.lanes.clone()).unwrap_or_default();
        let mut index = HashMap::new();
        let mut by_name = HashMap::new();
        let mut order = Vec::with_capacity(groups.len());
        let mut next_group = GroupKey(0);
        for (at, group) in groups.iter().enumerate() {
            by_name.insert(group.group.clone(), next_group);
            order.push(next_group);
            next_group = next_group.next();
            index.extend(group.checks.iter().map(|c| (c.id.clone(), at)));
        }
        let by_id = asked(&checks, &*prober);
        let coordinators: Vec<Coordinator> = groups.into_iter().map(Coordinator::new).collect();
        let snapshot = Snapshot {
            version: 0,
            pod: pod.clone(),
            fleet,
            started,
            started_unix,
            backend,
            address: Arc::from(address),
            guarantee,
            store_up: false,
            store_error: None,
            draining: false,
            had_results: false,
            settings: Arc::new(shown),
            checks: Arc::new(checks),
            index: Arc::new(index),
            groups: coordinators
                .iter()
                .map(|c| Arc::new(c.view(started)))
                .collect(),
            pods: Vec::new(),
            totals: Totals::default(),
            companions: store.companion().unwrap_or_default(),
        };
        let status = Arc::new(StatusHub::new(snapshot.clone(), Arc::clone(&clock)));
        let (inbox, inputs) = mpsc::channel(INBOX);
        let facts = PodFacts {
            version,
            started: started_unix,
            mode: snapshot.mode().as_str().to_owned(),
            totals: Totals::default(),
        };
        let (facts, facts_seen) = watch::channel(facts);
        let nudge = Arc::new(Notify::new());
        let tasks = TaskTracker::new();
        let stop = CancellationToken::new();

        let pulse = Pulse {
            store: store.clone(),
            clock: Arc::clone(&clock),
            pod: pod.clone(),
            facts: facts_seen,
            nudge: Arc::clone(&nudge),
            inbox: inbox.clone(),
            stop: stop.clone(),
        };
        tasks.spawn(pulse.run());
        if coordinate {
            tasks.spawn(pass_notices(store.clone(), inbox.clone(), stop.clone()));
        }
        let driver = Driver {
            groups: order
                .iter()
                .zip(coordinators)
                .enumerate()
                .map(|(at, (key, c))| (*key, Group::new(c, store.clone(), at)))
                .collect(),
            next_group,
            order,
            by_name,
            leaving: BTreeSet::new(),
            heirs: BTreeMap::new(),
            checks: by_id,
            store: store.clone(),
            prober,
            clock,
            metrics,
            events: Arc::clone(&events),
            status: Arc::clone(&status),
            snapshot,
            facts,
            nudge,
            inbox: inbox.clone(),
            tasks: tasks.clone(),
            slots: Slots::new(options.concurrency, lanes),
            timers: BTreeSet::new(),
            calls: Calls::default(),
            dirty: BTreeSet::new(),
            urgent: false,
            shown_at: Moment::ZERO,
            ping: None,
            isolated: 0,
            last_error: None,
            followed: HashMap::new(),
        };
        let driver = tokio::spawn(driver.run(inputs));
        Self {
            status,
            inbox,
            driver,
            tasks,
            stop,
            store,
            pod,
            drain: options.drain,
            events,
        }
    }

    /// Where answers come from.
    #[must_use]
    pub fn status(&self) -> Arc<StatusHub> {
        Arc::clone(&self.status)
    }

    /// By what checks are probed on demand. It outlives the pod, and says then that it has stopped.
    #[must_use]
    pub fn on_demand(&self) -> Arc<dyn OnDemand> {
        Arc::new(Caller(self.inbox.clone()))
    }

    /// What happens, as it happens.
    #[must_use]
    pub fn events(&self) -> Arc<EventHub> {
        Arc::clone(&self.events)
    }

    /// Hands it other checks and settings while it runs.
    #[must_use]
    pub fn reloads(&self) -> Reloads {
        Reloads::to(self.inbox.clone())
    }

    /// Probes these checks now, in one round of the fleet, and returns once their results are shown.
    ///
    /// # Errors
    /// [`NotRun`] where the run was turned away or took too long.
    pub async fn force(&self, checks: Vec<CheckId>) -> Result<Vec<Answered>, NotRun> {
        Caller(self.inbox.clone()).run(checks).await
    }

    /// Returns only if the pod stopped although nobody told it to leave: a fault of its own. [`Pod::leave`] is of no use
    /// then.
    pub async fn died(&mut self) {
        // What a panic said is on stderr already.
        let _ = (&mut self.driver).await;
    }

    /// Tells the pod to leave: it is not ready any more, no new probe starts. Returns at once.
    pub async fn begin_drain(&self) {
        // A stopped driver has nothing to hand over.
        let _ = self.inbox.send(Input::Drain).await;
    }

    /// Leaves: probes in flight may end, what is finished is published, the lease is released. Ends within the drain
    /// time and a little more, whatever hangs.
    pub async fn leave(mut self) {
        self.begin_drain().await;
        if tokio::time::timeout(self.drain + LEAVE_SLACK, &mut self.driver)
            .await
            .is_err()
        {
            warn!("hand-over took too long, the lease is left to its end");
            self.driver.abort();
        }
        self.stop.cancel();
        if let Err(error) = self.store.leave(&self.pod).await {
            tracing::debug!(%error, "the fleet's list of pods could not be told, the entry ends by itself");
        }
        self.tasks.close();
        if tokio::time::timeout(LEAVE_SLACK, self.tasks.wait())
            .await
            .is_err()
        {
            warn!("some tasks did not end in time");
        }
    }
}

/// Passes the store's hints on to the driver, until told to stop.
async fn pass_notices(store: StoreClient, inbox: mpsc::Sender<Input>, stop: CancellationToken) {
    let mut notices = store.watch();
    loop {
        let notice = tokio::select! {
            () = stop.cancelled() => return,
            notice = notices.next() => notice,
        };
        let input = match notice {
            Some(Notice::Report { group }) => Input::Noticed(Some(group), Hint::Report),
            Some(Notice::Released { group }) => Input::Noticed(Some(group), Hint::Released),
            Some(Notice::Resumed) => Input::Noticed(None, Hint::Resumed),
            None => return,
        };
        if inbox.send(input).await.is_err() {
            return;
        }
    }
}
