//! A Redis Cluster of a test's own: three primaries with a replica each.

use std::net::SocketAddr;
use std::time::Duration;

use crate::certificates::Certificates;
use crate::process;
use crate::redis_process::{ClientCertificate, RedisProcess};

/// Without an answer for this long a node is taken for dead.
const NODE_TIMEOUT_MS: &str = "1000";
const SLOTS: u16 = 16_384;
const PRIMARIES: usize = 3;
/// Until all know each other and the replicas are in step; two or three seconds when all is well.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Until a replica stands in for its primary.
const FAILOVER_LIMIT: Duration = Duration::from_secs(30);

/// The nodes. Killed when dropped.
pub struct RedisCluster {
    nodes: Vec<RedisProcess>,
    ids: Vec<String>,
}

/// A slot on its way from one primary to another.
#[derive(Debug, Clone, Copy)]
pub struct Move {
    slot: u16,
    from: usize,
    to: usize,
}

impl RedisCluster {
    /// Starts an empty one.
    ///
    /// # Panics
    /// As [`RedisProcess::start`] does.
    pub async fn start() -> Self {
        Self::build(None).await
    }

    /// The same with doors that speak TLS, which is what the nodes tell clients of that door about each other. The plain
    /// doors stay, for the test itself.
    ///
    /// # Panics
    /// As [`RedisProcess::start`] does.
    pub async fn start_tls(certificates: &Certificates, clients: ClientCertificate) -> Self {
        Self::build(Some((certificates, clients))).await
    }

    async fn build(tls: Option<(&Certificates, ClientCertificate)>) -> Self {
        let mut nodes = Vec::new();
        let mut buses = Vec::new();
        let mut ids = Vec::new();
        for _ in 0..PRIMARIES * 2 {
            let bus = process::free_address().port().to_string();
            let mut node = RedisProcess::not_started(&[
                "--cluster-enabled",
                "yes",
                "--cluster-node-timeout",
                NODE_TIMEOUT_MS,
                "--cluster-port",
                &bus,
                "--cluster-announce-ip",
                "127.0.0.1",
                "--repl-diskless-sync-delay",
                "0",
            ]);
            if let Some((certificates, clients)) = tls {
                node.add_tls(certificates, clients);
                node.add_arguments(&["--tls-cluster", "yes", "--tls-replication", "yes"]);
            }
            node.start_again().await;
            ids.push(node.run(&["CLUSTER", "MYID"]).await);
            buses.push(bus);
            nodes.push(node);
        }
        let all = Self { nodes, ids };
        all.join(&buses, tls.is_some()).await;
        all
    }

