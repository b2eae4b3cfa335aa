//! What the tests of the etcd backend share.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime};

use etcd_client::{Client, KeyValue};
use watchkeeper_core::cache::{Found, ReportCache, Stored};
use watchkeeper_core::id::FleetName;
use watchkeeper_core::lease::{Acquired, LeaseRef, LeaseStore, Token};
use watchkeeper_core::time::{Clock, Moment, UnixMillis};
use watchkeeper_etcd::{EtcdOptions, EtcdStore};

use crate::support::{fresh_fleet, group, publish, request};

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

/// How a fleet comes to that server.
pub(crate) fn options_of(fleet: FleetName, endpoint: &str) -> EtcdOptions {
    let mut options = EtcdOptions::new(fleet, vec![endpoint.to_owned()]);
    // Longer than the default: these tests share a busy machine, and few are about time.
    options.timeout = Duration::from_secs(5);
    options
}

/// A handle as one more pod would have it.
pub(crate) fn store(options: &EtcdOptions) -> EtcdStore {
    EtcdStore::connect(options, clock()).unwrap()
}

/// One fleet on one server, with the test's own client beside it.
pub(crate) struct Stand {
    pub(crate) fleet: FleetName,
    pub(crate) client: Client,
    endpoint: String,
}

impl Stand {
    /// On that server.
    pub(crate) async fn at(endpoint: &str) -> Self {
        Self {
            fleet: fresh_fleet(),
            client: Client::connect([endpoint], None).await.unwrap(),
            endpoint: endpoint.to_owned(),
        }
    }

    pub(crate) fn store(&self) -> EtcdStore {
        store(&options_of(self.fleet.clone(), &self.endpoint))
    }

    /// The key of the group's lock, token or report.
    pub(crate) fn key(&self, place: &str) -> String {
        format!("watchkeeper/{}/{place}/{}", self.fleet, group())
    }

    /// What stands there.
    pub(crate) async fn get(&self, place: &str) -> Option<KeyValue> {
        let mut kv = self.client.kv_client();
        let mut found = kv.get(self.key(place), None).await.unwrap();
        found.take_kvs().pop()
    }

    /// Ends the lease that it hangs on, behind everybody's back.
    pub(crate) async fn revoke(&self, place: &str) {
        let lease = self.get(place).await.unwrap().lease();
        self.client.lease_client().revoke(lease).await.unwrap();
    }

    /// How many seconds the lease lasts each time that it hangs on.
    pub(crate) async fn lasts(&self, place: &str) -> i64 {
        let lease = self.get(place).await.unwrap().lease();
        let left = self.client.lease_client().time_to_live(lease, None).await;
        left.unwrap().granted_ttl()
    }
}

/// The lease under a new token; it must be to be had.
pub(crate) async fn win(store: &EtcdStore, pod: &str, attempt: u64) -> Token {
    match store.acquire(&request(pod, attempt)).await.unwrap() {
        Acquired::Held { token } => token,
        Acquired::Busy(busy) => panic!("expected the lease, found {busy:?}"),
    }
}

/// The lease as its holder names it.
pub(crate) fn lease(pod: &str, token: Token) -> LeaseRef {
    publish(pod, token, b"").lease
}

/// The report that stands there; one must.
pub(crate) async fn report(store: &EtcdStore) -> Stored {
    let read = store.read(&group(), Token::ZERO).await.unwrap();
    match read.found {
        Found::Report(stored) => stored,
        other => panic!("expected a report, found {other:?}"),
    }
}
