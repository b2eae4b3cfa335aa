//! Ours: a whole pod in this process, with its prober, its coordinator and the in-memory store.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use watchkeeper_core::cache::{Notice, ReportCache};
use watchkeeper_core::check::{Check, HealthParams, ModelTarget, Target};
use watchkeeper_core::fingerprint::LockScope;
use watchkeeper_core::id::{CheckId, FleetName, PodId};
use watchkeeper_core::report::Thresholds;
use watchkeeper_core::secret::Secret;
use watchkeeper_core::status::{ShownSettings, StatusSource};
use watchkeeper_core::time::Clock;
use watchkeeper_memory::MemoryStore;
use watchkeeper_probes::{HttpProber, ProberOptions};
use watchkeeper_runtime::{
    BootClock, EventHub, GroupOptions, Metrics, Pod, PodOptions, ProbeFacts, group_settings,
};

use crate::Error;

/// The key that every request carries.
pub(crate) const KEY: &str = "sk-bench-0123456789abcdef0123456789abcdef";

/// Rounds are asked for; none comes by itself while the benches run.
const INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// The name of a model, as it stands in its request.
pub(crate) fn model(at: usize) -> String {
    format!("gpt-bench-{at:05}")
}

/// The body of a request, byte for byte what the prober sends.
pub(crate) fn body(at: usize) -> String {
    format!(
        r#"{{"model":"{}","messages":[{{"role":"user","content":"Say ok."}}],"max_tokens":16}}"#,
        model(at)
    )
}

/// The running pod.
pub(crate) struct BenchPod {
    pod: Pod,
    ids: Vec<CheckId>,
    store: Arc<MemoryStore>,
}

/// Starts a pod with so many checks of one endpoint, and waits for its first round.
pub(crate) async fn start(
    count: usize,
    concurrency: usize,
    endpoint: SocketAddr,
) -> Result<BenchPod, Error> {
    let checks = checks(count, endpoint)?;
    let ids = checks.iter().map(|check| check.id.clone()).collect();
    let clock: Arc<dyn Clock> = Arc::new(BootClock);
    let fleet = FleetName::new("bench")?;
    let name = PodId::new("bench-1")?;
    let prober = HttpProber::new(ProberOptions::new(Arc::clone(&clock)))?;
    let groups = group_settings(
        &GroupOptions {
            fleet: fleet.clone(),
            secret: None,
            pod: name.clone(),
            scope: LockScope::Fleet,
            interval: INTERVAL,
            lock_ttl: Duration::from_secs(60),
            cache_ttl: INTERVAL,
            jitter: 0.05,
            concurrency,
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
            drain: Duration::from_secs(1),
            coordinate: true,
            background: true,
            seed: 1,
        },
        &checks,
        |check| ProbeFacts::of(&prober, check),
    )?;
    let store = Arc::new(MemoryStore::new(Arc::clone(&clock)));
    let pod = Pod::start(PodOptions {
        events: Arc::new(EventHub::new(&name, Arc::clone(&clock))),
        fleet,
        pod: name,
        version: "bench".to_owned(),
        checks,
        groups,
        shown: ShownSettings {
            enabled: true,
            background: true,
            interval: INTERVAL,
            lock_ttl: Duration::from_secs(60),
            cache_ttl: INTERVAL,
            lock_scope: LockScope::Fleet,
            fresh_for: ShownSettings::fresh_for(INTERVAL, INTERVAL, 0.05),
            budget: watchkeeper_core::money::Budget::default(),
            passes: watchkeeper_core::report::Passes::HEALTHY,
            details: true,
        },
        backend: "memory",
        address: "this process".to_owned(),
        store: Arc::clone(&store) as _,
        prober: Arc::new(prober),
        clock,
        metrics: Arc::new(Metrics::new("bench")),
        concurrency,
        op_timeout: Duration::from_millis(500),
        drain: Duration::from_secs(1),
        companions: None,
    });
    Ok(BenchPod { pod, ids, store })
}

impl BenchPod {
    /// One round of all checks, from the order until its report is published and shown.
    pub(crate) async fn round(&self) -> Result<(), Error> {
        let mut notices = self.store.watch();
        self.pod.force(self.ids.clone()).await?;
        // The callers are answered a moment before the report goes out, and the lease with it.
        while !matches!(notices.next().await, Some(Notice::Report { .. })) {}
        let snapshot = self.pod.status().snapshot();
        let healthy = self
            .ids
            .iter()
            .filter_map(|id| snapshot.known(id))
            .filter(|known| known.entry.standing.healthy)
            .count();
        if healthy != self.ids.len() {
            return Err(format!("only {healthy} of {} checks are healthy", self.ids.len()).into());
        }
        Ok(())
    }

    /// Ends it.
    pub(crate) async fn leave(self) {
        self.pod.leave().await;
    }
}

fn checks(count: usize, endpoint: SocketAddr) -> Result<Vec<Check>, Error> {
    (0..count)
        .map(|at| {
            let model = format!("openai/{}", model(at));
            let mut shown = serde_json::Map::new();
            shown.insert("model".to_owned(), model.clone().into());
            Ok(Check {
                id: CheckId::new(format!("{at:064x}"))?,
                name: format!("model-{at}"),
                target: Target::Model(Box::new(ModelTarget {
                    model,
                    provider: Some("openai".to_owned()),
                    mode: Some("chat".to_owned()),
                    api_base: Some(Secret::new(format!("http://{endpoint}/v1"))),
                    api_key: Some(Secret::new(KEY)),
                    params: serde_json::Map::new(),
                    health: HealthParams::default(),
                })),
                timeout: Duration::from_secs(60),
                shown,
                background: true,
                full_every: None,
            })
        })
        .collect()
}
