//! What this group feels of its store: from the pod's pings, and from its own operations.

use super::settings::ISOLATED_AFTER;
use crate::time::Moment;

/// What an operation asks of the store. A store may take the one and not the other (a replica, an ACL, a full disk), so
/// an answer to the one says nothing of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Read,
    Write,
}

/// Failures and their consequence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sense {
    /// Since when the pod's pings fail.
    ping_failing: Option<Moment>,
    /// Since when this group's own reads fail. Pings may succeed meanwhile.
    reads_failing: Option<Moment>,
    /// Since when this group's own writes fail.
    writes_failing: Option<Moment>,
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

    /// A ping that answers again also says that the store takes writes; reads are tried at once anyway.
    pub(super) fn ping_answered(&mut self) {
        self.ping_failing = None;
        self.writes_failing = None;
    }

    pub(super) fn failed(&mut self, now: Moment, act: Act) {
        match act {
            Act::Read => self.reads_failing.get_or_insert(now),
            Act::Write => self.writes_failing.get_or_insert(now),
        };
        self.failures = self.failures.saturating_add(1);
    }

    /// An operation succeeded. Answers whether that ends the isolation.
    pub(super) fn answered(&mut self, act: Act) -> bool {
        match act {
            Act::Read => self.reads_failing = None,
            Act::Write => self.writes_failing = None,
        }
        self.ever_answered = true;
        if self.ops_failing().is_none() {
            self.failures = 0;
        }
        let rejoins = self.isolated && !self.is_failing() && self.refused_until.is_none();
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

    /// Answers whether that is new.
    pub(super) fn isolate(&mut self) -> bool {
        !std::mem::replace(&mut self.isolated, true)
    }

    pub(super) fn is_isolated(&self) -> bool {
        self.isolated
    }

    pub(super) fn is_ping_down(&self) -> bool {
        self.ping_failing.is_some()
    }

    pub(super) fn is_failing(&self) -> bool {
        self.ping_failing.is_some() || self.ops_failing().is_some()
    }

    /// Whether the failures have stopped as far as reading and pinging can tell, and only a write can tell the rest.
    pub(super) fn needs_write(&self) -> bool {
        self.writes_failing.is_some()
            && self.reads_failing.is_none()
            && self.ping_failing.is_none()
            && self.refused_until.is_none()
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// When the failures isolate the group, if they go on.
    pub(super) fn isolates_at(&self) -> Option<Moment> {
        if self.isolated {
            return None;
        }
        let since = self.failing_since()?;
        Some(if self.ever_answered {
            since + ISOLATED_AFTER
        } else {
            since
        })
    }

    /// Since when the store fails this group, one way or another.
    pub(super) fn failing_since(&self) -> Option<Moment> {
        let both = [self.ping_failing, self.ops_failing()];
        both.into_iter().flatten().min()
    }

    fn ops_failing(&self) -> Option<Moment> {
        [self.reads_failing, self.writes_failing]
            .into_iter()
            .flatten()
            .min()
    }
}
