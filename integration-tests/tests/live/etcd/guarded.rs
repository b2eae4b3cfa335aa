//! An etcd as production has it: TLS, a client's certificate, and a user who may see the fleets' keys and no others.

use std::sync::Arc;

use watchkeeper_core::id::FleetName;
use watchkeeper_core::secret::Secret;
use watchkeeper_etcd::{EtcdOptions, TlsOptions};
use watchkeeper_integration_tests::certificates::Certificates;
use watchkeeper_integration_tests::etcd_process::EtcdProcess;
use watchkeeper_integration_tests::shared::{Kept, Server, Slot};

use super::support::options_of;

const USER: &str = "fleets";
const PASSWORD: &str = "a password";

/// A server that the tests of this binary share.
pub(crate) struct Guarded {
    pub(crate) etcd: EtcdProcess,
    certificates: Certificates,
}

impl Server for Guarded {
    async fn start() -> Self {
        let certificates = Certificates::issue();
        let mut etcd = EtcdProcess::start_tls(&certificates, true).await;
        etcd.enable_auth("the root's").await;
        // Once for all: whoever adds a user makes etcd ask everybody for the password again.
        etcd.add_user(USER, PASSWORD, "watchkeeper/t-").await;
        Self { etcd, certificates }
    }
}

impl Guarded {
    pub(crate) async fn shared() -> Arc<Kept<Self>> {
        static SHARED: Slot<Guarded> = Slot::new();
        SHARED.get().await
    }

    /// How that fleet comes in.
    pub(crate) fn options(&self, fleet: &FleetName) -> EtcdOptions {
        let endpoint = format!("https://{}", self.etcd.tls_address());
        let mut options = options_of(fleet.clone(), &endpoint);
        options.username = Some(USER.to_owned());
        options.password = Some(Secret::new(PASSWORD));
        let (cert, key) = self.certificates.client.clone();
        options.tls = Some(TlsOptions {
            ca: Some(self.certificates.ca.clone().into_bytes()),
            cert: Some(cert.into_bytes()),
            key: Some(Secret::new(key)),
            server_name: None,
        });
        options
    }
}
