//! What is looked at all along: each pod, the store's token, and how late the machine is.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::Value;
use tokio::task::JoinSet;

use super::spans::Seconds;
use super::timeline::{Lag, Sample, Shown, Stored, Timeline, View, seconds};
use crate::http;
use crate::redis_process;

/// Each pod is asked this often: ten times a round.
const SAMPLE_EVERY: Duration = Duration::from_millis(200);
/// The token changes once a round.
const TOKEN_EVERY: Duration = Duration::from_millis(250);
/// The heartbeat by which the machine's lateness is measured ...
const BEAT: Duration = Duration::from_millis(50);
/// ... and from where on it is worth a note; less is within every slack.
const LATE: Duration = Duration::from_millis(100);

/// The timeline while it is written.
#[derive(Clone)]
pub(super) struct Recorder {
    began: Instant,
    timeline: Arc<Mutex<Timeline>>,
}

impl Recorder {
    pub(super) fn new(timeline: Timeline) -> Self {
        Self {
            began: Instant::now(),
            timeline: Arc::new(Mutex::new(timeline)),
        }
    }

    /// Now, as the record counts.
    pub(super) fn now(&self) -> Seconds {
        seconds(self.began.elapsed())
    }

    /// A moment as the record counts it; zero for those before its beginning.
    pub(super) fn at(&self, moment: Instant) -> Seconds {
        seconds(moment.saturating_duration_since(self.began))
    }

    /// When the record reaches this time.
    pub(super) fn moment(&self, at: Duration) -> Instant {
        self.began + at
    }

    pub(super) fn write(&self) -> MutexGuard<'_, Timeline> {
        self.timeline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pod that said last, and lately, that it leads a round.
    pub(super) fn leader(&self) -> Option<usize> {
        let now = self.now();
        let timeline = self.write();
        let recent = timeline.samples.iter().rev();
        let mut recent =
            recent.take_while(|sample| now - sample.answered < 2.0 * seconds(SAMPLE_EVERY));
        let leads = recent.find(|sample| {
            let newest = timeline.samples.iter().rev().find(|s| s.pod == sample.pod);
            newest.is_some_and(|s| {
                s.answered == sample.answered
                    && s.view.as_ref().is_some_and(|view| view.mode == "leading")
            })
        });
        leads.map(|sample| sample.pod)
    }

    /// Since `since`, the first answer of a pod.
    pub(super) fn answered_since(&self, pod: usize, since: Seconds) -> Option<Seconds> {
        let timeline = self.write();
        let mut samples = timeline.samples.iter().rev();
        let recent = samples
            .by_ref()
            .take_while(|sample| sample.answered > since);
        recent
            .filter(|s| s.pod == pod && s.asked >= since && s.view.is_some())
            .map(|sample| sample.answered)
            .min_by(f64::total_cmp)
    }
}

/// Starts looking; stops when dropped.
pub(super) fn start(recorder: &Recorder, pods: &[SocketAddr], redis: SocketAddr) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for (pod, address) in pods.iter().copied().enumerate() {
        tasks.spawn(sample(recorder.clone(), pod, address));
    }
    tasks.spawn(tokens(recorder.clone(), redis));
    tasks.spawn(lateness(recorder.clone()));
    tasks
}

async fn sample(recorder: Recorder, pod: usize, address: SocketAddr) {
    loop {
        let asked = recorder.now();
        let view = view(address).await;
        let answered = recorder.now();
        recorder.write().samples.push(Sample {
            pod,
            asked,
            answered,
            view,
        });
        tokio::time::sleep(SAMPLE_EVERY).await;
    }
}

async fn view(address: SocketAddr) -> Option<View> {
    let get = async |path| {
        let answer = http::request(address, Method::GET, path, None).await.ok()?;
        answer.status.is_success().then(|| answer.json())
    };
    let checks = get("/v1/checks").await?;
    let status = get("/v1/status").await?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let results = checks["checks"].as_array().into_iter().flatten();
    Some(View {
        mode: text(&status["mode"]).unwrap_or_default(),
        store_up: status["store_up"] == true,
        results: results
            .map(|check| Shown {
                check: text(&check["name"]).unwrap_or_default(),
                age: check["age_seconds"].as_f64(),
                token: check["token"].as_u64(),
                by: text(&check["checked_by"]),
                label: text(&check["freshness"]),
            })
            .collect(),
    })
}

/// The fleet's one token key, looked up once it is there.
async fn tokens(recorder: Recorder, redis: SocketAddr) {
    let mut key: Option<String> = None;
    loop {
        tokio::time::sleep(TOKEN_EVERY).await;
        let Some(key) = &key else {
            let pattern = ["KEYS", "watchkeeper:*:token:*"];
            if let Ok(found) = redis_process::try_run::<Vec<String>>(redis, &pattern).await {
                key = found.into_iter().next();
            }
            continue;
        };
        let asked = recorder.now();
        let token = redis_process::try_run::<Option<u64>>(redis, &["GET", key]).await;
        let answered = recorder.now();
        if let Ok(Some(token)) = token {
            recorder.write().tokens.push(Stored {
                asked,
                answered,
                token,
            });
        }
    }
}

async fn lateness(recorder: Recorder) {
    loop {
        let due = Instant::now() + BEAT;
        tokio::time::sleep_until(due.into()).await;
        let late = due.elapsed();
        if late > LATE {
            let at = recorder.now();
            let late = seconds(late);
            recorder.write().lags.push(Lag { at, late });
        }
    }
}
