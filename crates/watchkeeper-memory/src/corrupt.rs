//! What other writers and broken clocks may leave behind in a store, for tests and simulations.

use std::time::Duration;

use watchkeeper_core::id::GroupId;
use watchkeeper_core::lease::Token;
use watchkeeper_core::time::Moment;

use crate::MemoryStore;
use crate::state::{Kept, Lock, LockValue, ReportValue, State};

/// Damage done to one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Corruption {
    /// Foreign bytes without an end in the lock's place.
    Lock(Vec<u8>),
    /// The standing lock loses its end. Does nothing where none stands.
    EndlessLock,
    /// Foreign bytes in the report's place.
    Report(Vec<u8>),
    /// These bytes in the standing report's place, under its own token. Does nothing where none stands.
    Content(Vec<u8>),
    /// This number in the stored token's place.
    Token(u64),
}

/// Everything that a store held at a moment.
#[derive(Clone)]
pub struct Saved(State);

impl MemoryStore {
    /// What it holds now.
    #[must_use]
    pub fn save(&self) -> Saved {
        self.with(|state, _| Saved(state.clone()))
    }

    /// Goes back to what it held then, as a fleet sees it when a replica takes over that missed the last writes. For
    /// tests and simulations.
    pub fn restore(&self, saved: Saved) {
        self.with(|state, _| *state = saved.0);
    }

    /// Does the damage, past every guard. For tests and simulations.
    pub fn corrupt(&self, group: &GroupId, damage: Corruption) {
        let never = Moment::from_micros(i64::MAX);
        self.with(|state, time| {
            let group = state.group(group, time.now);
            match damage {
                Corruption::Lock(bytes) => {
                    group.lock = Some(Lock {
                        value: LockValue::Foreign(bytes),
                        ends: None,
                        ttl: Duration::ZERO,
                    });
                }
                Corruption::EndlessLock => {
                    if let Some(lock) = &mut group.lock {
                        lock.ends = None;
                    }
                }
                Corruption::Report(bytes) => {
                    group.report = Some(Kept {
                        value: ReportValue::Foreign(bytes),
                        ends: never,
                    });
                }
                Corruption::Content(forged) => {
                    if let Some(Kept {
                        value: ReportValue::Report { bytes, .. },
                        ..
                    }) = &mut group.report
                    {
                        *bytes = forged.into();
                    }
                }
                Corruption::Token(token) => {
                    group.token = Token(token);
                    group.token_ends = never;
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt;
    use watchkeeper_core::id::{AttemptId, PodId};
    use watchkeeper_core::lease::{Acquire, Acquired, LeaseStore};
    use watchkeeper_testkit::clock::ManualClock;

    use super::*;

    fn ask(store: &MemoryStore, pod: &str, take: Option<&Acquired>) -> Acquired {
        let request = Acquire {
            group: GroupId::new("g").unwrap(),
            pod: PodId::new(pod).unwrap(),
            attempt: AttemptId(1),
            ttl: Duration::from_secs(10),
            floor: Token::ZERO,
            take: match take {
                Some(Acquired::Busy(busy)) => Some(busy.marker.clone()),
                _ => None,
            },
        };
        store.acquire(&request).now_or_never().unwrap().unwrap()
    }

    #[test]
    fn what_was_written_since_it_was_saved_is_gone_and_tokens_rise_all_the_same() {
        let clock = Arc::new(ManualClock::new());
        let store = MemoryStore::new(clock.clone());
        let saved = store.save();
        let Acquired::Held { token: lost } = ask(&store, "a", None) else {
            panic!("not granted");
        };
        clock.advance(Duration::from_millis(1));
        store.restore(saved);
        assert!(matches!(ask(&store, "b", None), Acquired::Held { token } if token > lost));
    }

    #[test]
    fn a_lease_whose_end_was_moved_off_by_a_clock_that_went_back_can_be_taken() {
        let clock = Arc::new(ManualClock::new());
        let store = MemoryStore::new(clock.clone());
        assert!(matches!(ask(&store, "a", None), Acquired::Held { .. }));
        clock.jump(-3_600_000_000);
        let seen = ask(&store, "b", None);
        let Acquired::Busy(busy) = &seen else {
            panic!("granted at once");
        };
        assert_eq!(busy.remaining, None);
        assert!(matches!(
            ask(&store, "b", Some(&seen)),
            Acquired::Held { .. }
        ));
    }
}
