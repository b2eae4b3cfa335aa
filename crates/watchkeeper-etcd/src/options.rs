//! Where the servers are and how to be let in.

use std::time::Duration;

use watchkeeper_core::id::FleetName;
use watchkeeper_core::secret::Secret;
use watchkeeper_remote::TlsOptions;

/// The limit of one operation unless [`EtcdOptions::timeout`] says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_millis(500);

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
