//! Where the servers are and how to be let in.

use std::fmt;
use std::time::Duration;

use watchkeeper_core::id::FleetName;
use watchkeeper_core::secret::Secret;

/// The limit of one operation unless [`EtcdOptions::timeout`] says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_millis(500);

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
    /// The name that the servers' certificates have to carry, where it is not the host's of the endpoint.
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

/// What an `EtcdStore` is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EtcdOptions {
    /// The namespace: every key begins with `watchkeeper/<fleet>/`.
    pub fleet: FleetName,
    /// The members' client addresses: `http://host:port`, `https://host:port`, or `host:port`, which is `https` where
    /// [`Self::tls`] is set. At least one; all of one scheme.
    pub endpoints: Vec<String>,
    /// The user; needs [`Self::password`].
    pub username: Option<String>,
    /// The user's password.
    pub password: Option<Secret>,
    /// Speak TLS. Endpoints that begin with `https://` do so without it as well, by the public roots.
    pub tls: Option<TlsOptions>,
    /// The limit of one operation, connecting included. Not zero.
    pub timeout: Duration,
}

impl EtcdOptions {
    /// These endpoints, without user or TLS options.
    #[must_use]
    pub fn new(fleet: FleetName, endpoints: Vec<String>) -> Self {
        Self {
            fleet,
            endpoints,
            username: None,
            password: None,
            tls: None,
            timeout: DEFAULT_TIMEOUT,
        }
    }
}
