//! Nothing goes wrong: how often models are asked, what Redis is asked, how old is what pods show.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use watchkeeper_integration_tests::daemon::Program;
use watchkeeper_integration_tests::mock_llm::{Behaviour, End, Seen};
use watchkeeper_integration_tests::redis_monitor::RedisMonitor;

use crate::finding::Finding;
use crate::stand::{INTERVAL, LAST, LOCK, MODELS, PODS, Stand, health, status_of};
use crate::watch::{counted, mark, set_mark};

/// How many intervals are watched, and how many findings followed.
const TIMES: u32 = 5;
/// All models are asked within this of each other.
const BEFORE: Duration = Duration::from_secs(1);
/// Between two looks at all pods.
const LOOK: Duration = Duration::from_millis(150);

pub(crate) async fn run(program: Program, stagger: Duration) -> Vec<Finding> {
    let mut stand = Stand::empty(program, LOCK).await;
    for _ in 0..PODS {
        stand.spawn(&MODELS).await;
        tokio::time::sleep(stagger).await;
    }
    let results = stand.wait_until_all_show(MODELS.len()).await;
    let probes = MODELS.map(|model| stand.mock.asked().count(model) as f64);
    let mut findings = Vec::new();
    // Where pods start one after the other, the first have had their results long before the last was started.
    if stagger.is_zero() {
        findings.push(Finding::seconds(
            "start of a pod to its first results",
            results,
        ));
        findings.push(Finding::numbers(
            "probes of a model until all pods had results",
            "",
            probes,
        ));
    }

    // From just before a round, so that as many rounds as intervals are due.
    let round = stand.next_round().await;
    let commands = RedisMonitor::watch(stand.redis.address()).await;
    let began = round - BEFORE;
    tokio::time::sleep_until((began + TIMES * INTERVAL).into()).await;
    let seen = stand.mock.asked().since(began);
    let (of_keys, all) = counted(&commands, program);
    drop(commands);
    let per_pod = |count: usize| count as f64 / f64::from(TIMES) / PODS as f64;
    let gaps = MODELS.iter().flat_map(|model| seen.gaps(model));
    findings.extend([
        Finding::numbers(
            "probes of a model per interval, mean",
            "",
            MODELS.map(|model| seen.count(model) as f64 / f64::from(TIMES)),
        ),
        Finding::seconds("time between two probes of a model", gaps),
        Finding::numbers(
            "Redis commands on the lock and the report, per pod and interval",
            "",
            [per_pod(of_keys)],
        ),
        Finding::numbers(
            "Redis commands of all kinds, per pod and interval",
            "",
            [per_pod(all)],
        ),
    ]);
    findings.extend(freshness(&stand).await);
    findings
}

/// Each round finds another status; who shows it when.
async fn freshness(stand: &Stand) -> Vec<Finding> {
    let began = Instant::now();
    let times = TIMES as usize;
    set_mark(stand, 0);
    let mut shown: HashMap<(usize, usize), Instant> = HashMap::new();
    let mut ages = Vec::new();
    loop {
        let answered = answers(&stand.mock.asked().since(began));
        if answered.len() > times || began.elapsed() > (TIMES + 3) * INTERVAL {
            break;
        }
        set_mark(stand, answered.len());
        for (pod, daemon) in stand.pods.iter().enumerate() {
            let status = health(daemon).await.and_then(|body| status_of(&body, LAST));
            let looked = Instant::now();
            // A round may have come since the last look: a pod shows only what was answered by now.
            let answered = answers(&stand.mock.asked().since(began));
            // The latest that it can be: what a pod shows is younger than a whole turn of the marks.
            let time = (0..answered.len())
                .rev()
                .find(|time| answered[*time] <= looked && status == Some(u64::from(mark(*time))));
            if let Some(time) = time {
                shown.entry((time, pod)).or_insert(looked);
                ages.push(looked - answered[time]);
            }
        }
        tokio::time::sleep(LOOK).await;
    }
    stand.mock.set(LAST, Behaviour::Ok);
    let answered = answers(&stand.mock.asked().since(began));
    let lags = |fits: fn(&Duration, &Duration) -> bool| -> Vec<Duration> {
        let mut found = Vec::new();
        for (time, at) in answered.iter().enumerate().take(times) {
            let lag = |pod| {
                shown
                    .get(&(time, pod))
                    .map(|seen: &Instant| seen.duration_since(*at))
            };
            let lags: Vec<Duration> = (0..stand.pods.len()).filter_map(lag).collect();
            let first = lags.iter().min().copied().unwrap_or_default();
            found.extend(lags.into_iter().filter(|lag| fits(lag, &first)));
        }
        found
    };
    let mean = ages.iter().sum::<Duration>() / u32::try_from(ages.len().max(1)).unwrap();
    vec![
        Finding::seconds(
            "a model's answer to the first pod that shows it",
            lags(|lag, first| lag == first),
        ),
        Finding::seconds(
            "a model's answer to the other pods that show it",
            lags(|lag, first| lag > first),
        ),
        Finding::seconds("age of what pods show, mean", [mean]),
        Finding::seconds("age of what pods show, greatest", ages.into_iter().max()),
    ]
}

/// When each time's mark was first given. A round that several pods make at once gives one mark several times.
fn answers(seen: &Seen) -> Vec<Instant> {
    let mut found: Vec<(u16, Instant)> = Vec::new();
    let mut given: Vec<(u16, Instant)> = seen
        .of(LAST)
        .filter_map(|asked| match asked.ended {
            Some((at, End::Answered(status))) if status != 200 => Some((status, at)),
            _ => None,
        })
        .collect();
    given.sort_by_key(|(_, at)| *at);
    for (status, at) in given {
        if status == mark(found.len()) {
            found.push((status, at));
        }
    }
    found.into_iter().map(|(_, at)| at).collect()
}