    async fn join(&self, buses: &[String], tls: bool) {
        let share = usize::from(SLOTS).div_ceil(PRIMARIES);
        for (i, node) in self.nodes.iter().enumerate() {
            let epoch = (i + 1).to_string();
            let _: String = node.run(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]).await;
            if i < PRIMARIES {
                let first = (i * share).to_string();
                let last = ((i + 1) * share).min(usize::from(SLOTS)) - 1;
                let words = ["CLUSTER", "ADDSLOTSRANGE", &first, &last.to_string()];
                let _: String = node.run(&words).await;
            }
        }
        for (node, bus) in self.nodes.iter().zip(buses).skip(1) {
            let door = if tls {
                node.tls_address()
            } else {
                node.address()
            };
            let port = door.port().to_string();
            let words = ["CLUSTER", "MEET", "127.0.0.1", &port, bus];
            let _: String = self.nodes[0].run(&words).await;
        }
        crate::eventually("the nodes know each other", START_LIMIT, async || {
            self.every_node_says(&format!("cluster_known_nodes:{}", self.nodes.len()))
                .await
        })
        .await;
        for (replica, id) in self.nodes[PRIMARIES..].iter().zip(&self.ids) {
            // Refused until the primary has been greeted in turn.
            crate::eventually("a replica has a primary", START_LIMIT, async || {
                let words = ["CLUSTER", "REPLICATE", id];
                replica.try_run::<String>(&words).await.is_ok()
            })
            .await;
        }
        self.until_healthy().await;
    }

    /// Returns once each node that runs takes the cluster for whole, and each replica is in step and known to all.
    pub async fn until_healthy(&self) {
        crate::eventually("the cluster is whole", START_LIMIT, async || {
            if !self.every_node_says("cluster_state:ok").await {
                return false;
            }
            for node in self.nodes.iter().filter(|node| node.runs()) {
                let known: Result<String, _> = node.try_run(&["CLUSTER", "NODES"]).await;
                let primaries = |known: &str| {
                    let serves = |line: &&str| line.contains("master") && line.contains('-');
                    let up = |line: &&str| !line.contains("fail") && !line.contains("handshake");
                    let lines = known.lines();
                    let replicas = lines.clone().filter(up).filter(|l| l.contains("slave"));
                    let running = self.nodes.iter().filter(|node| node.runs()).count();
                    lines.filter(up).filter(serves).count() == PRIMARIES
                        && replicas.count() == running - PRIMARIES
                };
                if !known.is_ok_and(|known| primaries(&known)) {
                    return false;
                }
                let said: Result<String, _> = node.try_run(&["INFO", "replication"]).await;
                let in_step = |said: &str| {
                    said.contains("role:master") || said.contains("master_link_status:up")
                };
                if !said.is_ok_and(|said| in_step(&said)) {
                    return false;
                }
            }
            true
        })
        .await;
    }

    async fn every_node_says(&self, what: &str) -> bool {
        for node in self.nodes.iter().filter(|node| node.runs()) {
            let said: Result<String, _> = node.try_run(&["CLUSTER", "INFO"]).await;
            if !said.is_ok_and(|said| said.lines().any(|line| line == what)) {
                return false;
            }
        }
        true
    }

    /// The nodes: first those that began as primaries, then the replica of each.
    #[must_use]
    pub fn nodes(&self) -> &[RedisProcess] {
        &self.nodes
    }

    /// The doors of all nodes, in their order.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(RedisProcess::address).collect()
    }

    /// The doors with TLS, in the nodes' order.
    #[must_use]
    pub fn tls_addresses(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(RedisProcess::tls_address).collect()
    }

    /// The slot of `key`.
    pub async fn slot_of(&self, key: &str) -> u16 {
        let node = self.nodes.iter().find(|node| node.runs()).unwrap();
        node.run(&["CLUSTER", "KEYSLOT", key]).await
    }

    /// The index of the running primary that holds `key`, as that itself says.
    ///
    /// # Panics
    /// When there is none for long.
    pub async fn primary_of(&self, key: &str) -> usize {
        let slot = self.slot_of(key).await;
        let began = std::time::Instant::now();
        loop {
            for (i, node) in self.nodes.iter().enumerate() {
                if node.runs() && holds(node, slot).await {
                    return i;
                }
            }
            assert!(
                began.elapsed() < FAILOVER_LIMIT,
                "no node holds slot {slot} of `{key}`"
            );
            tokio::time::sleep(crate::POLL).await;
        }
    }

    /// The running primary that holds `key`.
    pub async fn node_for(&self, key: &str) -> &RedisProcess {
        &self.nodes[self.primary_of(key).await]
    }

    /// Kills the primary that holds `key` and says which it was.
    pub async fn kill_primary_of(&mut self, key: &str) -> usize {
        let primary = self.primary_of(key).await;
        self.nodes[primary].kill().await;
        primary
    }

    /// Waits until another node than `old` holds `key` and the cluster is whole again.
    pub async fn wait_for_new_primary(&self, key: &str, old: usize) -> usize {
        let slot = self.slot_of(key).await;
        let others = || self.nodes.iter().enumerate().filter(|(i, _)| *i != old);
        let found = std::sync::OnceLock::new();
        crate::eventually("a replica stands in", FAILOVER_LIMIT, async || {
            for (i, node) in others().filter(|(_, node)| node.runs()) {
                let said: Result<String, _> = node.try_run(&["CLUSTER", "INFO"]).await;
                let whole = said.is_ok_and(|said| said.contains("cluster_state:ok"));
                if whole && holds(node, slot).await {
                    return found.set(i).is_ok();
                }
            }
            false
        })
        .await;
        *found.get().unwrap()
    }

    /// Starts a node that was killed, empty; the others make it a replica.
    pub async fn start_again(&mut self, node: usize) {
        self.nodes[node].start_again().await;
    }

    /// Begins to move the slot of `key` to the primary `to`: from now on the old one answers `ASK` for keys that it does
    /// not have.
    pub async fn begin_move(&self, key: &str, to: usize) -> Move {
        let (slot, from) = (self.slot_of(key).await, self.primary_of(key).await);
        assert_ne!(from, to, "the slot is there already");
        let set = async |node: usize, state: &str, other: usize| {
            let (slot, id) = (slot.to_string(), &self.ids[other]);
            let words = ["CLUSTER", "SETSLOT", &slot, state, id];
            let _: String = self.nodes[node].run(&words).await;
        };
        set(to, "IMPORTING", from).await;
        set(from, "MIGRATING", to).await;
        Move { slot, from, to }
    }

    /// Moves every key of the slot.
    pub async fn move_keys(&self, step: Move) {
        let (from, to) = (&self.nodes[step.from], &self.nodes[step.to]);
        let slot = step.slot.to_string();
        loop {
            let words = ["CLUSTER", "GETKEYSINSLOT", &slot, "100"];
            let keys: Vec<String> = from.run(&words).await;
            if keys.is_empty() {
                return;
            }
            self.move_some(from, to, &keys).await;
        }
    }

    async fn move_some(&self, from: &RedisProcess, to: &RedisProcess, keys: &[String]) {
        // With TLS in the cluster nodes reach each other by those doors only.
        let door = to.tls_or_plain();
        let port = door.port().to_string();
        let mut words = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
        words.extend(keys.iter().map(String::as_str));
        let _: String = from.run(&words).await;
    }

    /// Moves this one key of the slot.
    pub async fn move_key(&self, step: Move, key: &str) {
        let (from, to) = (&self.nodes[step.from], &self.nodes[step.to]);
        self.move_some(from, to, &[key.to_owned()]).await;
    }

    /// Ends a move whose keys are all there: from now on the old primary answers `MOVED`.
    pub async fn end_move(&self, step: Move) {
        let (slot, id) = (step.slot.to_string(), &self.ids[step.to]);
        // The new one first: so nobody ever says that nobody has it.
        let mut primaries = vec![step.to, step.from];
        for (i, node) in self.nodes.iter().enumerate() {
            let role: String = if node.runs() {
                node.run(&["INFO", "replication"]).await
            } else {
                String::new()
            };
            if role.contains("role:master") && !primaries.contains(&i) {
                primaries.push(i);
            }
        }
        for node in primaries {
            let words = ["CLUSTER", "SETSLOT", &slot, "NODE", id];
            let _: String = self.nodes[node].run(&words).await;
        }
    }

    /// Moves the slot of `key` with all that is in it.
    pub async fn move_slot(&self, key: &str, to: usize) {
        let step = self.begin_move(key, to).await;
        self.move_keys(step).await;
        self.end_move(step).await;
    }
}

/// Whether the node is a primary and says itself that it holds the slot.
async fn holds(node: &RedisProcess, slot: u16) -> bool {
    let said: Result<String, _> = node.try_run(&["CLUSTER", "NODES"]).await;
    let Ok(said) = said else {
        return false;
    };
    let Some(own) = said.lines().find(|line| line.contains("myself,master")) else {
        return false;
    };
    own.split(' ').skip(8).any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        match (first.parse::<u16>(), last.parse::<u16>()) {
            (Ok(first), Ok(last)) => (first..=last).contains(&slot),
            // A slot on its way is told in brackets.
            _ => false,
        }
    })
}
