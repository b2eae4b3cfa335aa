//! The native answers, typed both ways: a pod writes them, `watchkeeper status` and other programs read them.
//!
//! They grow by addition only. Times are RFC 3339 in UTC, spans are seconds or milliseconds as their names say, and what
//! is not known is null.

mod build;
pub(crate) mod events;
pub(crate) mod handlers;
mod history;
mod money;
mod reload;
pub(crate) mod run;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use watchkeeper_core::verdict::Outcome;

use crate::openapi::OutcomeWord;
pub use events::{
    EVENTS, EventKind, GapEvent, HelloEvent, LeaseEvent, ReloadEvent, ReportEvent, StoreEvent,
    TransitionEvent,
};
pub(crate) use events::{Stopping, Streams, events};
pub(crate) use handlers::{check, check_history, checks, fleet, status};
pub use history::{CheckHistory, PastView, TransitionView};
pub use money::{BudgetView, LastFullView, PriceView, ProviderBudgetView, TotalsView, UsageView};
pub use reload::{ChangedChecks, ChangedIds, ReloadAnswer, ReloadView};
pub use run::{RunAnswer, RunRequest, RunView};
pub(crate) use run::{run, run_check};

/// Where [`ChecksAnswer`] is found. One check's [`CheckDetail`] is at this path, `/`, and its id, percent-encoded.
pub const CHECKS: &str = "/v1/checks";
/// Where [`FleetAnswer`] is found.
pub const FLEET: &str = "/v1/fleet";
/// Where [`StatusAnswer`] is found.
pub const STATUS: &str = "/v1/status";
/// Where a [`RunRequest`] is answered with a [`RunAnswer`]. One check's is at [`CHECKS`], `/`, its id, and `/run`.
pub const RUN: &str = "/v1/run";

/// Where [`ReloadAnswer`] is given, on POST.
pub const RELOAD: &str = "/v1/reload";

/// `GET /v1/checks`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChecksAnswer {
    /// How many there are of each kind.
    pub counts: Counts,
    /// Every check, in the configuration's order.
    pub checks: Vec<CheckView>,
}

/// How many checks there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// All checks.
    pub total: usize,
    /// Those that count as healthy.
    pub healthy: usize,
    /// Those that count as unhealthy.
    pub unhealthy: usize,
    /// Those without any result.
    pub unknown: usize,
    /// Those whose result is stale; they are among the healthy and unhealthy ones too.
    pub stale: usize,
}

/// One check and the latest that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CheckView {
    /// Stable over pods and restarts; LiteLLM's `model_id` for its deployments.
    pub id: String,
    /// The name people use; not unique for LiteLLM's.
    pub name: String,
    /// The provider, `http`, `tcp` or `unknown`.
    pub provider: String,
    /// The model as configured, if it is one.
    pub model: Option<String>,
    /// Whether it is asked by itself; otherwise on demand only.
    pub background: bool,
    /// Whether it counts as healthy: see `outcome` for the latest probe alone.
    pub healthy: Option<bool>,
    /// What the latest probe found.
    #[schema(value_type = Option<OutcomeWord>)]
    pub outcome: Option<Outcome>,
    /// LiteLLM's `exception_status` of the latest probe; null when it passed.
    pub status: Option<u16>,
    /// What went wrong in the latest probe.
    pub error: Option<String>,
    /// How long the latest probe took.
    pub latency_ms: Option<u64>,
    /// The pod that made it.
    pub checked_by: Option<String>,
    /// When it ended, by that pod's wall clock.
    pub checked_at: Option<Timestamp>,
    /// The token of its round; null if the pod probed for itself.
    pub token: Option<u64>,
    /// How long ago its round began, by the store's judgement or this pod's steady clock, never by a wall clock.
    pub age_seconds: Option<f64>,
    /// `fresh`, `refreshing` or `stale`.
    pub freshness: Option<String>,
    /// Since when `healthy` is as it is.
    pub since: Option<Timestamp>,
    /// How many results of the latest kind (pass or failure) came in a row.
    pub streak: Option<u32>,
    /// Until its group's next round is due; 0 if it is due. Null where none is to come.
    pub next_due_seconds: Option<f64>,
    /// How it is to be asked: `auto`, `inference`, `free` or `reachability`; null where there is no choice.
    pub probe: Option<String>,
    /// What kind the latest probe was: `inference`, `free` or `reachability`; null where nothing was sent.
    pub tier: Option<String>,
    /// Why the latest probe was a cheaper one than its own: `budget` or `interval`; null if it was not.
    pub spared: Option<String>,
    /// The tokens that the latest answer says were used.
    pub usage: Option<UsageView>,
    /// What the latest probe cost; null where no price is known, 0 where another check's probe spoke for this one too.
    pub cost_usd: Option<f64>,
    /// What the fleet paid for its probes since it knows the check; null where no price is known.
    pub spent_usd: Option<f64>,
    /// What others' probes of it saved this pod since it started; null where no price is known.
    pub saved_usd: Option<f64>,
    /// The model that the upstream says answered.
    pub reported_model: Option<String>,
    /// How long the latest answer's headers took.
    pub headers_ms: Option<u64>,
    /// How long the upstream asked to be left alone, counted from `checked_at`.
    pub retry_after_seconds: Option<f64>,
    /// Rate-limit headers of the latest answer.
    #[serde(default)]
    pub rate_limits: BTreeMap<String, String>,
    /// What a call of it costs, where that is known.
    pub price: Option<PriceView>,
    /// Its last full probe, which is the latest one unless that was spared.
    pub last_full: Option<LastFullView>,
}

