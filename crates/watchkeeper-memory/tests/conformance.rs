//! The suite that every backend passes, on a clock that moves only when told to.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use watchkeeper_core::cache::Store;
use watchkeeper_core::id::GroupId;
use watchkeeper_memory::{Corruption, MemoryStore};
use watchkeeper_testkit::clock::ManualClock;
use watchkeeper_testkit::conformance::{Harness, Place, Shape};
use watchkeeper_testkit::faults::Faulty;

struct Memory {
    clock: Arc<ManualClock>,
    store: Arc<MemoryStore>,
    wrapped: bool,
}

async fn bare() -> Memory {
    let clock = Arc::new(ManualClock::new());
    Memory {
        store: Arc::new(MemoryStore::new(clock.clone())),
        clock,
        wrapped: false,
    }
}

async fn wrapped() -> Memory {
    let mut memory = bare().await;
    memory.wrapped = true;
    memory
}

#[async_trait]
impl Harness for Memory {
    async fn store(&self) -> Arc<dyn Store> {
        if self.wrapped {
            return Arc::new(Faulty::new(self.store.clone()));
        }
        self.store.clone()
    }

    async fn elapse(&self, by: Duration) {
        self.clock.advance(by);
    }

    async fn wipe(&self) {
        self.store.wipe();
    }

    async fn make_endless(&self, group: &GroupId) {
        self.store.corrupt(group, Corruption::EndlessLock);
    }

    async fn plant(&self, group: &GroupId, place: Place, shape: Shape) -> bool {
        let bytes = match shape {
            Shape::Text => b"foreign".to_vec(),
            Shape::OtherText => b"foreign too".to_vec(),
            Shape::Binary => vec![0, 255, 128, 10],
            Shape::Empty => Vec::new(),
            Shape::Huge => vec![b'x'; 9 * 1024 * 1024],
            Shape::Impossible if place == Place::Token => {
                self.store.corrupt(group, Corruption::Token(u64::MAX));
                return true;
            }
            _ => return false,
        };
        match place {
            Place::Lock => self.store.corrupt(group, Corruption::Lock(bytes)),
            Place::Report => self.store.corrupt(group, Corruption::Report(bytes)),
            Place::Token | Place::Presence => return false,
        }
        true
    }
}

mod memory {
    watchkeeper_testkit::conformance_tests!(super::bare);
}

mod memory_through_a_wrapper {
    watchkeeper_testkit::conformance_tests!(super::wrapped);
}
