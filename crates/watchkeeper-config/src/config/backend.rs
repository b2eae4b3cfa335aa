//! Where leases and reports are kept, and how that is reached.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use watchkeeper_core::secret::Secret;

/// Where leases and reports are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Backend {
    /// The store.
    pub kind: BackendKind,
    /// Longest time for one store operation. 1 ms to 60 s.
    pub timeout: Duration,
}

/// The stores there are.
#[derive(Clone, Debug, PartialEq)]
pub enum BackendKind {
    /// One process only.
    Memory,
    /// Redis or Valkey.
    Redis(RedisSettings),
    /// etcd.
    Etcd(EtcdSettings),
}

/// How Redis is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct RedisSettings {
    /// Where it is.
    pub address: RedisAddress,
    /// Database number; 0 with [`RedisAddress::Cluster`]. That of a [`RedisAddress::Url`] stands in the URL.
    pub db: u32,
    /// ACL user. Beside a URL only where the URL names none.
    pub username: Option<String>,
    /// Password. Beside a URL only where the URL has none.
    pub password: Option<Secret>,
    /// Whether to speak TLS, with the sentinels too. That of a [`RedisAddress::Url`] stands in the URL.
    pub ssl: bool,
    /// Files for TLS, and the name to check; used where TLS is.
    pub tls: TlsFiles,
    /// Prefix of LiteLLM's keys (`cache_params.namespace`), without the colon. Only its wire mode uses it.
    pub namespace: Option<String>,
}

/// Where Redis is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisAddress {
    /// `redis://` or `rediss://` (or `valkey…`).
    Url(Secret),
    /// One server.
    Host(HostPort),
    /// One server behind a unix socket.
    Unix(PathBuf),
    /// The primary that the sentinels name.
    Sentinel(SentinelSettings),
    /// Nodes of a cluster; at least one.
    Cluster(Vec<HostPort>),
}

/// The sentinels and what they watch over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentinelSettings {
    /// The name under which they know the primary. Not empty.
    pub master: String,
    /// The sentinels; at least one.
    pub nodes: Vec<HostPort>,
    /// Their own ACL user.
    pub username: Option<String>,
    /// Their own password; that of the data nodes is [`RedisSettings::password`].
    pub password: Option<Secret>,
}

/// A server's name or address, and its TCP port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// Name or address; an IPv6 address without brackets. Not empty.
    pub host: String,
    /// TCP port. Not zero.
    pub port: u16,
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// How etcd is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct EtcdSettings {
    /// The members: `http://host:port`, `https://host:port` or `host:port`, all with the same scheme; at least one.
    pub endpoints: Vec<String>,
    /// The user. Given together with `password` or not at all.
    pub username: Option<String>,
    /// The user's password.
    pub password: Option<Secret>,
    /// Files for TLS, and the name to check; any of them means TLS, so none is given with `http://`.
    pub tls: TlsFiles,
}

/// What TLS needs. Files are joined to where they start: a TOML file's own directory, else the working directory. Not
/// opened here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate authority to trust in place of the public ones, PEM.
    pub ca: Option<PathBuf>,
    /// Client certificate, PEM. Given together with `key` or not at all.
    pub cert: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
    /// The name that the server's certificate has to carry, where it is not the host's.
    pub server_name: Option<String>,
}

impl TlsFiles {
    /// Whether none of it is given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
