//! What people and programs may ask about this pod: a picture in memory, never a call to the store.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::check::Check;
use crate::companion::CompanionState;
use crate::fingerprint::LockScope;
use crate::id::{CheckId, FleetName, GroupId, PodId};
use crate::lease::{Guarantee, Token};
use crate::money::{Budget, Ledger, Usd};
use crate::report::{Before, Entry, Passes, Transitions};
use crate::time::{Moment, UnixMillis};

/// How a pod lives in its fleet at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// It holds a lease.
    Leading,
    /// It lives off the fleet's reports.
    Following,
    /// The store is away: it checks for itself.
    Isolated,
    /// Coordination is switched off: it checks for itself.
    Independent,
}

impl Mode {
    /// The word used in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Leading => "leading",
            Self::Following => "following",
            Self::Isolated => "isolated",
            Self::Independent => "independent",
        }
    }
}

/// Whether a result may still be called current.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Freshness {
    /// Younger than `fresh_for`.
    Fresh,
    /// Older, while a live holder's round is under way.
    Refreshing,
    /// Older, and nobody is known to be at it.
    Stale,
}

impl Freshness {
    /// The word used in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Refreshing => "refreshing",
            Self::Stale => "stale",
        }
    }
}

/// An entry as this pod knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The entry.
    pub entry: Arc<Entry>,
    /// The start of the round that probed it, on this pod's steady clock; its age is counted from here.
    pub probed_at: Moment,
}

impl Known {
    /// This, as what is followed by a finding of a round that started at `next`.
    pub(crate) fn before(&self, next: Moment) -> Before<'_> {
        Before {
            entry: &self.entry,
            gap: next.since(self.probed_at),
        }
    }
}

/// One group as this pod sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupView {
    /// Which group.
    pub group: GroupId,
    /// How this pod lives in it.
    pub mode: Mode,
    /// Who holds the lease, as far as this pod knows (itself included), while that lease stands.
    pub holder: Option<PodId>,
    /// That lease's token.
    pub token: Option<Token>,
    /// Until when that lease is known to stand.
    pub lease_until: Option<Moment>,
    /// The highest token seen.
    pub highest_token: Token,
    /// The pod that published (or, for itself, made) the latest results shown.
    pub checked_by: Option<PodId>,
    /// What is known, by check.
    pub entries: BTreeMap<CheckId, Known>,
    /// When the next round is due, if one is.
    pub next_due: Option<Moment>,
    /// From then on its results take at most this long where probes work, store or no store (FB-1).
    pub late_after: Duration,
    /// What the fleet spent on this group's probes on the day that it names, as far as this pod knows.
    pub ledger: Ledger,
    /// By check: what others' probes saved this pod since it started, as far as their cost is known.
    pub saved: Arc<BTreeMap<CheckId, Usd>>,
    /// When checks turned: the fleet's list, and without a token what this pod saw by itself since.
    pub transitions: Transitions,
}

impl GroupView {
    /// Who holds the lease at `now`, as far as this pod knows.
    #[must_use]
    pub fn holder_at(&self, now: Moment) -> Option<&PodId> {
        self.holder
            .as_ref()
            .filter(|_| self.lease_until.is_some_and(|until| now < until))
    }

    /// How current a result of this group is at `now` (SN-3), where results are fresh for `fresh_for`.
    #[must_use]
    pub fn freshness(&self, known: &Known, now: Moment, fresh_for: Duration) -> Freshness {
        if now.since(known.probed_at) <= fresh_for {
            Freshness::Fresh
        } else if self.holder_at(now).is_some() {
            Freshness::Refreshing
        } else {
            Freshness::Stale
        }
    }
}

/// The settings that answers repeat.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownSettings {
    /// `coordination.enabled`.
    pub enabled: bool,
    /// `coordination.background`.
    pub background: bool,
    /// `coordination.interval`.
    pub interval: Duration,
    /// `coordination.lock_ttl`.
    pub lock_ttl: Duration,
    /// `coordination.cache_ttl`.
    pub cache_ttl: Duration,
    /// `coordination.lock_scope`.
    pub lock_scope: LockScope,
    /// A result is fresh while it is younger than this.
    pub fresh_for: Duration,
    /// How much may be spent on probes per day (`budget`).
    pub budget: Budget,
    /// What counts as a pass (`probe.passes`).
    pub passes: Passes,
    /// `false`: entries are cut to `model`, `model_id`, `exception_status` (LiteLLM's `health_check_details`).
    pub details: bool,
}

impl ShownSettings {
    /// `fresh_for` from the settings: the larger of `cache_ttl` and `interval` + jitter + 1 s.
    #[must_use]
    pub fn fresh_for(interval: Duration, cache_ttl: Duration, jitter: f64) -> Duration {
        cache_ttl.max(interval + interval.mul_f64(jitter.clamp(0.0, 1.0)) + Duration::from_secs(1))
    }
}

