//! Reading, asking for the lease, and living off what the holder publishes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::command::{Command, Happening, Op};
use super::event::{Beside, FoundReport, Hint, Now, ReadReport};
use super::sense::Act;
use super::settings::{CONTEND_SPREAD, ROUND_SLACK};
use super::{Coordinator, Holder, Out, Phase, Reading, SeenLease};
use crate::error::StoreError;
use crate::id::CheckId;
use crate::lease::{Acquire, Acquired, Busy, Token};
use crate::money::Usd;
use crate::planted::{Bug, is_planted, wall_clock_age};
use crate::time::Moment;

/// A lease is asked for again this much after its end: stores count whole milliseconds.
const AFTER_END: Duration = Duration::from_millis(1);

/// Nobody contends sooner than this: how long a probe takes to leave varies by a few milliseconds, and the starts of two
/// rounds' probes are not to be closer than the interval for it.
const LEAST_SPREAD: Duration = Duration::from_millis(5);

impl Coordinator {
    pub(super) fn read(&mut self, now: Moment, out: &mut Out) {
        let op = self.op();
        self.wants_read = false;
        self.reading = Some(Reading {
            op,
            sent: now,
            floor: self.floor,
        });
        out.push(Command::Read(op, self.floor));
    }

    pub(super) fn on_read(
        &mut self,
        now: Now,
        op: Op,
        result: Result<ReadReport, StoreError>,
        out: &mut Out,
    ) {
        if self.lead_reads(op) {
            self.on_lead_read(now, op, result, out);
            return;
        }
        let Some(reading) = self.reading.filter(|r| r.op == op) else {
            return;
        };
        self.reading = None;
        match result {
            Err(error) => {
                self.wants_read = true;
                self.store_failed(now.steady, Act::Read, error, out);
            }
            Ok(read) => {
                self.store_answered(Act::Read, out);
                self.take_in(now, reading, read, out);
                if !self.wants_lease(now.steady) {
                    // Nothing is waited for any more, even if the report brought nothing new.
                    self.waits_since = None;
                }
                if let Phase::Following { released, .. } = self.phase
                    && (released || !self.wants_lease(now.steady))
                {
                    self.stop_following(now.steady);
                }
            }
        }
    }

    /// Takes in what was read.
    pub(super) fn take_in(&mut self, now: Now, asked: Reading, read: ReadReport, out: &mut Out) {
        self.meet_token(asked.floor, read.fence, out);
        match read.found {
            FoundReport::Nothing => {
                self.saw_garbage = false;
                self.entries.offer_all();
            }
            FoundReport::Garbage { why } => {
                // Said once, however often it is read before it is replaced.
                if !std::mem::replace(&mut self.saw_garbage, true) {
                    out.push(Command::Tell(Happening::UnreadableReport(why)));
                }
                self.entries.offer_all();
            }
            FoundReport::Report { token, age, report } => {
                self.saw_garbage = false;
                let at = self.answered_at(now.steady, asked.sent);
                let age = if is_planted(Bug::WallClockAge) {
                    wall_clock_age(now.unix, &report)
                } else {
                    age
                };
                let me = &self.settings.pod;
                self.purse.read(&report, me, now.unix);
                let merged = self.entries.merge(&report, token, age, at, me, |check| {
                    self.places.contains_key(check)
                });
                let changed = merged.changed;
                let saved = self.save(merged.paid);
                let turned = merged.turned;
                if changed > 0 {
                    self.waits_since = None;
                    self.checked_by = Some(report.pod.clone());
                    if report.pod != self.settings.pod {
                        out.push(Command::Tell(Happening::Adopted {
                            by: report.pod.clone(),
                            token,
                            entries: changed,
                            saved,
                        }));
                    }
                }
                self.changes_read(token, report.transitions.as_ref(), &turned, out);
                self.answer_satisfied(out);
            }
        }
        self.look_beside(now, asked.sent, read.beside, out);
    }

    /// Counts what others paid for findings of theirs; answers how much that is, by provider.
    fn save(&mut self, paid: Vec<(CheckId, Usd)>) -> BTreeMap<Arc<str>, Usd> {
        let mut by_provider: BTreeMap<Arc<str>, Usd> = BTreeMap::new();
        for (id, cost) in paid {
            let place = self.places.get(&id);
            if let Some(check) = place.and_then(|place| self.settings.checks.get(*place)) {
                *by_provider.entry(Arc::clone(&check.provider)).or_default() += cost;
                *Arc::make_mut(&mut self.saved).entry(id).or_default() += cost;
            }
        }
        by_provider
    }

