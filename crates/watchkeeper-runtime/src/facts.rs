//! What a coordinator has to know of a check's probes, from what the prober would send.

use watchkeeper_core::check::Check;
use watchkeeper_core::money::Usd;
use watchkeeper_core::probe::{Effort, Identity, Prober};

/// What a check's probes are, without sending them. The default is a probe of unknown cost with no cheaper one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProbeFacts {
    /// What tells its full probe from those of other checks.
    pub identity: Option<Identity>,
    /// The most that its full probe costs.
    pub most_cost: Option<Usd>,
    /// Whether its cheap probe is another kind of probe than the full one.
    pub has_cheap: bool,
}

impl ProbeFacts {
    /// What `prober` would send for a check. One that cannot be asked costs nothing.
    #[must_use]
    pub fn of(prober: &dyn Prober, check: &Check) -> Self {
        let Ok(full) = prober.plan(check, Effort::Full) else {
            return Self::default();
        };
        let cheap = prober.plan(check, Effort::Cheap);
        Self {
            identity: full.identity,
            most_cost: full.most_cost,
            has_cheap: cheap.is_ok_and(|cheap| cheap.tier != full.tier),
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use watchkeeper_core::probe::{Plan, Tier};
    use watchkeeper_core::verdict::Verdict;

    use super::*;
    use crate::groups::tests::check;

    /// Full and cheap, by tier; none where it cannot be asked.
    struct Asks(Option<Tier>, Option<Tier>);

    #[async_trait]
    impl Prober for Asks {
        fn plan(&self, _: &Check, effort: Effort) -> Result<Plan, String> {
            let tier = match effort {
                Effort::Full => self.0,
                Effort::Cheap => self.1,
            };
            let plan = |tier| Plan {
                tier,
                most_cost: Some(Usd::from_picos(7)),
                ..Plan::default()
            };
            tier.map(plan).ok_or_else(|| "no key".to_owned())
        }

        async fn probe(&self, _: &Check, _: Effort) -> Verdict {
            unreachable!("nothing is asked")
        }
    }

    #[test]
    fn a_check_has_a_cheap_probe_where_it_is_of_another_kind_than_the_full_one() {
        for (full, cheap, expected) in [
            (Some(Tier::Inference), Some(Tier::Free), true),
            (Some(Tier::Free), Some(Tier::Free), false),
            (Some(Tier::Inference), None, false),
            (None, Some(Tier::Reachability), false),
        ] {
            let facts = ProbeFacts::of(&Asks(full, cheap), &check("a"));
            assert_eq!(facts.has_cheap, expected, "{full:?} {cheap:?}");
            assert_eq!(facts.most_cost.is_some(), full.is_some());
        }
    }
}
