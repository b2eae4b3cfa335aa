//! Three `etcd` members of a test's own.

use std::time::{Duration, Instant};

use crate::etcd_process::EtcdProcess;

/// Between two signs of life of a leader.
const HEARTBEAT_MS: u32 = 100;
/// Without a sign of life for one to two of these, the others elect.
const ELECTION_MS: u32 = 700;
/// For an election on a busy machine.
const LEADER_LIMIT: Duration = Duration::from_secs(20);

/// The members. Killed when dropped.
pub struct EtcdCluster {
    members: Vec<EtcdProcess>,
}

impl EtcdCluster {
    /// Starts three empty members and waits until they have a leader and each serves.
    ///
    /// # Panics
    /// As [`EtcdProcess::start`] does.
    pub async fn start() -> Self {
        let mut members: Vec<EtcdProcess> = (0..3).map(|_| EtcdProcess::not_started(&[])).collect();
        let peers: Vec<String> = members
            .iter()
            .enumerate()
            .map(|(i, member)| format!("member-{i}={}", member.peer_url()))
            .collect();
        let peers = peers.join(",");
        for (i, member) in members.iter_mut().enumerate() {
            let own = [
                "--name",
                &format!("member-{i}"),
                "--initial-cluster",
                &peers,
                "--heartbeat-interval",
                &HEARTBEAT_MS.to_string(),
                "--election-timeout",
                &ELECTION_MS.to_string(),
            ];
            member.add_arguments(own.map(str::to_owned));
            member.spawn();
        }
        for member in &mut members {
            member.until_it_serves().await;
        }
        Self { members }
    }

    /// Each member's endpoint.
    #[must_use]
    pub fn endpoints(&self) -> Vec<String> {
        self.members.iter().map(EtcdProcess::endpoint).collect()
    }

    /// The members, in their order.
    #[must_use]
    pub fn members(&self) -> &[EtcdProcess] {
        &self.members
    }

    /// The index of the leader that the members which answer agree on, and most of which do.
    ///
    /// # Panics
    /// When there is none for long.
    pub async fn leader(&self) -> usize {
        self.leader_other_than(None).await
    }

    /// The same once it is another than `old`.
    pub async fn new_leader(&self, old: usize) -> usize {
        self.leader_other_than(Some(old)).await
    }

    async fn leader_other_than(&self, old: Option<usize>) -> usize {
        let began = Instant::now();
        loop {
            let views = self.members.iter().map(view);
            let views = futures_util::future::join_all(views).await;
            let known: Vec<(u64, u64)> = views.iter().flatten().copied().collect();
            let agreed = known
                .first()
                .map(|(_, leader)| *leader)
                .filter(|&leader| leader != 0);
            let leader = agreed.and_then(|leader| {
                views
                    .iter()
                    .position(|view| view.is_some_and(|(own, _)| own == leader))
            });
            if let Some(leader) = leader
                && known.len() * 2 > self.members.len()
                && known.windows(2).all(|pair| pair[0].1 == pair[1].1)
                && old != Some(leader)
            {
                return leader;
            }
            assert!(
                began.elapsed() < LEADER_LIMIT,
                "the members agree on no leader: {views:?}"
            );
            tokio::time::sleep(crate::POLL).await;
        }
    }

    /// Ends a member at once, as `kill -9` does. Its data stays.
    pub async fn kill(&mut self, member: usize) {
        self.members[member].kill().await;
    }

    /// Starts a member that was killed, with what it had; returns once it serves, which needs a majority.
    pub async fn start_again(&mut self, member: usize) {
        self.members[member].start_again().await;
    }

    /// The same for several that are only together a majority.
    pub async fn start_all_again(&mut self) {
        for member in &mut self.members {
            if !member.runs() {
                member.spawn();
            }
        }
        for member in &mut self.members {
            member.until_it_serves().await;
        }
    }

    /// Freezes a member: connections stay open and are accepted, nothing is answered.
    pub fn freeze(&self, member: usize) {
        self.members[member].freeze();
    }

    /// Wakes it.
    pub fn wake(&self, member: usize) {
        self.members[member].wake();
    }
}

/// A member's own id and the leader's, as it says; nothing where it does not answer at once.
async fn view(member: &EtcdProcess) -> Option<(u64, u64)> {
    if !member.runs() {
        return None;
    }
    let ask = async {
        let mut client = member.try_connect().await.ok()?;
        let status = client.status().await.ok()?;
        Some((status.header()?.member_id(), status.leader()))
    };
    tokio::time::timeout(Duration::from_millis(500), ask)
        .await
        .ok()?
}
