//! The store object: keys, scripts, one connection for operations and one for notices.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;
use watchkeeper_core::cache::Notices;
use watchkeeper_core::companion::CompanionState;
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
use watchkeeper_core::id::{FleetName, GroupId};
use watchkeeper_remote::{Feed, Foreign, config};

use crate::check::Check;
use crate::companion::Companions;
use crate::feed::Channel;
use crate::link::{Link, Refused};
use crate::locate::{self, Locator};
use crate::options::{RedisOptions, Topology};
use crate::reply::Reply;
use crate::scripts::{Script, Scripts};

/// A group that nobody asks about loses its token after this long, so that abandoned groups vanish. Longer than any
/// pause after which a pod may still believe in its token; the server's time lifts the next one above it anyway.
pub(crate) const TOKEN_KEEP: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The names under which a fleet's things lie. The hash tag keeps them in one cluster slot, as scripts need.
pub(crate) struct Keys {
    pub(crate) prefix: String,
    pub(crate) pods: String,
    pub(crate) events: String,
}

pub(crate) struct GroupKeys {
    pub(crate) lock: String,
    pub(crate) token: String,
    pub(crate) report: String,
}

impl Keys {
    pub(crate) fn new(fleet: &FleetName) -> Self {
        let prefix = format!("watchkeeper:{{{fleet}}}:");
        Self {
            pods: format!("{prefix}pods"),
            events: format!("{prefix}events"),
            prefix,
        }
    }

    pub(crate) fn lock(&self, group: &GroupId) -> String {
        format!("{}lock:{group}", self.prefix)
    }

    pub(crate) fn group(&self, group: &GroupId) -> GroupKeys {
        GroupKeys {
            lock: self.lock(group),
            token: format!("{}token:{group}", self.prefix),
            report: format!("{}report:{group}", self.prefix),
        }
    }
}

/// A time as the server takes it: whole milliseconds, at least one, and far below its limit.
pub(crate) fn millis(time: Duration) -> String {
    const LONGEST: u128 = 100 * 365 * 24 * 60 * 60 * 1000;
    time.as_millis().clamp(1, LONGEST).to_string()
}

/// One fleet's leases, reports and presence on a Redis or Valkey server.
///
/// [`watchkeeper_core::lease::Guarantee::SinglePrimary`]: a failover or a loss of data may forget the last
/// acknowledged writes; tokens still rise, since the server's time is their floor.
pub struct RedisStore {
    pub(crate) keys: Keys,
    pub(crate) scripts: Scripts,
    link: Link,
    feed: Feed,
    locator: Arc<Locator>,
    pub(crate) foreign: Foreign,
    companions: Option<Arc<Companions>>,
    address: String,
    /// Listens to the sentinels, where there are any; ends with this.
    _switches: Option<AbortOnDropHandle<()>>,
}

impl RedisStore {
    /// A store that connects when it is first asked for something; no server need be there yet. Dropping it ends its
    /// tasks and connections.
    ///
    /// Has to be called within a tokio runtime, on which the subscription's task runs.
    ///
    /// # Errors
    /// Of kind `Config`, where the options cannot work whatever the server does.
    pub fn connect(options: RedisOptions) -> Result<Self, StoreError> {
        options.validate()?;
        let Ok(runtime) = Handle::try_current() else {
            return Err(config(
                "the redis store has to be built within a tokio runtime",
            ));
        };
        let keys = Keys::new(&options.fleet);
        let companions = options
            .companions
            .clone()
            .map(|keys| Arc::new(Companions::new(keys, options.fleet.clone())));
        let check = Check::new(&options, &keys, companions.clone());
        let locator = Arc::new(Locator::new(&options, &keys, check)?);
        let switches = matches!(options.topology, Topology::Sentinel(_)).then(|| {
            let watched = locate::watch_for_switches(locator.clone());
            AbortOnDropHandle::new(runtime.spawn(watched))
        });
        let up = Arc::new(Notify::new());
        Ok(Self {
            scripts: Scripts::new(),
            foreign: Foreign::default(),
            companions,
            link: Link::new(locator.clone(), up.clone()),
            address: options.address(),
            feed: Feed::new(up, runtime),
            locator,
            _switches: switches,
            keys,
        })
    }