/// `GET /v1/checks/{id}`: the check and its past.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CheckDetail {
    /// As in the list.
    #[serde(flatten)]
    pub check: CheckView,
    /// At most 64 results, newest first, the latest included.
    pub history: Vec<PastView>,
    /// How it turned last, as far back as that is kept.
    #[serde(default)]
    pub last_transition: Option<TransitionView>,
}

/// `GET /v1/fleet`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FleetAnswer {
    /// The fleet's name.
    pub fleet: String,
    /// Leases that stand, as far as this pod knows.
    pub leases: Vec<LeaseView>,
    /// The pods heard of, this one included, by name.
    pub pods: Vec<PodRow>,
    /// The sums over `pods`.
    pub totals: TotalsView,
    /// What the fleet spent on probes today, and may spend.
    #[serde(default)]
    pub budget: BudgetView,
}

/// A lease that stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LeaseView {
    /// Which group's.
    pub group: String,
    /// The holder's pod id.
    pub holder: String,
    /// Its fencing token, where it has one.
    pub token: Option<u64>,
    /// How long it stands unless it is renewed.
    pub remaining_seconds: f64,
}

/// A pod of the fleet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PodRow {
    /// Its name.
    pub pod_id: String,
    /// Whether it is the pod that answers.
    pub this_pod: bool,
    /// `leading`, `following`, `isolated` or `independent`; `unknown` where its announcement cannot be read.
    pub mode: String,
    /// Its version; empty where unknown.
    pub version: String,
    /// When it started, by its wall clock.
    pub started_at: Option<Timestamp>,
    /// How long ago it was last heard of; 0 for the pod that answers.
    pub age_seconds: f64,
    /// How many leases it holds.
    pub leases: usize,
    /// What it counted since it started.
    #[serde(flatten)]
    pub totals: TotalsView,
}

/// `GET /v1/status`: this pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatusAnswer {
    /// This pod's name.
    pub pod_id: String,
    /// Its fleet.
    pub fleet: String,
    /// Its version.
    pub version: String,
    /// How it lives in its fleet, the most telling word over all groups.
    pub mode: String,
    /// What keeps leases and reports: `redis`, `etcd` or `memory`.
    pub backend: String,
    /// Where the backend is, without any secret; empty where the answer is of an older version.
    #[serde(default)]
    pub store_address: String,
    /// What the backend promises: `linearizable` or `single-primary`.
    pub guarantee: String,
    /// What that means, in one sentence; empty where the answer is of an older version.
    #[serde(default)]
    pub guarantee_promise: String,
    /// Whether the store answered lately.
    pub store_up: bool,
    /// Why it did not.
    pub store_error: Option<String>,
    /// Whether the pod should be sent traffic.
    pub ready: bool,
    /// Whether it is leaving.
    pub draining: bool,
    /// The time now, by its wall clock.
    pub now: Option<Timestamp>,
    /// When it started, by its wall clock.
    pub started_at: Option<Timestamp>,
    /// How long it runs, by its steady clock.
    pub uptime_seconds: f64,
    /// How many checks there are of each kind.
    pub checks: Counts,
    /// The groups of checks, each with its own lock and report.
    pub groups: Vec<GroupRow>,
    /// What it counted since it started.
    pub totals: TotalsView,
    /// What the fleet spent on probes today, and may spend.
    #[serde(default)]
    pub budget: BudgetView,
    /// LiteLLM's own pods on the same Redis.
    #[serde(default)]
    pub wire: WireView,
    /// The settings that matter for reading this.
    pub settings: SettingsView,
    /// The last time that the configuration was read again; null before the first.
    #[serde(default)]
    pub reload: Option<ReloadView>,
}

/// How LiteLLM's own pods live beside this pod's fleet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WireView {
    /// `off`: they are not served (the log says why). `waiting`: no round has claimed them yet. `serving`: they live off
    /// this fleet's reports. `claimed`: another list of checks serves them.
    pub state: String,
    /// Who serves them in state `claimed`: fleet and group.
    pub claimed_by: Option<String>,
    /// Reports of theirs over ours that this pod replaced.
    pub reports_overtaken: u64,
    /// Times that one of them held its lock when this pod wanted the lease.
    pub lock_waits: u64,
    /// Times that one of them took its lock during a round of this pod.
    pub lock_losses: u64,
}

/// One group of checks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GroupRow {
    /// Its name in the store.
    pub group: String,
    /// How this pod lives in it.
    pub mode: String,
    /// The lease, while it stands.
    pub lease: Option<LeaseView>,
    /// The highest token seen; null before the first.
    pub highest_token: Option<u64>,
    /// The pod whose results are shown.
    pub checked_by: Option<String>,
    /// How many of its checks have a result.
    pub results: usize,
    /// The age of the oldest result.
    pub age_seconds: Option<f64>,
    /// Whether a result is stale.
    pub stale: bool,
    /// Until the next round is due; 0 if it is due. Null where none is to come.
    pub next_due_seconds: Option<f64>,
}

/// Settings that matter for reading a status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SettingsView {
    /// `coordination.enabled`.
    pub enabled: bool,
    /// `coordination.background`.
    pub background: bool,
    /// `coordination.interval`.
    pub interval_seconds: f64,
    /// `coordination.lock_ttl`.
    pub lock_ttl_seconds: f64,
    /// `coordination.cache_ttl`.
    pub cache_ttl_seconds: f64,
    /// `coordination.lock_scope`: `fleet` or `check`.
    pub lock_scope: String,
    /// A result is fresh up to this age.
    pub fresh_for_seconds: f64,
}
