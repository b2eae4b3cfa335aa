//! Looking on: when each pod shows which answer of the mock, what commands reach Redis.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use watchkeeper_integration_tests::daemon::{Daemon, Program};
use watchkeeper_integration_tests::litellm::{LOCK_KEY, RESULTS_KEY};
use watchkeeper_integration_tests::mock_llm::Behaviour;
use watchkeeper_integration_tests::redis_monitor::RedisMonitor;

use crate::stand::{LAST, Stand, health, status_of};

/// How often a pod is looked at.
const LOOK: Duration = Duration::from_millis(150);

/// Answers that no client asks again, and that both programs show as the status that they are: used in turn, each names
/// the time in which the mock gave it.
const MARKS: [u16; 4] = [401, 403, 404, 422];

/// The mark of a time.
pub(crate) fn mark(time: usize) -> u16 {
    MARKS[time % MARKS.len()]
}

/// From now on [`LAST`] answers with this time's mark.
pub(crate) fn set_mark(stand: &Stand, time: usize) {
    stand.mock.set(LAST, Behaviour::Status(mark(time)));
}

/// Waits until each of these pods shows a time's mark; answers when each did, none for one that does not within `limit`.
pub(crate) async fn shown(pods: &[Daemon], time: usize, limit: Duration) -> Vec<Option<Instant>> {
    let began = Instant::now();
    let waits = pods.iter().map(async |pod| {
        while began.elapsed() < limit {
            let found = health(pod).await.and_then(|body| status_of(&body, LAST));
            if found == Some(u64::from(mark(time))) {
                return Some(Instant::now());
            }
            tokio::time::sleep(LOOK).await;
        }
        None
    });
    join_all(waits).await
}

/// Those that did, as times since `since`.
pub(crate) fn since(since: Instant, moments: &[Option<Instant>]) -> Vec<Duration> {
    moments
        .iter()
        .flatten()
        .map(|at| at.duration_since(since))
        .collect()
}

/// Waits until what the pods share is written anew; none if it is not within `limit`.
pub(crate) async fn written(stand: &Stand, limit: Duration) -> Option<Instant> {
    let began = Instant::now();
    let before = stand.stored().await;
    while began.elapsed() < limit {
        let now = stand.stored().await;
        if now.is_some() && now != before {
            return Some(Instant::now());
        }
        tokio::time::sleep(LOOK).await;
    }
    None
}

/// How many of the watched commands were about the lock and the report, and how many there were in all.
pub(crate) fn counted(monitor: &RedisMonitor, program: Program) -> (usize, usize) {
    let keys: &[&str] = match program {
        Program::Litellm => &[LOCK_KEY, RESULTS_KEY],
        Program::Watchkeeper => &[":lock:", ":token:", ":report:"],
    };
    let commands = monitor.commands();
    let of_keys = commands
        .iter()
        .filter(|line| keys.iter().any(|key| line.text.contains(key)));
    (of_keys.count(), commands.len())
}
