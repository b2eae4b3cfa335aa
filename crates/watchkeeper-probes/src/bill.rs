//! What a probe cost.

use watchkeeper_core::money::{Price, Usage, Usd};

use crate::classify::Finding;

/// The most tokens of either kind that are believed. A probe's text has a few dozen, with what a gateway puts before it
/// a few thousand, and no model's answer is longer than this; a number beyond it is a mistake, or is meant to eat up a
/// budget.
const MOST_TOKENS: u64 = 131_072;

/// What an answer says was used, if that can be.
pub(crate) fn believed(usage: Usage) -> Option<Usage> {
    (usage.input <= MOST_TOKENS && usage.output <= MOST_TOKENS).then_some(usage)
}

/// What a probe cost, where the price is known: by the use that the answer tells; the most that it can have cost where
/// it tells none though the upstream may have billed it. A refusal is not billed, and neither is what never left.
pub(crate) fn cost(
    finding: &Finding,
    price: Option<Price>,
    billed: bool,
    most: Option<Usd>,
) -> Option<Usd> {
    let price = price?;
    match finding.usage {
        _ if !billed => Some(Usd::ZERO),
        Some(usage) => Some(price.of(usage)),
        None if finding.may_bill => most,
        None => Some(Usd::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use watchkeeper_core::verdict::Outcome;

    use super::*;

    const PRICE: Price = Price {
        input: Usd::from_picos(3),
        output: Usd::from_picos(5),
        call: Usd::from_picos(1),
    };

    #[test]
    fn what_is_told_is_charged_what_is_lost_costs_the_most_and_a_refusal_nothing() {
        let most = Some(Usd::from_picos(1000));
        let used = |finding: Finding| Finding {
            usage: Some(Usage {
                input: 10,
                output: 2,
            }),
            ..finding
        };
        let refused = || Finding::new(Outcome::RateLimited, 429, "no");
        let lost = || Finding {
            may_bill: true,
            ..Finding::new(Outcome::BadAnswer, 500, "half")
        };
        for (finding, billed, want) in [
            (used(Finding::healthy()), true, 41),
            (used(refused()), true, 41),
            (Finding::healthy(), true, 1000),
            (Finding::timeout(), true, 1000),
            (lost(), true, 1000),
            (refused(), true, 0),
            (Finding::config("no key"), true, 0),
            (used(Finding::healthy()), false, 0),
            (Finding::timeout(), false, 0),
        ] {
            let got = cost(&finding, Some(PRICE), billed, most);
            assert_eq!(got, Some(Usd::from_picos(want)), "{finding:?}");
        }
        assert_eq!(cost(&Finding::healthy(), None, true, most), None);
        assert_eq!(cost(&Finding::healthy(), Some(PRICE), true, None), None);
    }

    #[test]
    fn a_number_of_tokens_that_cannot_be_is_not_believed() {
        let used = |input, output| Usage { input, output };
        assert_eq!(believed(used(9, 977)), Some(used(9, 977)));
        assert_eq!(
            believed(used(MOST_TOKENS, MOST_TOKENS)),
            Some(used(MOST_TOKENS, MOST_TOKENS))
        );
        for absurd in [
            used(MOST_TOKENS + 1, 0),
            used(0, MOST_TOKENS + 1),
            used(u64::MAX, u64::MAX),
        ] {
            assert_eq!(believed(absurd), None, "{absurd:?}");
        }
    }
}
