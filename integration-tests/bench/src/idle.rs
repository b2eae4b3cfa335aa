//! What a pod costs that has nothing to do: memory, CPU, the size of its file, the time until it answers.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::daemon::{Daemon, Setup, binary};
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::litellm_config::LitellmConfig;
use watchkeeper_integration_tests::mock_llm::MockLlm;
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::row::{Row, Target};
use crate::{Ctx, Error};
use watchkeeper_integration_tests::measure::machine::{cpu_seconds, resident_mib};

const CHECKS: usize = 100;
/// LiteLLM's default; no round falls into the time that is measured.
const INTERVAL_SECONDS: u32 = 300;
const FIRST_RESULTS: Duration = Duration::from_secs(30);
/// What a start still does after the first results: connections time out, pages are given back.
const SETTLED: Duration = Duration::from_secs(5);
const START_LIMIT: Duration = Duration::from_secs(10);

/// The rows of this part.
pub(crate) async fn rows(ctx: &Ctx) -> Result<Vec<Row>, Error> {
    let mock = MockLlm::start().await;
    let redis = RedisProcess::start().await;
    let mut rows = idle(ctx, &mock, None).await?;
    rows.extend(idle(ctx, &mock, Some(&redis)).await?);
    let bytes = std::fs::metadata(binary())?.len();
    rows.push(Row {
        what: "size of the release binary, stripped".to_owned(),
        unit: "MiB",
        ours: vec![bytes as f64 / 1_048_576.0],
        peer: Vec::new(),
        peer_name: None,
        target: Target::AtMost(15.0),
    });
    rows.push(first_answer(ctx, &mock).await?);
    Ok(rows)
}

fn setup(mock: &MockLlm, redis: Option<&RedisProcess>) -> Setup {
    let names: Vec<String> = (1..=CHECKS).map(|at| format!("model-{at:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut config = LitellmConfig::new(&mock.api_base(), &names).interval(INTERVAL_SECONDS);
    if let Some(redis) = redis {
        config = config.redis(redis.address());
    }
    Setup::new().litellm(config.yaml())
}

/// As many pods as there are repetitions run side by side, each a fleet of its own: each is idle just as if alone.
async fn idle(ctx: &Ctx, mock: &MockLlm, redis: Option<&RedisProcess>) -> Result<Vec<Row>, Error> {
    let time = Duration::from_secs(if ctx.quick { 3 } else { 30 });
    let mut pods: Vec<Daemon> = Vec::new();
    for at in 0..ctx.repeat {
        let setup = setup(mock, redis).env("WATCHKEEPER__FLEET__NAME", format!("bench-{at}"));
        let pod = setup.start().await;
        eventually("the first results", FIRST_RESULTS, async || {
            pod.health().await.get("healthy_count") == Some(&serde_json::json!(CHECKS))
        })
        .await;
        pods.push(pod);
    }
    tokio::time::sleep(SETTLED).await;
    let mut before = Vec::new();
    for pod in &pods {
        before.push((Instant::now(), cpu_seconds(pod.id())?));
    }
    tokio::time::sleep(time).await;
    let mut percent = Vec::new();
    let mut memory = Vec::new();
    for (pod, (since, cpu)) in pods.iter().zip(before) {
        let used = cpu_seconds(pod.id())? - cpu;
        percent.push(100.0 * used / since.elapsed().as_secs_f64());
        memory.push(resident_mib(pod.id())?);
    }
    let store = if redis.is_some() { "Redis" } else { "memory" };
    let row = |part: &str, unit, ours, most| Row {
        what: format!(
            "idle for {} s, {CHECKS} checks, {store}: {part}",
            time.as_secs()
        ),
        unit,
        ours,
        peer: Vec::new(),
        peer_name: None,
        target: Target::AtMost(most),
    };
    Ok(vec![
        row("resident memory", "MiB", memory, 15.0),
        row("CPU", "% of a core", percent, 0.1),
    ])
}

/// From the start of the process until its first answer.
async fn first_answer(ctx: &Ctx, mock: &MockLlm) -> Result<Row, Error> {
    let mut millis = Vec::new();
    for _ in 0..ctx.repeat {
        let setup = setup(mock, None);
        let began = Instant::now();
        let pod = setup.spawn();
        while pod.try_get("/health/liveliness").await.is_err() {
            if began.elapsed() > START_LIMIT {
                return Err(format!("no answer within {START_LIMIT:?}:\n{}", pod.log()).into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        millis.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(Row {
        what: format!("start to first answer, {CHECKS} checks, memory"),
        unit: "ms",
        ours: millis,
        peer: Vec::new(),
        peer_name: None,
        target: Target::AtMost(100.0),
    })
}
