//! The real clock: the only place that reads one.

use rustix::time::{ClockId, clock_gettime};
use watchkeeper_core::time::{Clock, Moment, UnixMillis};

/// Boottime and wall clock of this machine. Boottime counts suspended time, so that a pod that slept knows it.
#[derive(Clone, Copy, Debug, Default)]
pub struct BootClock;

impl Clock for BootClock {
    fn now(&self) -> Moment {
        let t = clock_gettime(ClockId::Boottime);
        Moment::from_micros(
            t.tv_sec
                .saturating_mul(1_000_000)
                .saturating_add(t.tv_nsec / 1_000),
        )
    }

    fn unix(&self) -> UnixMillis {
        let t = clock_gettime(ClockId::Realtime);
        UnixMillis(
            t.tv_sec
                .saturating_mul(1_000)
                .saturating_add(t.tv_nsec / 1_000_000),
        )
    }
}
