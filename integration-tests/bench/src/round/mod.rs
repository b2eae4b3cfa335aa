//! One round of 5,000 checks, beside a bare hyper loop that makes the same requests.

mod bare;
mod client;
mod pod;

use std::time::{Duration, Instant};

use crate::endpoint::Endpoint;
use crate::row::{Row, Target};
use crate::{Ctx, Error};
use watchkeeper_integration_tests::measure::machine::cpu_seconds;

/// How long the endpoint takes.
const DELAY: Duration = Duration::from_millis(20);

/// The prober keeps idle connections for a second: after this both sides begin with none.
const CONNECTIONS_GONE: Duration = Duration::from_millis(2500);

/// Requests per round, and how many at once.
const CHECKS: usize = 5000;
const CONCURRENCY: usize = 512;

/// The rows of this part.
pub(crate) async fn rows(ctx: &Ctx) -> Result<Vec<Row>, Error> {
    let checks = if ctx.quick { 500 } else { CHECKS };
    let endpoint = Endpoint::start(DELAY)?;
    let pod = pod::start(checks, CONCURRENCY, endpoint.address).await?;
    let mut ours = Taken::default();
    let mut peer = Taken::default();
    let mut client = Taken::default();
    for turn in 0..=ctx.repeat {
        let mut took = [None; 3];
        // Each goes first in turn: what the one leaves behind in the machine falls on both.
        for side in (turn..turn + 3).map(|side| side % 3) {
            tokio::time::sleep(CONNECTIONS_GONE).await;
            let began = (Instant::now(), cpu_seconds(std::process::id())?);
            match side {
                0 => pod.round().await?,
                1 => bare::round(checks, CONCURRENCY, endpoint.address).await?,
                _ => client::round(checks, CONCURRENCY, endpoint.address).await?,
            }
            let cpu = cpu_seconds(std::process::id())? - began.1;
            if let Some(place) = took.get_mut(side) {
                *place = Some((began.0.elapsed(), cpu));
            }
        }
        // The first of each pays for what is made once: code, memory, the pod's first entries.
        if let ([Some(a), Some(b), Some(c)], true) = (took, turn > 0) {
            ours.add(a);
            peer.add(b);
            client.add(c);
        }
    }
    pod.leave().await;
    let what =
        |part: &str| format!("{checks} checks, 20 ms endpoint, concurrency {CONCURRENCY}: {part}");
    Ok(vec![
        Row {
            what: what("round time, in-process pod, memory store"),
            unit: "ms",
            ours: ours.millis,
            peer: peer.millis,
            peer_name: Some("bare hyper loop"),
            target: Target::AtMost(1.15),
        },
        Row {
            what: what("CPU of the round, all threads"),
            unit: "ms",
            ours: ours.cpu_millis,
            peer: peer.cpu_millis.clone(),
            peer_name: Some("bare hyper loop"),
            target: Target::AtMost(1.3),
        },
        Row {
            what: what("CPU of the HTTP client alone (a bare reqwest loop)"),
            unit: "ms",
            ours: client.cpu_millis,
            peer: peer.cpu_millis,
            peer_name: Some("bare hyper loop"),
            target: Target::Shown,
        },
    ])
}

/// The values of one side.
#[derive(Default)]
struct Taken {
    millis: Vec<f64>,
    cpu_millis: Vec<f64>,
}

impl Taken {
    fn add(&mut self, (wall, cpu): (Duration, f64)) {
        self.millis.push(wall.as_secs_f64() * 1e3);
        self.cpu_millis.push(cpu * 1e3);
    }
}
