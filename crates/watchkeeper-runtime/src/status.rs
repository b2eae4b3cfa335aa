//! Holds the latest picture, for everybody who asks.

use std::sync::Arc;

use arc_swap::ArcSwap;
use watchkeeper_core::status::{Snapshot, StatusSource};
use watchkeeper_core::time::{Clock, Moment, UnixMillis};

/// The latest picture. The driver replaces it; readers never wait.
pub struct StatusHub {
    latest: ArcSwap<Snapshot>,
    clock: Arc<dyn Clock>,
}

impl StatusHub {
    pub(crate) fn new(first: Snapshot, clock: Arc<dyn Clock>) -> Self {
        Self {
            latest: ArcSwap::from_pointee(first),
            clock,
        }
    }

    pub(crate) fn replace(&self, snapshot: Snapshot) {
        self.latest.store(Arc::new(snapshot));
    }
}

impl StatusSource for StatusHub {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.latest.load_full()
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }

    fn unix(&self) -> UnixMillis {
        self.clock.unix()
    }
}
