//! Where the servers are and how to be let in.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use watchkeeper_core::error::StoreError;
use watchkeeper_core::id::FleetName;
use watchkeeper_core::secret::Secret;
use watchkeeper_remote::{TlsOptions, config};

use crate::companion::CompanionOptions;

/// The limit of one operation unless [`RedisOptions::timeout`] says otherwise: the same as redis-rs has.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_millis(500);

/// A server's name or address, and its TCP port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// Name or address; an IPv6 address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl Node {
    /// This server.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Where the servers are. Whatever it is, one primary is spoken to, and replicas are never read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topology {
    /// One server.
    Standalone(Node),
    /// One server behind a unix socket.
    Unix {
        /// The socket's path.
        path: PathBuf,
    },
    /// The primary that the sentinels name, wherever it goes.
    Sentinel(SentinelOptions),
    /// The primary of the fleet's slot in a cluster, wherever it goes.
    Cluster {
        /// Nodes that are asked where everything is; at least one. The others are learned from them.
        nodes: Vec<Node>,
    },
}

/// The sentinels and what they watch over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentinelOptions {
    /// The name under which the sentinels know the primary.
    pub master: String,
    /// The sentinels; at least one.
    pub nodes: Vec<Node>,
    /// The sentinels' own ACL user, if they have one.
    pub username: Option<String>,
    /// The sentinels' own password, if they have one. [`RedisOptions::password`] is the data nodes'.
    pub password: Option<Secret>,
}

/// What a [`crate::RedisStore`] is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisOptions {
    /// The namespace: every key begins with `watchkeeper:{<fleet>}:`.
    pub fleet: FleetName,
    /// Where the servers are.
    pub topology: Topology,
    /// The database, usually 0.
    pub db: u32,
    /// The ACL user; `None` is the server's `default` user.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// Speak TLS.
    pub tls: Option<TlsOptions>,
    /// The limit of one operation, connecting included. Not zero.
    pub timeout: Duration,
    /// The lock and the report that are kept beside ours, if any are.
    pub companions: Option<CompanionOptions>,
}

impl RedisOptions {
    /// One server without password, TLS or another database than 0.
    #[must_use]
    pub fn new(fleet: FleetName, host: impl Into<String>, port: u16) -> Self {
        Self {
            fleet,
            topology: Topology::Standalone(Node::new(host, port)),
            db: 0,
            username: None,
            password: None,
            tls: None,
            timeout: DEFAULT_TIMEOUT,
            companions: None,
        }
    }

    /// Whether these options can work, whatever the servers do.
    ///
    /// # Errors
    /// Of kind `Config`, with what to change.
    pub(crate) fn validate(&self) -> Result<(), StoreError> {
        let no = |why: &str| Err(config(why));
        if self.timeout.is_zero() {
            return no("redis `timeout` is zero: nothing could be answered in time");
        }
        match &self.topology {
            Topology::Unix { .. } if self.tls.is_some() => {
                no("redis is not spoken to by TLS through a unix socket: leave one of the two out")
            }
            Topology::Sentinel(sentinel) if sentinel.master.is_empty() => no(
                "`sentinel.master` of the redis backend is empty: give the name under which the sentinels watch over the primary",
            ),
            Topology::Sentinel(sentinel) if sentinel.nodes.is_empty() => {
                no("`sentinel.nodes` of the redis backend is empty: name the sentinels")
            }
            Topology::Cluster { nodes } if nodes.is_empty() => {
                no("`cluster` of the redis backend is empty: name some of its nodes")
            }
            Topology::Cluster { .. } if self.db != 0 => {
                no("a redis cluster has only database 0: leave `db` out")
            }
            Topology::Cluster { .. } if self.companions.is_some() => no(
                "LiteLLM's keys lie in other slots of a redis cluster than ours, where one step cannot hold both: set `litellm.wire = false`, or use one server or sentinels",
            ),
            _ => Ok(()),
        }
    }

    /// Where the servers are, for people, before it is known which one is spoken to.
    #[must_use]
    pub fn address(&self) -> String {
        match &self.topology {
            Topology::Standalone(node) => node.to_string(),
            Topology::Unix { path } => path.display().to_string(),
            Topology::Sentinel(sentinel) => format!("the primary `{}`", sentinel.master),
            Topology::Cluster { .. } => "the cluster".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use watchkeeper_core::error::StoreErrorKind;

    use super::*;

    fn fleet() -> FleetName {
        FleetName::new("test").unwrap()
    }

    fn sentinels() -> SentinelOptions {
        SentinelOptions {
            master: "mymaster".into(),
            nodes: vec![Node::new("s", 26379)],
            username: None,
            password: None,
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let mut options = RedisOptions::new(fleet(), "host", 1);
        options.password = Some(Secret::new("hunter2"));
        options.topology = Topology::Sentinel(SentinelOptions {
            password: Some(Secret::new("hunter2")),
            ..sentinels()
        });
        options.tls = Some(TlsOptions {
            key: Some(Secret::new("-----BEGIN")),
            ..TlsOptions::default()
        });
        let text = format!("{options:?}");
        assert!(
            !text.contains("hunter2") && !text.contains("BEGIN"),
            "{text}"
        );
    }

    #[test]
    fn options_that_cannot_work_say_which_of_them_to_change() {
        let plain = || RedisOptions::new(fleet(), "h", 1);
        let with = |topology| RedisOptions {
            topology,
            ..plain()
        };
        let cluster = || {
            with(Topology::Cluster {
                nodes: vec![Node::new("h", 1)],
            })
        };
        let nameless = SentinelOptions {
            master: String::new(),
            ..sentinels()
        };
        let lonely = SentinelOptions {
            nodes: Vec::new(),
            ..sentinels()
        };
        let socket = Topology::Unix {
            path: PathBuf::from("/s"),
        };
        let companions = CompanionOptions {
            lock: "l".into(),
            report: "r".into(),
            claim: "c".into(),
            claim_ttl: Duration::from_secs(1),
            required: false,
        };
        for (options, word) in [
            (
                RedisOptions {
                    timeout: Duration::ZERO,
                    ..plain()
                },
                "`timeout`",
            ),
            (
                RedisOptions {
                    tls: Some(TlsOptions::default()),
                    ..with(socket.clone())
                },
                "TLS",
            ),
            (with(Topology::Sentinel(nameless)), "`sentinel.master`"),
            (with(Topology::Sentinel(lonely)), "`sentinel.nodes`"),
            (with(Topology::Cluster { nodes: Vec::new() }), "`cluster`"),
            (RedisOptions { db: 1, ..cluster() }, "`db`"),
            (
                RedisOptions {
                    companions: Some(companions.clone()),
                    ..cluster()
                },
                "`litellm.wire = false`",
            ),
        ] {
            let error = options.validate().unwrap_err();
            assert_eq!(error.kind, StoreErrorKind::Config);
            assert!(error.message.contains(word), "{word}: {error}");
        }
        for options in [
            plain(),
            with(socket),
            with(Topology::Sentinel(sentinels())),
            cluster(),
            RedisOptions {
                companions: Some(companions),
                db: 3,
                ..with(Topology::Sentinel(sentinels()))
            },
        ] {
            assert_eq!(options.validate(), Ok(()));
        }
    }
}
