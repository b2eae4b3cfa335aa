//! How long a published report takes until every other pod shows it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use watchkeeper_core::lease::Token;
use watchkeeper_core::status::StatusSource;
use watchkeeper_integration_tests::redis_process::RedisProcess;
use watchkeeper_runtime::StatusHub;

use super::local::{LocalPod, Shape, checks};
use crate::row::{Row, Target};
use crate::server::Place;
use crate::{Ctx, Error};

const PODS: usize = 20;
const CHECKS: usize = 100;
/// Reports per repetition: enough for a 99th percentile that is not the slowest of all.
const REPORTS: usize = 200;
/// Reports before anything counts: histories are full after 64, as in a fleet that runs for a day.
const WARM_UP: usize = 66;
/// Between two reports, so that each meets a fleet at rest.
const PAUSE: Duration = Duration::from_millis(15);
/// How often the pods' pictures are looked at: a late look adds to the figure, never takes from it.
const LOOK: Duration = Duration::from_micros(50);
const LIMIT: Duration = Duration::from_secs(5);

/// The report that is under way.
type Pending = Mutex<Option<(Token, Instant)>>;

/// The rows on a Redis of their own.
pub(super) async fn rows(ctx: &Ctx) -> Result<Vec<Row>, Error> {
    let redis = RedisProcess::start().await;
    on(&Place::Redis(redis.address()), Target::AtMost(5.0), ctx).await
}

/// Per report the time from its leaving the holder until the last pod shows it: the 99th percentile of these, which has
/// to reach `target`, and the median.
pub(crate) async fn on(place: &Place, target: Target, ctx: &Ctx) -> Result<Vec<Row>, Error> {
    let pending: Arc<Pending> = Arc::default();
    let noted = Arc::clone(&pending);
    let models: Vec<String> = (0..CHECKS).map(|n| format!("model-{n}")).collect();
    let shape = Shape {
        place: place.clone(),
        checks: checks("http://127.0.0.1:9/v1", &models)?,
        interval: Duration::from_secs(3600),
        lock_ttl: Duration::from_secs(60),
        drain: Duration::from_secs(1),
        asks: false,
        on_publish: Some(Arc::new(move |token| {
            let now = Instant::now();
            *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some((token, now));
        })),
        aside: Arc::default(),
    };
    let mut pods = Vec::new();
    for n in 0..PODS {
        pods.push(LocalPod::start(&shape, &format!("pod-{n}")).await?);
    }
    let (tell, told) = mpsc::channel();
    let stop = Arc::new(AtomicBool::new(false));
    let hubs: Vec<_> = pods.iter().map(|pod| Arc::clone(pod.status())).collect();
    let observer = {
        let stop = Arc::clone(&stop);
        std::thread::spawn(move || observe(&hubs, &pending, &tell, &stop))
    };
    // The round that a fleet begins with.
    wait(&told)?;
    let (reports, warm_up) = if ctx.quick {
        (10, 1)
    } else {
        (REPORTS, WARM_UP)
    };
    let mut next = pods.iter().cycle();
    let (mut high, mut middle) = (Vec::new(), Vec::new());
    for repetition in 0..=ctx.repeat {
        let mut took = Vec::new();
        for _ in 0..if repetition == 0 { warm_up } else { reports } {
            tokio::time::sleep(PAUSE).await;
            let pod = next.next().ok_or("no pods")?;
            pod.force().await?;
            took.push(wait(&told)?.as_secs_f64() * 1e3);
        }
        if repetition > 0 {
            took.sort_by(f64::total_cmp);
            high.push(percentile(&took, 99));
            middle.push(percentile(&took, 50));
        }
    }
    stop.store(true, Ordering::Relaxed);
    observer.join().map_err(|_| "the observer panicked")?;
    let row = |what: &str, ours, target| Row {
        what: format!(
            "report of {CHECKS} checks leaves the holder -> shown by all {} other pods (in-process, on {}), {what} \
             of {reports}",
            PODS - 1,
            place.word()
        ),
        unit: "ms",
        ours,
        peer: Vec::new(),
        peer_name: None,
        target,
    };
    Ok(vec![
        row("p99", high, target),
        row("median", middle, Target::Shown),
    ])
}

fn wait(told: &mpsc::Receiver<Duration>) -> Result<Duration, Error> {
    tokio::task::block_in_place(|| told.recv_timeout(LIMIT))
        .map_err(|_| format!("a report was not shown everywhere within `{LIMIT:?}`").into())
}

/// The smallest value that at least so many percent do not exceed.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or(f64::NAN)
}

/// Looks at all pods until each shows the report that is under way, and tells how long that took.
fn observe(
    hubs: &[Arc<StatusHub>],
    pending: &Pending,
    tell: &mpsc::Sender<Duration>,
    stop: &AtomicBool,
) {
    let mut done: Option<Token> = None;
    let mut left: Vec<&Arc<StatusHub>> = hubs.iter().collect();
    while !stop.load(Ordering::Relaxed) {
        let now = *pending.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((token, began)) = now
            && done != Some(token)
        {
            left.retain(|hub| !shows(hub, token));
            if left.is_empty() {
                done = Some(token);
                left = hubs.iter().collect();
                if tell.send(began.elapsed()).is_err() {
                    return;
                }
            }
        }
        std::thread::sleep(LOOK);
    }
}

fn shows(hub: &StatusHub, token: Token) -> bool {
    let picture = hub.snapshot();
    let mut known = picture
        .groups
        .iter()
        .flat_map(|group| group.entries.values());
    picture.has_results() && known.all(|known| known.entry.token == Some(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_99th_of_200_is_the_third_slowest() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        assert!((percentile(&values, 99) - 198.0).abs() < 1e-9);
        assert!((percentile(&values, 50) - 100.0).abs() < 1e-9);
    }
}
