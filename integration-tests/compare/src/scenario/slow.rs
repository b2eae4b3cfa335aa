//! A model that answers later than the next round is due, with a lock that lasts as long or does not.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::daemon::Program;
use watchkeeper_integration_tests::mock_llm::{Behaviour, Seen};

use crate::finding::Finding;
use crate::stand::{LAST, Stand};

const ANSWERS_AFTER: Duration = Duration::from_secs(25);
const QUICK: &str = "m1";

pub(crate) async fn run(program: Program, lock: Duration, time: Duration) -> Vec<Finding> {
    let stand = Stand::of_pods(program, lock).await;
    stand.mock.set(LAST, Behaviour::Delay(ANSWERS_AFTER));
    let began = stand.next_round().await;
    tokio::time::sleep_until((began + time).into()).await;
    let seen = stand.mock.asked().since(began);
    vec![
        Finding::numbers("probes of the slow model", "", [seen.count(LAST) as f64]),
        Finding::numbers(
            "probes of the slow model at the same moment, most",
            "",
            [at_once(&seen) as f64],
        ),
        Finding::numbers("probes of a quick model", "", [seen.count(QUICK) as f64]),
        Finding::seconds("time between two probes of a quick model", seen.gaps(QUICK)),
    ]
}

/// How many probes of the slow model ran at one moment, at most: at the moment when one began.
fn at_once(seen: &Seen) -> usize {
    let runs = |at: Instant| {
        seen.of(LAST)
            .filter(|asked| asked.started <= at && asked.ended.is_none_or(|(end, _)| end > at))
            .count()
    };
    let starts = seen.starts(LAST);
    starts.into_iter().map(runs).max().unwrap_or_default()
}
