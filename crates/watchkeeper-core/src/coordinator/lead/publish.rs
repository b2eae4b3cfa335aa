//! Ending a round: publish and release in one step, or release what was not used.

use std::sync::Arc;

use super::super::command::{Command, Happening, LossReason, Op, Publication, RoundKind};
use super::super::event::Now;
use super::super::sense::Act;
use super::super::{Coordinator, Out, Phase};
use super::Step;
use crate::cache::{Published, Then};
use crate::error::StoreError;
use crate::id::CheckId;
use crate::lease::{Released, Token};
use crate::report::Report;
use crate::time::Moment;

impl Coordinator {
    pub(super) fn report(&self, now: Now) -> Report {
        let (token, round) = match &self.phase {
            Phase::Leading(lead) => (lead.token, lead.round()),
            _ => (self.floor, None),
        };
        let (started, probes) = round.map_or((now, 0), |r| (r.started, r.done));
        let entry = |check: &CheckId| self.entries.get(check).map(|known| &*known.entry);
        Report {
            pod: self.settings.pod.clone(),
            started: started.unix,
            took: now.steady.since(started.steady),
            probes: u32::try_from(probes).unwrap_or(u32::MAX),
            entries: self.entries.aged(now.steady),
            ledger: self.purse.ledger(),
            transitions: Some(self.changes.to_publish(token, entry)),
        }
    }

    pub(super) fn end_round(&mut self, now: Now, out: &mut Out) {
        let Phase::Leading(lead) = &self.phase else {
            return;
        };
        let ended = lead.round().map(|r| {
            (
                if r.forced {
                    RoundKind::Forced
                } else {
                    RoundKind::Led
                },
                r.done,
            )
        });
        // Money alone is worth no round trip, but this is the last that anybody hears of it.
        if self.entries.has_offers() || self.purse.owes() {
            self.publish_last(now, ended, out);
        } else {
            tell_ended(ended, out);
            self.release(out);
        }
    }

    pub(super) fn publish_last(
        &mut self,
        now: Now,
        ended: Option<(RoundKind, usize)>,
        out: &mut Out,
    ) {
        let report = Arc::new(self.report(now));
        let (op, owed) = (self.op(), self.purse.owed());
        let retain = self.settings.retain();
        let Phase::Leading(lead) = &mut self.phase else {
            return;
        };
        lead.edition += 1;
        let (edition, token) = (lead.edition, lead.token);
        let lease = self.lease(token);
        let publication = Publication {
            lease,
            edition,
            report,
            retain,
            then: Then::Release,
        };
        out.push(Command::Publish(op, publication.clone()));
        if let Phase::Leading(lead) = &mut self.phase {
            lead.step = Step::Publishing {
                op: Some(op),
                retry_at: now.steady,
                tries: 0,
                publication,
                made: now.steady,
                ended,
                owed,
            };
        }
    }

    /// Sends the last publication again, its ages brought up to date.
    pub(super) fn publish_again(&mut self, now: Moment, out: &mut Out) {
        let next = self.op();
        let Phase::Leading(lead) = &mut self.phase else {
            return;
        };
        let Step::Publishing {
            op,
            publication,
            made,
            ..
        } = &mut lead.step
        else {
            return;
        };
        let passed = now.since(*made);
        for aged in &mut Arc::make_mut(&mut publication.report).entries {
            aged.age = aged.age.saturating_add(passed);
        }
        *made = now;
        *op = Some(next);
        out.push(Command::Publish(next, publication.clone()));
    }

    pub(in super::super) fn release(&mut self, out: &mut Out) {
        let op = self.op();
        let Phase::Leading(lead) = &mut self.phase else {
            return;
        };
        let token = lead.token;
        lead.step = Step::Releasing { op };
        out.push(Command::Release(op, self.lease(token)));
    }

    pub(in super::super) fn on_released(
        &mut self,
        now: Now,
        op: Op,
        result: &Result<Released, StoreError>,
        out: &mut Out,
    ) {
        let Phase::Leading(lead) = &self.phase else {
            return;
        };
        if !matches!(lead.step, Step::Releasing { op: asked } if asked == op) {
            return;
        }
        let token = lead.token;
        self.holder = None;
        self.phase = Phase::Waiting;
        match result {
            Ok(_) => {
                self.store_answered(Act::Write, out);
                out.push(Command::Tell(Happening::LeaseReleased(token)));
            }
            Err(error) => {
                // Held without use until its end, unless it is found again and given back.
                self.unresolved = Some(self.attempt());
                self.store_failed(now.steady, Act::Write, error.clone(), out);
            }
        }
    }

    pub(in super::super) fn on_published(
        &mut self,
        now: Now,
        op: Op,
        result: Result<Published, StoreError>,
        out: &mut Out,
    ) {
        if let Some(renewal) = self.renewal(op) {
            self.on_kept(now, &renewal, result, out);
            return;
        }
        let Phase::Leading(lead) = &mut self.phase else {
            return;
        };
        let token = lead.token;
        let Step::Publishing {
            op: asked,
            publication,
            ended,
            retry_at,
            tries,
            owed,
            ..
        } = &mut lead.step
        else {
            return;
        };
        if *asked != Some(op) {
            return;
        }
        match result {
            Ok(Published::Done) => {
                let (report, ended) = (publication.report.clone(), *ended);
                self.purse.landed(&report.ledger, owed);
                if ended.is_none() {
                    self.offer_after = now.steady + self.settings.merge_slack();
                }
                self.phase = Phase::Waiting;
                self.holder = None;
                self.store_answered(Act::Write, out);
                self.tell_published(token, &report, out);
                out.push(Command::Tell(Happening::LeaseReleased(token)));
                tell_ended(ended, out);
            }
            Ok(Published::Fenced { current }) => self.fenced(current, out),
            Err(error) if error.may_retry() => {
                *asked = None;
                *tries += 1;
                let pause = self.dice.backoff(
                    *tries,
                    self.settings.op_timeout / 8,
                    self.settings.op_timeout,
                );
                *retry_at = now.steady + pause;
                self.sense.failed(now.steady, Act::Write);
                out.push(Command::Tell(Happening::StoreFailed(error)));
            }
            Err(error) => {
                // Nothing this pod does will make the store take it: counts as the store being away.
                let ended = *ended;
                self.sense.refused(now.steady + self.settings.cadence());
                out.push(Command::Tell(Happening::PublishRefused(error)));
                self.isolate(now.steady, out);
                tell_ended(ended, out);
                self.release(out);
            }
        }
    }

    fn tell_published(&mut self, token: Token, report: &Report, out: &mut Out) {
        let (healthy, unhealthy) = report.counts();
        out.push(Command::Tell(Happening::Published {
            token,
            healthy,
            unhealthy,
        }));
        self.changes_landed(token, report, out);
    }

    pub(super) fn fenced(&mut self, current: Token, out: &mut Out) {
        self.store_answered(Act::Write, out);
        if let Phase::Leading(lead) = &self.phase {
            out.push(Command::Tell(Happening::Fenced {
                token: lead.token,
                current,
            }));
        }
        self.floor = self.floor.max(current);
        self.lose(LossReason::Fenced, out);
    }
}

fn tell_ended(ended: Option<(RoundKind, usize)>, out: &mut Out) {
    if let Some((kind, probes)) = ended {
        out.push(Command::Tell(Happening::RoundEnded { kind, probes }));
    }
}
