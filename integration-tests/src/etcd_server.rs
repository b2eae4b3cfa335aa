//! The etcd that the backend's promises are tested against: in a container where an engine answers, else an `etcd` of
//! this machine, which is said in one line.
//!
//! | variable | meaning |
//! |---|---|
//! | `WATCHKEEPER_TEST_ETCD_IMAGE` | the image, [`DEFAULT_IMAGE`] unless set |
//! | `WATCHKEEPER_TEST_REQUIRE_CONTAINER` | `1`: without an engine the tests fail |
//! | `DOCKER_HOST` | where the engine listens |
//!
//! The tests of one binary share a server, each in a namespace of its own.

use std::sync::Arc;

use testcontainers::core::WaitFor;

use crate::containers::{Container, Recipe};
use crate::etcd_process::EtcdProcess;
use crate::shared::{Kept, Server, Slot};

/// Official and pinned.
pub const DEFAULT_IMAGE: &str = "quay.io/coreos/etcd:v3.5.21";

/// A server that tests share.
pub struct EtcdServer {
    endpoint: String,
    running: Running,
}

enum Running {
    Container(Box<Container>),
    Process(Box<EtcdProcess>),
}

impl EtcdServer {
    /// The server of this test binary, started if nobody holds it now.
    ///
    /// # Panics
    /// When there is neither an engine nor an `etcd`, and says what to install.
    pub async fn shared() -> Arc<Kept<Self>> {
        static SHARED: Slot<EtcdServer> = Slot::new();
        SHARED.get().await
    }

    /// As an endpoint without credentials: `http://host:port`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

impl Server for EtcdServer {
    async fn start() -> Self {
        let recipe = Recipe {
            variable: "WATCHKEEPER_TEST_ETCD_IMAGE",
            image: DEFAULT_IMAGE,
            port: 2379,
            ready: WaitFor::message_on_stderr("ready to serve client requests"),
            command: &[
                "etcd",
                "--listen-client-urls",
                "http://0.0.0.0:2379",
                "--advertise-client-urls",
                "http://127.0.0.1:2379",
            ],
            stand_in: "etcd",
        };
        if let Some((container, address)) = recipe.run().await {
            return Self {
                endpoint: format!("http://{address}"),
                running: Running::Container(Box::new(container)),
            };
        }
        let process = EtcdProcess::start().await;
        Self {
            endpoint: process.endpoint(),
            running: Running::Process(Box::new(process)),
        }
    }

    async fn close(self) {
        match self.running {
            Running::Container(container) => container.rm().await.unwrap(),
            Running::Process(mut process) => process.kill().await,
        }
    }
}
