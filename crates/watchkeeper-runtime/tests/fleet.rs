//! Whole pods in one process, on the in-memory store and virtual time.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on is to fail"
)]

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, advance, sleep};
use watchkeeper_core::cache::Store;
use watchkeeper_core::check::{Check, Target};
use watchkeeper_core::coordinator::NotForced;
use watchkeeper_core::fingerprint::LockScope;
use watchkeeper_core::id::{CheckId, FleetName, PodId};
use watchkeeper_core::on_demand::NotRun;
use watchkeeper_core::probe::{Effort, Plan, Prober};
use watchkeeper_core::report::Thresholds;
use watchkeeper_core::status::{Mode, ShownSettings, StatusSource};
use watchkeeper_core::time::{Clock, Moment, UnixMillis};
use watchkeeper_core::verdict::{Outcome, Verdict};
use watchkeeper_memory::MemoryStore;
use watchkeeper_runtime::{
    EventHub, GroupOptions, Metrics, Pod, PodChange, PodOptions, ProbeFacts, group_settings,
};

#[path = "fleet/reload.rs"]
mod reload;

/// Tokio's virtual time, which a paused runtime moves on by itself when everybody waits.
struct VirtualClock(Instant);

impl Clock for VirtualClock {
    fn now(&self) -> Moment {
        Moment::ZERO + self.0.elapsed()
    }

    fn unix(&self) -> UnixMillis {
        UnixMillis(1_795_358_400_000 + i64::try_from(self.0.elapsed().as_millis()).unwrap())
    }
}

/// Answers after a fixed time, and remembers when each probe started.
struct CountingProber {
    clock: Arc<dyn Clock>,
    takes: Duration,
    starts: Mutex<BTreeMap<String, Vec<Moment>>>,
}

impl CountingProber {
    fn starts(&self, check: &str) -> Vec<Moment> {
        self.starts
            .lock()
            .unwrap()
            .get(check)
            .cloned()
            .unwrap_or_default()
    }
}

#[async_trait]
impl Prober for CountingProber {
    fn plan(&self, _: &Check, _: Effort) -> Result<Plan, String> {
        Err("not planned here".into())
    }

    async fn probe(&self, check: &Check, _: Effort) -> Verdict {
        self.starts
            .lock()
            .unwrap()
            .entry(check.name.clone())
            .or_default()
            .push(self.clock.now());
        sleep(self.takes).await;
        Verdict::new(Outcome::Healthy, None, None, self.takes, self.clock.unix())
    }
}

fn checks(count: usize) -> Vec<Check> {
    (1..=count)
        .map(|n| Check {
            id: CheckId::new(format!("m{n}")).unwrap(),
            name: format!("m{n}"),
            target: Target::Tcp {
                host: "127.0.0.1".into(),
                port: 1,
            },
            timeout: Duration::from_secs(60),
            shown: serde_json::Map::new(),
            background: true,
            full_every: None,
        })
        .collect()
}

struct World {
    clock: Arc<dyn Clock>,
    store: Arc<dyn Store>,
    prober: Arc<CountingProber>,
    scope: LockScope,
    lock_ttl: Duration,
}

