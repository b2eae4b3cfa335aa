//! Lock cycles through the Redis backend, beside the same calls sent bare on one connection.
//!
//! A cycle is what a round costs its leader: acquire, then publish and release in one step. Each task has a group of
//! its own, so nobody waits for anybody but the server. The bare side sends the same scripts by the same digest with
//! arguments of the same size, through the same driver with nothing around it, and does with the answers only what the
//! next call needs. Ours and bare take turns in short slices, so that what else the machine does hits both.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, ConnectionAddr, IntoConnectionInfo, Value};
use tokio::task::JoinSet;
use watchkeeper_core::cache::{Publish, Published, ReportCache, Then};
use watchkeeper_core::id::{AttemptId, FleetName, GroupId, PodId};
use watchkeeper_core::lease::{Acquire, Acquired, LeaseRef, LeaseStore, Token};
use watchkeeper_integration_tests::redis_process::RedisProcess;
use watchkeeper_memory::MemoryStore;
use watchkeeper_redis::{RedisOptions, RedisStore};
use watchkeeper_runtime::BootClock;

use crate::row::{Row, Target};
use crate::{Ctx, Error};

const TASKS: usize = 64;
/// Turns of each side within a repetition.
const SLICES: usize = 6;
const SLICE: Duration = Duration::from_millis(250);
const TTL: Duration = Duration::from_secs(60);
const RETAIN: Duration = Duration::from_secs(600);
/// How long the backend keeps a token; an argument of its scripts.
const TOKEN_KEEP_MS: &str = "604800000";
/// One short entry: the smaller the report, the more the client's own work shows.
const REPORT: [u8; 256] = [b'x'; 256];

const PEER: &str = "the same EVALSHA calls sent bare on one connection";

/// The scripts as the backend sends them.
const ACQUIRE: &str = concat!(
    include_str!("../../../../crates/watchkeeper-redis/src/scripts/common.lua"),
    include_str!("../../../../crates/watchkeeper-redis/src/scripts/acquire.lua"),
);
const PUBLISH: &str = concat!(
    include_str!("../../../../crates/watchkeeper-redis/src/scripts/common.lua"),
    include_str!("../../../../crates/watchkeeper-redis/src/scripts/publish.lua"),
);

