//! A clock that moves only when told to.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use watchkeeper_core::time::{Clock, Moment, UnixMillis};

/// 2026-01-01T00:00:00Z, so that tokens made from it look like those of a real store.
const START_UNIX_MILLIS: i64 = 1_767_225_600_000;

/// A [`Clock`] in the hands of a test. Steady time starts at an hour, wall time at the start of 2026.
#[derive(Debug)]
pub struct ManualClock {
    steady_micros: AtomicI64,
    wall_micros: AtomicI64,
}

impl ManualClock {
    /// A clock at its start.
    #[must_use]
    pub fn new() -> Self {
        Self {
            steady_micros: AtomicI64::new(3_600_000_000),
            wall_micros: AtomicI64::new(START_UNIX_MILLIS * 1_000),
        }
    }

    /// Lets time pass, on both clocks.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.steady_micros.fetch_add(micros, Ordering::SeqCst);
        self.wall_micros.fetch_add(micros, Ordering::SeqCst);
    }

    /// Sets both clocks forward or back: the time of a server that has no other than its wall clock.
    pub fn jump(&self, micros: i64) {
        self.steady_micros.fetch_add(micros, Ordering::SeqCst);
        self.jump_wall(micros);
    }

    /// Sets the wall clock forward or back, as a correction of the time does; the steady clock goes on.
    pub fn jump_wall(&self, micros: i64) {
        self.wall_micros.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Moment {
        Moment::from_micros(self.steady_micros.load(Ordering::SeqCst))
    }

    fn unix(&self) -> UnixMillis {
        UnixMillis(self.wall_micros.load(Ordering::SeqCst).div_euclid(1_000))
    }
}
