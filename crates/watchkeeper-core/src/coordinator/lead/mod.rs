//! Holding the lease: read again, probe what is due, renew, publish and release.
//!
//! The window is counted from the moment the request *left*, on this pod's steady clock, and is shorter than the lease
//! (`Settings::window`). Nothing starts after it closed; what is published late all the same is refused by its token.

mod publish;
mod renew;

use super::command::{Command, Happening, LossReason, Op, Publication, RoundKind};
use super::event::{Now, ReadReport};
use super::purse::Owed;
use super::round::Round;
use super::sense::Act;
use super::{Coordinator, Holder, Out, Phase, Reading};
use crate::error::StoreError;
use crate::lease::Token;
use crate::planted::{Bug, is_planted};
use crate::time::Moment;
use renew::Renewal;

/// How far the holder is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// The report is read again under the lease.
    Reading {
        asked: Option<Reading>,
        retry_at: Moment,
    },
    /// Probes run.
    Probing(Round),
    /// The last publication, which releases the lease, is under way or to be repeated.
    Publishing {
        op: Option<Op>,
        retry_at: Moment,
        tries: u32,
        publication: Publication,
        /// The ages in it are as of this moment.
        made: Moment,
        ended: Option<(RoundKind, usize)>,
        owed: Owed,
    },
    /// The lease is given back unused.
    Releasing { op: Op },
}

/// The lease, while it is ours.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lead {
    pub(super) token: Token,
    /// Nothing starts after this.
    pub(super) window_end: Moment,
    renew_at: Moment,
    renewal: Option<Renewal>,
    /// Publications made under this token.
    edition: u32,
    /// Findings of this round that no publication carries yet.
    pub(super) unpublished: bool,
    /// Nothing was known when the round began and nothing is published yet: there is no report to show.
    pub(super) is_first: bool,
    /// The store refused a publication for good: what is left of the round renews without.
    renews_bare: bool,
    pub(super) step: Step,
}

impl Lead {
    pub(super) fn round(&self) -> Option<&Round> {
        if let Step::Probing(round) = &self.step {
            Some(round)
        } else {
            None
        }
    }

    pub(super) fn round_mut(&mut self) -> Option<&mut Round> {
        if let Step::Probing(round) = &mut self.step {
            Some(round)
        } else {
            None
        }
    }
}

impl Coordinator {
    /// The lease is ours: read the report again before anything is asked.
    pub(super) fn lead(&mut self, now: Now, sent: Moment, token: Token, out: &mut Out) {
        self.dice.stir(token.0);
        self.hold(token, sent);
        out.push(Command::Tell(Happening::LeaseAcquired(token)));
        let step = Step::Reading {
            asked: None,
            retry_at: now.steady,
        };
        self.phase = Phase::Leading(Box::new(Lead {
            token,
            window_end: sent + self.settings.window(),
            renew_at: sent + self.settings.renew_every(),
            renewal: None,
            edition: 0,
            unpublished: false,
            is_first: self.entries.is_empty(),
            renews_bare: false,
            step,
        }));
        let leaves = self.draining.is_some() && !self.entries.has_offers();
        if leaves || self.sense.is_isolated() {
            self.release(out);
        }
    }

    fn hold(&mut self, token: Token, sent: Moment) {
        let until = sent + self.settings.lock_ttl;
        self.holder = Some(Holder {
            pod: self.settings.pod.clone(),
            token: Some(token),
            until,
        });
    }

    pub(super) fn lead_deadlines(&self, lead: &Lead) -> [Option<Moment>; 3] {
        let step = match &lead.step {
            Step::Reading {
                asked: None,
                retry_at,
            }
            | Step::Publishing {
                op: None, retry_at, ..
            } => Some(*retry_at),
            Step::Probing(round) => {
                let renews = lead.renewal.is_none().then_some(lead.renew_at);
                [
                    Some(round.deadline),
                    round.next_start(&self.settings),
                    renews,
                    self.draining,
                ]
                .into_iter()
                .flatten()
                .min()
            }
            _ => None,
        };
        [Some(lead.window_end), step, None]
    }

    /// Nothing may start any more under the lease.
    pub(super) fn window_closed(&mut self, now: Now, out: &mut Out) {
        if self.sense.is_failing() {
            // The store does not answer: the round goes on as this pod's own, so that nothing is asked twice.
            self.become_isolated(now, out);
        } else {
            self.lose(LossReason::WindowClosed, out);
        }
    }

