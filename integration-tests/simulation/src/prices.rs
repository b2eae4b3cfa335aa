//! What probes cost in a run, in one seed of three: prices, a budget, twins, limits per provider, full probes that come
//! less often, and upstreams that ask to be left alone. Drawn apart, so that the other seeds stay as they are.

use std::sync::Arc;
use std::time::Duration;

use watchkeeper_core::coordinator::{GroupCheck, Settings};
use watchkeeper_core::money::Usd;
use watchkeeper_core::probe::{Effort, Identity, Tier};
use watchkeeper_core::verdict::{Outcome, Verdict};

use super::dice::Dice;
use super::plan::Time;

/// The longest that an upstream asks to be left alone.
const LONGEST_REST: Duration = Duration::from_secs(9);

/// In so many seeds of a hundred.
const SHARE: i64 = 33;

/// What answers cost, and what they ask for.
#[derive(Clone, Debug, Default)]
pub(super) struct Prices {
    /// Failures that ask to be left alone, of a hundred.
    resting: i64,
}

impl Prices {
    /// Draws them, and writes them into the checks and the settings.
    pub(super) fn draw(seed: u64, checks: &mut [GroupCheck], settings: &mut Settings) -> Self {
        let dice = &mut Dice::new(seed.rotate_left(17) ^ 0x00c0_ffee);
        if !dice.chance(SHARE) {
            return Self::default();
        }
        let times = u32::try_from(dice.range(2, 5)).unwrap();
        let every = dice.chance(50).then_some(settings.interval * times);
        for check in checks.iter_mut() {
            check.provider = Arc::from(["a", "b"][dice.index(2)]);
            check.has_cheap = dice.chance(85);
            check.most_cost = dice.chance(80).then(|| amount(dice, 1, 100));
            check.full_every = every.filter(|_| dice.chance(70));
        }
        if let [first, second, ..] = checks
            && dice.chance(50)
        {
            // Asked by one and the same probe.
            let id = second.id.clone();
            first.identity = Some(Identity([1; 16]));
            *second = GroupCheck {
                id,
                ..first.clone()
            };
        }
        if dice.chance(40) {
            let limit = 1 + dice.index(2);
            settings.lanes.insert(Arc::from("a"), limit);
        }
        if dice.chance(60) {
            settings.budget.fleet = dice.chance(70).then(|| amount(dice, 20, 2_000));
            if dice.chance(50) {
                let limit = amount(dice, 20, 1_000);
                settings.budget.providers.insert("b".to_owned(), limit);
            }
        }
        settings.honours_retry_after = dice.chance(50);
        Self {
            resting: [0, 40][dice.index(2)],
        }
    }

    /// How much later than due a check may be asked for the sake of its upstream.
    pub(super) fn longest_rest(&self, settings: &Settings) -> Duration {
        if self.resting > 0 && settings.honours_retry_after {
            LONGEST_REST
        } else {
            Duration::ZERO
        }
    }

    /// What an answer to this probe says besides.
    pub(super) fn answer(
        &self,
        dice: &mut Dice,
        check: &GroupCheck,
        effort: Effort,
        verdict: &mut Verdict,
    ) {
        verdict.cost = check.most_cost.map(|most| cost(dice, most, effort));
        if effort == Effort::Cheap {
            verdict.tier = Tier::Free;
        }
        if verdict.outcome != Outcome::Healthy && dice.chance(self.resting) {
            let most = Time::try_from(LONGEST_REST.as_millis()).unwrap();
            let millis = u64::try_from(dice.range(0, most)).unwrap();
            verdict.retry_after = Some(Duration::from_millis(millis));
        }
    }
}

/// What a probe that left really costs, answered or not.
pub(super) fn cost(dice: &mut Dice, most: Usd, effort: Effort) -> Usd {
    let most = i64::try_from(most.as_picos()).unwrap();
    match effort {
        Effort::Full => amount(dice, 0, most + 1),
        Effort::Cheap => Usd::ZERO,
    }
}

fn amount(dice: &mut Dice, low: i64, high: i64) -> Usd {
    Usd::from_picos(u64::try_from(dice.range(low, high)).unwrap())
}
