//! An etcd as production has it: TLS, a client's certificate, and a user who may see one fleet's keys and no others.

use std::sync::Arc;

use watchkeeper_core::id::FleetName;
use watchkeeper_core::secret::Secret;
use watchkeeper_etcd::{EtcdOptions, TlsOptions};
use watchkeeper_integration_tests::certificates::Certificates;
use watchkeeper_integration_tests::etcd_process::EtcdProcess;
use watchkeeper_integration_tests::shared::{Kept, Server, Slot};

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
        Self { etcd, certificates }
    }
}

impl Guarded {
    pub(crate) async fn shared() -> Arc<Kept<Self>> {
        static SHARED: Slot<Guarded> = Slot::new();
        SHARED.get().await
    }

    /// Lets this fleet in and nobody else: its user has its name.
    pub(crate) async fn admit(&self, fleet: &FleetName) {
        let prefix = format!("watchkeeper/{fleet}/");
        self.etcd.add_user(fleet.as_str(), PASSWORD, &prefix).await;
    }

    /// How that fleet comes in.
    pub(crate) fn options(&self, fleet: &FleetName) -> EtcdOptions {
        let endpoint = format!("https://{}", self.etcd.tls_address());
        let mut options = EtcdOptions::new(fleet.clone(), vec![endpoint]);
        options.username = Some(fleet.to_string());
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
