//! Runs that somebody asked for: they take the same lease, and callers share one round.
//!
//! A call is satisfied by a probe that started after it came, whoever made it: one of a round of this pod, or one that
//! another pod published meanwhile, unless that was a cheap one where a full one could have been. It joins a running round only if its check's probe has not started.

use std::collections::BTreeMap;

use super::command::{Answered, Command, NotForced, Ticket};
use super::event::Now;
use super::lead::Step;
use super::round::Queued;
use super::settings::MAX_TICKETS;
use super::{Coordinator, Out, Phase};
use crate::id::CheckId;
use crate::status::Known;
use crate::time::Moment;
use crate::verdict::Spared;

/// A call that waits for one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    ticket: Ticket,
    /// When it came: older probes do not count.
    since: Moment,
    /// The probe that it waits for would not be made without it.
    first: bool,
}

/// A call, as long as it waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Waiting {
    /// How many checks it still waits for.
    left: usize,
    found: Vec<Answered>,
}

/// Calls that wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Forced {
    /// Per check: who waits for a probe of it to start.
    wanted: BTreeMap<CheckId, Vec<Caller>>,
    /// Per call: what it still waits for, and what it has.
    left: BTreeMap<Ticket, Waiting>,
    /// What the calls have that the last event answered.
    done: BTreeMap<Ticket, Vec<Answered>>,
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

    /// One check of each of these calls is answered by a probe of this pod.
    pub(super) fn answer(
        &mut self,
        callers: &[Caller],
        check: &CheckId,
        known: Option<&Known>,
        out: &mut Out,
    ) {
        for caller in callers {
            self.answer_one(caller.ticket, check, known, !caller.first, out);
        }
    }

    fn answer_one(
        &mut self,
        ticket: Ticket,
        check: &CheckId,
        known: Option<&Known>,
        joined: bool,
        out: &mut Out,
    ) {
        let Some(waiting) = self.left.get_mut(&ticket) else {
            return;
        };
        waiting.left = waiting.left.saturating_sub(1);
        waiting.found.extend(known.map(|known| Answered {
            check: check.clone(),
            known: known.clone(),
            joined,
        }));
        if waiting.left == 0 {
            let found = self.left.remove(&ticket).map(|waiting| waiting.found);
            self.done.insert(ticket, found.unwrap_or_default());
            out.push(Command::Answer(ticket, Ok(())));
        }
    }

    /// What the last event's answers brought is not kept beyond the next one.
    pub(super) fn forget_done(&mut self) {
        self.done.clear();
    }

    /// A caller went away: nothing is asked for it any more, and its place is free.
    pub(super) fn give_up(&mut self, ticket: Ticket) {
        if self.left.remove(&ticket).is_none() {
            return;
        }
        self.wanted.retain(|_, callers| {
            callers.retain(|caller| caller.ticket != ticket);
            !callers.is_empty()
        });
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
        let waiting = Waiting {
            left: checks.len(),
            found: Vec::new(),
        };
        self.forced.left.insert(ticket, waiting);
        let since = now.steady;
        for check in checks {
            let awaited = self.join_round(since, &check);
            let callers = self.forced.wanted.entry(check).or_default();
            let first = !awaited && callers.is_empty();
            callers.push(Caller {
                ticket,
                since,
                first,
            });
        }
    }

    /// What a call has that was answered by a command of the last event: each of its checks that is known, in the order
    /// in which they were answered.
    pub fn take_answered(&mut self, ticket: Ticket) -> Vec<Answered> {
        self.forced.done.remove(&ticket).unwrap_or_default()
    }

    /// A running round takes the check along, unless its probe has started already. Tells whether the round was to ask it
    /// anyway.
    fn join_round(&mut self, now: Moment, check: &CheckId) -> bool {
        let Some(place) = self.places.get(check).copied() else {
            return false;
        };
        let round = match &mut self.phase {
            Phase::Leading(lead) => match &mut lead.step {
                Step::Probing(round) => round,
                _ => return false,
            },
            // Not what goes on after the store is back: what did not start then is the fleet's business.
            Phase::Alone(round) if self.sense.is_isolated() || !self.settings.coordinate => {
                &mut **round
            }
            _ => return false,
        };
        let awaited = round.queue.iter().any(|queued| queued.check == *check);
        round.take(Queued {
            check: check.clone(),
            place,
            at: now,
        });
        awaited
    }

    /// Answers the calls whose check was probed by another pod after they came.
    pub(super) fn answer_satisfied(&mut self, out: &mut Out) {
        let mut answered = Vec::new();
        let entries = &self.entries;
        self.forced.wanted.retain(|check, waiting| {
            let known = entries
                .get(check)
                .filter(|known| known.entry.verdict.spared != Some(Spared::Interval));
            let Some(known) = known else {
                return true;
            };
            waiting.retain(|caller| {
                let done = known.probed_at >= caller.since;
                if done {
                    answered.push((caller.ticket, check.clone(), known.clone()));
                }
                !done
            });
            !waiting.is_empty()
        });
        for (ticket, check, known) in answered {
            self.forced
                .answer_one(ticket, &check, Some(&known), true, out);
        }
    }
}
