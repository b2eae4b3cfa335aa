//! The calls of a lock cycle as the etcd backend makes them once a group has its leases, through the same driver with
//! nothing around it: per step a transaction, and at once the keep-alive of the lease that it hangs something on.

use std::sync::Arc;
use std::time::Instant;

use etcd_client::{
    Channel, Client, Compare, CompareOp, ConnectOptions, GetOptions, PutOptions, Txn, TxnOp,
};
use futures_util::future::try_join;
use tokio::sync::Mutex;
use watchkeeper_integration_tests::etcd_process::EtcdProcess;

use crate::Error;
use crate::store::cycles::{REPORT, RETAIN, TTL};

/// How long the backend keeps a token.
const TOKEN_SECONDS: i64 = 7 * 24 * 60 * 60;

/// One connection, and each task's group.
#[derive(Clone)]
pub(super) struct BareEtcd {
    client: Arc<Client>,
    tasks: Arc<[Mutex<Group>]>,
}

/// A group's keys, their leases, and the revisions that put them there.
struct Group {
    pod: String,
    keys: [String; 3],
    lock_lease: i64,
    token_lease: i64,
    /// The last report hangs on the first, the next will on the second.
    report_leases: [i64; 2],
    token_revision: i64,
    report_revision: i64,
    token: i64,
}

impl BareEtcd {
    /// Connects, and makes the leases of so many tasks.
    pub(super) async fn connect(server: &EtcdProcess, tasks: usize) -> Result<Self, Error> {
        let channel = tonic::transport::Channel::from_shared(server.endpoint())?
            .tcp_nodelay(true)
            .connect()
            .await?;
        let options = ConnectOptions::new().with_require_leader(true);
        let client = Client::from_channel(Channel::Tonic(channel), Some(options)).await?;
        let mut groups = Vec::new();
        for task in 0..tasks {
            groups.push(Mutex::new(Group::new(&client, task).await?));
        }
        Ok(Self {
            client: Arc::new(client),
            tasks: groups.into(),
        })
    }

    /// Cycles of one task, in its own group.
    pub(super) async fn run(self, task: usize, until: Instant) -> Result<u32, Error> {
        let mut group = self.tasks.get(task).ok_or("no such task")?.lock().await;
        let mut cycles = 0;
        while Instant::now() < until {
            cycles += 1;
            let lock = group.acquire(&self.client, cycles).await?;
            group.publish(&self.client, lock).await?;
        }
        Ok(cycles)
    }
}

impl Group {
    async fn new(client: &Client, task: usize) -> Result<Self, Error> {
        let seconds = |time: std::time::Duration| i64::try_from(time.as_secs());
        let mut leases = Vec::new();
        for ttl in [
            seconds(TTL)?,
            TOKEN_SECONDS,
            seconds(RETAIN)?,
            seconds(RETAIN)?,
        ] {
            leases.push(client.lease_client().grant(ttl, None).await?.id());
        }
        let [lock_lease, token_lease, first, second] = leases[..] else {
            return Err("etcd granted another number of leases".into());
        };
        Ok(Self {
            pod: format!("pod-{task}"),
            // As long as the backend's, in a fleet of another name.
            keys: ["lock", "token", "report"]
                .map(|what| format!("watchkeeper/other/{what}/group-{task}")),
            lock_lease,
            token_lease,
            report_leases: [first, second],
            token_revision: 0,
            report_revision: 0,
            token: 0,
        })
    }

    /// The revision that put the lock.
    async fn acquire(&mut self, client: &Client, attempt: u32) -> Result<i64, Error> {
        self.token = (self.token + 1).max(self.report_revision);
        let [lock, token, _] = &self.keys;
        let value = format!(
            "wk1|{}|{attempt}|{}|{}",
            self.token,
            TTL.as_millis(),
            self.pod
        );
        let put = |lease| Some(PutOptions::new().with_lease(lease));
        let steps = vec![
            TxnOp::put(
                token.as_str(),
                self.token.to_string(),
                put(self.token_lease),
            ),
            TxnOp::put(lock.as_str(), value, put(self.lock_lease)),
        ];
        let revision = self.step(client, 0, steps, self.lock_lease).await?;
        self.token_revision = revision;
        Ok(revision)
    }

    async fn publish(&mut self, client: &Client, lock_revision: i64) -> Result<(), Error> {
        let [lock, _, report] = &self.keys;
        self.report_leases.swap(0, 1);
        let [lease, _] = self.report_leases;
        let mut value = format!("wk1|{}|1\n", self.token).into_bytes();
        value.extend_from_slice(&REPORT);
        let steps = vec![
            TxnOp::put(
                report.as_str(),
                value,
                Some(PutOptions::new().with_lease(lease)),
            ),
            TxnOp::delete(lock.as_str(), None),
        ];
        self.report_revision = self.step(client, lock_revision, steps, lease).await?;
        Ok(())
    }

    /// Takes the steps where the group stands as it was left, and looks where it does not.
    async fn step(
        &self,
        client: &Client,
        lock_revision: i64,
        steps: Vec<TxnOp>,
        lease: i64,
    ) -> Result<i64, Error> {
        let [lock, token, report] = &self.keys;
        let same = |key: &String, revision| {
            Compare::mod_revision(key.as_str(), CompareOp::Equal, revision)
        };
        let look = |options: Option<GetOptions>| {
            vec![
                TxnOp::get(lock.as_str(), None),
                TxnOp::get(token.as_str(), None),
                TxnOp::get(report.as_str(), options),
            ]
        };
        let again = Txn::new()
            .when([same(report, self.report_revision)])
            .and_then(look(Some(GetOptions::new().with_keys_only())))
            .or_else(look(None));
        let txn = Txn::new()
            .when([
                same(lock, lock_revision),
                same(token, self.token_revision),
                same(report, self.report_revision),
            ])
            .and_then(steps)
            .or_else([TxnOp::txn(again)]);
        let commit = async { client.kv_client().txn(txn).await };
        let keep = async { client.lease_client().keep_alive(lease).await };
        let (done, _) = try_join(commit, keep).await?;
        match done.header() {
            Some(header) if done.succeeded() => Ok(header.revision()),
            _ => Err("the peer's group was changed by somebody else".into()),
        }
    }
}
