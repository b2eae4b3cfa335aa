//! Looking on: when each pod shows which answer of the mock, what commands reach Redis.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use watchkeeper_integration_tests::daemon::{Daemon, Program};
use watchkeeper_integration_tests::mock_llm::Behaviour;

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

/// The commands that reach a Redis from now on.
pub(crate) struct Commands {
    lines: Arc<Mutex<Vec<String>>>,
    reader: JoinHandle<()>,
}

impl Commands {
    pub(crate) async fn watch(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"MONITOR\r\n").await.unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let reader = tokio::spawn(async move {
            let mut answers = BufReader::new(stream).lines();
            while let Ok(Some(line)) = answers.next_line().await {
                // The first is `+OK`; what a script does inside the server is no command of a pod.
                if line.contains('[') && !line.contains(" lua] ") {
                    kept.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(line);
                }
            }
        });
        Self { lines, reader }
    }

    /// How many there were on the lock's and the report's keys, and how many in all.
    pub(crate) fn count(&self, program: Program) -> (usize, usize) {
        let keys: &[&str] = match program {
            Program::Litellm => &["health_check_lock", "health_check_results"],
            Program::Watchkeeper => &[":lock:", ":token:", ":report:"],
        };
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let of_keys = lines
            .iter()
            .filter(|line| keys.iter().any(|key| line.contains(key)));
        (of_keys.count(), lines.len())
    }
}

impl Drop for Commands {
    fn drop(&mut self) {
        self.reader.abort();
    }
}
