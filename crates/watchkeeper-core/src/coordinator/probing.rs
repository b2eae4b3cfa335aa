//! Running a round's probes, under the lease or alone.

use std::collections::BTreeMap;

use super::command::{Command, ProbeId};
use super::event::Now;
use super::round::{Flying, Round};
use super::settings::ROUND_SLACK;
use super::{Coordinator, Out, Phase};
use crate::id::CheckId;
use crate::lease::Token;
use crate::report::Entry;
use crate::time::Moment;
use crate::verdict::{Outcome, Verdict};

impl Coordinator {
    /// Whether a commanded probe may start now. To be asked right before a probe that had to wait for a free place:
    /// the lease may be gone by then.
    #[must_use]
    pub fn may_start(&self, now: Moment, probe: ProbeId) -> bool {
        match &self.phase {
            Phase::Leading(lead) => {
                now < lead.window_end
                    && lead
                        .round()
                        .is_some_and(|r| now < r.deadline && r.flying.contains_key(&probe))
            }
            Phase::Alone(round) => now < round.deadline && round.flying.contains_key(&probe),
            _ => false,
        }
    }

    /// [`Coordinator::may_start`], and if it may: notes that the probe leaves now.
    ///
    /// A pod whose probes wait for places calls this instead, for every probe. A probe that never left is then given
    /// up where one that left would time out, and does not start any more once the pod is to leave. A pod that never
    /// calls it is taken to start each probe when it is commanded.
    #[must_use]
    pub fn start_probe(&mut self, now: Moment, probe: ProbeId) -> bool {
        self.tells_starts = true;
        let may = self.may_start(now, probe);
        if may
            && let Some(flying) = self
                .round_mut()
                .and_then(|round| round.flying.get_mut(&probe))
        {
            flying.left = true;
        }
        may
    }

    /// The round under way.
    pub(super) fn round_mut(&mut self) -> Option<&mut Round> {
        match &mut self.phase {
            Phase::Leading(lead) => lead.round_mut(),
            Phase::Alone(round) => Some(&mut **round),
            _ => None,
        }
    }

    /// A round of these checks. What was asked longest ago comes first: where probes hang for the whole round, the
    /// rest must not be passed over again and again.
    pub(super) fn new_round(&mut self, now: Now, mut checks: Vec<CheckId>) -> Round {
        checks.sort_by_key(|check| {
            let found = self.entries.get(check).map(|known| known.probed_at);
            found.max(self.last_start.get(check).copied())
        });
        let deadline = now.steady + self.settings.round_limit() + ROUND_SLACK;
        let mut round = Round::new(now, deadline, self.forced.is_waiting());
        let count = u32::try_from(checks.len()).unwrap_or(u32::MAX).max(1);
        let gap = self.settings.spread / count;
        let mut at = now.steady;
        for check in checks {
            round.take(check, at);
            at = at + gap;
        }
        round
    }

    /// Starts what may start now, as far as the limit of probes at once allows.
    pub(super) fn start_probes(&mut self, now: Now, out: &mut Out) {
        let concurrency = self.settings.concurrency;
        loop {
            let Some(round) = self.round_mut() else {
                return;
            };
            if round
                .next_start(concurrency)
                .is_none_or(|at| at > now.steady)
            {
                return;
            }
            let Some((check, _)) = round.queue.pop_front() else {
                return;
            };
            let callers = self.forced.started(&check);
            self.next_probe += 1;
            let probe = ProbeId(self.next_probe);
            let flying = Flying {
                check: check.clone(),
                callers,
                left: false,
            };
            if let Some(round) = self.round_mut() {
                round.flying.insert(probe, flying);
            }
            self.last_start.insert(check.clone(), now.steady);
            out.push(Command::Probe(probe, check));
        }
    }

    pub(super) fn on_probed(&mut self, now: Now, probe: ProbeId, verdict: Verdict, out: &mut Out) {
        let token = match &self.phase {
            Phase::Leading(lead) => Some(lead.token),
            _ => None,
        };
        let Some(round) = self.round_mut() else {
            return;
        };
        let Some(flying) = round.flying.remove(&probe) else {
            return;
        };
        round.done += 1;
        let started = round.started;
        self.found(started, token, &flying.check, verdict);
        self.forced.answer(&flying.callers, out);
        self.start_probes(now, out);
    }

    /// Records what a probe of a round found.
    fn found(&mut self, started: Now, token: Option<Token>, check: &CheckId, verdict: Verdict) {
        if let Phase::Leading(lead) = &mut self.phase {
            lead.unpublished = true;
        }
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
        if self.entries.record(entry, started.steady) {
            self.checked_by = Some(pod);
        }
        self.waits_since = None;
    }

    /// Ends the round's probing at its deadline, or when the pod leaves: nothing more starts, and what runs is
    /// cancelled. What hung beyond every time limit is a timeout if it had that long; what was given less (the pod
    /// leaves, slept, or had no place for it) says nothing and stays due.
    pub(super) fn cut_probes(&mut self, now: Now, out: &mut Out) {
        let tells = self.tells_starts;
        let Some(round) = self.round_mut() else {
            return;
        };
        let (started, flying) = (round.started, std::mem::take(&mut round.flying));
        let over = round.deadline <= now.steady && !round.overslept(now.steady);
        let hung = |f: &Flying| over && (f.left || !tells);
        round.queue.clear();
        round.done += flying.values().filter(|f| hung(f)).count();
        let token = match &self.phase {
            Phase::Leading(lead) => Some(lead.token),
            _ => None,
        };
        for (probe, flying) in flying {
            out.push(Command::Cancel(probe));
            if hung(&flying) {
                let latency = now.steady.since(started.steady);
                let error = Some("Timeout exceeded".to_owned());
                let verdict = Verdict::new(Outcome::Timeout, Some(408), error, latency, now.unix);
                self.found(started, token, &flying.check, verdict);
                self.forced.answer(&flying.callers, out);
            } else {
                self.unask(flying);
            }
        }
    }

    /// Cancels these probes as if they had not been asked for: their checks stay due.
    pub(super) fn cancel_all(&mut self, flying: BTreeMap<ProbeId, Flying>, out: &mut Out) {
        for (probe, flying) in flying {
            out.push(Command::Cancel(probe));
            self.unask(flying);
        }
    }

    fn unask(&mut self, flying: Flying) {
        self.forced.want_again(&flying.check, flying.callers);
        if self.tells_starts && !flying.left {
            self.last_start.remove(&flying.check);
        }
    }
}
