//! What is due, and when.

use super::{Coordinator, Phase};
use crate::check::MAX_PROBE_TIMEOUT;
use crate::id::CheckId;
use crate::planted::{Bug, is_planted};
use crate::status::Known;
use crate::time::Moment;
use crate::verdict::MAX_RETRY_AFTER;

/// Before everything.
const NOW: Moment = Moment::from_micros(i64::MIN);

impl Coordinator {
    /// When a check's entry is due: at once if there is none.
    fn due_at(&self, check: &CheckId) -> Moment {
        self.entries.get(check).map_or(NOW, |known| {
            let due = known.probed_at + self.settings.cadence();
            due.max(self.rests_until(known))
        })
    }

    /// Until when an upstream asked to be left alone, counted from the end of its answer.
    fn rests_until(&self, known: &Known) -> Moment {
        let verdict = &known.entry.verdict;
        match verdict.retry_after {
            Some(rest) if self.settings.honours_retry_after => {
                let answered = known.probed_at + verdict.latency.min(MAX_PROBE_TIMEOUT);
                answered + rest.min(MAX_RETRY_AFTER)
            }
            _ => NOW,
        }
    }

    /// Whether a check may be asked without being forced to, as far as its upstream is concerned.
    fn is_rested(&self, check: &CheckId, now: Moment) -> bool {
        let known = self.entries.get(check);
        known.is_none_or(|known| self.rests_until(known) <= now)
    }

    fn background_checks(&self) -> impl Iterator<Item = &CheckId> {
        self.settings
            .checks
            .iter()
            .filter(|c| self.settings.background && c.background)
            .map(|c| &c.id)
    }

    /// When the oldest entry is due: the group's next round, if rounds happen by themselves.
    pub(super) fn next_round_due(&self) -> Option<Moment> {
        self.background_checks().map(|c| self.due_at(c)).min()
    }

    /// What a round that starts at `now` asks: every entry due within the merge slack, and what is forced.
    pub(super) fn due_checks(&self, now: Moment) -> Vec<CheckId> {
        let horizon = now + self.settings.merge_slack();
        self.settings
            .checks
            .iter()
            .filter(|c| {
                (self.settings.background
                    && c.background
                    && self.due_at(&c.id) <= horizon
                    && self.is_rested(&c.id, now))
                    || self.forced.wants(&c.id)
            })
            .map(|c| c.id.clone())
            .collect()
    }

    /// When the lease is wanted: when something is due or forced, when the fleet lacks something this pod knows, when
    /// the lease may be this pod's without its knowing, and when only asking can tell whether the store takes writes.
    fn lease_wanted_at(&self) -> Option<Moment> {
        if self.unresolved.is_some() || self.forced.is_waiting() || self.sense.needs_write() {
            return Some(NOW);
        }
        let offers = self.entries.has_offers().then_some(self.offer_after);
        offers.into_iter().chain(self.next_round_due()).min()
    }

    pub(super) fn wants_lease(&self, now: Moment) -> bool {
        self.lease_wanted_at().is_some_and(|at| at <= now)
    }

    /// Whether the store is to be asked for a lease: not while it is away, unless to see whether it still is.
    pub(super) fn may_ask(&self) -> bool {
        !self.sense.is_ping_down() && (!self.sense.is_isolated() || self.sense.needs_write())
    }

    /// When to contend, while waiting.
    pub(super) fn contend_at(&self) -> Option<Moment> {
        let able = matches!(self.phase, Phase::Waiting)
            && self.settings.coordinate
            && self.draining.is_none()
            && self.may_ask()
            && !self.wants_read
            && self.reading.is_none();
        if able {
            self.lease_wanted_at().map(|at| at.max(self.quiet_until))
        } else {
            None
        }
    }

    /// When to read outside a lease.
    pub(super) fn read_at(&self) -> Option<Moment> {
        let able = self.wants_read
            && self.settings.coordinate
            && self.reading.is_none()
            && self.draining.is_none()
            && !self.sense.is_ping_down()
            && matches!(
                self.phase,
                Phase::Waiting | Phase::Following { .. } | Phase::Alone(_)
            );
        able.then_some(self.quiet_until)
    }

    /// Which checks this pod may ask for itself at `now`, and when the first of the others comes.
    ///
    /// A probe that it started itself counts, whatever became of it: alone, a pod asks at most once per interval.
    pub(super) fn alone_due(&self, check: &CheckId) -> Moment {
        let due = match self.entries.get(check) {
            Some(known) => (known.probed_at + self.settings.cadence())
                .max(self.left_until(check))
                .max(self.rests_until(known)),
            None => self.alone_since,
        };
        due.max(self.spaced_at(check)).max(self.alone_since) + self.alone_offset
    }

    /// Until when a check that has a result is left to the holder of the time when the store went.
    fn left_until(&self, check: &CheckId) -> Moment {
        self.entries.get(check).map_or(NOW, |known| {
            let latest = known.probed_at + self.settings.cadence() + self.left_for;
            self.left_to_holder.min(latest)
        })
    }

    /// When this pod's own last start of a probe of the check is long enough ago.
    fn spaced_at(&self, check: &CheckId) -> Moment {
        let spacing = self.settings.cadence() - self.settings.merge_slack();
        match self.last_start.get(check) {
            Some(at) if !is_planted(Bug::UnspacedAlone) => *at + spacing,
            _ => NOW,
        }
    }

    /// When to probe for this pod alone, while waiting.
    pub(super) fn alone_at(&self) -> Option<Moment> {
        let alone = !self.settings.coordinate || self.sense.is_isolated();
        if !alone || self.draining.is_some() || !matches!(self.phase, Phase::Waiting) {
            return None;
        }
        if self.forced.is_waiting() {
            return Some(NOW);
        }
        self.first_alone_due()
    }

    /// When the first check may be asked for this pod alone.
    pub(super) fn first_alone_due(&self) -> Option<Moment> {
        self.background_checks().map(|c| self.alone_due(c)).min()
    }

    /// What a round alone asks at `now`.
    pub(super) fn alone_checks(&self, now: Moment) -> Vec<CheckId> {
        let horizon = now + self.settings.merge_slack();
        self.settings
            .checks
            .iter()
            .filter(|c| {
                (self.settings.background
                    && c.background
                    && self.spaced_at(&c.id) <= now
                    && self.left_until(&c.id) <= now
                    && self.alone_due(&c.id) <= horizon
                    && self.is_rested(&c.id, now))
                    || self.forced.wants(&c.id)
            })
            .map(|c| c.id.clone())
            .collect()
    }
}
