//! Beside real LiteLLM pods: the same file, the same models, the same intervals and lock times, each side with a Redis
//! and a mock upstream of its own, one side after the other. Nothing is promised here; the rows show.

mod install;
mod pods;

use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::future::{join_all, try_join_all};
use watchkeeper_integration_tests::litellm_config::LitellmConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};
use watchkeeper_integration_tests::redis_process::RedisProcess;

use watchkeeper_integration_tests::measure::load;
use watchkeeper_integration_tests::measure::machine::resident_mib;
use crate::row::{Row, Target};
use crate::{Ctx, Error};
use pods::{Pod, Program};

/// The master key of both.
pub(crate) const KEY: &str = "sk-bench";
/// How long results count, and how often rounds happen.
pub(crate) const TTL_SECONDS: u32 = 20;
/// How long the lock lasts.
pub(crate) const LOCK_SECONDS: u32 = 10;
const PODS: usize = 3;
const MODELS: [&str; 5] = ["m1", "m2", "m3", "m4", "m5"];
const MODEL_COUNT: u64 = MODELS.len() as u64;
/// Connections of the load.
const CONNECTIONS: usize = 32;

/// LiteLLM needs some 20 s where three start on two cores.
const START_LIMIT: Duration = Duration::from_secs(120);
/// Until a pod begins a round: an interval and some more.
const ROUND_LIMIT: Duration = Duration::from_secs(60);
/// The mock answers at once: a round is published this much later at the latest.
const PUBLISHED: Duration = Duration::from_secs(1);
/// Until all survivors show what a new round found.
const CHANGE_LIMIT: Duration = Duration::from_secs(150);

/// The rows of this part.
pub(crate) async fn rows(ctx: &Ctx) -> Result<Vec<Row>, Error> {
    let command = tokio::task::spawn_blocking(install::litellm).await??;
    eprintln!("  watchkeeper");
    let ours = side(ctx, &Program::Watchkeeper).await?;
    eprintln!("  litellm {}", install::VERSION);
    let theirs = side(ctx, &Program::Litellm(command)).await?;
    let head = format!(
        "{PODS} pods, {} models, interval {TTL_SECONDS} s, lock {LOCK_SECONDS} s",
        MODELS.len()
    );
    let rows = ours.into_iter().zip(theirs).map(|(ours, theirs)| Row {
        what: format!("{head}: {}", ours.what),
        unit: ours.unit,
        ours: ours.values,
        peer: theirs.values,
        peer_name: Some(install::NAME),
        target: Target::Shown,
    });
    Ok(rows.collect())
}

/// What one side came to; one value per pod where pods differ.
struct Seen {
    what: String,
    unit: &'static str,
    values: Vec<f64>,
}

async fn side(ctx: &Ctx, program: &Program) -> Result<Vec<Seen>, Error> {
    let directory = tempfile::tempdir()?;
    let mock = MockLlm::start().await;
    let mut redis = RedisProcess::start().await;
    let config = LitellmConfig::new(&mock.api_base(), &MODELS)
        .redis(redis.address())
        .interval(TTL_SECONDS)
        .general(&format!("master_key: {KEY}"));
    let path = directory.path().join("proxy_config.yaml");
    std::fs::write(&path, config.yaml())?;
    let mut pods = Vec::new();
    for number in 1..=PODS {
        pods.push(Pod::start(program, &path, directory.path(), number)?);
    }
    let mut seen = start(&pods).await?;
    seen.push(Seen {
        what: "resident memory of a pod with results".to_owned(),
        unit: "MiB",
        values: pods
            .iter()
            .map(|pod| resident_mib(pod.id()))
            .collect::<Result<_, _>>()?,
    });
    seen.extend(under_load(ctx, &pods).await?);
    seen.push(take_over(&mock, &mut pods).await?);
    pods.push(Pod::start(program, &path, directory.path(), PODS + 1)?);
    seen.push(outage(&mock, &mut redis, &pods, directory.path()).await?);
    Ok(seen)
}

