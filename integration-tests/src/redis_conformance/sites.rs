//! Redis as it runs in production.

use std::net::SocketAddr;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use watchkeeper_core::id::FleetName;
use watchkeeper_core::secret::Secret;
use watchkeeper_redis::{Node, RedisOptions, SentinelOptions, TlsOptions, Topology};

use super::Site;
use crate::certificates::Certificates;
use crate::redis_cluster::RedisCluster;
use crate::redis_process::{self, ClientCertificate, RedisProcess, documented_rights};
use crate::redis_server::RedisServer;
use crate::sentinel::{MASTER_NAME, Passwords, Sentinels};
use crate::shared::Server;

const PASSWORD: &str = "hunter2";
const SENTINELS_PASSWORD: &str = "hunter3";

fn node(address: SocketAddr) -> Node {
    Node::new(address.ip().to_string(), address.port())
}

#[async_trait]
impl Site for RedisServer {
    fn options(&self, fleet: FleetName) -> RedisOptions {
        RedisOptions::from_url(fleet, self.url()).unwrap()
    }

    async fn connect(&self, _key: &str) -> MultiplexedConnection {
        redis_process::open(self.url()).await.unwrap()
    }
}

#[async_trait]
impl Site for RedisProcess {
    fn options(&self, fleet: FleetName) -> RedisOptions {
        RedisOptions::from_url(fleet, &self.url()).unwrap()
    }

    async fn connect(&self, _key: &str) -> MultiplexedConnection {
        RedisProcess::connect(self).await
    }
}

/// One server that wants TLS with a client's certificate and lets each fleet do what the operating guide lists, as a
/// user of its own.
pub struct Guarded {
    files: Certificates,
    redis: RedisProcess,
}

impl Server for Guarded {
    async fn start() -> Self {
        let files = Certificates::issue();
        let redis = RedisProcess::start_tls(&files, ClientCertificate::Required).await;
        Self { files, redis }
    }
}

#[async_trait]
impl Site for Guarded {
    async fn admit(&self, fleet: &FleetName) {
        let rights = documented_rights(fleet.as_str());
        let rights: Vec<&str> = rights.iter().map(String::as_str).collect();
        self.redis.set_user(fleet.as_str(), PASSWORD, &rights).await;
    }

    fn options(&self, fleet: FleetName) -> RedisOptions {
        let address = self.redis.tls_address();
        let (cert, key) = self.files.client.clone();
        let mut options = RedisOptions::new(fleet, address.ip().to_string(), address.port());
        options.username = Some(options.fleet.as_str().to_owned());
        options.password = Some(Secret::new(PASSWORD));
        options.tls = Some(TlsOptions {
            ca: Some(self.files.ca.clone().into_bytes()),
            cert: Some(cert.into_bytes()),
            key: Some(Secret::new(key)),
            ..TlsOptions::default()
        });
        options
    }

    async fn connect(&self, _key: &str) -> MultiplexedConnection {
        self.redis.connect().await
    }
}

/// A master, its replica and three sentinels, with passwords.
pub struct Watched(Sentinels);

impl Server for Watched {
    async fn start() -> Self {
        let passwords = Passwords {
            data: Some(PASSWORD),
            sentinels: Some(SENTINELS_PASSWORD),
        };
        Self(Sentinels::start_with(passwords).await)
    }
}

#[async_trait]
impl Site for Watched {
    fn options(&self, fleet: FleetName) -> RedisOptions {
        let mut options = RedisOptions::new(fleet, "", 0);
        options.topology = Topology::Sentinel(SentinelOptions {
            master: MASTER_NAME.to_owned(),
            nodes: self.0.sentinels().into_iter().map(node).collect(),
            username: None,
            password: Some(Secret::new(SENTINELS_PASSWORD)),
        });
        options.password = Some(Secret::new(PASSWORD));
        options
    }

    async fn connect(&self, _key: &str) -> MultiplexedConnection {
        let master = self.0.master().await;
        let mut servers = self.0.servers().iter();
        let server = servers.find(|server| server.address() == master);
        server.unwrap().connect().await
    }
}

/// A cluster, to which the fleets' slots are spread.
pub struct Sharded(RedisCluster);

impl Server for Sharded {
    async fn start() -> Self {
        Self(RedisCluster::start().await)
    }
}

#[async_trait]
impl Site for Sharded {
    fn options(&self, fleet: FleetName) -> RedisOptions {
        let mut options = RedisOptions::new(fleet, "", 0);
        options.topology = Topology::Cluster {
            nodes: self.0.addresses().into_iter().map(node).collect(),
        };
        options
    }

    async fn connect(&self, key: &str) -> MultiplexedConnection {
        self.0.node_for(key).await.connect().await
    }
}
