//! Lock cycles through the Redis backend, beside the same calls sent bare on one connection.
//!
//! A cycle is what a round costs its leader: acquire, then publish and release in one step. Each task has a group of
//! its own, so nobody waits for anybody but the server. The bare side sends the same scripts by the same digest with
//! arguments of the same size, through the same driver with nothing around it, and does with the answers only what the
//! next call needs. Ours and bare take turns in short slices, so that what else the machine does hits both.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio::task::JoinSet;
use watchkeeper_core::cache::{Publish, Published, ReportCache, Then};
use watchkeeper_core::id::{AttemptId, FleetName, GroupId, PodId};
use watchkeeper_core::lease::{Acquire, Acquired, LeaseRef, LeaseStore, Token};
use watchkeeper_integration_tests::redis_process::RedisProcess;
use watchkeeper_memory::MemoryStore;
use watchkeeper_redis::{RedisOptions, RedisStore};
use watchkeeper_runtime::BootClock;

use super::bare::Bare;
use crate::row::{Row, Target};
use crate::{Ctx, Error};

pub(crate) const TASKS: usize = 64;
/// Turns of each side within a repetition.
const SLICES: usize = 6;
const SLICE: Duration = Duration::from_millis(250);
pub(crate) const TTL: Duration = Duration::from_secs(60);
pub(crate) const RETAIN: Duration = Duration::from_secs(600);
/// One short entry: the smaller the report, the more the client's own work shows.
pub(crate) const REPORT: [u8; 256] = [b'x'; 256];

pub(crate) const PEER: &str = "the same EVALSHA calls sent bare on one connection";

/// Both sides on a server of their own, and the memory backend for comparison.
pub(super) async fn rows(ctx: &Ctx) -> Result<Vec<Row>, Error> {
    let server = RedisProcess::start().await;
    let mut options = RedisOptions::from_url(FleetName::new("bench")?, &server.url())?;
    options.timeout = Duration::from_secs(5);
    let ours = Arc::new(RedisStore::connect(options.clone())?);
    let bare = Bare::connect(&server).await?;
    // Scripts are loaded and memory is warm before anything counts.
    slice(TASKS, |task, until| through(Arc::clone(&ours), task, until)).await?;
    slice(TASKS, |task, until| bare.clone().run(task, until)).await?;

    let (mut rates, mut watched, mut peer) = (Vec::new(), Vec::new(), Vec::new());
    let (mut our_bytes, mut bare_bytes) = (0.0, 0.0);
    let slices = if ctx.quick { 1 } else { SLICES };
    for _ in 0..ctx.repeat {
        let mut sums = [Rate::default(), Rate::default(), Rate::default()];
        for turn in 0..slices {
            for at in 0..sums.len() {
                let side = (turn + at) % sums.len();
                let before = bytes_in(&server).await?;
                let done = match side {
                    0 => slice(TASKS, |task, until| bare.clone().run(task, until)).await?,
                    1 => {
                        slice(TASKS, |task, until| through(Arc::clone(&ours), task, until)).await?
                    }
                    _ => {
                        let store = Arc::new(RedisStore::connect(options.clone())?);
                        store.ping().await?;
                        let mut notices = store.watch();
                        let drain =
                            tokio::spawn(async move { while notices.next().await.is_some() {} });
                        let done = slice(TASKS, |task, until| {
                            through(Arc::clone(&store), task, until)
                        })
                        .await;
                        drain.abort();
                        done?
                    }
                };
                let bytes = (bytes_in(&server).await? - before) / done.cycles;
                match side {
                    0 => bare_bytes = bytes,
                    1 => our_bytes = bytes,
                    _ => {}
                }
                if let Some(sum) = sums.get_mut(side) {
                    sum.add(&done);
                }
            }
        }
        let [bare, ours, with_watcher] = sums;
        peer.push(bare.per_second());
        rates.push(ours.per_second());
        watched.push(with_watcher.per_second());
    }
    if (our_bytes / bare_bytes - 1.0).abs() > 0.01 {
        return Err(format!(
            "the peer does not send what the backend sends: `{bare_bytes:.1}` bytes a cycle, not `{our_bytes:.1}`"
        ).into());
    }
    let memory = Arc::new(MemoryStore::new(Arc::new(BootClock)));
    let mut in_memory = Vec::new();
    for _ in 0..ctx.repeat {
        let done = slice(TASKS, |task, until| {
            through(Arc::clone(&memory), task, until)
        })
        .await?;
        in_memory.push(done.per_second());
    }
    Ok(vec![
        Row {
            what: format!("lock cycles on redis (acquire, publish + release), {TASKS} tasks"),
            unit: "cycles/s",
            ours: rates,
            peer: peer.clone(),
            peer_name: Some(PEER),
            target: Target::AtLeast(0.95),
        },
        Row {
            what: format!("the same while this store also watches for notices, {TASKS} tasks"),
            unit: "cycles/s",
            ours: watched,
            peer,
            peer_name: Some(PEER),
            target: Target::Shown,
        },
        Row {
            what: format!("lock cycles in memory (acquire, publish + release), {TASKS} tasks"),
            unit: "cycles/s",
            ours: in_memory,
            peer: Vec::new(),
            peer_name: None,
            target: Target::Shown,
        },
    ])
}