    /// Takes in what another program found since, and lets owed publications be made.
    fn look_beside(&mut self, now: Now, sent: Moment, beside: Beside, out: &mut Out) {
        match beside {
            Beside::Nothing => {}
            Beside::Owed => self.entries.offer_all(),
            Beside::Findings(findings) => {
                let at = self.answered_at(now.steady, sent);
                let places = &self.places;
                let thresholds = self.settings.thresholds;
                let (changed, turned) = self.entries.adopt(&findings, at, thresholds, |check| {
                    places.contains_key(check)
                });
                for transition in turned {
                    self.changes.saw(transition);
                }
                if findings.owed {
                    self.entries.offer_all();
                }
                if changed == 0 {
                    return;
                }
                self.waits_since = None;
                if let Some(aged) = findings.entries.first() {
                    self.checked_by = Some(aged.entry.checked_by.clone());
                    out.push(Command::Tell(Happening::AdoptedForeign {
                        by: aged.entry.checked_by.clone(),
                        entries: changed,
                    }));
                }
                self.answer_satisfied(out);
            }
        }
    }

    /// From when on to count what an answer says of time: if the pod slept since, from when it was asked for.
    fn answered_at(&self, now: Moment, sent: Moment) -> Moment {
        if self.slept(now, sent) { sent } else { now }
    }

    /// Whether the pod slept since what was to happen at `then`, at the latest an operation's time later.
    pub(super) fn slept(&self, now: Moment, then: Moment) -> bool {
        now.since(then) > self.settings.op_timeout.saturating_mul(2)
    }

    /// Keeps the floor at the highest token seen. A store that shows a lower one than it was asked with, although every
    /// question raises it to that floor, judges the floor impossible (its clock was far ahead once): start anew from its
    /// own.
    pub(super) fn meet_token(&mut self, asked_with: Token, token: Token, out: &mut Out) {
        if token < asked_with {
            self.entries.forget_tokens();
            self.changes.tokens_reset(token);
            self.floor = token;
            out.push(Command::Tell(Happening::TokensReset));
        } else {
            self.floor = self.floor.max(token);
        }
    }

    pub(super) fn contend(&mut self, now: Moment) {
        let spread = LEAST_SPREAD + self.dice.up_to(CONTEND_SPREAD - LEAST_SPREAD);
        self.phase = Phase::Contending { at: now + spread };
    }

    /// Asks for the lease, if it is still wanted: a report may have come since.
    pub(super) fn acquire(&mut self, now: Moment, out: &mut Out) {
        let wanted = self.wants_lease(now);
        if !wanted {
            self.waits_since = None;
        }
        if !wanted || !self.may_ask() {
            self.phase = Phase::Waiting;
            return;
        }
        let attempt = self.unresolved.unwrap_or_else(|| self.attempt());
        let take = self
            .dead_lock
            .as_ref()
            .filter(|(_, since)| now.since(*since) >= self.settings.lock_ttl)
            .map(|(marker, _)| marker.clone());
        let op = self.op();
        self.phase = Phase::Acquiring {
            op,
            attempt,
            sent: now,
            floor: self.floor,
            takes: take.is_some(),
            released: false,
        };
        out.push(Command::Acquire(
            op,
            Acquire {
                group: self.settings.group.clone(),
                pod: self.settings.pod.clone(),
                attempt,
                ttl: self.settings.lock_ttl,
                floor: self.floor,
                take,
            },
        ));
    }

    pub(super) fn on_acquired(
        &mut self,
        now: Now,
        op: Op,
        result: Result<Acquired, StoreError>,
        out: &mut Out,
    ) {
        let Phase::Acquiring {
            op: asked,
            attempt,
            sent,
            floor,
            takes,
            released,
        } = self.phase
        else {
            return;
        };
        if asked != op {
            return;
        }
        match result {
            Ok(Acquired::Held { token }) => {
                self.store_answered(Act::Write, out);
                self.unresolved = None;
                self.dead_lock = None;
                if takes {
                    out.push(Command::Tell(Happening::TookDeadLock));
                }
                self.meet_token(floor, token, out);
                let sent = if is_planted(Bug::WindowFromAnswer) {
                    now.steady
                } else {
                    sent
                };
                self.lead(now, sent, token, out);
            }
            Ok(Acquired::Busy(busy)) => {
                self.store_answered(Act::Write, out);
                self.unresolved = None;
                if takes && self.is_dead_lock(&busy) {
                    // Not given although nothing changed: see it unchanged for a whole time again.
                    self.dead_lock = None;
                }
                self.follow(now.steady, sent, busy, released);
            }
            Err(error) => {
                if error.may_have_landed {
                    self.unresolved = Some(attempt);
                }
                self.phase = Phase::Waiting;
                self.store_failed(now.steady, Act::Write, error, out);
            }
        }
    }

