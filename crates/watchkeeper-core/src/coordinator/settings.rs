//! What a coordinator is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::load::Load;
use crate::id::{CheckId, GroupId, PodId};
use crate::money::{Budget, Usd};
use crate::planted::{Bug, is_planted};
use crate::probe::Identity;
use crate::report::Thresholds;

/// Hung probes are given this long beyond the longest round before it ends without them.
pub const ROUND_SLACK: Duration = Duration::from_secs(5);

/// Due pods contend spread over this much, so that they do not ask the store in the same millisecond.
pub const CONTEND_SPREAD: Duration = Duration::from_millis(50);

/// A pod checks for itself once its store failed for this long.
pub const ISOLATED_AFTER: Duration = Duration::from_secs(2);

/// Longest pause between two attempts to reach a store that fails.
pub const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// FB-1 leaves this much to everything that is not a lease, a round or a spread.
const LATE_SLACK: Duration = Duration::from_secs(10);

/// Calls that may wait for forced results at the same time; more are turned away.
pub const MAX_TICKETS: usize = 256;

/// The store may forget a report after a day without a new one; stale results are still worth showing until then.
const RETAIN: Duration = Duration::from_secs(24 * 3600);

/// Longer than anything lasts.
const NEVER: Duration = Duration::from_secs(24 * 3600);

/// One check of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupCheck {
    /// Which.
    pub id: CheckId,
    /// How long one probe of it may take.
    pub timeout: Duration,
    /// Whether rounds ask it by themselves; if not, only forced runs do.
    pub background: bool,
    /// Who is asked: the word by which limits and budgets name it.
    pub provider: Arc<str>,
    /// What tells its full probe from those of other checks. Those with the same one are asked once for all.
    pub identity: Option<Identity>,
    /// How often its full probe is made, where a cheap one is made in between; none: each time.
    pub full_every: Option<Duration>,
    /// The most that its full probe costs; none where no price is known.
    pub most_cost: Option<Usd>,
    /// Whether a cheap probe differs from the full one. If not, it is always asked by the full one.
    pub has_cheap: bool,
}

impl GroupCheck {
    /// A check that rounds ask, of which nothing more is known.
    #[must_use]
    pub fn new(id: CheckId, timeout: Duration) -> Self {
        Self {
            id,
            timeout,
            background: true,
            provider: Arc::from("unknown"),
            identity: None,
            full_every: None,
            most_cost: None,
            has_cheap: false,
        }
    }

    /// Whether one probe may speak for both.
    fn is_twin_of(&self, other: &Self) -> bool {
        self.identity.is_some()
            && self.identity == other.identity
            && self.provider == other.provider
            && self.timeout == other.timeout
            && self.has_cheap == other.has_cheap
    }
}

/// What a coordinator is told: at its start, and when its pod's configuration was read again.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The group it coordinates.
    pub group: GroupId,
    /// The pod it speaks for.
    pub pod: PodId,
    /// The group's checks; of those asked equally long ago, the first here is asked first.
    pub checks: Vec<GroupCheck>,
    /// Time between the starts of two rounds.
    pub interval: Duration,
    /// How long a lease lasts without renewal.
    pub lock_ttl: Duration,
    /// Entries are due at this age if it is less than `interval`.
    pub cache_ttl: Duration,
    /// Share of the interval over which isolated pods and restarts spread; 0 to 0.5.
    pub jitter: f64,
    /// How many probes may run at once; at least 1.
    pub concurrency: usize,
    /// How many of a provider's may; at least 1. No limit of their own for those that are not named.
    pub lanes: BTreeMap<Arc<str>, usize>,
    /// The starts of a round's probes are spread over this much.
    pub spread: Duration,
    /// How many results in a row change a check's standing.
    pub thresholds: Thresholds,
    /// How much may be spent on this group's probes per day. The day is the one decision that goes by a wall clock.
    pub budget: Budget,
    /// Whether an upstream that asks to be left alone (`Retry-After`) is, beyond the time at which it would be due.
    pub honours_retry_after: bool,
    /// The limit of one store operation.
    pub op_timeout: Duration,
    /// How long probes in flight may go on after the order to leave.
    pub drain: Duration,
    /// Whether the fleet is asked at all; if not, the pod checks for itself.
    pub coordinate: bool,
    /// Whether rounds happen by themselves; if not, only forced runs do.
    pub background: bool,
    /// Seed of this coordinator's spreads; differs by pod and group.
    pub seed: u64,
}

impl Settings {
    /// The age at which an entry is due: the lesser of `interval` and `cache_ttl`.
    #[must_use]
    pub fn cadence(&self) -> Duration {
        self.interval.min(self.cache_ttl)
    }

    /// A round takes every entry that comes due within this much, so that entries split by a hand-over merge again.
    #[must_use]
    pub fn merge_slack(&self) -> Duration {
        self.cadence() / 10
    }

    /// R: the longest a round may take ([`Load::round`]). Twins count each for itself: their probes may differ in effort.
    #[must_use]
    pub fn round_limit(&self) -> Duration {
        let checks = self.checks.iter().map(|c| (&*c.provider, c.timeout));
        Load::of(checks, &self.lanes, self.spread).round(self.concurrency)
    }

    /// What is due is there within this much where probes work, store or no store (FB-1): the jitter, a lease that has to
    /// end, a round that comes to nothing and one that does not.
    #[must_use]
    pub fn late_after(&self) -> Duration {
        let jitter = self.cadence().mul_f64(self.jitter.clamp(0.0, 1.0));
        let rounds = self.round_limit().saturating_mul(2);
        [jitter, self.lock_ttl, rounds, LATE_SLACK]
            .into_iter()
            .fold(Duration::ZERO, Duration::saturating_add)
    }

    /// For each check that has twins, by its place: a number that they have in common, and no other check.
    pub(super) fn twins(&self) -> BTreeMap<usize, usize> {
        let mut firsts: BTreeMap<Identity, Vec<usize>> = BTreeMap::new();
        let mut twins = BTreeMap::new();
        for (place, check) in self.checks.iter().enumerate() {
            let Some(identity) = check.identity else {
                continue;
            };
            let known = firsts.entry(identity).or_default();
            let is_twin = |first: &&usize| {
                let other = self.checks.get(**first);
                other.is_some_and(|other| check.is_twin_of(other))
            };
            if let Some(first) = known.iter().find(is_twin).copied() {
                twins.insert(first, first);
                twins.insert(place, first);
            } else {
                known.push(place);
            }
        }
        twins
    }

    /// The holder's window, counted from the moment its request left: a tenth less than the store keeps the lease, so
    /// that clocks which run at rates up to a tenth apart cannot make two pods believe that they hold it.
    #[must_use]
    pub fn window(&self) -> Duration {
        if is_planted(Bug::OpenWindow) {
            return NEVER;
        }
        self.lock_ttl / 10 * 9
    }

    /// The holder renews this often.
    #[must_use]
    pub fn renew_every(&self) -> Duration {
        if is_planted(Bug::NoRenewal) {
            return NEVER;
        }
        self.lock_ttl / 3
    }

    /// How long the store keeps a report without a new one.
    #[must_use]
    pub fn retain(&self) -> Duration {
        RETAIN.max(self.interval.saturating_mul(10))
    }
}
