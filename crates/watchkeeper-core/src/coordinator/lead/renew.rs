//! Renewing the lease while probes run, alone or together with what is finished.

use std::sync::Arc;

use super::super::command::{Command, Happening, LossReason, Op, Publication};
use super::super::event::Now;
use super::super::purse::Owed;
use super::super::sense::Act;
use super::super::{Coordinator, Out, Phase};
use crate::cache::{Published, Then};
use crate::error::StoreError;
use crate::lease::Renewed;
use crate::report::Report;
use crate::time::Moment;

/// A renewal under way: plain, or as a publication that keeps the lease.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Renewal {
    pub(super) op: Op,
    pub(super) sent: Moment,
    pub(super) report: Option<Arc<Report>>,
    /// What of its ledger is new to the store.
    pub(super) owed: Owed,
}

impl Coordinator {
    pub(super) fn renew_if_due(&mut self, now: Now, out: &mut Out) {
        let Phase::Leading(lead) = &self.phase else {
            return;
        };
        if lead.renewal.is_some() || now.steady < lead.renew_at {
            return;
        }
        let (token, carries) = (lead.token, lead.unpublished && !lead.renews_bare);
        let op = self.op();
        let report = carries.then(|| Arc::new(self.report(now)));
        let (lease, owed) = (self.lease(token), self.purse.owed());
        let (retain, ttl) = (self.settings.retain(), self.settings.lock_ttl);
        let Phase::Leading(lead) = &mut self.phase else {
            return;
        };
        lead.renewal = Some(Renewal {
            op,
            sent: now.steady,
            report: report.clone(),
            owed,
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

    /// The renewal's answer did not come, or refuses the report that it carried: ask again, the window is still open.
    fn renewal_failed(&mut self, now: Moment, error: StoreError, had_report: bool, out: &mut Out) {
        let bare = had_report && !error.may_retry();
        let pause = self
            .settings
            .op_timeout
            .min(self.settings.renew_every() / 4);
        if !bare {
            self.sense.failed(now, Act::Write);
        }
        if let Phase::Leading(lead) = &mut self.phase {
            lead.renewal = None;
            lead.unpublished |= had_report;
            lead.renews_bare |= bare;
            lead.renew_at = if bare { now } else { now + pause };
        }
        out.push(Command::Tell(Happening::StoreFailed(error)));
    }

    pub(super) fn renewal(&self, op: Op) -> Option<Renewal> {
        let Phase::Leading(lead) = &self.phase else {
            return None;
        };
        lead.renewal.clone().filter(|r| r.op == op)
    }

    pub(in super::super) fn on_renewed(
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
                self.store_answered(Act::Write, out);
                self.renewed(renewal.sent);
            }
            Ok(Renewed::Lost { .. }) => {
                self.store_answered(Act::Write, out);
                // A renewal overtaken by the publication that released the lease says nothing.
                if matches!(&self.phase, Phase::Leading(lead) if lead.round().is_some()) {
                    self.lose(LossReason::Taken, out);
                }
            }
            Err(error) => self.renewal_failed(now.steady, error, false, out),
        }
    }

    /// The answer to a renewal that carried a report.
    pub(super) fn on_kept(
        &mut self,
        now: Now,
        renewal: &Renewal,
        result: Result<Published, StoreError>,
        out: &mut Out,
    ) {
        match result {
            Ok(Published::Done) => {
                self.store_answered(Act::Write, out);
                if let (Phase::Leading(lead), Some(report)) = (&mut self.phase, &renewal.report) {
                    lead.is_first = false;
                    let token = lead.token;
                    self.purse.landed(&report.ledger, &renewal.owed);
                    out.push(Command::Tell(Happening::PublishedSoFar {
                        token,
                        entries: report.entries.len(),
                    }));
                    self.changes_landed(token, report, out);
                }
                match &mut self.phase {
                    // The store calls an edition done that a later one overtook, and that one gave the lease back.
                    Phase::Leading(lead) if lead.round().is_none() => lead.renewal = None,
                    _ => self.renewed(renewal.sent),
                }
            }
            Ok(Published::Fenced { current }) => self.fenced(current, out),
            Err(error) => self.renewal_failed(now.steady, error, true, out),
        }
    }
}
