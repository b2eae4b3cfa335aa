//! What this group feels of its store: from the pod's pings, and from its own operations.

use super::settings::ISOLATED_AFTER;
use crate::time::Moment;

/// Failures and their consequence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sense {
    /// Since when the pod's pings fail.
    ping_failing: Option<Moment>,
    /// Since when this group's own operations fail. Pings may succeed meanwhile.
    ops_failing: Option<Moment>,
    /// How many operations failed in a row.
    failures: u32,
    /// Whether any operation ever succeeded: before the first success the first failure isolates.
    ever_answered: bool,
    /// The store refuses our reports for good; asked again at this time.
    refused_until: Option<Moment>,
    /// Whether the pod checks this group for itself.
    isolated: bool,
}

impl Sense {
    pub(super) fn ping_failed(&mut self, now: Moment) {
        self.ping_failing.get_or_insert(now);
    }

    pub(super) fn ping_answered(&mut self) {
        self.ping_failing = None;
    }

    pub(super) fn failed(&mut self, now: Moment) {
        self.ops_failing.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
    }

    /// An operation succeeded. Answers whether that ends the isolation.
    pub(super) fn answered(&mut self) -> bool {
        self.ops_failing = None;
        self.failures = 0;
        self.ever_answered = true;
        let rejoins = self.isolated && self.ping_failing.is_none() && self.refused_until.is_none();
        if rejoins {
            self.isolated = false;
        }
        rejoins
    }

    pub(super) fn refused(&mut self, until: Moment) {
        self.refused_until = Some(until);
    }

    pub(super) fn refused_until(&self) -> Option<Moment> {
        self.refused_until
    }

    pub(super) fn forget_refusal(&mut self) {
        self.refused_until = None;
    }

    pub(super) fn isolate(&mut self) {
        self.isolated = true;
    }

    pub(super) fn is_isolated(&self) -> bool {
        self.isolated
    }

    pub(super) fn is_ping_down(&self) -> bool {
        self.ping_failing.is_some()
    }

    pub(super) fn is_failing(&self) -> bool {
        self.ping_failing.is_some() || self.ops_failing.is_some()
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// When the failures isolate the group, if they go on.
    pub(super) fn isolates_at(&self) -> Option<Moment> {
        if self.isolated {
            return None;
        }
        let since = match (self.ping_failing, self.ops_failing) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }?;
        Some(if self.ever_answered {
            since + ISOLATED_AFTER
        } else {
            since
        })
    }
}
