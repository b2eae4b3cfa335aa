//! How much a probe may cost: the full probe as often as it is wanted and paid for, else the cheap one.

use super::command::{Command, Happening};
use super::round::Flying;
use super::settings::GroupCheck;
use super::{Coordinator, Out};
use crate::money::Usd;
use crate::probe::Effort;
use crate::time::Moment;
use crate::verdict::Spared;

/// What a probe is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) effort: Effort,
    /// Why it is a cheap one.
    pub(super) spared: Option<Spared>,
    /// The most that it may cost.
    pub(super) most: Option<Usd>,
}

impl Coordinator {
    /// Which probe a check wants in a round that began then, whatever it costs.
    ///
    /// A full one each time, unless full ones come less often: then once the last is nearly as old as they are apart, and
    /// as long as the last one failed, since what is free cannot vouch for a model that failed.
    pub(super) fn wish(&self, check: &GroupCheck, round: Moment) -> Effort {
        let (true, Some(every)) = (check.has_cheap, check.full_every) else {
            return Effort::Full;
        };
        if self.forced.wants(&check.id) {
            return Effort::Full;
        }
        let last = self.entries.get(&check.id).and_then(|known| {
            let full = known.entry.last_full(self.settings.thresholds)?;
            full.passed
                .then(|| full.before.saturating_add(round.since(known.probed_at)))
        });
        match last {
            Some(age) if age.saturating_add(self.settings.merge_slack()) < every => Effort::Cheap,
            _ => Effort::Full,
        }
    }

    /// What is asked where `wish` is wished for: a full probe that the budget may not bear becomes a cheap one.
    ///
    /// Only what has a known price, and a cheaper probe, is held back.
    pub(super) fn afford(&mut self, check: &GroupCheck, wish: Effort, out: &mut Out) -> Ask {
        if wish == Effort::Cheap {
            return Ask {
                effort: Effort::Cheap,
                spared: Some(Spared::Interval),
                most: None,
            };
        }
        let full = Ask {
            effort: Effort::Full,
            spared: None,
            most: check.most_cost,
        };
        let Some(most) = check
            .most_cost
            .filter(|most| check.has_cheap && !most.is_zero())
        else {
            return full;
        };
        let reserved = self.reserved(&check.provider);
        let passed = self
            .purse
            .would_pass(&self.settings.budget, &check.provider, reserved, most);
        let Some(passed) = passed else {
            return full;
        };
        if passed.is_news {
            out.push(Command::Tell(Happening::BudgetSpent {
                provider: passed.limit,
                spent: passed.spent,
                budget: passed.allowed,
            }));
        }
        Ask {
            effort: Effort::Cheap,
            spared: Some(Spared::Budget),
            most: None,
        }
    }

    /// What the probes under way may cost: all, and those of a provider.
    fn reserved(&self, provider: &str) -> (Usd, Usd) {
        let Some(round) = self.round() else {
            return (Usd::ZERO, Usd::ZERO);
        };
        let most = |flying: &Flying| flying.ask.most.unwrap_or_default();
        let all = round.flying.values().map(most).sum();
        let here = round
            .flying
            .values()
            .filter(|flying| *flying.provider == *provider)
            .map(most)
            .sum();
        (all, here)
    }

    /// A probe that left was given up: it may have been billed all the same.
    pub(super) fn write_off(&mut self, flying: &Flying, out: &mut Out) {
        let Some(cost) = flying.ask.most.filter(|most| !most.is_zero()) else {
            return;
        };
        if flying.started_at(self.tells_starts).is_some() {
            self.purse.spend(&flying.provider, cost);
            out.push(Command::Tell(Happening::Spent {
                provider: flying.provider.clone(),
                cost,
            }));
        }
    }
}