/// What this pod counted since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Rounds led under a lease.
    pub led: u64,
    /// Reports adopted from other pods.
    pub followed: u64,
    /// Rounds made for itself.
    pub isolated: u64,
    /// Probes made.
    pub probes: u64,
    /// Probes saved: checks in each report adopted from another pod.
    pub saved: u64,
    /// What its probes cost, as far as prices are known.
    #[serde(default, skip_serializing_if = "Usd::is_zero")]
    pub spent: Usd,
    /// What the probes saved would have cost: what other pods paid for them.
    #[serde(default, skip_serializing_if = "Usd::is_zero")]
    pub saved_cost: Usd,
}

/// What a pod tells the fleet about itself in its presence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodFacts {
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// When it started, by its wall clock.
    #[serde(default)]
    pub started: UnixMillis,
    /// The word of its [`Mode`].
    #[serde(default)]
    pub mode: String,
    /// What it counted.
    #[serde(default)]
    pub totals: Totals,
}

/// A pod of the fleet as it was last heard of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodView {
    /// Who.
    pub pod: PodId,
    /// When its announcement was made, on this pod's steady clock.
    pub seen: Moment,
    /// What it said; default where it cannot be read.
    pub facts: PodFacts,
}

/// Everything that may be asked, at one moment. Immutable; a new one replaces it when something changes.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Rises with every change, so that rendered answers can be kept.
    pub version: u64,
    /// This pod.
    pub pod: PodId,
    /// Its fleet.
    pub fleet: FleetName,
    /// When it started, on its steady clock.
    pub started: Moment,
    /// When it started, by its wall clock.
    pub started_unix: UnixMillis,
    /// The backend's name.
    pub backend: &'static str,
    /// Where it is, for people, without any secret.
    pub address: Arc<str>,
    /// What the backend promises.
    pub guarantee: Guarantee,
    /// Whether the store answered lately.
    pub store_up: bool,
    /// Why it did not, without any secret.
    pub store_error: Option<String>,
    /// Whether the pod is leaving.
    pub draining: bool,
    /// Results were shown before, be it of other checks: a changed list takes nobody out of service.
    pub had_results: bool,
    /// The settings that answers repeat.
    pub settings: Arc<ShownSettings>,
    /// The checks, in config order.
    pub checks: Arc<Vec<Check>>,
    /// Where each check's group stands in `groups`.
    pub index: Arc<HashMap<CheckId, usize>>,
    /// The groups, each shared with the pictures before and after in which it is the same.
    pub groups: Vec<Arc<GroupView>>,
    /// The pods of the fleet, this one included, by name.
    pub pods: Vec<PodView>,
    /// What this pod counted.
    pub totals: Totals,
    /// What the store saw of programs that know nothing of ours.
    pub companions: CompanionState,
}

impl Snapshot {
    /// The group of a check.
    #[must_use]
    pub fn group_of(&self, check: &CheckId) -> Option<&GroupView> {
        self.groups.get(*self.index.get(check)?).map(AsRef::as_ref)
    }

    /// What is known of a check.
    #[must_use]
    pub fn known(&self, check: &CheckId) -> Option<&Known> {
        self.group_of(check)?.entries.get(check)
    }

    /// Whether any result is known.
    #[must_use]
    pub fn has_results(&self) -> bool {
        self.groups.iter().any(|g| !g.entries.is_empty())
    }

    /// Whether the pod should be sent traffic: a first report is there (or none is due to come), and it is not leaving.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let awaited = self.settings.background && self.checks.iter().any(|c| c.background);
        !self.draining && (!awaited || self.had_results || self.has_results())
    }

    /// How current a result of `group` is at `now`.
    #[must_use]
    pub fn freshness(&self, group: &GroupView, known: &Known, now: Moment) -> Freshness {
        group.freshness(known, now, self.settings.fresh_for)
    }

    /// The pod's mode over all groups: the most telling one (isolated before leading before following).
    #[must_use]
    pub fn mode(&self) -> Mode {
        let rank = |m: Mode| match m {
            Mode::Independent => 3,
            Mode::Isolated => 2,
            Mode::Leading => 1,
            Mode::Following => 0,
        };
        self.groups
            .iter()
            .map(|g| g.mode)
            .max_by_key(|m| rank(*m))
            .unwrap_or(if self.settings.enabled {
                Mode::Following
            } else {
                Mode::Independent
            })
    }
}

/// Where answers come from. The runtime implements it; tests of the API fake it.
pub trait StatusSource: Send + Sync + 'static {
    /// The latest picture. Cheap: no lock is held and nothing is copied.
    fn snapshot(&self) -> Arc<Snapshot>;
    /// The steady time now.
    fn now(&self) -> Moment;
    /// The wall clock now.
    fn unix(&self) -> UnixMillis;
}
