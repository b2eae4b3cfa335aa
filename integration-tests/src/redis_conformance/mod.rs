//! The suite that every backend passes, for Redis wherever it is: what a test of the suite needs of one [`Site`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use watchkeeper_core::cache::Store;
use watchkeeper_core::id::{FleetName, GroupId};
use watchkeeper_redis::{CompanionOptions, RedisOptions, RedisStore};
use watchkeeper_testkit::conformance::{Harness, Place, Shape};
use watchkeeper_testkit::faults::Faulty;

use crate::shared::{Kept, Server};

mod planting;
mod sites;

pub use sites::{Guarded, Sharded, Watched};

/// Servers that tests share, each test with a fleet of its own.
#[async_trait]
pub trait Site: Send + Sync + 'static {
    /// Prepares the servers for a fleet that is new to them.
    async fn admit(&self, _fleet: &FleetName) {}

    /// How the fleet's pods get in.
    fn options(&self, fleet: FleetName) -> RedisOptions;

    /// A connection of the test's own, which may do everything, to the server that takes writes of `key`.
    async fn connect(&self, key: &str) -> MultiplexedConnection;
}

#[async_trait]
impl<T: Server + Site> Site for Kept<T> {
    async fn admit(&self, fleet: &FleetName) {
        T::admit(self, fleet).await;
    }

    fn options(&self, fleet: FleetName) -> RedisOptions {
        T::options(self, fleet)
    }

    async fn connect(&self, key: &str) -> MultiplexedConnection {
        T::connect(self, key).await
    }
}

/// One test's place at a site.
pub struct Redis {
    site: Arc<dyn Site>,
    fleet: FleetName,
    wrapped: bool,
    companions: bool,
}

impl Redis {
    /// For a fleet of its own.
    pub async fn at(site: Arc<dyn Site>) -> Self {
        let fleet = fresh_fleet();
        site.admit(&fleet).await;
        Self {
            site,
            fleet,
            wrapped: false,
            companions: false,
        }
    }

    /// The same through the testkit's wrapper, which does nothing.
    #[must_use]
    pub fn wrapped(mut self) -> Self {
        self.wrapped = true;
        self
    }

    /// The same with companions, which stand outside the fleet's namespace.
    #[must_use]
    pub fn with_companions(mut self) -> Self {
        self.companions = true;
        self
    }

    fn prefix(&self) -> String {
        format!("watchkeeper:{{{}}}:", self.fleet)
    }

    fn key(&self, group: &GroupId, place: Place) -> String {
        let prefix = self.prefix();
        match place {
            Place::Lock => format!("{prefix}lock:{group}"),
            Place::Token => format!("{prefix}token:{group}"),
            Place::Report => format!("{prefix}report:{group}"),
            Place::Presence => format!("{prefix}pods"),
        }
    }
}

/// A name that no other test of this or another run has.
///
/// # Panics
/// Never: the name is a good one.
#[must_use]
pub fn fresh_fleet() -> FleetName {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    FleetName::new(format!("t-{}-{next}", std::process::id())).unwrap()
}

/// Companions that no other test has.
#[must_use]
pub fn companions(fleet: &FleetName) -> CompanionOptions {
    CompanionOptions {
        lock: format!("{fleet}:health_check_lock"),
        report: format!("{fleet}:health_check_results"),
        claim: format!("{fleet}:claim"),
        claim_ttl: Duration::from_secs(60),
        required: true,
    }
}

#[async_trait]
impl Harness for Redis {
    async fn store(&self) -> Arc<dyn Store> {
        let mut options = self.site.options(self.fleet.clone());
        // The suite runs many tests at once on a busy machine; none is about this limit.
        options.timeout = Duration::from_secs(5);
        options.companions = self.companions.then(|| companions(&self.fleet));
        let store: Arc<dyn Store> = Arc::new(RedisStore::connect(options).unwrap());
        if self.wrapped {
            return Arc::new(Faulty::new(store));
        }
        store
    }

    async fn elapse(&self, by: Duration) {
        // The server's clock is nobody's to move: this much time has to pass.
        tokio::time::sleep(by).await;
    }

    async fn wipe(&self) {
        let prefix = self.prefix();
        let mut connection = self.site.connect(&prefix).await;
        let keys: Vec<String> = redis::cmd("KEYS")
            .arg(format!("{prefix}*"))
            .query_async(&mut connection)
            .await
            .unwrap();
        if !keys.is_empty() {
            let () = redis::cmd("DEL")
                .arg(keys)
                .query_async(&mut connection)
                .await
                .unwrap();
        }
    }

    async fn make_endless(&self, group: &GroupId) {
        let key = self.key(group, Place::Lock);
        let mut connection = self.site.connect(&key).await;
        let changed: i64 = redis::cmd("PERSIST")
            .arg(key)
            .query_async(&mut connection)
            .await
            .unwrap();
        assert_eq!(changed, 1, "there was no lock");
    }

    async fn plant(&self, group: &GroupId, place: Place, shape: Shape) -> bool {
        let key = self.key(group, place);
        let Some(commands) = planting::planting(&key, place, shape) else {
            return false;
        };
        let mut pipe = redis::pipe();
        pipe.atomic().cmd("DEL").arg(&key).ignore();
        for command in commands {
            pipe.add_command(command).ignore();
        }
        let () = pipe
            .query_async(&mut self.site.connect(&key).await)
            .await
            .unwrap();
        true
    }
}
