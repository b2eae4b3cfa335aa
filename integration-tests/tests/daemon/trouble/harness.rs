//! One pod before a store in a bad state, until somebody mends it.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::LocalSet;
use watchkeeper_integration_tests::daemon::{Daemon, Setup};
use watchkeeper_integration_tests::fleet::assert_apart;
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::MockLlm;

use crate::SOON;

/// The password that a server takes, and one that it does not. Neither is ever shown.
pub(super) const RIGHT: &str = "r1ghtsecret";
pub(super) const WRONG: &str = "wr0ngsecret";

/// How many cases start their pod at a time. Side by side they are little but waiting, once the pods run.
static STARTING: Semaphore = Semaphore::const_new(2);

const MODELS: [&str; 2] = ["m1", "m2"];
const INTERVAL: Duration = Duration::from_secs(3);
/// From the pod's first answer until it has results of its own: 2 s where the store answers reads and may soon take writes,
/// else `backend.timeout`; the jitter of the interval, and what a busy machine takes.
const FIRST_RESULTS: Duration = Duration::from_millis(2000 + 150 + 1350);
/// From the mending until the pod leads or follows: the next ping, which comes within a second and may take
/// `backend.timeout`, a claim of the lease, and what a busy machine takes.
const BACK: Duration = Duration::from_secs(4);

/// A store that does not let us work.
pub(super) struct Trouble {
    /// The lines of `[backend]` and the tables below it.
    pub(super) backend: String,
    /// Files beside the configuration.
    pub(super) files: Vec<(&'static str, String)>,
    /// Parts of what is said: the cause, then the remedy.
    pub(super) says: &'static [&'static str],
}

impl Trouble {
    /// Redis by the lines of `[backend.redis]`.
    pub(super) fn redis(lines: impl AsRef<str>, says: &'static [&'static str]) -> Self {
        Self::of("redis", lines.as_ref(), says)
    }

    /// etcd by the lines of `[backend.etcd]`.
    pub(super) fn etcd(lines: impl AsRef<str>, says: &'static [&'static str]) -> Self {
        Self::of("etcd", lines.as_ref(), says)
    }

    fn of(kind: &str, lines: &str, says: &'static [&'static str]) -> Self {
        Self {
            backend: format!(
                "kind = \"{kind}\"\ntimeout = \"500ms\"\n\n[backend.{kind}]\n{lines}\n"
            ),
            files: Vec::new(),
            says,
        }
    }

    /// The same with this file beside the configuration.
    pub(super) fn file(mut self, name: &'static str, text: &str) -> Self {
        self.files.push((name, text.to_owned()));
        self
    }

    /// Starts a pod before it and looks at what it says and does; then `mend` takes the cause away, and nobody touches
    /// the pod.
    pub(super) async fn mended_by(self, mend: impl AsyncFnOnce()) {
        let mock = MockLlm::start().await;
        let config = NativeConfig::new(&mock.api_base(), &MODELS)
            .interval("3s")
            .toml()
            .replace("kind = \"memory\"\n", &self.backend);
        let mut setup = Setup::new().toml(config);
        for (name, text) in self.files {
            setup = setup.file(name, text);
        }
        let starting = STARTING.acquire().await.unwrap();
        let mut pod = setup.start().await;

        until(
            "it has results of its own",
            FIRST_RESULTS,
            &pod,
            async || pod.health().await["healthy_count"] == 2,
        )
        .await;
        drop(starting);
        is_isolated(&pod).await;

        // Several pings and a round later it has not been said again.
        mock.wait_for_rounds(&MODELS, 2, SOON).await;
        is_isolated(&pod).await;
        said_once(&pod, self.says).await;

        mend().await;
        let mended = Instant::now();
        until("it leads or follows", BACK, &pod, async || {
            let status = pod.shared_status().await;
            let works = status["mode"] == "leading" || status["mode"] == "following";
            works && status["status"]["redis_available"] == true
        })
        .await;
        mock.wait_for(
            "a round after the mending, and the next",
            2 * SOON,
            |seen| {
                let since = seen.since(mended);
                MODELS.iter().all(|model| since.count(model) >= 2)
            },
        )
        .await;
        assert_apart(&mock.asked(), &MODELS, INTERVAL.mul_f64(0.9));

        let status = pod.json("/v1/status").await;
        assert_eq!(status["store_up"], true, "{status}\n{}", pod.log());
        assert_eq!(status["store_error"], Value::Null, "{status}");
        said_once(&pod, self.says).await;
        let back = pod.lines_with("store is reachable");
        assert_eq!(back.len(), 1, "{}", pod.log());
        assert!(back[0].text.contains("INFO"), "{}", back[0].text);
        keeps_secrets(&pod).await;
        assert!(pod.runs(), "{}", pod.log());
    }
}

