//! Spreads and pauses. Seeded, so that a run can be repeated.

use std::time::Duration;

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): enough to spread pods, and
/// stateless enough to be replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dice {
    state: u64,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Stirs in something that differs between rounds, such as the token.
    pub(super) fn stir(&mut self, value: u64) {
        self.state ^= value.wrapping_mul(0xff51_afd7_ed55_8ccd);
    }

    /// A time from zero up to `limit`, whole microseconds.
    pub(super) fn up_to(&mut self, limit: Duration) -> Duration {
        let micros = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(if micros == 0 { 0 } else { self.next() % micros })
    }

    /// Full jitter: up to `first` x 2^`failures`, at most `limit`.
    pub(super) fn backoff(&mut self, failures: u32, first: Duration, limit: Duration) -> Duration {
        self.up_to(first.saturating_mul(1 << failures.min(16)).min(limit))
    }
}
