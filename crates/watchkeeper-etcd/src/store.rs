//! The store object: keys, one connection for operations, the watch, and what this handle remembers.

use std::fmt;
use std::sync::Arc;

use etcd_client::Client;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use watchkeeper_core::cache::Notices;
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
use watchkeeper_core::id::{FleetName, GroupId, PodId};
use watchkeeper_core::time::{Clock, Moment};
use watchkeeper_remote::{Feed, Foreign};

use crate::chores::Chores;
use crate::error::Failure;
use crate::feed::Watch;
use crate::link::Link;
use crate::memory::Memory;
use crate::options::EtcdOptions;
use crate::presence::Fleet;
use crate::term::Term;
use crate::view::GroupKeys;

/// The names under which a fleet's things lie.
pub(crate) struct Keys {
    prefix: String,
}

impl Keys {
    fn new(fleet: &FleetName) -> Self {
        Self {
            prefix: format!("watchkeeper/{fleet}/"),
        }
    }

    pub(crate) fn group(&self, group: &GroupId) -> GroupKeys {
        let prefix = &self.prefix;
        GroupKeys {
            lock: format!("{prefix}lock/{group}"),
            token: format!("{prefix}token/{group}"),
            report: format!("{prefix}report/{group}"),
        }
    }

    /// The place of a lock that belongs to no group: its name is empty.
    pub(crate) fn nobodys_lock(&self) -> String {
        format!("{}lock/", self.prefix)
    }

    /// What the keys of all pods begin with.
    pub(crate) fn pods(&self) -> String {
        format!("{}pods/", self.prefix)
    }

    pub(crate) fn pod(&self, pod: &PodId) -> String {
        format!("{}pods/{pod}", self.prefix)
    }
}

/// One fleet's leases, reports and presence in etcd.
///
/// [`watchkeeper_core::lease::Guarantee::Linearizable`]: what a majority acknowledged is never lost. The crate's own
/// documentation says how time is told, and when a lease can end early.
pub struct EtcdStore {
    pub(crate) keys: Keys,
    link: Arc<Link>,
    feed: Feed,
    pub(crate) memory: Memory,
    pub(crate) fleet: Fleet,
    pub(crate) foreign: Foreign,
    pub(crate) chores: Chores,
    clock: Arc<dyn Clock>,
}

impl EtcdStore {
    /// A store that connects when it is first asked for something; no server need be there yet. Dropping it ends its
    /// tasks and connections. `clock` is this pod's own: ages count on it from when something was first seen.
    ///
    /// Has to be called within a tokio runtime, on which the watch and the giving back of leases run.
    ///
    /// # Errors
    /// Of kind `Config`, where the options cannot work whatever the servers do.
    pub fn connect(options: &EtcdOptions, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let Ok(runtime) = Handle::try_current() else {
            return Err(StoreError::refused(
                StoreErrorKind::Config,
                StoreOp::Connect,
                "the etcd store has to be built within a tokio runtime",
            ));
        };
        let keys = Keys::new(&options.fleet);
        let up = Arc::new(Notify::new());
        let link = Arc::new(Link::new(options, up.clone())?);
        Ok(Self {
            feed: Feed::new(up, runtime.clone()),
            chores: Chores::new(link.clone(), &runtime),
            link,
            keys,
            memory: Memory::default(),
            fleet: Fleet::default(),
            foreign: Foreign::default(),
            clock,
        })
    }

    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Change notices from now on.
    pub(crate) fn notices(&self) -> Notices {
        self.feed
            .watch(|| Watch::new(Arc::clone(&self.link), &self.keys.prefix))
    }

    /// Keeps a lease that nothing hangs on for the next that needs one, or gives it back.
    pub(crate) fn spare(&self, term: Term) {
        if let Some(needless) = self.memory.put_spare(term) {
            self.chores.give_back(needless);
        }
    }

    /// Runs one operation within the time limit.
    pub(crate) async fn run<T, F, Fut>(&self, op: StoreOp, work: F) -> Result<T, StoreError>
    where
        F: FnOnce(Client) -> Fut + Send,
        Fut: Future<Output = Result<T, Failure>> + Send,
        T: Send,
    {
        self.link.run(op, work).await
    }
}

impl fmt::Debug for EtcdStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdStore")
            .field("prefix", &self.keys.prefix)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleets_keys_lie_below_its_name() {
        let keys = Keys::new(&FleetName::new("prod").unwrap());
        let group = keys.group(&GroupId::new("all-1").unwrap());
        assert_eq!(group.lock, "watchkeeper/prod/lock/all-1");
        assert_eq!(group.token, "watchkeeper/prod/token/all-1");
        assert_eq!(group.report, "watchkeeper/prod/report/all-1");
        assert_eq!(
            keys.pod(&PodId::new("a").unwrap()),
            "watchkeeper/prod/pods/a"
        );
        assert_eq!(keys.pods(), "watchkeeper/prod/pods/");
        assert_eq!(keys.nobodys_lock(), "watchkeeper/prod/lock/");
    }
}
