//! Where the server is and how to be let in.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::companion::CompanionOptions;
use redis::{ConnectionAddr, IntoConnectionInfo};
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
use watchkeeper_core::id::FleetName;
use watchkeeper_core::secret::Secret;

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

/// How to speak TLS. Servers are checked against [`Self::ca`], or the usual public roots where there is none; nothing
/// is taken from the system.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// Certificates of one's own authority, PEM; trusted in place of the public ones.
    pub ca: Option<Vec<u8>>,
    /// This client's certificate chain, PEM; needs [`Self::key`].
    pub cert: Option<Vec<u8>>,
    /// The key of [`Self::cert`], PEM.
    pub key: Option<Secret>,
    /// The name that the servers' certificates have to carry, where it is not the host's.
    pub server_name: Option<String>,
}

impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions")
            .field("ca", &self.ca.as_ref().map(Vec::len))
            .field("cert", &self.cert.as_ref().map(Vec::len))
            .field("key", &self.key)
            .field("server_name", &self.server_name)
            .finish()
    }
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

    /// From `redis://[user[:password]@]host[:port][/db]`, or `rediss://` for TLS. Reserved characters in user and
    /// password are percent-encoded.
    ///
    /// # Errors
    /// Of kind `Config`, never with the URL's text, since that may hold a password.
    pub fn from_url(fleet: FleetName, url: &str) -> Result<Self, StoreError> {
        let (tls, rest) = match url.split_once("://") {
            Some(("redis" | "valkey", rest)) => (false, rest),
            Some(("rediss" | "valkeys", rest)) => (true, rest),
            Some((scheme @ ("unix" | "redis+unix" | "valkey+unix"), _)) => {
                return Err(config(format!(
                    "a redis url with `{scheme}://` is not supported: give a `redis://` or `rediss://` url"
                )));
            }
            _ => {
                return Err(unusable(
                    "it begins with neither `redis://` nor `rediss://`",
                ));
            }
        };
        if rest.contains(['?', '#']) {
            return Err(unusable(
                "nothing may follow after `?` or `#`: give such options as keys of their own, and percent-encode these characters in a password",
            ));
        }
        // The driver's own reading of the rest; without its TLS, which is done here.
        let plain = format!("redis://{rest}");
        let info = plain.as_str().into_connection_info();
        let info = info.map_err(|error| {
            // Of the driver's words only those that are constant: a detail may repeat the url.
            unusable(match error.to_string() {
                text if text.contains("database") => "the part after the last `/` is no database number",
                text if text.contains("wildcard") => "`0.0.0.0` and `::` are addresses to listen on, not to connect to",
                text if text.contains("hostname") => "the host is missing",
                text if text.contains("UTF-8") => "user and password have to be UTF-8",
                _ => "expected `redis://[user[:password]@]host[:port][/db]`, with reserved characters in user and password percent-encoded",
            })
        })?;
        let ConnectionAddr::Tcp(host, port) = info.addr() else {
            return Err(unusable("the host is missing"));
        };
        let settings = info.redis_settings();
        let filled = |text: &&str| !text.is_empty();
        Ok(Self {
            db: u32::try_from(settings.db())
                .map_err(|_| unusable("a database number is not negative"))?,
            username: settings.username().filter(filled).map(str::to_owned),
            password: settings.password().filter(filled).map(Secret::new),
            tls: tls.then(TlsOptions::default),
            ..Self::new(fleet, host, *port)
        })
    }

    /// Where the servers are, for people.
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

fn unusable(why: &str) -> StoreError {
    config(format!("the redis url is not usable: {why}"))
}

pub(crate) fn config(message: impl Into<String>) -> StoreError {
    StoreError::refused(StoreErrorKind::Config, StoreOp::Connect, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet() -> FleetName {
        FleetName::new("test").unwrap()
    }

    fn parse(url: &str) -> RedisOptions {
        RedisOptions::from_url(fleet(), url).unwrap()
    }

    #[test]
    fn a_url_says_where_and_who() {
        let options = parse("rediss://app:p%40ss%2Fw@redis.example:6380/3");
        assert_eq!(options.address(), "redis.example:6380");
        assert_eq!(options.db, 3);
        assert_eq!(options.username.as_deref(), Some("app"));
        assert_eq!(options.password, Some(Secret::new("p@ss/w")));
        assert!(options.tls.is_some());
        let options = parse("redis://:pw@[::1]");
        assert_eq!(options.address(), "[::1]:6379");
        assert_eq!((options.db, options.username), (0, None));
        assert_eq!(options.password, Some(Secret::new("pw")));
        assert!(options.tls.is_none());
        assert_eq!(parse("redis://:@h").password, None);
    }

    #[test]
    fn a_bad_url_is_refused_without_repeating_it() {
        for url in [
            "",
            "hunter2",
            "http://hunter2@host",
            "redis://",
            "redis://:hunter2@host/db",
            "redis://:hunter2@host/-1",
            "redis://:hunter2@host:99999",
            "redis://:hunter2@0.0.0.0",
            "redis://:hunter2#@host",
            "redis://:hunter2@host?db=1",
            "redis://:hunt/er2@host",
            "unix:///hunter2",
        ] {
            let error = RedisOptions::from_url(fleet(), url).unwrap_err();
            assert_eq!(error.kind, StoreErrorKind::Config, "{url}");
            assert!(!error.message.contains("hunt"), "{url}: {error}");
            assert!(error.message.contains("url"), "{url}: {error}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let mut options = parse("rediss://app:hunter2@host");
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
}