/// Looks again and again; a failure shows the log.
async fn until(what: &str, limit: Duration, pod: &Daemon, holds: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(
            began.elapsed() < limit,
            "not within {limit:?}: {what}\n{}\n{}",
            pod.shared_status().await,
            pod.log()
        );
        tokio::time::sleep(watchkeeper_integration_tests::POLL).await;
    }
}

/// It serves what it asked for itself, and says so.
async fn is_isolated(pod: &Daemon) {
    let status = pod.shared_status().await;
    assert_eq!(status["mode"], "isolated", "{status}\n{}", pod.log());
    assert_eq!(status["status"]["redis_available"], false, "{status}");
    assert_eq!(status["stale"], false, "{status}");
    assert_eq!(pod.health().await["healthy_count"], 2, "{}", pod.log());
    assert_eq!(pod.get("/health/readiness").await.status, 200);
    keeps_secrets(pod).await;
}

/// One warning, with all of `parts`; `/v1/status` has the same for as long as it is so.
async fn said_once(pod: &Daemon, parts: &[&str]) {
    let warnings: Vec<_> = pod
        .lines()
        .into_iter()
        .filter(|line| line.text.contains("WARN") || line.text.contains("ERROR"))
        .collect();
    assert_eq!(warnings.len(), 1, "{}", pod.log());
    let status = pod.json("/v1/status").await;
    for part in parts {
        let warning = &warnings[0].text;
        assert!(warning.contains(part), "no `{part}` in: {warning}");
        if status["store_up"] == false {
            let error = status["store_error"].as_str().unwrap_or_default();
            assert!(error.contains(part), "no `{part}` in: {error}");
        }
    }
}

/// Nothing that it ever says holds a password.
async fn keeps_secrets(pod: &Daemon) {
    let mut said = vec![pod.log(), pod.stdout()];
    for path in [
        "/health",
        "/health/shared-status",
        "/v1/status",
        "/v1/fleet",
        "/metrics",
    ] {
        let answer = pod.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        said.push(answer.text());
    }
    for text in said {
        assert!(!text.contains(RIGHT) && !text.contains(WRONG), "{text}");
    }
}

/// A case and its name.
pub(super) type Case = (&'static str, Pin<Box<dyn Future<Output = ()>>>);

/// Boxes a case for a table.
pub(super) fn case(name: &'static str, run: impl Future<Output = ()> + 'static) -> Case {
    (name, Box::pin(run))
}

/// Runs all side by side: each is little but waiting.
///
/// # Panics
/// When one does, after all have ended; the message names those.
pub(super) async fn side_by_side(cases: impl IntoIterator<Item = Case>) {
    let local = LocalSet::new();
    let running: Vec<_> = cases
        .into_iter()
        .map(|(name, run)| (name, local.spawn_local(run)))
        .collect();
    let failed = local.run_until(async {
        let mut failed = String::new();
        for (name, run) in running {
            if let Err(error) = run.await {
                let why = error.into_panic();
                let why = why
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or_else(|| why.downcast_ref::<&str>().copied());
                failed.push_str(&format!("\n{name}: {}", why.unwrap_or("it panicked")));
            }
        }
        failed
    });
    let failed = failed.await;
    assert!(failed.is_empty(), "{failed}");
}
