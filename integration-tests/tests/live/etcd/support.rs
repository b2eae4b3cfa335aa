//! What the tests of the etcd backend share.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime};

use watchkeeper_core::id::FleetName;
use watchkeeper_core::time::{Clock, Moment, UnixMillis};
use watchkeeper_etcd::{EtcdOptions, EtcdStore};

use crate::support::fresh_fleet;

/// This machine's clocks.
struct RealClock;

impl Clock for RealClock {
    fn now(&self) -> Moment {
        static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
        Moment::ZERO + ORIGIN.elapsed()
    }

    fn unix(&self) -> UnixMillis {
        let since = SystemTime::UNIX_EPOCH.elapsed().unwrap();
        UnixMillis(i64::try_from(since.as_millis()).unwrap())
    }
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(RealClock)
}

/// A fleet of its own on that server.
pub(crate) fn options(endpoint: &str) -> EtcdOptions {
    options_of(fresh_fleet(), endpoint)
}

pub(crate) fn options_of(fleet: FleetName, endpoint: &str) -> EtcdOptions {
    let mut options = EtcdOptions::new(fleet, vec![endpoint.to_owned()]);
    // Longer than the default: these tests share a busy machine, and few are about time.
    options.timeout = Duration::from_secs(5);
    options
}

pub(crate) fn store(options: &EtcdOptions) -> EtcdStore {
    EtcdStore::connect(options, clock()).unwrap()
}
