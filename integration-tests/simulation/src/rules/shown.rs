//! SN-2, SN-3, FB-1, LV-1: what pods show, and whether it is true.

use futures_util::FutureExt;
use watchkeeper_core::cache::{Found, ReportCache};
use watchkeeper_core::id::CheckId;
use watchkeeper_core::invariant::Invariant;
use watchkeeper_core::lease::Token;
use watchkeeper_core::status::{Freshness, GroupView, Known, Mode};
use watchkeeper_memory::MemoryStore;

use super::{Rules, TOLERANCE};
use crate::breach::{Breach, broken, wrong};
use crate::plan::{Plan, Time, micros};
use crate::pod::Pod;

impl Rules {
    /// What a pod shows of a group at this moment.
    pub(crate) fn look(
        &mut self,
        plan: &Plan,
        pod: &Pod,
        group: usize,
        now: Time,
    ) -> Result<(), Breach> {
        let coordinator = &pod.groups[&group];
        if coordinator.is_stopped() {
            return Ok(());
        }
        let view = coordinator.view(pod.now(now).steady);
        for check in &coordinator.settings().checks {
            match view.entries.get(&check.id) {
                Some(known) => self.look_at(plan, pod, group, &view, known, now)?,
                None if now - pod.up_since > plan.oldest() && !plan.hangs(group, now) => {
                    let who = format!("{} shows {}", pod.name, check.id);
                    return broken(Invariant::Fb1, format!("{who} not at all"));
                }
                None => {}
            }
        }
        Ok(())
    }

    fn look_at(
        &mut self,
        plan: &Plan,
        pod: &Pod,
        group: usize,
        view: &GroupView,
        known: &Known,
        now: Time,
    ) -> Result<(), Breach> {
        let check: &CheckId = &known.entry.check;
        let who = || format!("{} shows {check}", pod.name);
        let Some(began) = self.truth(&known.entry) else {
            return wrong(format!("{} of a round that never was", who()));
        };
        let steady = pod.now(now).steady;
        let age = now - began;
        let (younger, older) = self.debts(began);
        let younger = younger + plan.holdup();
        let slack = TOLERANCE + plan.drift(age);

        let said = micros(steady.since(known.probed_at));
        if said < age - slack - younger || said > age + slack + older {
            return wrong(format!("{} as {said} old, it is {age}", who()));
        }
        let due = now - pod.up_since > plan.oldest() && !plan.hangs(group, now);
        if due && age > plan.oldest() + younger {
            return broken(Invariant::Fb1, format!("{} {age} old", who()));
        }
        self.label(plan, pod, group, view, known, now)?;

        let key = (pod.name.clone(), pod.life, group, check.clone());
        let token = known.entry.token;
        match self.shown.insert(key, (token, began)) {
            Some((Some(had), _)) if token.is_some_and(|token| token < had) => broken(
                Invariant::Sn2,
                format!("{} from {token:?}, had {had:?}", who()),
            ),
            Some((had, then))
                if (had.is_none() || token.is_none())
                    && began < then - TOLERANCE - plan.drift(age) - younger - older =>
            {
                broken(Invariant::Sn2, format!("{} of {began}, had {then}", who()))
            }
            _ => Ok(()),
        }
    }

    /// SN-3.
    fn label(
        &self,
        plan: &Plan,
        pod: &Pod,
        group: usize,
        view: &GroupView,
        known: &Known,
        now: Time,
    ) -> Result<(), Breach> {
        let began = self.truth(&known.entry).unwrap_or(now);
        let age = now - began;
        let (younger, _) = self.debts(began);
        let younger = younger + plan.holdup();
        let slack = TOLERANCE + plan.drift(age) + younger;
        let fresh_for = plan.fresh_for(pod.version);
        let label = view.freshness(known, pod.now(now).steady, fresh_for);
        let state = &self.groups[group];
        // A pod that cannot hear of a release counts on the lease until its end, and no longer.
        let lock_ttl = micros(plan.common().lock_ttl);
        let since = now - lock_ttl - TOLERANCE - younger;
        let lately = |end: &Time| *end > since;
        let holds = match label {
            Freshness::Fresh => age <= micros(fresh_for) + slack,
            // A damaged lock stands until it was seen unchanged for a lease's time.
            Freshness::Refreshing => {
                state.disturbed.is_some_and(|at| at > since - lock_ttl)
                    || state.ends.values().any(lately)
            }
            Freshness::Stale => true,
        };
        if holds {
            return Ok(());
        }
        let (name, check) = (&pod.name, &known.entry.check);
        broken(
            Invariant::Sn3,
            format!("{name} shows {check} of {age} ago as {}", label.as_str()),
        )
    }

    /// LV-1: there is a report, and it is not old.
    pub(crate) fn alive(
        &self,
        store: &MemoryStore,
        plan: &Plan,
        group: usize,
    ) -> Result<(), Breach> {
        let id = &plan.groups[group].id;
        let read = store.read(id, Token::ZERO).now_or_never().unwrap().unwrap();
        let kind = match read.found {
            Found::Report(stored) if micros(stored.age) <= plan.liveness() => return Ok(()),
            Found::Report(stored) => format!("one of {:?} ago", stored.age),
            Found::Nothing => "none".to_owned(),
            Found::Garbage { .. } => "garbage".to_owned(),
        };
        broken(
            Invariant::Lv1,
            format!("no report for group {group}: {kind}"),
        )
    }

    /// At the end all is as if nothing had ever been wrong.
    pub(crate) fn settled(&self, plan: &Plan, pod: &Pod, now: Time) -> Result<(), Breach> {
        for coordinator in pod.groups.values() {
            let view = coordinator.view(pod.now(now).steady);
            let name = &pod.name;
            if !matches!(view.mode, Mode::Leading | Mode::Following) {
                let why = format!("{name} is still {:?} at the end", view.mode);
                return broken(Invariant::Lv1, why);
            }
            for check in &coordinator.settings().checks {
                let known = view.entries.get(&check.id);
                let began = known.and_then(|known| self.truth(&known.entry));
                let age = began.map(|began| now - began);
                if age.is_none_or(|age| age > plan.liveness() + plan.drift(age)) {
                    let why = format!("{name} shows {} as of {age:?} at the end", check.id);
                    return broken(Invariant::Lv1, why);
                }
            }
        }
        Ok(())
    }
}
