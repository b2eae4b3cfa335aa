//! What a follower asks of etcd in an interval in which nothing happens, by etcd's own count.
//!
//! etcd counts calls, not who makes them. So a fleet is looked at beside a single pod, which does all that a leader does:
//! what the fleet asks more, its followers ask. Pings and presence are taken off by how often the pods did them, times what
//! etcd counted for one each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use watchkeeper_core::cache::{Presence, Store};
use watchkeeper_core::id::{FleetName, PodId};
use watchkeeper_integration_tests::etcd_process::EtcdProcess;

use crate::fleet::local::{Aside, LocalPod, Shape, checks};
use crate::server::{Place, etcd_metric};
use crate::store::commands::{INTERVAL, PODS};
use crate::{Ctx, Error};

/// Rounds before anything counts: the first ones make leases that later ones use again.
const SKIPPED: u32 = 4;
/// Intervals in a look: what falls on its edges, a ping or a call under way, is spread over these.
const INTERVALS: u32 = 3;
/// Of each kind, to know what one costs.
const SAMPLES: u32 = 8;

/// Per repetition, the calls of a follower per interval.
pub(super) async fn rows_of(etcd: &EtcdProcess, size: usize, ctx: &Ctx) -> Result<Vec<f64>, Error> {
    let address = etcd.address();
    let price = Price::of(address).await?;
    let models: Vec<String> = (0..size).map(|n| format!("model-{n}")).collect();
    let mut ours = Vec::new();
    let intervals = if ctx.quick { 2 } else { INTERVALS };
    // The alone one is told apart by its list.
    let alone = fleet(
        address,
        &models,
        "http://127.0.0.1:8/v1",
        1,
        &price,
        intervals,
        ctx.repeat,
    )
    .await?;
    let all = fleet(
        address,
        &models,
        "http://127.0.0.1:9/v1",
        PODS,
        &price,
        intervals,
        ctx.repeat,
    )
    .await?;
    let followers = f64::from(u32::try_from(PODS - 1)?);
    for (all, alone) in all.iter().zip(&alone) {
        ours.push((all - alone) / followers);
    }
    Ok(ours)
}

/// Calls per interval of a fleet, pings and presence aside; one value per repetition.
async fn fleet(
    address: SocketAddr,
    models: &[String],
    api_base: &str,
    pods: usize,
    price: &Price,
    intervals: u32,
    repeat: usize,
) -> Result<Vec<f64>, Error> {
    let aside: Arc<Aside> = Arc::default();
    let shape = Shape {
        place: Place::Etcd(address),
        checks: checks(api_base, models)?,
        interval: INTERVAL,
        lock_ttl: Duration::from_secs(3),
        drain: Duration::from_secs(1),
        asks: false,
        on_publish: None,
        aside: Arc::clone(&aside),
    };
    let mut running = Vec::new();
    for n in 0..pods {
        running.push(LocalPod::start(&shape, &format!("pod-{n}")).await?);
    }
    tokio::time::sleep(INTERVAL * SKIPPED).await;
    let mut found = Vec::new();
    for _ in 0..repeat {
        let before = calls(address).await? - price.paid(&aside);
        tokio::time::sleep(INTERVAL * intervals).await;
        let after = calls(address).await? - price.paid(&aside);
        found.push((after - before) / f64::from(intervals));
    }
    for pod in running {
        pod.leave().await?;
    }
    Ok(found)
}

/// Calls that etcd counted since its start.
async fn calls(address: SocketAddr) -> Result<f64, Error> {
    etcd_metric(address, "grpc_server_handled_total", &[]).await
}

/// Calls that one of each makes.
struct Price {
    ping: f64,
    announce: f64,
    list: f64,
}

impl Price {
    async fn of(address: SocketAddr) -> Result<Self, Error> {
        let store = Place::Etcd(address).open(FleetName::new("bench")?, Duration::from_secs(5))?;
        store.ping().await?;
        let presence = Presence {
            pod: PodId::new("price")?,
            info: Arc::from(&b"{}"[..]),
            ttl: Duration::from_secs(15),
        };
        store.announce(&presence).await?;
        let mut prices = [0.0; 3];
        for (kind, price) in prices.iter_mut().enumerate() {
            let before = calls(address).await?;
            for _ in 0..SAMPLES {
                one(&*store, kind, &presence).await?;
            }
            *price = (calls(address).await? - before) / f64::from(SAMPLES);
        }
        store.leave(&presence.pod).await?;
        let [ping, announce, list] = prices;
        Ok(Self {
            ping,
            announce,
            list,
        })
    }

    fn paid(&self, aside: &Aside) -> f64 {
        // Far below 2^52.
        #[allow(clippy::cast_precision_loss)]
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed) as f64;
        self.ping * count(&aside.pings)
            + self.announce * count(&aside.announced)
            + self.list * count(&aside.listed)
    }
}

async fn one(store: &dyn Store, kind: usize, presence: &Presence) -> Result<(), Error> {
    match kind {
        0 => store.ping().await?,
        1 => store.announce(presence).await?,
        _ => drop(store.pods().await?),
    }
    Ok(())
}
