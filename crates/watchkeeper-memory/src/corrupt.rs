//! What other writers and broken clocks may leave behind in a store, for tests and simulations.

use watchkeeper_core::id::GroupId;
use watchkeeper_core::lease::Token;
use watchkeeper_core::time::Moment;

use crate::MemoryStore;
use crate::state::{Kept, Lock, LockValue, ReportValue};

/// Damage done to one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Corruption {
    /// Foreign bytes without an end in the lock's place.
    Lock(Vec<u8>),
    /// The standing lock loses its end. Does nothing where none stands.
    EndlessLock,
    /// Foreign bytes in the report's place.
    Report(Vec<u8>),
    /// This number in the stored token's place.
    Token(u64),
}

impl MemoryStore {
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
                Corruption::Token(token) => {
                    group.token = Token(token);
                    group.token_ends = never;
                }
            }
        });
    }
}