    pub(super) fn tick_lead(&mut self, now: Now, out: &mut Out) {
        let Phase::Leading(lead) = &mut self.phase else {
            return;
        };
        match &mut lead.step {
            Step::Reading { .. } if is_planted(Bug::NoSecondRead) => self.begin(now, out),
            Step::Reading { asked, retry_at } if asked.is_none() && *retry_at <= now.steady => {
                self.next_op += 1;
                let op = Op(self.next_op);
                *asked = Some(Reading {
                    op,
                    sent: now.steady,
                    floor: self.floor,
                });
                out.push(Command::Read(op, self.floor));
            }
            Step::Publishing { op, retry_at, .. } if op.is_none() && *retry_at <= now.steady => {
                self.publish_again(now.steady, out);
            }
            Step::Probing(round) => {
                if self.draining.is_some_and(|until| until <= now.steady) {
                    self.cut_probes(now, out);
                    self.end_round(now, out);
                } else if round.is_over() {
                    self.end_round(now, out);
                } else {
                    self.start_probes(now, out);
                    self.renew_if_due(now, out);
                }
            }
            _ => {}
        }
    }

    /// The read under the lease that `op` answers, if it is the one awaited.
    fn lead_reading(&self, op: Op) -> Option<Reading> {
        match &self.phase {
            Phase::Leading(lead) => match &lead.step {
                Step::Reading { asked, .. } => asked.filter(|a| a.op == op),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn lead_reads(&self, op: Op) -> bool {
        self.lead_reading(op).is_some()
    }

    pub(super) fn on_lead_read(
        &mut self,
        now: Now,
        op: Op,
        result: Result<ReadReport, StoreError>,
        out: &mut Out,
    ) {
        let Some(reading) = self.lead_reading(op) else {
            return;
        };
        match result {
            Err(error) => {
                self.store_failed(now.steady, Act::Read, error, out);
                let retry = self.quiet_until;
                if let Phase::Leading(lead) = &mut self.phase {
                    lead.step = Step::Reading {
                        asked: None,
                        retry_at: retry,
                    };
                }
                if self.draining.is_some() {
                    self.release(out);
                }
            }
            Ok(read) => {
                self.store_answered(Act::Read, out);
                self.take_in(now, reading, read, out);
                // Anything that was noticed before this read is in it.
                self.wants_read = false;
                self.begin(now, out);
            }
        }
    }

    /// The report is read under the lease: probe what is due, publish what the fleet lacks, or give the lease back.
    fn begin(&mut self, now: Now, out: &mut Out) {
        let leaves = self.draining.is_some();
        let due = if leaves {
            Vec::new()
        } else {
            self.due_checks(now.steady)
        };
        if due.is_empty() {
            self.waits_since = None;
            if self.entries.has_offers() && (leaves || self.offer_after <= now.steady) {
                self.publish_last(now, None, out);
            } else {
                if !leaves {
                    out.push(Command::Tell(Happening::NothingDue));
                }
                self.release(out);
            }
            return;
        }
        let round = self.new_round(now, due);
        let is_first = self.entries.is_empty();
        if let Phase::Leading(lead) = &mut self.phase {
            lead.is_first = is_first;
            lead.step = Step::Probing(round);
        }
        self.start_probes(now, out);
    }

    /// The lease is not ours any more: stop probing at once, keep the answers, and see what the fleet has.
    pub(super) fn lose(&mut self, reason: LossReason, out: &mut Out) {
        let Phase::Leading(lead) = std::mem::replace(&mut self.phase, Phase::Waiting) else {
            return;
        };
        if let Step::Probing(round) = lead.step {
            for flying in round.flying.values() {
                // Asked for the fleet and taken back: it does not count against what this pod may ask for itself.
                for rider in &flying.riders {
                    self.last_start.remove(&rider.check);
                }
            }
            self.cancel_all(round.flying, out);
        }
        self.holder = None;
        self.wants_read = self.settings.coordinate;
        out.push(Command::Tell(Happening::LeaseLost(lead.token, reason)));
    }

    /// What of a round under the lease goes on when the pod is on its own: everything, since it may ask for itself.
    pub(super) fn leave_lead(&mut self, now: Moment, out: &mut Out) {
        let Phase::Leading(lead) = std::mem::replace(&mut self.phase, Phase::Waiting) else {
            return;
        };
        out.push(Command::Tell(Happening::LeaseLost(
            lead.token,
            LossReason::StoreAway,
        )));
        self.holder = None;
        // The lease may outlive the outage: it is taken up again, or given back, when the store is there.
        self.unresolved = Some(self.attempt());
        match lead.step {
            // Nobody would hear of it.
            Step::Probing(round) if self.draining.is_some() && !self.has_heir => {
                self.cancel_all(round.flying, out)
            }
            Step::Probing(round) => self.phase = Phase::Alone(Box::new(round)),
            // A store that takes everything but this report is not asked to take it over and over.
            Step::Publishing { .. } if !self.sense.is_ping_down() => {
                self.offer_after = now + self.settings.merge_slack();
            }
            _ => {}
        }
    }
}
