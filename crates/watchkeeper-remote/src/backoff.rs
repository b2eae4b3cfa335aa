//! How long to wait before the next attempt of a task that never gives up.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

/// The first wait after a failure is drawn from up to this long.
const FIRST: Duration = Duration::from_millis(100);
/// Later ones from up to twice as long each, but never longer than this.
const CAP: Duration = Duration::from_secs(5);
/// What held this long was good: the waits start anew.
const GOOD_AFTER: Duration = Duration::from_secs(10);

/// Waits with full jitter that grow with each failure in a row.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
    drawn: u64,
    dice: RandomState,
}

impl Backoff {
    /// The wait after an attempt that began then.
    pub fn after(&mut self, began: Instant) -> Duration {
        if began.elapsed() >= GOOD_AFTER {
            self.failures = 0;
        }
        let wait = wait(self.failures, self.draw());
        self.failures = self.failures.saturating_add(1);
        wait
    }

    /// Anything between half of this time and all of it.
    pub fn about(&mut self, time: Duration) -> Duration {
        let half = time / 2;
        half + jittered(half, self.draw())
    }

    fn draw(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        self.dice.hash_one(self.drawn)
    }
}

/// Full jitter: anything between nothing and a bound that doubles with each failure up to the cap.
fn wait(failures: u32, random: u64) -> Duration {
    let doubled = FIRST.saturating_mul(1_u32.checked_shl(failures.min(16)).unwrap_or(1));
    jittered(doubled.min(CAP), random)
}

fn jittered(bound: Duration, random: u64) -> Duration {
    let bound = u64::try_from(bound.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(random % bound.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_cap_and_are_spread_from_zero() {
        assert_eq!(wait(0, 0), Duration::ZERO);
        for failures in [0, 1, 5, 6, 7, 40, u32::MAX] {
            for random in [1, 12_345_678_901, u64::MAX] {
                assert!(wait(failures, random) < CAP);
            }
        }
        assert!(wait(0, u64::MAX) < FIRST);
        let highest = (0..1_000).map(|i| wait(9, i * 4_999_999 / 999)).max();
        assert!(highest.unwrap() > CAP * 9 / 10, "{highest:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_held_long_starts_the_waits_anew() {
        let mut backoff = Backoff::default();
        for _ in 0..10 {
            backoff.after(Instant::now());
        }
        let began = Instant::now();
        tokio::time::sleep(GOOD_AFTER).await;
        assert!(backoff.after(began) < FIRST);
        assert_eq!(backoff.failures, 1);
        let time = Duration::from_secs(4);
        for _ in 0..100 {
            let about = backoff.about(time);
            assert!(about >= time / 2 && about < time);
        }
    }
}
