//! What is counted, under the names that dashboards rely on. Prefix `watchkeeper_`.

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use watchkeeper_core::companion::{Claim, CompanionState};
use watchkeeper_core::error::{StoreError, StoreOp};
use watchkeeper_core::id::FleetName;
use watchkeeper_core::invariant::Invariant::{Ec1, Fb1, Ls3, Sn1};
use watchkeeper_core::money::{Day, Ledger, Usd};
use watchkeeper_core::status::Snapshot;
use watchkeeper_core::time::{Moment, UnixMillis};
use watchkeeper_core::verdict::{Outcome, Spared};

mod pace;

use pace::{HOW, Pace};

/// Probes take from milliseconds to a minute.
const PROBE_BUCKETS: [f64; 12] = [
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];
/// Store operations and answers take from a tenth of a millisecond to the store's time limit.
const FAST_BUCKETS: [f64; 12] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0,
];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CheckLabels {
    check_id: String,
    name: String,
    provider: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ProbeLabels {
    provider: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ProviderLabels {
    provider: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct SparedLabels {
    provider: String,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct HowLabels {
    how: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OpLabels {
    op: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OpErrorLabels {
    op: &'static str,
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: String,
    status: u16,
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;
type Dollars = Family<ProviderLabels, Counter<f64, AtomicU64>>;
type DollarGauges = Family<ProviderLabels, Gauge<f64, AtomicU64>>;

/// The provider's label for the whole fleet's money.
const ALL_PROVIDERS: &str = "all";

/// All metrics of a pod.
pub struct Metrics {
    registry: Registry,
    /// Two pages are not drawn into each other: gauges of what is gone are cleared first.
    drawing: Mutex<()>,
    check_healthy: Family<CheckLabels, Gauge>,
    probe_duration: Histogram,
    probes: Family<ProbeLabels, Counter>,
    pub(crate) probes_saved: Counter,
    probe_cost: Dollars,
    probe_cost_saved: Dollars,
    probes_spared: Family<SparedLabels, Counter>,
    budget_spent: DollarGauges,
    budget_limit: DollarGauges,
    rounds: Family<HowLabels, Counter>,
    pace: Pace,
    report_age: Gauge<f64, AtomicU64>,
    lease_held: Gauge,
    pub(crate) lease_lost: Counter,
    pub(crate) publishes_fenced: Counter,
    store_up: Gauge,
    store_ops: Histograms<OpLabels>,
    store_errors: Family<OpErrorLabels, Counter>,
    requests: Histograms<RequestLabels>,
    wire_serving: Gauge,
    wire_overtaken: Counter,
    wire_waited: Counter,
    wire_lock_lost: Counter,
    pub(crate) wire_adopted: Counter,
    reloads: Family<ResultLabels, Counter>,
    reload_ok: Gauge,
    restart_needed: Gauge,
}

impl Metrics {
    /// All metrics, at zero. `version` is shown by `watchkeeper_build_info`.
    #[must_use]
    pub fn new(version: &str) -> Self {
        Self::in_registry(version, Registry::with_prefix("watchkeeper"))
    }

    /// The same, each with the label `fleet`: one Prometheus may watch several fleets, and only a pod knows which is its.
    #[must_use]
    pub fn of_fleet(version: &str, fleet: &FleetName) -> Self {
        let label = ("fleet".into(), fleet.to_string().into());
        let registry = Registry::with_prefix_and_labels("watchkeeper", [label].into_iter());
        Self::in_registry(version, registry)
    }

    fn in_registry(version: &str, mut registry: Registry) -> Self {
        let fast: fn() -> Histogram = || Histogram::new(FAST_BUCKETS);
        let m = Self {
            registry: Registry::default(),
            drawing: Mutex::default(),
            check_healthy: Family::default(),
            probe_duration: Histogram::new(PROBE_BUCKETS),
            probes: Family::default(),
            probes_saved: Counter::default(),
            probe_cost: Family::default(),
            probe_cost_saved: Family::default(),
            probes_spared: Family::default(),
            budget_spent: Family::default(),
            budget_limit: Family::default(),
            rounds: Family::default(),
            pace: Pace::default(),
            report_age: Gauge::default(),
            lease_held: Gauge::default(),
            lease_lost: Counter::default(),
            publishes_fenced: Counter::default(),
            store_up: Gauge::default(),
            store_ops: Family::new_with_constructor(fast),
            store_errors: Family::default(),
            requests: Family::new_with_constructor(fast),
            wire_serving: Gauge::default(),
            wire_overtaken: Counter::default(),
            wire_waited: Counter::default(),
            wire_lock_lost: Counter::default(),
            wire_adopted: Counter::default(),
            reloads: Family::default(),
            reload_ok: Gauge::default(),
            restart_needed: Gauge::default(),
        };
        registry.register(
            "check_healthy",
            "Whether the check counts as healthy",
            m.check_healthy.clone(),
        );
        registry.register(
            "probe_duration_seconds",
            "How long probes took",
            m.probe_duration.clone(),
        );
        registry.register("probes", "Probes made by this pod", m.probes.clone());
        registry.register(
            "probes_saved",
            format!("Checks in each report adopted from another pod ({Ec1})"),
            m.probes_saved.clone(),
        );
        registry.register(
            "probe_cost_usd",
            "What probes of this pod cost, as far as prices are known",
            m.probe_cost.clone(),
        );
        registry.register(
            "probe_cost_saved_usd",
            "What other pods paid for the results that this pod adopted",
            m.probe_cost_saved.clone(),
        );
        registry.register(
            "probes_spared",
            "Checks asked by a cheaper probe than their own",
            m.probes_spared.clone(),
        );
        registry.register(
            "budget_spent_usd",
            "What the fleet spent on probes today (UTC), as far as this pod knows",
            m.budget_spent.clone(),
        );
        registry.register(
            "budget_limit_usd",
            "What the fleet may spend on probes per day (UTC)",
            m.budget_limit.clone(),
        );
        registry.register("rounds", "Rounds, by how they were made", m.rounds.clone());
        registry.register(
            "report_age_seconds",
            format!("Age of the oldest result shown ({Fb1})"),
            m.report_age.clone(),
        );
        registry.register(
            "lease_held",
            "How many leases this pod holds",
            m.lease_held.clone(),
        );
        registry.register(
            "lease_lost",
            // The help texts name the promises that are at work where these rise.
            format!("Leases lost against this pod's will ({Ls3})"),
            m.lease_lost.clone(),
        );
        registry.register(
            "publishes_fenced",
            format!("Reports refused by their token ({Sn1})"),
            m.publishes_fenced.clone(),
        );
        registry.register(
            "store_up",
            "Whether the store answered lately",
            m.store_up.clone(),
        );
        registry.register(
            "store_op_duration_seconds",
            "How long store operations took",
            m.store_ops.clone(),
        );
        registry.register(
            "store_errors",
            "Failed store operations",
            m.store_errors.clone(),
        );
        registry.register(
            "http_request_duration_seconds",
            "How long answers took",
            m.requests.clone(),
        );
        registry.register(
            "wire_serving",
            "Whether LiteLLM's pods live off this pod's fleet",
            m.wire_serving.clone(),
        );
        registry.register(
            "wire_reports_overtaken",
            "Reports of LiteLLM pods over ours that this pod's publications replaced",
            m.wire_overtaken.clone(),
        );
        registry.register(
            "wire_reports_adopted",
            "Reports of LiteLLM pods used instead of probes",
            m.wire_adopted.clone(),
        );
        registry.register(
            "wire_lock_waits",
            "Times that a LiteLLM pod held its lock when this pod wanted the lease",
            m.wire_waited.clone(),
        );
        registry.register(
            "wire_lock_losses",
            "Times that a LiteLLM pod took its lock during a round of this pod",
            m.wire_lock_lost.clone(),
        );
        registry.register(
            "config_reloads",
            "Times that the configuration was read again, by what came of it",
            m.reloads.clone(),
        );
        registry.register(
            "config_reload_ok",
            "Whether the configuration could be used when it was read last",
            m.reload_ok.clone(),
        );
        registry.register(
            "config_restart_needed",
            "How many changed settings wait for a restart",
            m.restart_needed.clone(),
        );
        m.reload_ok.set(1);
        registry.register(
            "build",
            "The running version",
            Info::new([("version", version.to_owned())]),
        );
        m.pace.register(&mut registry);
        for how in HOW {
            // Made at zero, so that a rate over the first minutes is right.
            drop(m.rounds.get_or_create(&HowLabels { how }));
        }
        for result in ["applied", "unchanged", "refused"] {
            drop(m.reloads.get_or_create(&ResultLabels { result }));
        }
        Self { registry, ..m }
    }

    pub(crate) fn store_op(&self, op: StoreOp, took: Duration, error: Option<&StoreError>) {
        self.store_ops
            .get_or_create(&OpLabels { op: op.as_str() })
            .observe(took.as_secs_f64());
        if let Some(error) = error {
            let labels = OpErrorLabels {
                op: op.as_str(),
                kind: error.kind.as_str(),
            };
            self.store_errors.get_or_create(&labels).inc();
        }
    }

    pub(crate) fn probed(&self, provider: &str, outcome: Outcome, took: Duration) {
        let labels = ProbeLabels {
            provider: provider.to_owned(),
            outcome: outcome.as_str(),
        };
        self.probes.get_or_create(&labels).inc();
        // Nothing was sent: no time to speak of.
        if outcome != Outcome::ConfigError {
            self.probe_duration.observe(took.as_secs_f64());
        }
    }

    pub(crate) fn cost(&self, provider: &str, cost: Usd) {
        let cost = cost.as_dollars();
        self.probe_cost.get_or_create(&by(provider)).inc_by(cost);
    }

    pub(crate) fn cost_saved(&self, provider: &str, cost: Usd) {
        let cost = cost.as_dollars();
        let counter = self.probe_cost_saved.get_or_create(&by(provider));
        counter.inc_by(cost);
    }

    pub(crate) fn spared(&self, provider: &str, why: Spared) {
        let labels = SparedLabels {
            provider: provider.to_owned(),
            reason: why.as_str(),
        };
        self.probes_spared.get_or_create(&labels).inc();
    }

    /// The money of all groups on the day that it is at `unix`, and the limits.
    fn money(&self, snapshot: &Snapshot, unix: UnixMillis) {
        let today = Day::of(unix);
        let mut all = Ledger::of(today);
        for group in &snapshot.groups {
            for provider in group.ledger.spent.keys() {
                all.add(today, provider, group.ledger.by(today, provider));
            }
        }
        let budget = &snapshot.settings.budget;
        // What was spent yesterday goes back to zero, and limits may be gone.
        self.budget_spent.clear();
        self.budget_limit.clear();
        for (provider, spent) in &all.spent {
            let gauge = self.budget_spent.get_or_create(&by(provider));
            gauge.set(spent.as_dollars());
        }
        if budget.fleet.is_some() || !all.is_empty() {
            let gauge = self.budget_spent.get_or_create(&by(ALL_PROVIDERS));
            gauge.set(all.total(today).as_dollars());
        }
        let fleet = budget.fleet.map(|limit| (ALL_PROVIDERS, limit));
        let named = budget
            .providers
            .iter()
            .map(|(name, limit)| (&**name, *limit));
        for (provider, limit) in fleet.into_iter().chain(named) {
            let gauge = self.budget_limit.get_or_create(&by(provider));
            gauge.set(limit.as_dollars());
        }
        if budget.fleet.is_some() || !budget.providers.is_empty() {
            // Made at zero, so that the first check that is spared counts as a rise.
            for check in snapshot.checks.iter() {
                let labels = SparedLabels {
                    provider: check.provider().to_owned(),
                    reason: Spared::Budget.as_str(),
                };
                drop(self.probes_spared.get_or_create(&labels));
            }
        }
    }

    /// What the companions came to since `before`.
    pub(crate) fn companions(&self, before: &CompanionState, now: &CompanionState) {
        for (counter, was, is) in [
            (&self.wire_overtaken, before.overtaken, now.overtaken),
            (&self.wire_waited, before.waited, now.waited),
            (&self.wire_lock_lost, before.lock_lost, now.lock_lost),
        ] {
            counter.inc_by(is.saturating_sub(was));
        }
    }

    /// Overtaken, waited, lost.
    #[cfg(test)]
    pub(crate) fn wire(&self) -> (u64, u64, u64) {
        (
            self.wire_overtaken.get(),
            self.wire_waited.get(),
            self.wire_lock_lost.get(),
        )
    }

    pub(crate) fn round(&self, how: &'static str, now: Moment) {
        self.rounds.get_or_create(&HowLabels { how }).inc();
        self.pace.round(how, now);
    }

    /// The pod has another list of checks from now on.
    pub(crate) fn listed(&self, now: Moment) {
        self.pace.listed(now);
    }

    /// The configuration was read again: `applied`, `unchanged` or `refused`, and how many settings wait for a restart.
    pub fn reloaded(&self, result: &'static str, restart_needed: usize) {
        self.reloads.get_or_create(&ResultLabels { result }).inc();
        self.reload_ok.set(i64::from(result != "refused"));
        let waiting = i64::try_from(restart_needed).unwrap_or(i64::MAX);
        self.restart_needed.set(waiting);
    }

    /// An answer was given.
    pub fn request(&self, route: &str, method: &str, status: u16, took: Duration) {
        let labels = RequestLabels {
            route: route.to_owned(),
            method: method.to_owned(),
            status,
        };
        self.requests
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    /// The metrics as OpenMetrics text, with what the picture shows at `now`, which is `unix` by the wall clock.
    #[must_use]
    pub fn render(&self, snapshot: &Snapshot, now: Moment, unix: UnixMillis) -> String {
        // Nothing under this lock can panic half way.
        let _turn = self.drawing.lock().unwrap_or_else(PoisonError::into_inner);
        self.pace.show(snapshot, now);
        self.money(snapshot, unix);
        self.store_up.set(i64::from(snapshot.store_up));
        let serves = snapshot.store_up && snapshot.companions.claim == Claim::Ours;
        self.wire_serving.set(i64::from(serves));
        let pod = &snapshot.pod;
        let held = snapshot
            .groups
            .iter()
            .filter(|g| g.holder_at(now) == Some(pod))
            .count();
        self.lease_held.set(i64::try_from(held).unwrap_or(i64::MAX));
        let oldest = snapshot
            .groups
            .iter()
            .flat_map(|g| g.entries.values())
            .map(|k| k.probed_at)
            .min();
        self.report_age
            .set(oldest.map_or(f64::NAN, |at| now.since(at).as_secs_f64()));
        self.check_healthy.clear();
        for check in snapshot.checks.iter() {
            if let Some(known) = snapshot.known(&check.id) {
                let labels = CheckLabels {
                    check_id: check.id.to_string(),
                    name: check.name.clone(),
                    provider: check.provider().to_owned(),
                };
                self.check_healthy
                    .get_or_create(&labels)
                    .set(i64::from(known.entry.standing.healthy));
            }
        }
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }
}

fn by(provider: &str) -> ProviderLabels {
    ProviderLabels {
        provider: provider.to_owned(),
    }
}
