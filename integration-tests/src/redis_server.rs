//! The Redis that the backend's promises are tested against: in a container where an engine answers, else a
//! `redis-server` of this machine, which is said in one line.
//!
//! | variable | meaning |
//! |---|---|
//! | `WATCHKEEPER_TEST_REDIS_IMAGE` | the image, [`DEFAULT_IMAGE`] unless set |
//! | `WATCHKEEPER_TEST_REQUIRE_CONTAINER` | `1`: without an engine the tests fail |
//! | `DOCKER_HOST` | where the engine listens |
//!
//! The tests of one binary share a server, each in a namespace of its own.

use std::sync::Arc;

use testcontainers::core::WaitFor;

use crate::containers::{Container, Recipe};
use crate::redis_process::RedisProcess;
use crate::shared::{Kept, Server, Slot};

/// Official and pinned.
pub const DEFAULT_IMAGE: &str = "redis:7.4.2-alpine";

/// A server that tests share.
pub struct RedisServer {
    url: String,
    running: Running,
}

enum Running {
    Container(Box<Container>),
    Process(Box<RedisProcess>),
}

impl RedisServer {
    /// The server of this test binary, started if nobody holds it now.
    ///
    /// # Panics
    /// When there is neither an engine nor a `redis-server`, and says what to install.
    pub async fn shared() -> Arc<Kept<Self>> {
        static SHARED: Slot<RedisServer> = Slot::new();
        SHARED.get().await
    }

    /// As a URL without credentials.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Server for RedisServer {
    async fn start() -> Self {
        let recipe = Recipe {
            variable: "WATCHKEEPER_TEST_REDIS_IMAGE",
            image: DEFAULT_IMAGE,
            port: 6379,
            ready: WaitFor::message_on_stdout("Ready to accept connections"),
            command: &["--save", "", "--appendonly", "no"],
            stand_in: "redis-server",
        };
        if let Some((container, address)) = recipe.run().await {
            return Self {
                url: format!("redis://{address}/"),
                running: Running::Container(Box::new(container)),
            };
        }
        let process = RedisProcess::start().await;
        Self {
            url: process.url(),
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
