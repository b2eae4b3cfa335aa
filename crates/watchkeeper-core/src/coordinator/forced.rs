//! Runs that somebody asked for: they take the same lease, and callers share one round.
//!
//! A call is satisfied by a probe that started after it came, whoever made it: one of a round of this pod, or one that
//! another pod published meanwhile. It joins a running round only if its check's probe has not started.

use std::collections::BTreeMap;

use super::command::{Command, NotForced, Ticket};
use super::event::Now;
use super::settings::MAX_TICKETS;
use super::{Coordinator, Out, Phase};
use crate::id::CheckId;
use crate::time::Moment;

/// Calls that wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Forced {
    /// Per check: who waits for a probe of it that starts at or after which moment.
    wanted: BTreeMap<CheckId, Vec<(Ticket, Moment)>>,
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
    pub(super) fn started(&mut self, check: &CheckId) -> Vec<Ticket> {
        self.wanted
            .remove(check)
            .unwrap_or_default()
            .into_iter()
            .map(|(ticket, _)| ticket)
            .collect()
    }

    /// The probe they waited for was given up.
    pub(super) fn want_again(&mut self, since: Moment, check: &CheckId, tickets: Vec<Ticket>) {
        if !tickets.is_empty() {
            self.wanted
                .entry(check.clone())
                .or_default()
                .extend(tickets.into_iter().map(|t| (t, since)));
        }
    }

    /// One check of each of these calls is answered.
    pub(super) fn answer(&mut self, tickets: &[Ticket], out: &mut Out) {
        for ticket in tickets {
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
        } else if checks.is_empty() || checks.iter().any(|c| !self.has_check(c)) {
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
        for check in checks {
            self.join_round(now.steady, &check);
            self.forced
                .wanted
                .entry(check)
                .or_default()
                .push((ticket, now.steady));
        }
    }

    /// A running round takes the check along, unless its probe has started already.
    fn join_round(&mut self, now: Moment, check: &CheckId) {
        if self.draining.is_some() {
            return;
        }
        let round = match &mut self.phase {
            Phase::Leading(lead) => match &mut lead.step {
                super::lead::Step::Probing(round) => round,
                _ => return,
            },
            Phase::Alone(round) => &mut **round,
            _ => return,
        };
        let queued = round.queue.iter().any(|(c, _)| c == check);
        let flying = round.flying.values().any(|f| &f.check == check);
        if !queued && !flying {
            round.queue.push_back((check.clone(), now));
        }
    }

    /// Answers the calls whose check was probed by another pod after they came.
    pub(super) fn answer_satisfied(&mut self, out: &mut Out) {
        let mut answered = Vec::new();
        let entries = &self.entries;
        self.forced.wanted.retain(|check, waiting| {
            let probed_at = entries.get(check).map(|known| known.probed_at);
            waiting.retain(|(ticket, since)| {
                let done = probed_at.is_some_and(|at| at >= *since);
                if done {
                    answered.push(*ticket);
                }
                !done
            });
            !waiting.is_empty()
        });
        self.forced.answer(&answered, out);
    }
}
