//! Running a round's probes, under the lease or alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::command::{Command, Happening, ProbeId};
use super::entries::turn;
use super::event::Now;
use super::round::{Flying, Queued, Rider, Round};
use super::settings::ROUND_SLACK;
use super::{Coordinator, Out, Phase};
use crate::id::CheckId;
use crate::money::Usd;
use crate::probe::Effort;
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
            flying.left_at = Some(now);
        }
        may
    }

    /// A coordinator whose pod calls [`Coordinator::start_probe`] for every probe, from the first one on: until it has,
    /// none has left.
    #[must_use]
    pub fn told_of_starts(mut self) -> Self {
        self.tells_starts = true;
        self
    }

    /// The round under way.
    pub(super) fn round(&self) -> Option<&Round> {
        match &self.phase {
            Phase::Leading(lead) => lead.round(),
            Phase::Alone(round) => Some(&**round),
            _ => None,
        }
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
    /// rest must not be passed over again and again. Of what was asked by the same round, what was asked in full longest
    /// ago comes first: where the budget bears some full probes only, they are not to be the same checks' every day.
    pub(super) fn new_round(&mut self, now: Now, mut checks: Vec<CheckId>) -> Round {
        checks.sort_by_cached_key(|check| (self.asked_at(check), self.full_at(check)));
        let deadline = now.steady + self.settings.round_limit() + ROUND_SLACK;
        let mut round = Round::new(now, deadline, self.forced.is_waiting());
        let count = u32::try_from(checks.len()).unwrap_or(u32::MAX).max(1);
        let gap = self.settings.spread / count;
        let mut at = now.steady;
        for check in checks {
            if let Some(place) = self.places.get(&check).copied() {
                round.take(Queued { check, place, at });
            }
            at = at + gap;
        }
        round
    }

    /// When a check was last asked: the start of the round that found what is known of it, or, where a later probe was
    /// given up, that one's.
    fn asked_at(&self, check: &CheckId) -> Option<Moment> {
        let found = self.entries.get(check).map(|known| known.probed_at);
        let started = self.last_start.get(check).copied();
        let apart = self.settings.cadence() - self.settings.merge_slack();
        let of_one_round = |(found, started): (Moment, Moment)| started.since(found) < apart;
        if found.zip(started).is_some_and(of_one_round) {
            found
        } else {
            found.max(started)
        }
    }

    /// The start of the round of its last full probe.
    fn full_at(&self, check: &CheckId) -> Option<Moment> {
        let known = self.entries.get(check)?;
        let full = known.entry.last_full(self.settings.thresholds)?;
        Some(known.probed_at - full.before)
    }

    /// Starts what may start now, as far as the limits of probes at once allow.
    pub(super) fn start_probes(&mut self, now: Now, out: &mut Out) {
        loop {
            let Some(round) = self.round() else {
                return;
            };
            let started = round.started.steady;
            let Some((index, _)) = round
                .next(&self.settings)
                .filter(|(_, at)| *at <= now.steady)
            else {
                return;
            };
            let Some(first) = self.round_mut().and_then(|r| r.queue.remove(index)) else {
                return;
            };
            let Some(check) = self.settings.checks.get(first.place).cloned() else {
                continue;
            };
            let wish = self.wish(&check, started);
            let mut asked = vec![first.check];
            asked.extend(self.take_twins(first.place, wish, started));
            let ask = self.afford(&check, wish, out);
            self.next_probe += 1;
            let probe = ProbeId(self.next_probe);
            if let Some(why) = ask.spared {
                out.push(Command::Tell(Happening::Spared {
                    provider: Arc::clone(&check.provider),
                    why,
                }));
            }
            let mut riders = Vec::with_capacity(asked.len());
            for check in asked {
                self.last_start.insert(check.clone(), now.steady);
                let callers = self.forced.started(&check);
                riders.push(Rider { check, callers });
            }
            let flying = Flying {
                riders,
                provider: check.provider,
                ask,
                timeout: check.timeout,
                asked_at: now.steady,
                left_at: None,
            };
            if let Some(round) = self.round_mut() {
                round.flying.insert(probe, flying);
            }
            out.push(Command::Probe(probe, check.id, ask.effort));
        }
    }

    /// Takes the twins of a check out of the queue that wish for the same probe: it speaks for them as well.
    fn take_twins(&mut self, place: usize, wish: Effort, started: Moment) -> Vec<CheckId> {
        let Some(twins) = self.twins.get(&place) else {
            return Vec::new();
        };
        let rides = |queued: &Queued| {
            self.twins.get(&queued.place) == Some(twins)
                && self
                    .settings
                    .checks
                    .get(queued.place)
                    .is_some_and(|check| self.wish(check, started) == wish)
        };
        let taken: Vec<CheckId> = self
            .round()
            .into_iter()
            .flat_map(|round| &round.queue)
            .filter(|queued| rides(queued))
            .map(|queued| queued.check.clone())
            .collect();
        if let Some(round) = self.round_mut() {
            round.queue.retain(|queued| !taken.contains(&queued.check));
        }
        taken
    }

    /// The checks that a probe under way speaks for: the one that is asked, and its twins.
    pub fn asked_for(&self, probe: ProbeId) -> impl Iterator<Item = &CheckId> {
        let flying = self.round().and_then(|round| round.flying.get(&probe));
        flying
            .into_iter()
            .flat_map(|flying| flying.riders.iter().map(|rider| &rider.check))
    }

    pub(super) fn on_probed(&mut self, now: Now, probe: ProbeId, verdict: Verdict, out: &mut Out) {
        let Some(round) = self.round_mut() else {
            return;
        };
        let Some(flying) = round.flying.remove(&probe) else {
            return;
        };
        round.done += 1;
        let started = round.started;
        self.found(started, flying, verdict, out);
        self.start_probes(now, out);
    }

    /// Records what a probe of a round found, for all that it speaks for. The first of them bears the cost.
    fn found(&mut self, started: Now, flying: Flying, mut verdict: Verdict, out: &mut Out) {
        let Flying {
            riders,
            provider,
            ask,
            ..
        } = flying;
        verdict.spared = ask.spared;
        if verdict.outcome == Outcome::Timeout && verdict.cost.is_none() {
            // Cut off from outside: it may have been billed.
            verdict.cost = ask.most;
        }
        if let Some(cost) = verdict.cost.filter(|cost| !cost.is_zero()) {
            out.push(Command::Tell(Happening::Spent {
                provider: Arc::clone(&provider),
                cost,
            }));
        }
        for Rider { check, callers } in riders {
            let paid = verdict.cost.unwrap_or_default();
            self.purse.pay(&check, started.unix, &provider, paid);
            self.record(started, &check, verdict.clone());
            let known = self.entries.get(&check);
            self.forced.answer(&callers, &check, known, out);
            verdict.cost = verdict.cost.map(|_| Usd::ZERO);
        }
    }

    fn record(&mut self, started: Now, check: &CheckId, verdict: Verdict) {
        let mut token = None;
        if let Phase::Leading(lead) = &mut self.phase {
            lead.unpublished = true;
            token = Some(lead.token);
        }
        let pod = self.settings.pod.clone();
        let entry = Entry::following(
            self.entries
                .get(check)
                .map(|known| known.before(started.steady)),
            check.clone(),
            pod.clone(),
            token,
            started.unix,
            verdict,
            self.settings.thresholds,
        );
        let before = self.entries.get(check).map(|known| &*known.entry);
        let turned = turn(before, &entry);
        if self.entries.record(entry, started.steady) {
            self.checked_by = Some(pod);
            if let Some(transition) = turned {
                self.changes.saw(transition);
            }
        }
        self.waits_since = None;
    }

    /// Ends the round's probing at its deadline, or when the pod leaves: nothing more starts, and what runs is
    /// cancelled. What hung beyond every time limit is a timeout if it had that long; what was given less (the pod
    /// leaves, slept, or had no place for it in time) says nothing and stays due.
    pub(super) fn cut_probes(&mut self, now: Now, out: &mut Out) {
        let tells = self.tells_starts;
        let Some(round) = self.round_mut() else {
            return;
        };
        let (started, flying) = (round.started, std::mem::take(&mut round.flying));
        let over = round.deadline <= now.steady && !round.overslept(now.steady);
        let hung = |f: &Flying| {
            let had = f.started_at(tells).map(|at| now.steady.since(at));
            over && had.is_some_and(|had| had >= f.timeout)
        };
        round.queue.clear();
        round.done += flying.values().filter(|f| hung(f)).count();
        for (probe, flying) in flying {
            out.push(Command::Cancel(probe));
            if hung(&flying) {
                let latency = now.steady.since(started.steady);
                let error = Some("Timeout exceeded".to_owned());
                let verdict = Verdict::new(Outcome::Timeout, Some(408), error, latency, now.unix);
                self.found(started, flying, verdict, out);
            } else {
                self.unask(flying, out);
            }
        }
    }

    /// Cancels these probes as if they had not been asked for: their checks stay due.
    pub(super) fn cancel_all(&mut self, flying: BTreeMap<ProbeId, Flying>, out: &mut Out) {
        for (probe, flying) in flying {
            out.push(Command::Cancel(probe));
            self.unask(flying, out);
        }
    }

    fn unask(&mut self, flying: Flying, out: &mut Out) {
        self.write_off(&flying, out);
        let never_left = flying.started_at(self.tells_starts).is_none();
        for Rider { check, callers } in flying.riders {
            if never_left {
                self.last_start.remove(&check);
            }
            self.forced.want_again(&check, callers);
        }
    }
}