    fn is_dead_lock(&self, busy: &Busy) -> bool {
        busy.remaining.is_none()
            && self
                .dead_lock
                .as_ref()
                .is_some_and(|(marker, _)| *marker == busy.marker)
    }

    /// When it is time to stop waiting for others: no honest holder's round is longer, and a killed one's lease ends.
    /// Several holders in a row have one round more, for the one that follows a killed one. Nothing happens before
    /// something is due.
    pub(super) fn silent_at(&self) -> Option<Moment> {
        if !matches!(self.phase, Phase::Following { .. }) || self.draining.is_some() {
            return None;
        }
        let round = self.settings.round_limit();
        let honest = if is_planted(Bug::ImpatientFollower) {
            self.settings.lock_ttl
        } else {
            round + ROUND_SLACK + self.settings.lock_ttl
        };
        let one = self.seen_lease.map(|seen| seen.since + honest);
        let all = self.waits_since.map(|since| since + honest + round);
        Some(
            self.first_alone_due()?
                .max(one.into_iter().chain(all).min()?),
        )
    }

    /// The lease stands and nothing comes of it (a forged one, or one of a pod with another idea of `lock_ttl`): this
    /// pod checks for itself, once per interval, and goes on asking for the lease.
    pub(super) fn act_for_silent_holder(&mut self, now: Now, out: &mut Out) {
        // Each lease once; what is no lease has no name to remember.
        let told = self
            .seen_lease
            .as_mut()
            .is_some_and(|seen| std::mem::replace(&mut seen.told, true));
        if !told {
            let pod = self.holder.as_ref().map(|holder| holder.pod.clone());
            out.push(Command::Tell(Happening::HolderSilent(pod)));
        }
        self.waits_since = None;
        self.start_alone(now, out);
    }

    fn follow(&mut self, now: Moment, sent: Moment, busy: Busy, released: bool) {
        self.waits_since.get_or_insert(now);
        self.seen_lease = busy.token.map(|token| match self.seen_lease {
            Some(seen) if seen.token == token => seen,
            _ => SeenLease {
                token,
                since: now,
                told: false,
            },
        });
        let until = if let Some(remaining) = busy.remaining {
            self.dead_lock = None;
            self.answered_at(now, sent) + remaining + AFTER_END
        } else {
            // No end, or garbage: taken once it was seen unchanged for a whole `lock_ttl`.
            let since = match &self.dead_lock {
                Some((marker, since)) if *marker == busy.marker => *since,
                _ => now,
            };
            self.dead_lock = Some((busy.marker, since));
            since + self.settings.lock_ttl
        };
        self.holder = busy.holder.map(|pod| Holder {
            pod,
            token: busy.token,
            until,
        });
        self.phase = Phase::Following { until, released };
        if self.sense.is_isolated() {
            // Somebody reaches the store; this pod, as its pings tell, does not.
            self.phase = Phase::Waiting;
        } else if released && !self.wants_read && self.reading.is_none() {
            self.stop_following(now);
        }
    }

    /// The holder's lease is at its end as far as this pod knows: ask again, if anything is still due.
    pub(super) fn stop_following(&mut self, now: Moment) {
        if self.wants_lease(now) {
            self.contend(now);
        } else {
            self.waits_since = None;
            self.phase = Phase::Waiting;
        }
    }

    /// Something may have changed in the store. A published report is to be read; a lease that is free is to be asked
    /// for by those who follow its holder, and read under.
    pub(super) fn on_noticed(&mut self, now: Moment, hint: Hint) {
        if !self.settings.coordinate || matches!(self.phase, Phase::Leading(_)) {
            return;
        }
        if hint == Hint::Resumed && is_planted(Bug::NoReadOnReconnect) {
            return;
        }
        if hint != Hint::Released {
            self.wants_read = true;
        }
        match &mut self.phase {
            Phase::Following { released, .. } if hint != Hint::Report => {
                *released = true;
                if hint == Hint::Released {
                    self.holder = None;
                }
                if !self.wants_read && self.reading.is_none() {
                    self.stop_following(now);
                }
            }
            // The answer under way may be older than the hint.
            Phase::Acquiring { released, .. } if hint != Hint::Report => *released = true,
            // What was about to be asked for may be there already.
            Phase::Contending { .. } if hint != Hint::Released => self.phase = Phase::Waiting,
            _ => {}
        }
    }

    /// An operation outside a lease failed.
    pub(super) fn store_failed(&mut self, now: Moment, act: Act, error: StoreError, out: &mut Out) {
        self.sense.failed(now, act);
        self.back_off(now);
        out.push(Command::Tell(Happening::StoreFailed(error)));
    }
}