/// Both sides on a server of their own, and the memory backend for comparison.
pub(super) async fn rows(ctx: &Ctx) -> Result<Vec<Row>, Error> {
    let server = RedisProcess::start().await;
    let mut options = RedisOptions::from_url(FleetName::new("bench")?, &server.url())?;
    options.timeout = Duration::from_secs(5);
    let ours = Arc::new(RedisStore::connect(options.clone())?);
    let bare = Bare::connect(&server).await?;
    // Scripts are loaded and memory is warm before anything counts.
    slice(|task, until| through(Arc::clone(&ours), task, until)).await?;
    slice(|task, until| bare.clone().run(task, until)).await?;

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
                    0 => slice(|task, until| bare.clone().run(task, until)).await?,
                    1 => slice(|task, until| through(Arc::clone(&ours), task, until)).await?,
                    _ => {
                        let store = Arc::new(RedisStore::connect(options.clone())?);
                        store.ping().await?;
                        let mut notices = store.watch();
                        let drain =
                            tokio::spawn(async move { while notices.next().await.is_some() {} });
                        let done =
                            slice(|task, until| through(Arc::clone(&store), task, until)).await;
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
        let done = slice(|task, until| through(Arc::clone(&memory), task, until)).await?;
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

#[derive(Default)]
struct Rate {
    cycles: f64,
    seconds: f64,
}

impl Rate {
    fn add(&mut self, other: &Self) {
        self.cycles += other.cycles;
        self.seconds += other.seconds;
    }

    fn per_second(&self) -> f64 {
        self.cycles / self.seconds
    }
}

/// Runs all tasks until the slice is over.
async fn slice<F>(run: impl Fn(usize, Instant) -> F) -> Result<Rate, Error>
where
    F: Future<Output = Result<u32, Error>> + Send + 'static,
{
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
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
async fn through<S: LeaseStore + ReportCache>(
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

/// The driver and nothing else.
#[derive(Clone)]
struct Bare {
    connection: MultiplexedConnection,
    acquire: Arc<str>,
    publish: Arc<str>,
}

impl Bare {
    async fn connect(server: &RedisProcess) -> Result<Self, Error> {
        let address = ConnectionAddr::Tcp("127.0.0.1".to_owned(), server.address().port());
        let info = address
            .into_connection_info()?
            // As ours has it: a peer that waits for full segments would be an easy one.
            .set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let mut connection = redis::Client::open(info)?
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        let mut digests = Vec::new();
        for text in [ACQUIRE, PUBLISH] {
            let mut load = redis::cmd("SCRIPT");
            let digest: String = load
                .arg("LOAD")
                .arg(text)
                .query_async(&mut connection)
                .await?;
            digests.push(Arc::from(digest));
        }
        match <[Arc<str>; 2]>::try_from(digests) {
            Ok([acquire, publish]) => Ok(Self {
                connection,
                acquire,
                publish,
            }),
            Err(_) => Err("the server did not take both scripts".into()),
        }
    }

    async fn run(mut self, task: usize, until: Instant) -> Result<u32, Error> {
        let pod = format!("pod-{task}");
        let group = format!("group-{task}");
        let [lock, token, report] =
            ["lock", "token", "report"].map(|what| format!("watchkeeper:{{bench}}:{what}:{group}"));
        let (ttl, retain) = (TTL.as_millis().to_string(), RETAIN.as_millis().to_string());
        let (mut cycles, mut floor) = (0_u32, b"0".to_vec());
        while Instant::now() < until {
            cycles += 1;
            let mut acquire = redis::cmd("EVALSHA");
            acquire
                .arg(&*self.acquire)
                .arg("3")
                .arg(&lock)
                .arg(&token)
                .arg(&report);
            acquire
                .arg(&pod)
                .arg(cycles)
                .arg(&ttl)
                .arg(floor)
                .arg("")
                .arg(TOKEN_KEEP_MS);
            floor = held(acquire.query_async(&mut self.connection).await?)?;
            let mut publish = redis::cmd("EVALSHA");
            publish
                .arg(&*self.publish)
                .arg("3")
                .arg(&lock)
                .arg(&token)
                .arg(&report);
            publish
                .arg(&pod)
                .arg(&floor)
                .arg("1")
                .arg("")
                .arg(&retain)
                .arg(TOKEN_KEEP_MS);
            publish
                .arg("watchkeeper:{bench}:events")
                .arg(&group)
                .arg(&REPORT[..]);
            let done: Value = publish.query_async(&mut self.connection).await?;
            first_is(&done, b"done")?;
        }
        Ok(cycles)
    }
}

/// The token of an acquire's answer.
fn held(answer: Value) -> Result<Vec<u8>, Error> {
    first_is(&answer, b"held")?;
    match answer {
        Value::Array(fields) => match fields.into_iter().nth(1) {
            Some(Value::BulkString(token)) => Ok(token),
            _ => Err("a lease without a token".into()),
        },
        _ => Err("an answer that the script does not give".into()),
    }
}

fn first_is(answer: &Value, word: &[u8]) -> Result<(), Error> {
    match answer {
        Value::Array(fields) if matches!(fields.first(), Some(Value::BulkString(first)) if first == word) => {
            Ok(())
        }
        other => Err(format!("the peer was answered `{other:?}`").into()),
    }
}

/// Bytes that the server was sent since its start.
async fn bytes_in(server: &RedisProcess) -> Result<f64, Error> {
    let info: String = server.run(&["INFO", "stats"]).await;
    super::info(&info, "total_net_input_bytes")
}