impl World {
    fn new(scope: LockScope, takes: Duration) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock(Instant::now()));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::clone(&clock)));
        let prober = Arc::new(CountingProber {
            clock: Arc::clone(&clock),
            takes,
            starts: Mutex::new(BTreeMap::new()),
        });
        Self {
            clock,
            store,
            prober,
            scope,
            lock_ttl: Duration::from_secs(6),
        }
    }

    fn options(&self, name: &str) -> GroupOptions {
        GroupOptions {
            fleet: FleetName::new("test").unwrap(),
            secret: None,
            pod: PodId::new(name).unwrap(),
            scope: self.scope,
            interval: Duration::from_secs(5),
            lock_ttl: self.lock_ttl,
            cache_ttl: Duration::from_secs(300),
            jitter: 0.05,
            concurrency: 8,
            spread: Duration::ZERO,
            thresholds: Thresholds {
                healthy_after: 1,
                unhealthy_after: 1,
                passes: watchkeeper_core::report::Passes::HEALTHY,
            },
            lanes: std::collections::BTreeMap::new(),
            budget: watchkeeper_core::money::Budget::default(),
            honours_retry_after: true,
            op_timeout: Duration::from_millis(500),
            drain: Duration::from_secs(10),
            coordinate: true,
            background: true,
            seed: name.bytes().map(u64::from).sum(),
        }
    }

    fn shown(options: &GroupOptions) -> ShownSettings {
        ShownSettings {
            enabled: true,
            background: true,
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
        }
    }

    fn pod(&self, name: &str, checks: Vec<Check>) -> Pod {
        let options = self.options(name);
        let groups = group_settings(&options, &checks, |_| ProbeFacts::default()).unwrap();
        Pod::start(PodOptions {
            events: Arc::new(EventHub::new(&options.pod, Arc::clone(&self.clock))),
            fleet: options.fleet.clone(),
            pod: options.pod.clone(),
            version: "0".into(),
            checks,
            groups,
            shown: Self::shown(&options),
            backend: "memory",
            address: "this process".to_owned(),
            store: Arc::clone(&self.store),
            prober: Arc::clone(&self.prober) as _,
            clock: Arc::clone(&self.clock),
            metrics: Arc::new(Metrics::new("0")),
            concurrency: 8,
            op_timeout: options.op_timeout,
            drain: options.drain,
            companions: None,
        })
    }

    /// What a pod of that name is to go on with.
    fn change(
        &self,
        name: &str,
        checks: Vec<Check>,
        change: impl FnOnce(&mut GroupOptions),
    ) -> PodChange {
        let mut options = self.options(name);
        change(&mut options);
        PodChange {
            groups: group_settings(&options, &checks, |_| ProbeFacts::default()).unwrap(),
            checks,
            shown: Self::shown(&options),
            prober: Arc::clone(&self.prober) as _,
            concurrency: options.concurrency,
            companions: None,
        }
    }
}