    /// The companions, while they are kept.
    pub(crate) fn companions(&self) -> Option<&Companions> {
        self.companions.as_deref().filter(|c| c.are_kept())
    }

    /// What was seen of the companions.
    pub(crate) fn companion_state(&self) -> CompanionState {
        self.companions
            .as_ref()
            .map_or_else(CompanionState::default, |c| c.state().clone())
    }

    /// A group's name as an owner of the companions' place, and how long its claim lasts; empty where none are kept.
    pub(crate) fn claim_of(&self, group: &GroupId) -> (String, String) {
        self.companions()
            .map_or_else(Default::default, |c| (c.owner(group), c.claim_ttl()))
    }

    /// Change notices from now on.
    pub(crate) fn notices(&self) -> Notices {
        self.feed.watch(|| Channel {
            locator: Arc::clone(&self.locator),
            name: self.keys.events.clone(),
        })
    }

    pub(crate) async fn run(
        &self,
        op: StoreOp,
        script: &Script,
        keys: &[&str],
        arguments: &[&[u8]],
    ) -> Result<Reply, StoreError> {
        let value = self
            .link
            .run(&self.address, script, keys, arguments)
            .await
            .map_err(|refused| self.explained(op, refused))?;
        Reply::new(op, value)
    }
}

impl RedisStore {
    /// A missing right may be one that only the companions need, which the check at the next connection's door finds out;
    /// and a server may be a node of a cluster, where their keys cannot lie beside ours. What is found before anything
    /// was sent is told as it is.
    fn explained(&self, op: StoreOp, refused: Refused) -> StoreError {
        let sent = refused.sent;
        let mut error = refused.of(op);
        let refused = matches!(error.kind, StoreErrorKind::Denied | StoreErrorKind::Config);
        if let (true, true, Some(companions)) = (sent, refused, self.companions()) {
            let keys = &companions.keys;
            error.message.push_str(&format!(
                "; wire mode also needs `{}`, `{}` and `{}`, and `litellm.wire = false` does without",
                keys.lock, keys.report, keys.claim
            ));
            if !keys.required && error.kind == StoreErrorKind::Config {
                companions.give_up(&error);
            }
        }
        error
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("address", &self.address)
            .field("prefix", &self.keys.prefix)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_fleet_share_a_hash_tag() {
        let keys = Keys::new(&FleetName::new("prod").unwrap());
        let group = keys.group(&GroupId::new("all-1").unwrap());
        assert_eq!(group.lock, "watchkeeper:{prod}:lock:all-1");
        assert_eq!(group.token, "watchkeeper:{prod}:token:all-1");
        assert_eq!(group.report, "watchkeeper:{prod}:report:all-1");
        assert_eq!(keys.pods, "watchkeeper:{prod}:pods");
        assert_eq!(keys.events, "watchkeeper:{prod}:events");
    }

    #[test]
    fn a_time_is_never_one_that_the_server_refuses() {
        assert_eq!(millis(Duration::from_micros(1)), "1");
        assert_eq!(millis(Duration::from_millis(1_500)), "1500");
        assert!(millis(Duration::MAX).len() < 16);
    }

    #[test]
    fn options_that_cannot_work_are_refused_without_a_panic() {
        let fleet = FleetName::new("prod").unwrap();
        let mut options = RedisOptions::new(fleet, "127.0.0.1", 1);
        let error = RedisStore::connect(options.clone()).unwrap_err();
        assert!(error.message.contains("runtime"), "{error}");
        options.timeout = Duration::ZERO;
        let error = RedisStore::connect(options).unwrap_err();
        assert!(error.message.contains("timeout"), "{error}");
    }
}
