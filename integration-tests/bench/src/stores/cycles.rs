//! Lock cycles through a backend, beside the same calls sent bare on one connection: by many tasks at once, and by one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use watchkeeper_core::cache::Store;
use watchkeeper_core::id::FleetName;

use super::bare_etcd::BareEtcd;
use crate::row::{Row, Target};
use crate::server::{Server, etcd_metric};
use crate::store::bare::Bare;
use crate::store::cycles::{self, PEER, Rate, TASKS, slice, through};
use crate::{Ctx, Error};

/// Any key of the fleet: all lie in one slot.
const KEY: &str = "watchkeeper:{bench}:pods";
/// Turns of each side within a repetition.
const SLICES: usize = 3;
const ETCD_PEER: &str = "the same transactions and keep-alives sent bare on one connection";

/// The peer's side.
#[derive(Clone)]
enum AnyBare {
    Redis(Bare),
    Etcd(BareEtcd),
}

impl AnyBare {
    async fn run(self, task: usize, until: Instant) -> Result<u32, Error> {
        match self {
            Self::Redis(bare) => bare.run(task, until).await,
            Self::Etcd(bare) => bare.run(task, until).await,
        }
    }
}

/// One row by many tasks, one by a single one.
pub(super) async fn rows(server: &Server, ctx: &Ctx) -> Result<Vec<Row>, Error> {
    let ours = server
        .place()
        .open(FleetName::new("bench")?, Duration::from_secs(5))?;
    let (bare, peer_name) = match server {
        Server::Etcd(etcd) => (
            AnyBare::Etcd(BareEtcd::connect(etcd, TASKS).await?),
            ETCD_PEER,
        ),
        Server::Redis(_) | Server::Cluster(_) => {
            let bare = Bare::connect(server.redis_of(KEY).await?).await?;
            (AnyBare::Redis(bare), PEER)
        }
    };
    let mut rows = Vec::new();
    for tasks in [TASKS, 1] {
        let (ours, peer) = measure(server, &ours, &bare, tasks, ctx).await?;
        rows.push(Row {
            what: format!(
                "lock cycles on {} (acquire, publish + release), {tasks} {}",
                server.place().word(),
                if tasks == 1 { "task" } else { "tasks" }
            ),
            unit: "cycles/s",
            ours,
            peer,
            peer_name: Some(peer_name),
            target: Target::AtLeast(0.95),
        });
    }
    Ok(rows)
}

/// Both rates per repetition, taken in turn in short slices.
async fn measure(
    server: &Server,
    ours: &Arc<dyn Store>,
    bare: &AnyBare,
    tasks: usize,
    ctx: &Ctx,
) -> Result<(Vec<f64>, Vec<f64>), Error> {
    // Scripts are loaded, leases are made, and memory is warm before anything counts.
    slice(tasks, |task, until| through(Arc::clone(ours), task, until)).await?;
    slice(tasks, |task, until| bare.clone().run(task, until)).await?;
    let (mut rates, mut peer) = (Vec::new(), Vec::new());
    let (mut our_bytes, mut bare_bytes) = (Sent::default(), Sent::default());
    let slices = if ctx.quick { 1 } else { SLICES };
    for _ in 0..ctx.repeat {
        let (mut our_sum, mut bare_sum) = (Rate::default(), Rate::default());
        for turn in 0..slices {
            for at in 0..2 {
                let before = bytes_in(server).await?;
                if (turn + at) % 2 == 0 {
                    let done = slice(tasks, |task, until| bare.clone().run(task, until)).await?;
                    bare_bytes.add(bytes_in(server).await? - before, &done);
                    bare_sum.add(&done);
                } else {
                    let done =
                        slice(tasks, |task, until| through(Arc::clone(ours), task, until)).await?;
                    our_bytes.add(bytes_in(server).await? - before, &done);
                    our_sum.add(&done);
                }
            }
        }
        rates.push(our_sum.per_second());
        peer.push(bare_sum.per_second());
    }
    let (ours, bare) = (our_bytes.each(), bare_bytes.each());
    if (ours / bare - 1.0).abs() > 0.01 {
        return Err(format!(
            "the peer on {} does not send what the backend sends: `{bare:.1}` bytes a cycle, not `{ours:.1}`",
            server.place().word()
        )
        .into());
    }
    Ok((rates, peer))
}

/// Bytes, and the cycles that they were sent for.
#[derive(Default)]
struct Sent {
    bytes: f64,
    cycles: f64,
}

impl Sent {
    fn add(&mut self, bytes: f64, done: &Rate) {
        self.bytes += bytes;
        self.cycles += done.cycles;
    }

    fn each(&self) -> f64 {
        self.bytes / self.cycles
    }
}

/// Bytes that the server was sent since its start: of etcd, its clients' messages alone.
async fn bytes_in(server: &Server) -> Result<f64, Error> {
    match server {
        Server::Etcd(etcd) => {
            let name = "etcd_network_client_grpc_received_bytes_total";
            etcd_metric(etcd.address(), name, &[]).await
        }
        _ => cycles::bytes_in(server.redis_of(KEY).await?).await,
    }
}
