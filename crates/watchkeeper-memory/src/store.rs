//! The store object: a clock, a mutex, a broadcast.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use watchkeeper_core::time::Clock;

use crate::feed::Feed;
use crate::state::{State, StoreTime};

/// The largest report taken: the limit of the Redis backend, so that what fits here fits there.
pub const MAX_REPORT_BYTES: usize = 8 * 1024 * 1024;

/// One fleet's leases, reports and presence in memory. Pods share it through an `Arc`.
///
/// [`watchkeeper_core::lease::Guarantee::Linearizable`] within its process; nothing survives the process.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    pub(crate) feed: Feed,
}

impl MemoryStore {
    /// An empty store. `clock` is the store's own time: its steady time judges leases and ages, its wall clock is the
    /// floor of the tokens.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: Mutex::default(),
            feed: Feed::new(),
        }
    }

    /// Forgets everything, as a server does that comes back without its data. For tests and simulations.
    pub fn wipe(&self) {
        self.with(|state, _| *state = State::default());
    }

    /// Runs one step on the whole state at one moment of the store's time.
    pub(crate) fn with<T>(&self, step: impl FnOnce(&mut State, StoreTime) -> T) -> T {
        // A panic cannot leave a step half done: none of them panics after its first change.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let time = StoreTime {
            now: self.clock.now(),
            micros: u64::try_from(self.clock.unix().0)
                .unwrap_or(0)
                .saturating_mul(1_000),
        };
        step(&mut state, time)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}
