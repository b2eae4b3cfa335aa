//! Holding the lease: read again, probe what is due, renew, publish and release.
//!
//! The window is counted from the moment the request *left*, on this pod's steady clock, and is shorter than the lease
//! (`Settings::window`). Nothing starts after it closed; what is published late all the same is refused by its token.

use std::sync::Arc;

use super::command::{Command, Happening, LossReason, Op, ProbeId, Publication, RoundKind};
use super::event::{Now, ReadReport};
use super::round::{Flying, Round};
use super::settings::ROUND_SLACK;
use super::{Coordinator, Holder, Out, Phase, Reading};
use crate::cache::{Published, Then};
use crate::error::StoreError;
use crate::id::CheckId;
use crate::lease::{Released, Renewed, Token};
use crate::report::{Entry, Report};
use crate::time::Moment;
use crate::verdict::{Outcome, Verdict};

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
        ended: Option<(RoundKind, usize)>,
    },
    /// The lease is given back unused.
    Releasing { op: Op },
}

/// A renewal under way: plain, or as a publication that keeps the lease.
#[derive(Clone, Debug, PartialEq)]
struct Renewal {
    op: Op,
    sent: Moment,
    report: Option<Arc<Report>>,
}

/// The lease, while it is ours.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lead {
    token: Token,
    /// Nothing starts after this.
    pub(super) window_end: Moment,
    renew_at: Moment,
    renewal: Option<Renewal>,
    /// Publications made under this token.
    edition: u32,
    /// Findings of this round that no publication carries yet.
    unpublished: bool,
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

    fn round_mut(&mut self) -> Option<&mut Round> {
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
            step,
        }));
        if self.draining.is_some() {
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
                    round.next_start(self.settings.concurrency),
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

    pub(super) fn tick_lead(&mut self, now: Now, out: &mut Out) {
        let Phase::Leading(lead) = &mut self.phase else {
            return;
        };
        if now.steady >= lead.window_end {
            if self.sense.is_failing() {
                // The store does not answer: the round goes on as this pod's own, so that nothing is asked twice.
                self.become_isolated(now, out);
            } else {
                self.lose(LossReason::WindowClosed, out);
            }
            return;
        }
        match &mut lead.step {
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
            Step::Publishing {
                op,
                retry_at,
                publication,
                ..
            } if op.is_none() && *retry_at <= now.steady => {
                self.next_op += 1;
                *op = Some(Op(self.next_op));
                out.push(Command::Publish(Op(self.next_op), publication.clone()));
            }
            Step::Probing(round) => {
                let left = self.draining.is_some_and(|until| until <= now.steady);
                if round.deadline <= now.steady || left {
                    self.cut_round(now, out);
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

    fn renew_if_due(&mut self, now: Now, out: &mut Out) {
        let Phase::Leading(lead) = &self.phase else {
            return;
        };
        if lead.renewal.is_some() || now.steady < lead.renew_at {
            return;
        }
        let (token, unpublished) = (lead.token, lead.unpublished);
        let op = self.op();
        let report = unpublished.then(|| Arc::new(self.report(now)));
        let lease = self.lease(token);
        let (retain, ttl) = (self.settings.retain(), self.settings.lock_ttl);
        let Phase::Leading(lead) = &mut self.phase else {
            return;
        };
        lead.renewal = Some(Renewal {
            op,
            sent: now.steady,
            report: report.clone(),
        });
        out.push(match report {
            // What is finished goes out with the renewal: a slow check does not hold back the others.
            Some(report) => {
                lead.edition += 1;
                lead.unpublished = false;
                let edition = lead.edition;
                Command::Publish(
                    op,
                    Publication {
                        lease,
                        edition,
                        report,
                        retain,
                        then: Then::Keep(ttl),
                    },
                )
            }
            None => Command::Renew(op, lease, ttl),
        });
    }

    /// The lease stands, as of a renewal that left at `sent`.
    fn renewed(&mut self, sent: Moment) {
        let Phase::Leading(lead) = &mut self.phase else {
            return;
        };
        lead.renewal = None;
        lead.window_end = lead.window_end.max(sent + self.settings.window());
        lead.renew_at = sent + self.settings.renew_every();
        let token = lead.token;
        self.hold(token, sent);
    }

    /// The renewal's answer did not come: ask again soon, the window is still open.
    fn renewal_failed(&mut self, now: Moment, error: StoreError, had_report: bool, out: &mut Out) {
        self.sense.failed(now);
        out.push(Command::Tell(Happening::StoreFailed(error)));
        let pause = self
            .settings
            .op_timeout
            .min(self.settings.renew_every() / 4);
        if let Phase::Leading(lead) = &mut self.phase {
            lead.renewal = None;
            lead.unpublished |= had_report;
            lead.renew_at = now + pause;
        }
    }

    fn renewal(&self, op: Op) -> Option<Renewal> {
        let Phase::Leading(lead) = &self.phase else {
            return None;
        };
        lead.renewal.clone().filter(|r| r.op == op)
    }

    pub(super) fn on_renewed(
        &mut self,
        now: Now,
        op: Op,
        result: Result<Renewed, StoreError>,
        out: &mut Out,
    ) {
        let Some(renewal) = self.renewal(op) else {
            return;
        };
        match result {
            Ok(Renewed::Extended) => {
                self.store_answered(out);
                self.renewed(renewal.sent);
            }
            Ok(Renewed::Lost { .. }) => {
                self.store_answered(out);
                // A renewal overtaken by the publication that released the lease says nothing.
                if matches!(&self.phase, Phase::Leading(lead) if lead.round().is_some()) {
                    self.lose(LossReason::Taken, out);
                }
            }
            Err(error) => self.renewal_failed(now.steady, error, false, out),
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
                self.store_failed(now.steady, error, out);
                let retry = self.quiet_until;
                if let Phase::Leading(lead) = &mut self.phase {
                    lead.step = Step::Reading {
                        asked: None,
                        retry_at: retry,
                    };
                }
            }
            Ok(read) => {
                self.store_answered(out);
                self.take_in(now.steady, reading, read, out);
                // Anything that was noticed before this read is in it.
                self.wants_read = false;
                self.begin(now, out);
            }
        }
    }

    /// The report is read under the lease: probe what is due, publish what the fleet lacks, or give the lease back.
    fn begin(&mut self, now: Now, out: &mut Out) {
        if self.draining.is_some() {
            self.release(out);
            return;
        }
        let due = self.due_checks(now.steady);
        if due.is_empty() {
            if self.entries.has_offers() {
                self.publish_last(now, None, out);
            } else {
                out.push(Command::Tell(Happening::NothingDue));
                self.release(out);
            }
            return;
        }
        let round = self.new_round(now, due);
        if let Phase::Leading(lead) = &mut self.phase {
            lead.step = Step::Probing(round);
        }
        self.start_probes(now, out);
    }

    pub(super) fn new_round(&mut self, now: Now, checks: Vec<CheckId>) -> Round {
        let deadline = now.steady + self.settings.round_limit() + ROUND_SLACK;
        let mut round = Round::new(now, deadline, self.forced.is_waiting());
        let count = u32::try_from(checks.len()).unwrap_or(u32::MAX).max(1);
        let gap = self.settings.spread / count;
        let mut at = now.steady;
        for check in checks {
            round.queue.push_back((check, at));
            at = at + gap;
        }
        round
    }

    /// Starts what may start now, as far as the limit of probes at once allows.
    pub(super) fn start_probes(&mut self, now: Now, out: &mut Out) {
        let concurrency = self.settings.concurrency;
        let round = match &mut self.phase {
            Phase::Leading(lead) => lead.round_mut(),
            Phase::Alone(round) => Some(&mut **round),
            _ => None,
        };
        let Some(round) = round else { return };
        while round
            .next_start(concurrency)
            .is_some_and(|at| at <= now.steady)
        {
            let Some((check, _)) = round.queue.pop_front() else {
                break;
            };
            self.next_probe += 1;
            let probe = ProbeId(self.next_probe);
            let tickets = self.forced.started(&check);
            round.flying.insert(
                probe,
                Flying {
                    check: check.clone(),
                    tickets,
                },
            );
            self.last_start.insert(check.clone(), now.steady);
            out.push(Command::Probe(probe, check));
        }
    }

    pub(super) fn on_probed(&mut self, now: Now, probe: ProbeId, verdict: Verdict, out: &mut Out) {
        let (round, token) = match &mut self.phase {
            Phase::Leading(lead) => {
                let token = lead.token;
                lead.unpublished = true;
                (lead.round_mut(), Some(token))
            }
            Phase::Alone(round) => (Some(&mut **round), None),
            _ => (None, None),
        };
        let Some(round) = round else { return };
        let Some(flying) = round.flying.remove(&probe) else {
            return;
        };
        round.done += 1;
        let started = round.started;
        self.found(started, token, &flying.check, verdict);
        self.forced.answer(&flying.tickets, out);
        self.start_probes(now, out);
    }

    /// Records what a probe of a round found.
    fn found(&mut self, started: Now, token: Option<Token>, check: &CheckId, verdict: Verdict) {
        let before = self.entries.get(check).map(|known| known.entry.clone());
        let pod = self.settings.pod.clone();
        let entry = Entry::after(
            before.as_deref(),
            check.clone(),
            pod.clone(),
            token,
            started.unix,
            verdict,
            self.settings.thresholds,
        );
        self.entries.record(entry, started.steady);
        self.checked_by = Some(pod);
    }

    /// The round's time is over. What hangs beyond every time limit is a timeout if it had that long; what was given
    /// less, because the pod leaves, says nothing and stays due.
    fn cut_round(&mut self, now: Now, out: &mut Out) {
        let Phase::Leading(lead) = &mut self.phase else {
            return;
        };
        let token = lead.token;
        let Step::Probing(round) = &mut lead.step else {
            return;
        };
        let hung = round.deadline <= now.steady;
        round.queue.clear();
        let flying = std::mem::take(&mut round.flying);
        let started = round.started;
        round.done += if hung { flying.len() } else { 0 };
        self.give_up_flying(now, started, Some(token), hung, flying, out);
        self.end_round(now, out);
    }

    /// Cancels probes; where they hung, their checks timed out.
    pub(super) fn give_up_flying(
        &mut self,
        now: Now,
        started: Now,
        token: Option<Token>,
        hung: bool,
        flying: std::collections::BTreeMap<ProbeId, Flying>,
        out: &mut Out,
    ) {
        for (probe, Flying { check, tickets }) in flying {
            out.push(Command::Cancel(probe));
            if hung {
                let latency = now.steady.since(started.steady);
                let verdict = Verdict::new(
                    Outcome::Timeout,
                    Some(408),
                    Some("Timeout exceeded".into()),
                    latency,
                    now.unix,
                );
                self.found(started, token, &check, verdict);
                self.forced.answer(&tickets, out);
            } else {
                self.forced.want_again(now.steady, &check, tickets);
            }
        }
    }

    fn report(&self, now: Now) -> Report {
        let (started, probes) = match &self.phase {
            Phase::Leading(lead) => lead.round().map_or((now, 0), |r| (r.started, r.done)),
            _ => (now, 0),
        };
        Report {
            pod: self.settings.pod.clone(),
            started: started.unix,
            took: now.steady.since(started.steady),
            probes: u32::try_from(probes).unwrap_or(u32::MAX),
            entries: self.entries.aged(now.steady),
        }
    }

    fn end_round(&mut self, now: Now, out: &mut Out) {
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
        if self.entries.has_offers() {
            self.publish_last(now, ended, out);
        } else {
            if let Some((kind, probes)) = ended {
                out.push(Command::Tell(Happening::RoundEnded { kind, probes }));
            }
            self.release(out);
        }
    }

    fn publish_last(&mut self, now: Now, ended: Option<(RoundKind, usize)>, out: &mut Out) {
        if ended.is_none() {
            self.offer_after = now.steady + self.settings.merge_slack();
        }
        let report = Arc::new(self.report(now));
        let op = self.op();
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
                ended,
            };
        }
    }

    pub(super) fn release(&mut self, out: &mut Out) {
        let op = self.op();
        let Phase::Leading(lead) = &mut self.phase else {
            return;
        };
        let token = lead.token;
        lead.step = Step::Releasing { op };
        out.push(Command::Release(op, self.lease(token)));
    }

    pub(super) fn on_released(
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
                self.store_answered(out);
                out.push(Command::Tell(Happening::LeaseReleased(token)));
            }
            Err(error) => {
                // Held without use until its end, unless it is found again and given back.
                self.unresolved = Some(self.attempt());
                self.store_failed(now.steady, error.clone(), out);
            }
        }
    }

    pub(super) fn on_published(
        &mut self,
        now: Now,
        op: Op,
        result: Result<Published, StoreError>,
        out: &mut Out,
    ) {
        if let Some(renewal) = self.renewal(op) {
            match result {
                Ok(Published::Done) => {
                    self.store_answered(out);
                    if let Some(report) = &renewal.report {
                        self.tell_published(report, out);
                    }
                    self.renewed(renewal.sent);
                }
                Ok(Published::Fenced { current }) => self.fenced(current, out),
                Err(error) => self.renewal_failed(now.steady, error, true, out),
            }
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
                self.phase = Phase::Waiting;
                self.holder = None;
                self.store_answered(out);
                self.tell_published(&report, out);
                out.push(Command::Tell(Happening::LeaseReleased(token)));
                if let Some((kind, probes)) = ended {
                    out.push(Command::Tell(Happening::RoundEnded { kind, probes }));
                }
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
                self.sense.failed(now.steady);
                out.push(Command::Tell(Happening::StoreFailed(error)));
            }
            Err(error) => {
                // Nothing this pod does will make the store take it: counts as the store being away.
                self.sense.refused(now.steady + self.settings.cadence());
                self.sense.isolate();
                self.go_alone(now.steady);
                out.push(Command::Tell(Happening::PublishRefused(error)));
                out.push(Command::Tell(Happening::Isolated));
                self.release(out);
            }
        }
    }

    fn tell_published(&mut self, report: &Report, out: &mut Out) {
        self.entries.published(report);
        if let Phase::Leading(lead) = &self.phase {
            out.push(Command::Tell(self.published_happening(lead.token, report)));
        } else {
            out.push(Command::Tell(self.published_happening(self.floor, report)));
        }
    }

    fn published_happening(&self, token: Token, report: &Report) -> Happening {
        let (healthy, unhealthy) = report.counts();
        Happening::Published {
            token,
            healthy,
            unhealthy,
        }
    }

    fn fenced(&mut self, current: Token, out: &mut Out) {
        self.store_answered(out);
        if let Phase::Leading(lead) = &self.phase {
            out.push(Command::Tell(Happening::Fenced {
                token: lead.token,
                current,
            }));
        }
        self.floor = self.floor.max(current);
        self.lose(LossReason::Fenced, out);
    }

    /// The lease is not ours any more: stop probing at once, keep the answers, and see what the fleet has.
    pub(super) fn lose(&mut self, reason: LossReason, out: &mut Out) {
        let Phase::Leading(lead) = std::mem::replace(&mut self.phase, Phase::Waiting) else {
            return;
        };
        if let Some(round) = lead.round() {
            for (probe, flying) in &round.flying {
                out.push(Command::Cancel(*probe));
                self.forced
                    .want_again(round.started.steady, &flying.check, flying.tickets.clone());
            }
        }
        self.holder = None;
        self.wants_read = self.settings.coordinate;
        out.push(Command::Tell(Happening::LeaseLost(lead.token, reason)));
    }

    /// What of a round under the lease goes on when the pod is on its own: everything, since it may ask for itself.
    pub(super) fn leave_lead(&mut self, out: &mut Out) {
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
        if let Step::Probing(round) = lead.step {
            self.phase = Phase::Alone(Box::new(round));
        }
    }
}
