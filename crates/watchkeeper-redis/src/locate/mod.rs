//! Who the primary is now, and one connection to it.
//!
//! The one server, the one that the sentinels name, or the one that has the fleet's slot of a cluster. Each new
//! connection asks anew; nothing is asked on a connection's account while it lasts. Whoever found the primary last is
//! right: connections that lead elsewhere are given up by those who hold them.

mod cluster;
mod sentinel;
mod slots;
mod switch;
mod turns;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use watchkeeper_core::error::StoreError;

use self::cluster::Cluster;
use self::sentinel::Sentinels;
use crate::check::Check;
use crate::dial::{Dialer, Way};
use crate::error::Failure;
use crate::options::{Node, RedisOptions, Topology};
use crate::place::Place;
use crate::store::Keys;

pub(crate) use switch::watch as watch_for_switches;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Scripts: rights are checked first.
    Operations,
    /// The subscription.
    Notices,
}

enum Route {
    /// Always the same server.
    Fixed(Place),
    Sentinel(Sentinels),
    Cluster(Cluster),
}

/// Finds the primary and opens connections to it.
pub(crate) struct Locator {
    pub(crate) dialer: Dialer,
    check: Check,
    route: Route,
    /// Where the last connection was made to.
    primary: Mutex<Option<Place>>,
    /// Whether the last connection for operations passed all doors.
    let_in: AtomicBool,
}

impl Locator {
    pub(crate) fn new(
        options: &RedisOptions,
        keys: &Keys,
        check: Check,
    ) -> Result<Self, StoreError> {
        let route = match &options.topology {
            Topology::Standalone(node) => Route::Fixed(Place::Tcp(node.clone())),
            Topology::Unix { path } => Route::Fixed(Place::Unix(path.clone())),
            Topology::Sentinel(sentinel) => Route::Sentinel(Sentinels::new(sentinel)),
            Topology::Cluster { nodes } => {
                Route::Cluster(Cluster::new(nodes.clone(), keys.prefix.clone()))
            }
        };
        Ok(Self {
            dialer: Dialer::new(options)?,
            check,
            route,
            primary: Mutex::default(),
            let_in: AtomicBool::new(false),
        })
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.dialer.timeout()
    }

    /// A connection to the primary, ready for what it is for; within the time limit.
    pub(crate) async fn open(&self, purpose: Purpose) -> Result<Way, Failure> {
        let way = match &self.route {
            Route::Fixed(place) => self.enter(place, purpose).await,
            Route::Sentinel(sentinels) => sentinels.open(self, purpose).await,
            Route::Cluster(cluster) => cluster.open(self, purpose).await,
        };
        if purpose == Purpose::Operations {
            self.let_in.store(way.is_ok(), Ordering::Relaxed);
        }
        let way = way?;
        *self.primary() = Some(way.peer.place.clone());
        Ok(way)
    }

    /// Whether operations can be done, as far as the last connection for them tells. What keeps them out is told by
    /// them.
    pub(crate) fn lets_operations_in(&self) -> bool {
        self.let_in.load(Ordering::Relaxed)
    }

    /// Whether a connection to this place leads to what was last found to be the primary.
    pub(crate) fn leads_to_primary(&self, place: &Place) -> bool {
        self.primary()
            .as_ref()
            .is_none_or(|primary| primary == place)
    }

    /// Where the primary was last found.
    pub(crate) fn known_primary(&self) -> Option<Place> {
        self.primary().clone()
    }

    /// Somebody who knows says that the primary is there now.
    pub(crate) fn moved(&self, to: Place) {
        *self.primary() = Some(to);
    }

    /// Whether nodes of a cluster may send us to others.
    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self.route, Route::Cluster(_))
    }

    /// A node of the cluster says who may know better.
    pub(crate) fn hint(&self, node: Option<Node>) {
        if let (Route::Cluster(cluster), Some(node)) = (&self.route, node) {
            cluster.hint(node);
        }
    }

    /// The sentinels, where there are any.
    fn sentinels(&self) -> Option<&Sentinels> {
        match &self.route {
            Route::Sentinel(sentinels) => Some(sentinels),
            _ => None,
        }
    }

    /// A connection to this server, ready for what it is for; within the time limit.
    async fn enter(&self, place: &Place, purpose: Purpose) -> Result<Way, Failure> {
        let entered = tokio::time::timeout(self.dialer.limit(), async {
            let way = self.dialer.open(place).await?;
            self.checked(way, purpose).await
        });
        entered
            .await
            .unwrap_or_else(|_| Err(self.dialer.too_slow(place)))
    }

    /// The same connection, after the check that its purpose needs.
    async fn checked(&self, mut way: Way, purpose: Purpose) -> Result<Way, Failure> {
        if purpose == Purpose::Operations {
            self.check.run(&mut way).await?;
        }
        Ok(way)
    }

    fn primary(&self) -> MutexGuard<'_, Option<Place>> {
        lock(&self.primary)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing under these locks can panic half way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