/// Cycles, and the time that they took.
#[derive(Default)]
pub(crate) struct Rate {
    pub(crate) cycles: f64,
    seconds: f64,
}

impl Rate {
    pub(crate) fn add(&mut self, other: &Self) {
        self.cycles += other.cycles;
        self.seconds += other.seconds;
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.cycles / self.seconds
    }
}

/// Runs so many tasks until the slice is over.
pub(crate) async fn slice<F>(count: usize, run: impl Fn(usize, Instant) -> F) -> Result<Rate, Error>
where
    F: Future<Output = Result<u32, Error>> + Send + 'static,
{
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for task in 0..count {
        tasks.spawn(run(task, began + SLICE));
    }
    let mut cycles = 0.0;
    while let Some(done) = tasks.join_next().await {
        cycles += f64::from(done??);
    }
    Ok(Rate {
        cycles,
        seconds: began.elapsed().as_secs_f64(),
    })
}

/// Cycles through a backend, as a coordinator asks for them.
pub(crate) async fn through<S: LeaseStore + ReportCache + ?Sized>(
    store: Arc<S>,
    task: usize,
    until: Instant,
) -> Result<u32, Error> {
    let pod = PodId::new(format!("pod-{task}"))?;
    let group = GroupId::new(format!("group-{task}"))?;
    let value: Arc<[u8]> = REPORT.as_slice().into();
    let (mut cycles, mut floor) = (0, Token::ZERO);
    while Instant::now() < until {
        cycles += 1;
        let request = Acquire {
            group: group.clone(),
            pod: pod.clone(),
            attempt: AttemptId(u64::from(cycles)),
            ttl: TTL,
            floor,
            take: None,
        };
        let Acquired::Held { token } = store.acquire(&request).await? else {
            return Err("a lease of this task's own is held by somebody else".into());
        };
        floor = token;
        let publish = Publish {
            lease: LeaseRef {
                group: group.clone(),
                pod: pod.clone(),
                token,
            },
            edition: 1,
            value: Arc::clone(&value),
            retain: RETAIN,
            then: Then::Release,
            companion: None,
        };
        if store.publish(&publish).await? != Published::Done {
            return Err("a report under a lease that stands was refused".into());
        }
    }
    Ok(cycles)
}

/// Bytes that the server was sent since its start.
pub(crate) async fn bytes_in(server: &RedisProcess) -> Result<f64, Error> {
    let info: String = server.run(&["INFO", "stats"]).await;
    super::info(&info, "total_net_input_bytes")
}
