//! Runs that somebody asked for: they take the same lease, and callers share one round.
//!
//! A call is satisfied by a probe that started after it came, whoever made it: one of a round of this pod, or one that
//! another pod published meanwhile, unless that was a cheap one where a full one could have been. It joins a running round only if its check's probe has not started.

use std::collections::BTreeMap;

use super::command::{Command, NotForced, Ticket};
use super::event::Now;
use super::lead::Step;
use super::round::Queued;
use super::settings::MAX_TICKETS;
use super::{Coordinator, Out, Phase};
use crate::id::CheckId;
use crate::time::Moment;
use crate::verdict::Spared;

/// A call that waits for one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    ticket: Ticket,
    /// When it came: older probes do not count.
    since: Moment,
}

/// Calls that wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Forced {
    /// Per check: who waits for a probe of it to start.
    wanted: BTreeMap<CheckId, Vec<Caller>>,
    /// Per call: how many checks it still waits for.
    left: BTreeMap<Ticket, usize>,
}

impl Forced {
    pub(super) fn is_waiting(&self) -> bool {
        !self.wanted.is_empty()
    }

    pub(super) fn wants(&self, check: &CheckId) -> bool {
        self.wanted.contains_key(check)
    }

    /// A probe of the check starts: who waited for one waits for this one now.
    pub(super) fn started(&mut self, check: &CheckId) -> Vec<Caller> {
        self.wanted.remove(check).unwrap_or_default()
    }

    /// The probe they waited for was given up. Calls that were turned away meanwhile stay so.
    pub(super) fn want_again(&mut self, check: &CheckId, callers: Vec<Caller>) {
        let still: Vec<Caller> = callers
            .into_iter()
            .filter(|c| self.left.contains_key(&c.ticket))
            .collect();
        if !still.is_empty() {
            self.wanted.entry(check.clone()).or_default().extend(still);
        }
    }

    /// One check of each of these calls is answered.
    pub(super) fn answer(&mut self, callers: &[Caller], out: &mut Out) {
        for Caller { ticket, .. } in callers {
            if let Some(left) = self.left.get_mut(ticket) {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    self.left.remove(ticket);
                    out.push(Command::Answer(*ticket, Ok(())));
                }
            }
        }
    }

    /// Turns everybody away.
    pub(super) fn refuse_all(&mut self, why: NotForced, out: &mut Out) {
        self.wanted.clear();
        for ticket in std::mem::take(&mut self.left).into_keys() {
            out.push(Command::Answer(ticket, Err(why)));
        }
    }
}

impl Coordinator {
    pub(super) fn on_force(
        &mut self,
        now: Now,
        ticket: Ticket,
        checks: Vec<CheckId>,
        out: &mut Out,
    ) {
        let refusal = if self.draining.is_some() {
            Some(NotForced::Draining)
        } else if checks.is_empty() || checks.iter().any(|c| !self.places.contains_key(c)) {
            Some(NotForced::UnknownCheck)
        } else if self.forced.left.len() >= MAX_TICKETS {
            Some(NotForced::TooMany)
        } else {
            None
        };
        if let Some(why) = refusal {
            out.push(Command::Answer(ticket, Err(why)));
            return;
        }
        self.forced.left.insert(ticket, checks.len());
        let since = now.steady;
        for check in checks {
            self.join_round(since, &check);
            let callers = self.forced.wanted.entry(check).or_default();
            callers.push(Caller { ticket, since });
        }
    }

    /// A running round takes the check along, unless its probe has started already.
    fn join_round(&mut self, now: Moment, check: &CheckId) {
        let Some(place) = self.places.get(check).copied() else {
            return;
        };
        let round = match &mut self.phase {
            Phase::Leading(lead) => match &mut lead.step {
                Step::Probing(round) => round,
                _ => return,
            },
            // Not what goes on after the store is back: what did not start then is the fleet's business.
            Phase::Alone(round) if self.sense.is_isolated() || !self.settings.coordinate => {
                &mut **round
            }
            _ => return,
        };
        round.take(Queued {
            check: check.clone(),
            place,
            at: now,
        });
    }

    /// Answers the calls whose check was probed by another pod after they came.
    pub(super) fn answer_satisfied(&mut self, out: &mut Out) {
        let mut answered = Vec::new();
        let entries = &self.entries;
        self.forced.wanted.retain(|check, waiting| {
            let probed_at = entries
                .get(check)
                .filter(|known| known.entry.verdict.spared != Some(Spared::Interval))
                .map(|known| known.probed_at);
            waiting.retain(|caller| {
                let done = probed_at.is_some_and(|at| at >= caller.since);
                if done {
                    answered.push(*caller);
                }
                !done
            });
            !waiting.is_empty()
        });
        self.forced.answer(&answered, out);
    }
}
