//! The servers that stores are measured on: how a pod finds one, and what is asked of it directly.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::Method;
use watchkeeper_core::cache::Store;
use watchkeeper_core::id::FleetName;
use watchkeeper_etcd::{EtcdOptions, EtcdStore};
use watchkeeper_integration_tests::etcd_process::EtcdProcess;
use watchkeeper_integration_tests::http;
use watchkeeper_integration_tests::redis_cluster::RedisCluster;
use watchkeeper_integration_tests::redis_process::RedisProcess;
use watchkeeper_redis::{Node, RedisOptions, RedisStore, Topology};
use watchkeeper_runtime::BootClock;

use crate::Error;

/// Where a pod's store is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// One Redis.
    Redis(SocketAddr),
    /// The nodes of a Redis Cluster.
    Cluster(Vec<SocketAddr>),
    /// An etcd.
    Etcd(SocketAddr),
}

impl Place {
    /// For the table.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Redis(_) => "redis",
            Self::Cluster(_) => "redis cluster",
            Self::Etcd(_) => "etcd",
        }
    }

    /// The lines of `[backend]`.
    pub(crate) fn toml(&self) -> String {
        match self {
            Self::Redis(address) => {
                format!("kind = \"redis\"\n\n[backend.redis]\nurl = \"redis://{address}/\"\n")
            }
            Self::Cluster(nodes) => {
                let nodes: Vec<String> = nodes.iter().map(|node| format!("\"{node}\"")).collect();
                format!(
                    "kind = \"redis\"\n\n[backend.redis]\ncluster = [{}]\n",
                    nodes.join(", ")
                )
            }
            Self::Etcd(address) => {
                format!("kind = \"etcd\"\n\n[backend.etcd]\nendpoints = [\"http://{address}\"]\n")
            }
        }
    }

    /// A store there, on the calling task's runtime.
    pub(crate) fn open(
        &self,
        fleet: FleetName,
        timeout: Duration,
    ) -> Result<Arc<dyn Store>, Error> {
        let node = |address: &SocketAddr| Node::new(address.ip().to_string(), address.port());
        let topology = match self {
            Self::Redis(address) => Topology::Standalone(node(address)),
            Self::Cluster(nodes) => Topology::Cluster {
                nodes: nodes.iter().map(node).collect(),
            },
            Self::Etcd(address) => {
                let mut options = EtcdOptions::new(fleet, vec![format!("http://{address}")]);
                options.timeout = timeout;
                return Ok(Arc::new(EtcdStore::connect(&options, Arc::new(BootClock))?));
            }
        };
        let mut options = RedisOptions::new(fleet, "", 0);
        options.topology = topology;
        options.timeout = timeout;
        Ok(Arc::new(RedisStore::connect(options)?))
    }
}

/// A server of the bench's own. Killed when dropped.
pub(crate) enum Server {
    /// One Redis.
    Redis(RedisProcess),
    /// Three primaries with a replica each.
    Cluster(RedisCluster),
    /// One etcd, whose data lies in memory.
    Etcd(EtcdProcess),
}

impl Server {
    /// Where pods find it.
    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Redis(redis) => Place::Redis(redis.address()),
            Self::Cluster(cluster) => Place::Cluster(cluster.addresses()),
            Self::Etcd(etcd) => Place::Etcd(etcd.address()),
        }
    }

    /// The Redis that holds `key`.
    pub(crate) async fn redis_of(&self, key: &str) -> Result<&RedisProcess, Error> {
        match self {
            Self::Redis(redis) => Ok(redis),
            Self::Cluster(cluster) => Ok(cluster.node_for(key).await),
            Self::Etcd(_) => Err("an etcd is no redis".into()),
        }
    }

    /// When the one lease that stands on it ends, by the server's own word.
    pub(crate) async fn lease_end(&self) -> Result<Instant, Error> {
        let nodes = match self {
            Self::Redis(redis) => std::slice::from_ref(redis),
            Self::Cluster(cluster) => cluster.nodes(),
            Self::Etcd(etcd) => return end_in_etcd(etcd).await,
        };
        // The primaries come first.
        for node in nodes {
            if let Some(lock) = node.keys("watchkeeper:*:lock:*").await.first() {
                let left: i64 = node.run(&["PTTL", lock]).await;
                return Ok(Instant::now() + Duration::from_millis(u64::try_from(left)?));
            }
        }
        Err("nobody holds a lease".into())
    }
}

/// etcd tells whole seconds, rounded down: looked at until they change, they are exact.
async fn end_in_etcd(etcd: &EtcdProcess) -> Result<Instant, Error> {
    const LOOK: Duration = Duration::from_millis(2);
    let mut client = etcd.connect().await;
    let prefix = etcd_client::GetOptions::new().with_prefix();
    let found = client.get("watchkeeper/", Some(prefix)).await?;
    let lock = found
        .kvs()
        .iter()
        .find(|kv| String::from_utf8_lossy(kv.key()).contains("/lock/"))
        .ok_or("nobody holds a lease")?;
    let mut before = None;
    loop {
        let ttl = client
            .lease_client()
            .time_to_live(lock.lease(), None)
            .await?;
        let now = Instant::now();
        let seconds = ttl.ttl();
        match before {
            Some(more) if more > seconds => {
                let left = u64::try_from(more)?;
                return Ok(now + Duration::from_secs(left));
            }
            _ if seconds < 0 => return Err("the lease ended before it could be read".into()),
            _ => before = Some(seconds),
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The sum of the samples of etcd's metric `name` whose labels hold all of `labels`.
pub(crate) async fn etcd_metric(
    address: SocketAddr,
    name: &str,
    labels: &[&str],
) -> Result<f64, Error> {
    let answer = http::request(address, Method::GET, "/metrics", None).await?;
    sum(&answer.text(), name, labels)
}

fn sum(text: &str, name: &str, labels: &[&str]) -> Result<f64, Error> {
    let mut sum = 0.0;
    for line in text.lines() {
        let Some((sample, value)) = line.rsplit_once(' ') else {
            continue;
        };
        let own = sample.strip_prefix(name);
        if own.is_some_and(|rest| rest.is_empty() || rest.starts_with('{'))
            && labels.iter().all(|label| sample.contains(label))
        {
            sum += value.parse::<f64>()?;
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_a_metric_are_summed_by_its_whole_name_and_labels() {
        let text = "# HELP a x\na{m=\"Txn\",c=\"OK\"} 3\na{m=\"Txn\",c=\"No\"} 1e+02\na{m=\"Put\"} 7\nab 9\nb 5\n";
        for (name, labels, expected) in [
            ("a", &[][..], 110.0),
            ("a", &["m=\"Txn\""][..], 103.0),
            ("b", &[][..], 5.0),
            ("c", &[][..], 0.0),
        ] {
            let found = sum(text, name, labels).unwrap();
            assert!((found - expected).abs() < 1e-9, "{name} {labels:?}");
        }
    }
}