/// All start at once: until each answers, and until each shows results.
async fn start(pods: &[Pod]) -> Result<Vec<Seen>, Error> {
    let waits = pods.iter().map(async |pod| {
        while !pod.answers().await {
            if pod.began.elapsed() > START_LIMIT {
                return Err(format!("no answer within {START_LIMIT:?}:\n{}", pod.log()).into());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let answer = pod.began.elapsed();
        let shown = pod.wait_until_it_shows(MODEL_COUNT, 0, START_LIMIT).await?;
        Ok::<_, Error>((answer.as_secs_f64(), (shown - pod.began).as_secs_f64()))
    });
    let (answers, results) = try_join_all(waits).await?.into_iter().unzip();
    let row = |what: &str, values| Seen {
        what: what.to_owned(),
        unit: "s",
        values,
    };
    Ok(vec![
        row("start of all at once to a pod's first answer", answers),
        row("start of all at once to a pod's first results", results),
    ])
}

async fn under_load(ctx: &Ctx, pods: &[Pod]) -> Result<Vec<Seen>, Error> {
    let pod = pods.first().ok_or("no pod")?;
    let time = Duration::from_secs(if ctx.quick { 1 } else { 4 });
    let mut seen = Vec::new();
    for path in ["/health/shared-status", "/health"] {
        let mut values = Vec::new();
        for _ in 0..ctx.repeat.min(3) {
            values.push(load::run(pod.address, path, Some(KEY), CONNECTIONS, time).await?);
        }
        seen.push(Seen {
            what: format!("GET {path}, {CONNECTIONS} connections"),
            unit: "1/s",
            values,
        });
    }
    Ok(seen)
}

/// The pod that has just begun a round is killed; from then until each survivor shows what a new round found.
async fn take_over(mock: &MockLlm, pods: &mut Vec<Pod>) -> Result<Seen, Error> {
    mock.set_default(Behaviour::Hold);
    let holder = next_round(mock, pods).await?;
    pods.remove(holder).kill()?;
    let killed = Instant::now();
    // Refusals, which no client asks again: what the survivors find is told from what they knew.
    mock.set_default(Behaviour::Status(401));
    let shown = join_all(
        pods.iter()
            .map(|pod| pod.wait_until_it_shows(0, MODEL_COUNT, CHANGE_LIMIT)),
    )
    .await;
    let mut values = Vec::new();
    for shown in shown {
        values.push((shown? - killed).as_secs_f64());
    }
    Ok(Seen {
        what: "kill -9 of the pod that checks to new results of each survivor".to_owned(),
        unit: "s",
        values,
    })
}

/// Waits until a pod begins a round and asks; answers which.
async fn next_round(mock: &MockLlm, pods: &[Pod]) -> Result<usize, Error> {
    let before: Vec<usize> = pods.iter().map(Pod::rounds_begun).collect();
    let asked = mock.asked().all().len();
    let began = Instant::now();
    loop {
        let begun = pods
            .iter()
            .zip(&before)
            .position(|(pod, before)| pod.rounds_begun() > *before);
        if let Some(holder) = begun
            && mock.asked().all().len() > asked
        {
            return Ok(holder);
        }
        if began.elapsed() > ROUND_LIMIT {
            return Err(format!("no pod began a round within {ROUND_LIMIT:?}").into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Redis ends just after a round, at the same place in the interval for both; from then until each pod shows what it found without.
async fn outage(
    mock: &MockLlm,
    redis: &mut RedisProcess,
    pods: &[Pod],
    directory: &Path,
) -> Result<Seen, Error> {
    for pod in pods {
        pod.wait_until_it_shows(0, MODEL_COUNT, START_LIMIT)
            .await
            .map_err(|error| format!("in {}: {error}", directory.display()))?;
    }
    next_round(mock, pods).await?;
    tokio::time::sleep(PUBLISHED).await;
    redis.kill().await;
    let gone = Instant::now();
    mock.set_default(Behaviour::Ok);
    let shown = join_all(
        pods.iter()
            .map(|pod| pod.wait_until_it_shows(MODEL_COUNT, 0, CHANGE_LIMIT)),
    )
    .await;
    let mut values = Vec::new();
    for shown in shown {
        values.push((shown? - gone).as_secs_f64());
    }
    Ok(Seen {
        what: "Redis stopped to new results of each pod".to_owned(),
        unit: "s",
        values,
    })
}
