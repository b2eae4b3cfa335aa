//! EC-1, EC-2, LS-3: which probes may start; and that calls are answered by probes of their own time.

use std::collections::BTreeSet;

use futures_util::FutureExt;
use watchkeeper_core::coordinator::NotForced;
use watchkeeper_core::id::CheckId;
use watchkeeper_core::invariant::Invariant;
use watchkeeper_core::lease::{LeaseStore, LockState, Token};
use watchkeeper_core::status::Mode;
use watchkeeper_memory::MemoryStore;

use super::{Rules, Start, TOLERANCE};
use crate::Weather;
use crate::breach::{Breach, broken, wrong};
use crate::plan::{CALM_FROM, Plan, Time};
use crate::pod::Pod;

impl Rules {
    /// May this probe start?
    pub(crate) fn start(
        &mut self,
        plan: &Plan,
        pod: &Pod,
        group: usize,
        check: &CheckId,
        store: &MemoryStore,
        now: Time,
    ) -> Result<(), Breach> {
        let view = pod.groups[&group].view(pod.now(now).steady);
        let who = format!("{} asks {check}", pod.name);
        let token = match view.mode {
            Mode::Leading => {
                let Some(token) = view.token else {
                    return broken(Invariant::Ls3, format!("{who} after its lease"));
                };
                self.asks_under((pod, &who), plan, group, token, store, now)?;
                Some(token)
            }
            Mode::Isolated => None,
            Mode::Following if pod.impatient[group] => None,
            mode => return broken(Invariant::Ec1, format!("{who} while {mode:?}")),
        };
        let round = match token {
            Some(token) => *self.groups[group].rounds.entry(token).or_insert(now),
            None => now,
        };
        let start = Start {
            at: now,
            round,
            pod: pod.name.clone(),
            life: pod.life,
            token,
            ended: false,
            given_up: false,
        };
        let starts = self.starts.entry((group, check.clone())).or_default();
        once_per_round(plan, &who, starts, &start, &self.groups[group].void)?;
        once_per_interval(plan, &who, starts, &start)?;
        starts.push(start);
        Ok(())
    }

    /// LS-3: the lease stands, at the store as well.
    fn asks_under(
        &self,
        (pod, who): (&Pod, &str),
        plan: &Plan,
        index: usize,
        token: Token,
        store: &MemoryStore,
        now: Time,
    ) -> Result<(), Breach> {
        self.holds(who, index, token, now)?;
        let group = &self.groups[index];
        let lock = store.inspect(&plan.groups[index].id);
        let held = match lock.now_or_never().unwrap().unwrap() {
            // A request of its own that was held up may have taken the lease anew, unseen: nobody else has it.
            LockState::Held(busy) => {
                busy.token == Some(token) || busy.holder.as_ref() == Some(&pod.name)
            }
            LockState::Free => false,
        };
        if held || !group.is_undisturbed(token) || group.overslept.contains(&token) {
            return Ok(());
        }
        broken(
            Invariant::Ls3,
            format!("{who} under a lease that it does not hold"),
        )
    }

    /// A pod leaves, or is gone: what it has not finished is asked again.
    pub(crate) fn leaves(&mut self, pod: &Pod) {
        for start in self.starts.values_mut().flatten() {
            start.given_up |= start.pod == pod.name && start.life == pod.life;
        }
    }

    pub(crate) fn probed(&mut self, pod: &Pod, group: usize, check: &CheckId) {
        let starts = self.starts.entry((group, check.clone())).or_default();
        let mine = |s: &&mut Start| s.pod == pod.name && s.life == pod.life;
        if let Some(start) = starts.iter_mut().rev().find(mine) {
            start.ended = true;
        }
    }

    /// A call is answered by a probe that started after it came.
    pub(crate) fn answered(
        &self,
        result: Result<(), NotForced>,
        since: Time,
        group: usize,
        check: &CheckId,
    ) -> Result<(), Breach> {
        let starts = self.starts.get(&(group, check.clone()));
        // Whether a probe is younger than a call is judged by its age.
        let (younger, _) = self.debts(Time::MIN);
        let timely = |s: &Start| s.at >= since - TOLERANCE / 2 - younger;
        if result.is_err() || starts.is_some_and(|all| all.iter().any(timely)) {
            return Ok(());
        }
        wrong(format!(
            "the call for {check} at {since} is answered by an old probe"
        ))
    }
}

/// EC-1.
fn once_per_round(
    plan: &Plan,
    who: &str,
    starts: &[Start],
    new: &Start,
    void: &BTreeSet<Token>,
) -> Result<(), Breach> {
    let quiet = plan.calls.is_empty() && new.at > CALM_FROM + plan.liveness();
    let orderly = quiet
        || matches!(
            plan.weather,
            Weather::Calm | Weather::Rolling | Weather::Change
        );
    if orderly {
        // Holders that left one after the other and gave up their probes are not waited for without end (FB-1).
        let given_up = starts
            .iter()
            .rev()
            .take_while(|s| s.given_up && !s.ended)
            .count();
        if new.token.is_none() {
            return if given_up > 1 {
                Ok(())
            } else {
                broken(Invariant::Ec1, format!("{who} on its own"))
            };
        }
        // A pod that leaves gives up probes, which are asked again.
        let counts = |s: &&Start| s.ended || !s.given_up;
        if let Some(before) = starts.iter().rev().find(counts)
            && (before.token == new.token || new.round - before.round < plan.apart())
        {
            return broken(Invariant::Ec1, format!("{who} again, after {before:?}"));
        }
    }
    match starts.iter().rev().find(|s| s.token == new.token) {
        Some(before) if new.token.is_some_and(|token| !void.contains(&token)) => broken(
            Invariant::Ec1,
            format!("{who} twice in a round, after {before:?}"),
        ),
        _ => Ok(()),
    }
}

/// EC-2. Forced runs are asked for.
fn once_per_interval(plan: &Plan, who: &str, starts: &[Start], new: &Start) -> Result<(), Breach> {
    if new.token.is_some() || !plan.calls.is_empty() {
        return Ok(());
    }
    // A round that began under a lease goes on alone, and a check may come earlier in it than in the one before.
    let apart = match plan.weather {
        Weather::Outage => plan.apart(),
        _ => plan.apart() - TOLERANCE,
    };
    let own = |s: &&Start| s.token.is_none() && s.pod == new.pod && s.life == new.life;
    match starts.iter().rev().find(own) {
        Some(before) if new.at - before.at < apart => {
            broken(Invariant::Ec2, format!("{who} again, after {before:?}"))
        }
        _ => Ok(()),
    }
}