/// Gaps between starts, in seconds.
fn gaps(starts: &[Moment]) -> Vec<f64> {
    starts
        .windows(2)
        .map(|w| w[1].since(w[0]).as_secs_f64())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn four_pods_ask_each_check_once_per_interval_and_all_show_the_same() {
    for scope in [LockScope::Fleet, LockScope::Check] {
        let world = World::new(scope, Duration::from_millis(300));
        let pods: Vec<Pod> = (1..=4)
            .map(|n| world.pod(&format!("pod-{n}"), checks(5)))
            .collect();
        sleep(Duration::from_secs(29)).await;
        for n in 1..=5 {
            let starts = world.prober.starts(&format!("m{n}"));
            assert_eq!(starts.len(), 6, "{scope:?} m{n}: {starts:?}");
            assert!(
                gaps(&starts).iter().all(|g| (4.99..5.5).contains(g)),
                "{scope:?} m{n}: {starts:?}"
            );
        }
        let shown: Vec<_> = pods
            .iter()
            .map(|pod| {
                let snapshot = pod.status().snapshot();
                let found: Vec<_> = snapshot
                    .groups
                    .iter()
                    .flat_map(|g| {
                        g.entries
                            .values()
                            .map(|k| (k.entry.check.clone(), k.entry.started))
                    })
                    .collect();
                assert_eq!(found.len(), 5);
                assert!(snapshot.store_up);
                found
            })
            .collect();
        assert!(shown.windows(2).all(|w| w[0] == w[1]), "{shown:?}");
        for pod in pods {
            pod.leave().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_slower_than_the_lease_is_still_asked_once_because_the_lease_is_renewed() {
    let world = World::new(LockScope::Fleet, Duration::from_secs(20));
    let pods: Vec<Pod> = (1..=3)
        .map(|n| world.pod(&format!("pod-{n}"), checks(2)))
        .collect();
    sleep(Duration::from_secs(19)).await;
    assert_eq!(world.prober.starts("m1").len(), 1);
    let modes: Vec<Mode> = pods.iter().map(|p| p.status().snapshot().mode()).collect();
    assert_eq!(
        modes.iter().filter(|m| **m == Mode::Leading).count(),
        1,
        "{modes:?}"
    );
    sleep(Duration::from_secs(30)).await;
    assert_eq!(
        world.prober.starts("m1").len(),
        3,
        "{:?}",
        world.prober.starts("m1")
    );
}

#[tokio::test(start_paused = true)]
async fn a_round_that_publishes_as_it_goes_is_followed_once_and_each_of_its_results_is_saved_once()
{
    let world = World::new(LockScope::Fleet, Duration::from_millis(1500));
    // Ten checks, eight at a time: the first eight are published while the others are asked.
    let leader = world.pod("pod-1", checks(10));
    sleep(Duration::from_millis(100)).await;
    let follower = world.pod("pod-2", checks(10));
    sleep(Duration::from_millis(4500)).await;
    let totals = follower.status().snapshot().totals;
    assert_eq!((totals.followed, totals.saved), (1, 10));
    leader.leave().await;
    follower.leave().await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_leaves_hands_over_what_it_has_and_the_next_asks_only_what_was_given_up() {
    let world = World::new(LockScope::Fleet, Duration::from_secs(2));
    let first = world.pod("pod-1", checks(10));
    sleep(Duration::from_secs(1)).await;
    let second = world.pod("pod-2", checks(10));
    sleep(Duration::from_millis(500)).await;
    // Eight of ten run; the other two have not started.
    first.leave().await;
    sleep(Duration::from_secs(3)).await;
    for n in 1..=10 {
        assert_eq!(world.prober.starts(&format!("m{n}")).len(), 1, "m{n}");
    }
    assert_eq!(second.status().snapshot().groups[0].entries.len(), 10);
    second.leave().await;
}

#[tokio::test(start_paused = true)]
async fn a_forced_run_is_shared_by_two_pods_that_ask_at_once() {
    let world = World::new(LockScope::Fleet, Duration::from_millis(200));
    let pods: Vec<Pod> = (1..=2)
        .map(|n| world.pod(&format!("pod-{n}"), checks(3)))
        .collect();
    sleep(Duration::from_secs(2)).await;
    let wanted = vec![CheckId::new("m2").unwrap()];
    let (a, b) = tokio::join!(pods[0].force(wanted.clone()), pods[1].force(wanted));
    a.unwrap();
    b.unwrap();
    assert_eq!(
        world.prober.starts("m2").len(),
        2,
        "one of the round at start, one shared by both calls"
    );
    assert_eq!(world.prober.starts("m1").len(), 1);
}

/// Notes what is shown of a check at the very moment in which a caller is woken: what the driver does after that, before
/// it lets the caller run, is too late for one on another thread.
struct Witness {
    pod: Arc<dyn StatusSource>,
    check: CheckId,
    seen: Mutex<Vec<Option<UnixMillis>>>,
    caller: Waker,
}

impl Wake for Witness {
    fn wake(self: Arc<Self>) {
        let snapshot = self.pod.snapshot();
        let found = snapshot.known(&self.check).map(|k| k.entry.started);
        self.seen.lock().unwrap().push(found);
        self.caller.wake_by_ref();
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_of_a_forced_run_is_answered_only_once_its_results_are_shown() {
    let world = World::new(LockScope::Fleet, Duration::from_millis(200));
    let pod = world.pod("pod-1", checks(3));
    sleep(Duration::from_secs(2)).await;
    let check = CheckId::new("m2").unwrap();
    let began = world.clock.unix();
    let mut witness = None;
    let mut force = pin!(pod.force(vec![check.clone()]));
    poll_fn(|context| {
        let witness = witness.get_or_insert_with(|| {
            Arc::new(Witness {
                pod: pod.status(),
                check: check.clone(),
                seen: Mutex::default(),
                caller: context.waker().clone(),
            })
        });
        let waker = Waker::from(Arc::clone(witness));
        force.as_mut().poll(&mut Context::from_waker(&waker))
    })
    .await
    .unwrap();
    let seen = witness.unwrap().seen.lock().unwrap().clone();
    let last = seen.last().copied().flatten();
    assert!(last.is_some_and(|at| at >= began), "{seen:?} < {began:?}");
}

/// Goes wrong after a while.
struct BrokenClock(VirtualClock);

impl Clock for BrokenClock {
    fn now(&self) -> Moment {
        let now = self.0.now();
        assert!(now < Moment::ZERO + Duration::from_secs(8), "out of order");
        now
    }

    fn unix(&self) -> UnixMillis {
        self.0.unix()
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_whose_main_task_breaks_is_known_to_be_dead() {
    let mut world = World::new(LockScope::Fleet, Duration::from_millis(100));
    world.clock = Arc::new(BrokenClock(VirtualClock(Instant::now())));
    let mut pod = world.pod("pod-1", checks(1));
    let alive = tokio::time::timeout(Duration::from_secs(7), pod.died()).await;
    assert!(alive.is_err(), "it works so far");
    let dead = tokio::time::timeout(Duration::from_secs(7), pod.died()).await;
    assert!(dead.is_ok(), "nobody was told");
}

#[tokio::test(start_paused = true)]
async fn two_lists_on_one_store_never_meet() {
    let world = World::new(LockScope::Fleet, Duration::from_millis(100));
    let a = world.pod("pod-a", checks(3));
    let b = world.pod("pod-b", checks(5).split_off(2));
    advance(Duration::from_millis(1)).await;
    sleep(Duration::from_secs(3)).await;
    let ids = |pod: &Pod| -> Vec<String> {
        pod.status().snapshot().groups[0]
            .entries
            .keys()
            .map(ToString::to_string)
            .collect()
    };
    assert_eq!(ids(&a), ["m1", "m2", "m3"]);
    assert_eq!(ids(&b), ["m3", "m4", "m5"]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_leaves_its_place_and_its_check_alone() {
    let world = World::new(LockScope::Fleet, Duration::from_millis(200));
    let pod = world.pod("pod-1", checks(3));
    sleep(Duration::from_secs(2)).await;
    let on_demand = pod.on_demand();
    let wanted = vec![CheckId::new("m2").unwrap()];
    for _ in 0..3 {
        // All places are taken, then all callers go before any round can start.
        let calls: Vec<_> = (0..300)
            .map(|_| {
                let (on_demand, wanted) = (on_demand.clone(), wanted.clone());
                tokio::spawn(async move { on_demand.run(wanted).await })
            })
            .collect();
        tokio::task::yield_now().await;
        calls.iter().for_each(tokio::task::JoinHandle::abort);
        sleep(Duration::from_millis(1)).await;
    }
    let found = on_demand.run(wanted).await.unwrap();
    assert_eq!(found.len(), 1);
    assert!(!found[0].joined);
    assert_eq!(
        world.prober.starts("m2").len(),
        2,
        "at start, and for the last"
    );
    pod.leave().await;
    let stopped = on_demand.run(vec![CheckId::new("m1").unwrap()]).await;
    assert_eq!(stopped, Err(NotRun::Stopped));
}

#[tokio::test(start_paused = true)]
async fn calls_over_several_groups_are_answered_as_one_and_refused_as_one() {
    let world = World::new(LockScope::Check, Duration::from_millis(200));
    let pod = world.pod("pod-1", checks(3));
    sleep(Duration::from_secs(2)).await;
    let all: Vec<CheckId> = ["m1", "m2", "m3"].map(|n| CheckId::new(n).unwrap()).into();
    let found = pod.force(all.clone()).await.unwrap();
    let mut names: Vec<String> = found.iter().map(|f| f.check.to_string()).collect();
    names.sort();
    assert_eq!(names, ["m1", "m2", "m3"]);
    let unknown = pod.force(vec![all[0].clone(), CheckId::new("m9").unwrap()]);
    assert_eq!(unknown.await, Err(NotRun::Refused(NotForced::UnknownCheck)));
    assert_eq!(world.prober.starts("m1").len(), 2);
    pod.begin_drain().await;
    let late = pod.force(all).await;
    assert!(
        matches!(
            late,
            Err(NotRun::Refused(NotForced::Draining) | NotRun::Stopped)
        ),
        "{late:?}"
    );
}
