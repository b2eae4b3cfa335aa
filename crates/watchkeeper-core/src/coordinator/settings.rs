//! What a coordinator is told once.

use std::time::Duration;

use crate::id::{CheckId, GroupId, PodId};
use crate::planted::{Bug, is_planted};
use crate::report::Thresholds;

/// Hung probes are given this long beyond the longest round before it ends without them.
pub const ROUND_SLACK: Duration = Duration::from_secs(5);

/// Due pods contend spread over this much, so that they do not ask the store in the same millisecond.
pub const CONTEND_SPREAD: Duration = Duration::from_millis(50);

/// A pod checks for itself once its store failed for this long.
pub const ISOLATED_AFTER: Duration = Duration::from_secs(2);

/// Longest pause between two attempts to reach a store that fails.
pub const MAX_BACKOFF: Duration = Duration::from_secs(5);

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
}

/// What a coordinator is told once.
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
    /// The starts of a round's probes are spread over this much.
    pub spread: Duration,
    /// How many results in a row change a check's standing.
    pub thresholds: Thresholds,
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

    /// R: the longest a round may take, ceil(checks / concurrency) x the longest check timeout, and the spread.
    #[must_use]
    pub fn round_limit(&self) -> Duration {
        let waves = self.checks.len().div_ceil(self.concurrency.max(1)).max(1);
        let longest = self
            .checks
            .iter()
            .map(|c| c.timeout)
            .max()
            .unwrap_or_default();
        longest
            .saturating_mul(u32::try_from(waves).unwrap_or(u32::MAX))
            .saturating_add(self.spread)
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
