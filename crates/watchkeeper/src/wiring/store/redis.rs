//! Redis from its settings.

use std::sync::Arc;

use watchkeeper_config::{Config, HostPort, RedisAddress, RedisSettings};
use watchkeeper_core::id::FleetName;
use watchkeeper_litellm::wire::Keys;
use watchkeeper_redis::{
    CompanionOptions, Node, RedisOptions, RedisStore, SentinelOptions, TlsOptions, Topology,
};

use super::Wired;
use crate::exit::Failure;
use crate::wiring::files::Pem;

/// A claim of LiteLLM's keys outlasts this many intervals without a round.
const CLAIM_INTERVALS: u32 = 2;

/// The store, with LiteLLM's keys beside ours where its pods are served.
pub(super) fn build(
    settings: &RedisSettings,
    config: &Config,
    serves_litellm: bool,
) -> Result<Wired, Failure> {
    let mut options = options(settings, &config.fleet.name)?;
    options.timeout = config.backend.timeout;
    options.companions = serves_litellm.then(|| companions(settings, config));
    let address = options.address();
    let store = RedisStore::connect(options)
        .map_err(|error| Failure::bad_config(format!("`backend.redis`: {error}")))?;
    Ok(Wired {
        name: "redis",
        address,
        store: Arc::new(store),
    })
}

fn options(settings: &RedisSettings, fleet: &FleetName) -> Result<RedisOptions, Failure> {
    let at = |topology| RedisOptions {
        topology,
        db: settings.db,
        ..RedisOptions::new(fleet.clone(), "", 0)
    };
    let mut options = match &settings.address {
        RedisAddress::Url(url) => RedisOptions::from_url(fleet.clone(), url.expose())
            .map_err(|error| Failure::bad_config(format!("`backend.redis.url`: {error}")))?,
        RedisAddress::Host(server) => at(Topology::Standalone(node(server))),
        RedisAddress::Unix(path) => at(Topology::Unix { path: path.clone() }),
        RedisAddress::Sentinel(sentinel) => at(Topology::Sentinel(SentinelOptions {
            master: sentinel.master.clone(),
            nodes: sentinel.nodes.iter().map(node).collect(),
            username: sentinel.username.clone(),
            password: sentinel.password.clone(),
        })),
        RedisAddress::Cluster(nodes) => at(Topology::Cluster {
            nodes: nodes.iter().map(node).collect(),
        }),
    };
    // What stands beside a url goes before what stands in it; both at once were refused.
    if settings.username.is_some() {
        options.username.clone_from(&settings.username);
    }
    if settings.password.is_some() {
        options.password.clone_from(&settings.password);
    }
    options.tls = if settings.ssl {
        let pem = Pem::read("backend.redis.tls", &settings.tls)?;
        Some(TlsOptions {
            ca: pem.ca,
            cert: pem.cert,
            key: pem.key,
            server_name: pem.server_name,
        })
    } else {
        None
    };
    Ok(options)
}

fn node(server: &HostPort) -> Node {
    Node::new(server.host.as_str(), server.port)
}

/// Where LiteLLM's keys lie.
fn companions(settings: &RedisSettings, config: &Config) -> CompanionOptions {
    let Keys {
        lock,
        results,
        claim,
    } = Keys::new(settings.namespace.as_deref());
    CompanionOptions {
        lock,
        report: results,
        claim,
        claim_ttl: config.coordination.interval * CLAIM_INTERVALS,
        required: config.litellm.wire == Some(true),
    }
}

#[cfg(test)]
mod tests;
