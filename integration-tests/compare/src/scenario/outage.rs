//! Redis gone, silent, or not there yet.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::daemon::{Daemon, Program};
use watchkeeper_integration_tests::mock_llm::Seen;
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::finding::Finding;
use crate::stand::{INTERVAL, LOCK, MODELS, PODS, Stand};
use crate::watch::{set_mark, shown, since, written};

/// How Redis is away.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Stopped,
    Hung,
}

/// Just before the next round: a round's results are used until they end.
const BEFORE: Duration = Duration::from_secs(1);
/// How long a pod's answer to `/health/shared-status` is waited for between two looks.
const STATUS_EVERY: Duration = Duration::from_secs(1);
/// How long is watched after Redis is back.
const BACK: Duration = Duration::from_secs(100);
/// Every model is asked alike; one stands for all.
const ONE: &str = "m1";

pub(crate) async fn run(program: Program, how: How) -> Vec<Finding> {
    let mut stand = Stand::of_pods(program, LOCK).await;
    let away = Duration::from_secs(if how == How::Stopped { 110 } else { 90 });
    let round = stand.next_round().await;
    tokio::time::sleep_until((round + INTERVAL - BEFORE).into()).await;
    set_mark(&stand, 0);
    match how {
        How::Stopped => stand.redis.kill().await,
        How::Hung => stand.redis.freeze(),
    }
    let gone = Instant::now();
    let (first, status) = tokio::join!(
        shown(&stand.pods, 0, away),
        statuses(&stand.pods[0], gone + away)
    );
    tokio::time::sleep_until((gone + away).into()).await;
    let while_away = stand.mock.asked().since(gone);

    set_mark(&stand, 1);
    match how {
        How::Stopped => stand.redis.start_again().await,
        How::Hung => stand.redis.wake(),
    }
    let back = Instant::now();
    let (again, published) = tokio::join!(shown(&stand.pods, 1, BACK), written(&stand, BACK));
    tokio::time::sleep_until((back + BACK).into()).await;
    let after = stand.mock.asked().since(back);
    let each = |seen: &Seen| MODELS.map(|model| seen.count(model) as f64);
    vec![
        Finding::seconds("Redis away to new results of each pod", since(gone, &first)),
        Finding::numbers(
            "pods that got new results while it was away",
            "",
            [first.iter().flatten().count() as f64],
        ),
        Finding::numbers("probes of a model while it was away", "", each(&while_away)),
        Finding::seconds(
            "time between two probes of a model by the same pod",
            gaps_of_pods(&stand, &while_away),
        ),
        Finding::text("`redis_available` while it was away", status.available),
        Finding::seconds("`/health/shared-status`, slowest answer", [status.slowest]),
        Finding::seconds(
            "Redis back to the first publication",
            published.map(|at| at - back),
        ),
        Finding::seconds("Redis back to new results of each pod", since(back, &again)),
        Finding::numbers(
            format!("probes of a model in the {} s after", BACK.as_secs()),
            "",
            each(&after),
        ),
    ]
}

/// The pods start without Redis.
pub(crate) async fn cold(program: Program) -> Vec<Finding> {
    let redis = RedisProcess::not_started(&[]);
    let mut stand = Stand::on(program, LOCK, redis).await;
    for _ in 0..PODS {
        stand.spawn(&MODELS).await;
    }
    let answers = stand.wait_until_all_answer().await;
    let results = stand.wait_until_all_show(MODELS.len()).await;
    let seen = stand.mock.asked();
    let status = stand.pods[0].shared_status().await;
    vec![
        Finding::seconds("start of a pod to its first answer", answers),
        Finding::seconds("start of a pod to its first results", results),
        Finding::numbers(
            "probes of a model by then",
            "",
            MODELS.map(|model| seen.count(model) as f64),
        ),
        Finding::text(
            "`redis_available` then",
            status["status"]["redis_available"].to_string(),
        ),
    ]
}

/// What a pod said of Redis, and how long it took.
struct Statuses {
    available: String,
    slowest: Duration,
}

async fn statuses(pod: &Daemon, end: Instant) -> Statuses {
    let (mut said, mut slowest) = (Vec::new(), Duration::ZERO);
    while Instant::now() < end {
        let began = Instant::now();
        let words = match pod.try_get("/health/shared-status").await {
            Ok(answer) => answer.json()["status"]["redis_available"].to_string(),
            Err(_) => "no answer".to_owned(),
        };
        slowest = slowest.max(began.elapsed());
        if !said.contains(&words) {
            said.push(words);
        }
        tokio::time::sleep(STATUS_EVERY).await;
    }
    Statuses {
        available: said.join(", then "),
        slowest,
    }
}

fn gaps_of_pods(stand: &Stand, seen: &Seen) -> Vec<Duration> {
    let of = |name: &String| seen.only(|asked| asked.pod() == Some(name)).gaps(ONE);
    stand.names().iter().flat_map(of).collect()
}
