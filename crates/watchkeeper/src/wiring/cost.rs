//! What the rounds cost at most, before any is made.

use std::collections::BTreeSet;
use std::time::Duration;

use watchkeeper_core::check::Check;
use watchkeeper_core::money::Usd;
use watchkeeper_core::probe::{Effort, Identity, Prober};
use watchkeeper_runtime::ProbeFacts;

use crate::table::{count, dollars};

/// A day, in seconds.
const DAY: f64 = 24.0 * 3600.0;

/// What the rounds of a whole fleet cost at most, as long as it reaches its store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RoundCost {
    /// One round in which every check is asked in full.
    pub(crate) round: Usd,
    /// A day of rounds, each check asked in full as often as is configured.
    pub(crate) day: Usd,
    /// Checks whose probe is billed and has a price.
    pub(crate) priced: usize,
    /// Checks whose probe is billed.
    pub(crate) billed: usize,
}

impl RoundCost {
    /// Of these checks, asked once in `every`. Those that only run on demand or cannot be asked cost nothing, and
    /// those that are asked for one another cost once.
    pub(crate) fn of(checks: &[Check], prober: &dyn Prober, every: Duration) -> Self {
        let mut cost = Self::default();
        let mut known: BTreeSet<(Identity, &str)> = BTreeSet::new();
        for check in checks.iter().filter(|check| check.background) {
            let facts = ProbeFacts::of(prober, check);
            let is_billed = prober
                .plan(check, Effort::Full)
                .is_ok_and(|plan| plan.billed);
            if !is_billed {
                continue;
            }
            cost.billed += 1;
            let Some(most) = facts.most_cost else {
                continue;
            };
            cost.priced += 1;
            let is_twin = facts
                .identity
                .is_some_and(|identity| !known.insert((identity, check.provider())));
            if is_twin {
                continue;
            }
            let between = check
                .full_every
                .filter(|_| facts.has_cheap)
                .map_or(every, |full| full.max(every));
            let rounds = DAY / between.as_secs_f64().max(1.0);
            cost.round += most;
            cost.day += Usd::from_dollars(most.as_dollars() * rounds).unwrap_or_default();
        }
        cost
    }

    /// For the log; none where no probe has a price.
    pub(crate) fn line(&self) -> Option<String> {
        (self.priced > 0).then(|| {
            format!(
                "probes cost at most {} a day ({} of {} a price)",
                dollars(self.day),
                self.priced,
                match self.billed {
                    1 => "1 billed check has".to_owned(),
                    billed => format!("{billed} billed checks have"),
                }
            )
        })
    }

    /// Under a plan; empty where nothing is billed.
    pub(crate) fn total(&self) -> String {
        let unpriced = self.billed - self.priced;
        let without = count(unpriced, "check", "checks");
        match (self.priced, unpriced) {
            (0, 0) => String::new(),
            (0, _) => format!("{without} without a price\n"),
            (_, 0) => format!(
                "a round costs at most {}, a day {}\n",
                dollars(self.round),
                dollars(self.day)
            ),
            _ => format!(
                "a round costs at most {}, a day {}, {without} without a price\n",
                dollars(self.round),
                dollars(self.day)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use serde_json::Map;
    use watchkeeper_core::check::Target;
    use watchkeeper_core::id::CheckId;
    use watchkeeper_core::probe::{Plan, Tier};
    use watchkeeper_core::verdict::Verdict;

    use super::*;

    /// Bills a cent for each check but for `free` ones; `unpriced` have no price, and twins are told by their first letter.
    struct Biller;

    #[async_trait]
    impl Prober for Biller {
        fn plan(&self, check: &Check, effort: Effort) -> Result<Plan, String> {
            if check.name == "bad" {
                return Err("no key".to_owned());
            }
            let billed = check.name != "free" && effort == Effort::Full;
            let first = check.name.bytes().next().unwrap_or(0);
            Ok(Plan {
                billed,
                tier: if billed { Tier::Inference } else { Tier::Free },
                most_cost: (check.name != "unpriced").then(|| {
                    if billed {
                        Usd::from_picos(10_000_000_000)
                    } else {
                        Usd::ZERO
                    }
                }),
                identity: Some(Identity([first; 16])),
                ..Plan::default()
            })
        }

        async fn probe(&self, _: &Check, _: Effort) -> Verdict {
            unreachable!("nothing is asked")
        }
    }

    fn check(name: &str, background: bool, full_every: Option<u64>) -> Check {
        Check {
            id: CheckId::new(name).unwrap(),
            name: name.to_owned(),
            target: Target::Tcp {
                host: "h".to_owned(),
                port: 1,
            },
            timeout: Duration::from_secs(1),
            shown: Map::new(),
            background,
            full_every: full_every.map(Duration::from_secs),
        }
    }

    #[test]
    fn a_day_is_as_many_rounds_as_there_are_and_what_is_asked_rarely_costs_rarely() {
        let hour = Duration::from_secs(3600);
        for (checks, round, day, priced, billed) in [
            (vec![check("a", true, None)], 0.01, 0.24, 1, 1),
            (vec![check("a", true, Some(6 * 3600))], 0.01, 0.04, 1, 1),
            (
                vec![check("a", true, None), check("a2", true, None)],
                0.01,
                0.24,
                2,
                2,
            ),
            (
                vec![check("a", true, None), check("b", true, None)],
                0.02,
                0.48,
                2,
                2,
            ),
            (
                vec![check("a", false, None), check("free", true, None)],
                0.0,
                0.0,
                0,
                0,
            ),
            (
                vec![check("bad", true, None), check("unpriced", true, None)],
                0.0,
                0.0,
                0,
                1,
            ),
        ] {
            let cost = RoundCost::of(&checks, &Biller, hour);
            let names: Vec<&str> = checks.iter().map(|check| check.name.as_str()).collect();
            assert_eq!(cost.round.as_dollars(), round, "{names:?}");
            assert_eq!(cost.day.as_dollars(), day, "{names:?}");
            assert_eq!((cost.priced, cost.billed), (priced, billed), "{names:?}");
        }
    }

    #[test]
    fn people_are_told_what_is_known_and_what_is_not() {
        let cost = RoundCost {
            round: Usd::from_picos(1_500_000_000),
            day: Usd::from_picos(420_000_000_000),
            priced: 12,
            billed: 14,
        };
        assert_eq!(
            cost.line().unwrap(),
            "probes cost at most $0.42 a day (12 of 14 billed checks have a price)"
        );
        assert_eq!(
            cost.total(),
            "a round costs at most $0.0015, a day $0.42, 2 checks without a price\n"
        );
        let unknown = RoundCost {
            billed: 1,
            ..RoundCost::default()
        };
        assert_eq!(unknown.line(), None);
        assert_eq!(unknown.total(), "1 check without a price\n");
        assert_eq!(RoundCost::default().total(), "");
    }
}
