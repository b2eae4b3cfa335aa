//! How long a round may take.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A provider of which only so many checks are asked at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lane {
    checks: usize,
    longest: Duration,
    limit: usize,
}

/// What a round has to ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Load {
    checks: usize,
    longest: Duration,
    lanes: Vec<Lane>,
    spread: Duration,
}

impl Load {
    /// Of checks, each with its provider and its time limit; `lanes` has the most probes at once of a provider, and
    /// the starts are spread over `spread`.
    pub fn of<'a>(
        checks: impl IntoIterator<Item = (&'a str, Duration)>,
        lanes: &BTreeMap<Arc<str>, usize>,
        spread: Duration,
    ) -> Self {
        let mut load = Self {
            spread,
            ..Self::default()
        };
        let mut limited: BTreeMap<&str, Lane> = BTreeMap::new();
        for (provider, timeout) in checks {
            load.checks += 1;
            load.longest = load.longest.max(timeout);
            if let Some(limit) = lanes.get(provider) {
                let lane = limited.entry(provider).or_default();
                lane.checks += 1;
                lane.longest = lane.longest.max(timeout);
                lane.limit = (*limit).max(1);
            }
        }
        load.lanes = limited.into_values().collect();
        load
    }

    /// How many checks there are.
    #[must_use]
    pub const fn checks(&self) -> usize {
        self.checks
    }

    /// R: the longest that a round may take with so many probes at once.
    ///
    /// With T the longest time limit of all n checks, c at once, and n', T', l of a limited provider, the last probe ends
    /// after at most (⌈n/c⌉ - 1) T + max(T, ⌈n'/l⌉ T'), and the spread. For a probe waits only while all c places are
    /// taken, or all of its provider's. Were all places taken for longer than k T before it starts, there would be k + 1
    /// moments of that more than T apart, at each of which c others run, none of them at two such moments: (k + 1) c <=
    /// n - 1. So they are taken for ⌊(n - 1)/c⌋ T = (⌈n/c⌉ - 1) T at most. In the same way its provider's are for
    /// (⌈n'/l⌉ - 1) T' at most, and it takes T' itself.
    #[must_use]
    pub fn round(&self, concurrency: usize) -> Duration {
        self.longest
            .saturating_mul(waves(self.checks, concurrency) - 1)
            .saturating_add(self.last())
    }

    /// The least number of probes at once, and at least `least`, with which a round takes no longer than `limit`; as many
    /// as there are checks where that is not enough.
    #[must_use]
    pub fn concurrency_for(&self, limit: Duration, least: usize) -> usize {
        if self.round(least) <= limit {
            return least;
        }
        let room = limit.saturating_sub(self.last()).as_millis();
        let before = room / self.longest.as_millis().max(1);
        let waves = usize::try_from(before).unwrap_or(usize::MAX);
        self.checks.div_ceil(waves.saturating_add(1)).max(least)
    }

    /// The last wave of all, or the whole of the slowest lane, and the spread.
    fn last(&self) -> Duration {
        let lanes = self.lanes.iter();
        lanes
            .map(|lane| lane.longest.saturating_mul(waves(lane.checks, lane.limit)))
            .fold(self.longest, Duration::max)
            .saturating_add(self.spread)
    }
}

/// How many times so many places are filled, at least once.
fn waves(checks: usize, places: usize) -> u32 {
    u32::try_from(checks.div_ceil(places.max(1)).max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_round_takes_as_many_waves_as_its_checks_need_and_those_of_its_slowest_lane() {
        // Checks of `a` and of `b`, each with its time limit, the lane of `b`, places, R.
        for (a, b, lane, places, expected) in [
            ((5, 10), (0, 0), None, 2, 30),
            ((5, 10), (3, 4), None, 2, 40),
            ((5, 10), (3, 4), Some(1), 2, 30 + 12),
            ((5, 10), (3, 4), Some(3), 2, 40),
            ((0, 0), (4, 10), Some(1), 16, 40),
            ((0, 0), (4, 10), Some(0), 16, 40),
            ((0, 0), (4, 10), Some(4), 16, 10),
            ((0, 0), (0, 0), Some(1), 16, 0),
        ] {
            let checks = std::iter::repeat_n(("a", seconds(a.1)), a.0)
                .chain(std::iter::repeat_n(("b", seconds(b.1)), b.0));
            let lanes = lane
                .map(|limit| (Arc::from("b"), limit))
                .into_iter()
                .collect();
            let load = Load::of(checks, &lanes, seconds(1));
            assert_eq!(
                load.round(places),
                seconds(expected + 1),
                "{a:?} {b:?} {lane:?}"
            );
        }
    }

    #[test]
    fn the_least_concurrency_is_found_with_which_a_round_is_short_enough() {
        let lanes = BTreeMap::from([(Arc::from("b"), 1)]);
        let checks = std::iter::repeat_n(("a", seconds(10)), 40)
            .chain(std::iter::repeat_n(("b", seconds(10)), 3));
        let load = Load::of(checks, &lanes, seconds(2));
        for limit in 1..500 {
            let limit = seconds(limit);
            for least in [1, 3, 50] {
                let best = (least..=43.max(least)).find(|c| load.round(*c) <= limit);
                let found = load.concurrency_for(limit, least);
                assert_eq!(found, best.unwrap_or(43.max(least)), "{limit:?} {least}");
            }
        }
    }
}
