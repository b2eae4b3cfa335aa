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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::{FutureExt, StreamExt};
    use watchkeeper_core::cache::{Found, Notice, Presence, Publish, Published, ReportCache, Then};
    use watchkeeper_core::id::{AttemptId, GroupId, PodId};
    use watchkeeper_core::lease::{Acquire, Acquired, LeaseRef, LeaseStore, Token};
    use watchkeeper_testkit::clock::ManualClock;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The answer of a call that must not need a second poll.
    fn at_once<T>(call: impl Future<Output = T>) -> T {
        call.now_or_never()
            .expect("the call did not end at its first poll")
    }

    fn store() -> (Arc<ManualClock>, MemoryStore) {
        let clock = Arc::new(ManualClock::new());
        (clock.clone(), MemoryStore::new(clock))
    }

    fn acquire(store: &MemoryStore, group: &str, attempt: u64) -> (LeaseRef, Token) {
        let request = Acquire {
            group: GroupId::new(group).unwrap(),
            pod: PodId::new("a").unwrap(),
            attempt: AttemptId(attempt),
            ttl: SECOND,
            floor: Token::ZERO,
            take: None,
        };
        let Acquired::Held { token } = at_once(store.acquire(&request)).unwrap() else {
            panic!("the lease was not granted");
        };
        let Acquire { group, pod, .. } = request;
        (LeaseRef { group, pod, token }, token)
    }

    fn publish(store: &MemoryStore, lease: LeaseRef) -> Published {
        at_once(store.publish(&Publish {
            lease,
            edition: 1,
            value: b"found".as_slice().into(),
            retain: 60 * SECOND,
            then: Then::Release,
            companion: None,
        }))
        .unwrap()
    }

    #[test]
    fn everything_is_forgotten_in_its_time() {
        let (clock, store) = store();
        for i in 0..100 {
            let (lease, _) = acquire(&store, &format!("g-{i}"), 1);
            publish(&store, lease);
            let presence = Presence {
                pod: PodId::new(format!("pod-{i}")).unwrap(),
                info: b"".as_slice().into(),
                ttl: SECOND,
            };
            at_once(store.announce(&presence)).unwrap();
        }
        let group = GroupId::new("g-1").unwrap();
        let found = |store: &MemoryStore| at_once(store.read(&group, Token::ZERO)).unwrap().found;
        assert!(matches!(found(&store), Found::Report(_)));
        clock.advance(60 * SECOND);
        assert_eq!(found(&store), Found::Nothing);
        assert_eq!(store.with(|state, _| state.sizes()), (100, 0));
        clock.advance(8 * 24 * 3_600 * SECOND);
        assert_eq!(found(&store), Found::Nothing);
        assert_eq!(store.with(|state, _| state.sizes()), (1, 0));
    }

    #[test]
    fn a_watcher_that_falls_behind_is_told_to_read_again() {
        let (_, store) = store();
        let mut notices = store.watch();
        assert_eq!(at_once(notices.next()), Some(Notice::Resumed));
        for attempt in 0..1_000 {
            let (lease, _) = acquire(&store, "g-1", attempt);
            at_once(store.release(&lease)).unwrap();
        }
        assert_eq!(at_once(notices.next()), Some(Notice::Resumed));
        assert!(matches!(
            at_once(notices.next()),
            Some(Notice::Released { .. })
        ));
    }

    #[test]
    fn a_wall_clock_set_back_a_week_stops_neither_tokens_nor_reports() {
        let (clock, store) = store();
        let (lease, before) = acquire(&store, "g-1", 1);
        assert_eq!(publish(&store, lease), Published::Done);
        let group = GroupId::new("g-1").unwrap();
        clock.jump_wall(-7 * 24 * 3_600 * 1_000_000);
        let read = at_once(store.read(&group, before)).unwrap();
        assert!(read.fence < before);
        assert!(matches!(read.found, Found::Garbage { .. }));
        let (lease, after) = acquire(&store, "g-1", 2);
        assert!(after < before, "an impossible token was counted on from");
        assert_eq!(publish(&store, lease), Published::Done);
        let read = at_once(store.read(&group, after)).unwrap();
        assert!(matches!(read.found, Found::Report(stored) if stored.token == after));
    }

    #[test]
    fn a_wall_clock_set_back_an_hour_lowers_no_token() {
        let (clock, store) = store();
        let (_, before) = acquire(&store, "g-1", 1);
        clock.jump_wall(-3_600 * 1_000_000);
        let (_, after) = acquire(&store, "g-1", 2);
        assert_eq!(after, Token(before.0 + 1));
    }
}
