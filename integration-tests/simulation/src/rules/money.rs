//! What may be spent, and how often a full probe may be made.
//!
//! Of one day's page no life of a pod ever spends more than a limit. Where no pod is killed, cut off or late, what each
//! knows the next one knows, so that the whole fleet does not. Elsewhere the fleet spends at most the limit for each life
//! that spent anything: what a killed pod had not published, and what pods apart do not tell each other, they cannot know.

use std::collections::{BTreeMap, BTreeSet};

use watchkeeper_core::coordinator::{GroupCheck, ProbeId};
use watchkeeper_core::id::{CheckId, PodId};
use watchkeeper_core::lease::Token;
use watchkeeper_core::money::{Budget, Day, Usd};
use watchkeeper_core::probe::{Effort, Identity};
use watchkeeper_core::verdict::Verdict;

use super::{Rules, TOLERANCE};
use crate::Weather;
use crate::breach::{Breach, wrong};
use crate::plan::{Plan, Time, micros};
use crate::pod::Pod;

/// A probe under way, and for which checks.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) effort: Effort,
    /// The one that is asked first, and its twins.
    pub(crate) riders: Vec<CheckId>,
}

/// Whose spending, on which page: a provider's or all.
type Purse = (usize, Day, Option<String>);

/// What was spent, and when full probes were made.
#[derive(Default)]
pub(super) struct Money {
    asked: BTreeMap<(PodId, u64, usize, ProbeId), Asked>,
    by_fleet: BTreeMap<Purse, Usd>,
    by_life: BTreeMap<(Purse, PodId, u64), Usd>,
    /// The start of the round of each check's last full probe that was answered, and whether it passed.
    fulls: BTreeMap<(usize, CheckId), (Time, bool)>,
    rounds: BTreeSet<(usize, Token, Identity, Effort)>,
}

/// Whether nobody is killed, cut off or late.
fn is_orderly(plan: &Plan) -> bool {
    matches!(
        plan.weather,
        Weather::Calm | Weather::Rolling | Weather::Change | Weather::Forced
    )
}

pub(crate) fn check<'a>(plan: &'a Plan, group: usize, id: &CheckId) -> &'a GroupCheck {
    let mut all = plan.groups[group].checks.iter();
    all.find(|check| check.id == *id).unwrap()
}

impl Rules {
    /// A probe starts, of a round that began then.
    pub(crate) fn asks(
        &mut self,
        plan: &Plan,
        pod: &Pod,
        group: usize,
        probe: ProbeId,
        asked: Asked,
    ) -> Result<(), Breach> {
        let key = (pod.name.clone(), pod.life, group, probe);
        for id in &asked.riders {
            self.asks_in_turn(plan, pod, group, id, asked.effort)?;
        }
        let first = check(plan, group, &asked.riders[0]);
        let last = self.starts[&(group, first.id.clone())].last();
        let token = last.and_then(|start| start.token);
        if let (Weather::Calm, Some(token), Some(identity)) = (plan.weather, token, first.identity)
        {
            let once = (group, token, identity, asked.effort);
            if !self.money.rounds.insert(once) {
                return wrong(format!("{} asks a twin of {} as well", pod.name, first.id));
            }
        }
        self.money.asked.insert(key, asked);
        Ok(())
    }

    /// Full probes come as often as they are to, where nobody forces one and nobody gives one up unheard.
    fn asks_in_turn(
        &self,
        plan: &Plan,
        pod: &Pod,
        group: usize,
        id: &CheckId,
        effort: Effort,
    ) -> Result<(), Breach> {
        if !matches!(plan.weather, Weather::Calm | Weather::Rolling) {
            return Ok(());
        }
        let check = check(plan, group, id);
        let settings = &plan.versions[pod.version];
        let Some(round) = self.starts[&(group, id.clone())].last().map(|s| s.round) else {
            return Ok(());
        };
        let last = self.money.fulls.get(&(group, id.clone()));
        let who = format!("{} asks {id}", pod.name);
        let every = check.full_every.filter(|_| check.has_cheap).map(micros);
        match (effort, every, last) {
            (Effort::Cheap, ..) if !check.has_cheap => wrong(format!("{who} by no probe of its")),
            (Effort::Full, Some(every), Some((then, true)))
                if round - then < every - micros(settings.merge_slack()) - TOLERANCE =>
            {
                wrong(format!("{who} in full, as at {then}"))
            }
            // A cheap one has to have a reason: the money, or a full one that passed not long ago.
            (Effort::Cheap, ..) if settings.budget != Budget::default() => Ok(()),
            (Effort::Cheap, Some(every), Some((then, true)))
                if round - then < every + TOLERANCE =>
            {
                Ok(())
            }
            (Effort::Cheap, ..) => wrong(format!("{who} cheaply, after {last:?}")),
            _ => Ok(()),
        }
    }

    /// What a probe that ends was, if it still runs.
    pub(crate) fn asked(&mut self, pod: &Pod, group: usize, probe: ProbeId) -> Option<Asked> {
        let key = (pod.name.clone(), pod.life, group, probe);
        self.money.asked.remove(&key)
    }

    /// A probe is answered: what its checks know of full probes from now on.
    pub(crate) fn heard(&mut self, group: usize, asked: &Asked, verdict: &Verdict) {
        for id in &asked.riders {
            let round = self.starts[&(group, id.clone())].last().map(|s| s.round);
            if let (Effort::Full, Some(round)) = (asked.effort, round) {
                let full = (round, verdict.outcome.is_healthy());
                self.money.fulls.insert((group, id.clone()), full);
            }
        }
    }

    /// A probe of a pod was paid for, and the pod has written it down.
    pub(crate) fn paid(
        &mut self,
        plan: &Plan,
        pod: &Pod,
        group: usize,
        id: &CheckId,
        cost: Usd,
        now: Time,
    ) -> Result<(), Breach> {
        let check = check(plan, group, id);
        if cost.is_zero() || !check.has_cheap {
            // What has no cheaper probe is not held back.
            return Ok(());
        }
        let day = pod.groups[&group].view(pod.now(now).steady).ledger.day;
        let budget = &plan.versions[pod.version].budget;
        let provider = check.provider.to_string();
        let by_provider = budget.providers.get(&provider).copied();
        for (whose, limit) in [(None, budget.fleet), (Some(provider), by_provider)] {
            let purse = (group, day, whose);
            let fleet = self.money.by_fleet.entry(purse.clone()).or_default();
            *fleet += cost;
            let life = (purse, pod.name.clone(), pod.life);
            let own = self.money.by_life.entry(life).or_default();
            *own += cost;
            let most = if is_orderly(plan) { *fleet } else { *own };
            if let Some(limit) = limit.filter(|limit| most > *limit) {
                let (spent, limit) = (most.as_picos(), limit.as_picos());
                let name = &pod.name;
                return wrong(format!(
                    "the budget is passed by {name}: {spent} of {limit}"
                ));
            }
        }
        Ok(())
    }
}
