//! One Redis, one mock upstream, one file, and pods of both programs on it.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use serde_json::Value;
use watchkeeper_integration_tests::daemon::{Daemon, Program, Setup};
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::fleet::Fleet;
use watchkeeper_integration_tests::litellm::{KEY, RESULTS_KEY, Shown, decode, pod_of};
use watchkeeper_integration_tests::litellm_config::LitellmConfig;
use watchkeeper_integration_tests::mock_llm::MockLlm;
use watchkeeper_integration_tests::redis_process::RedisProcess;

/// `health_check_interval` and the results' TTL of every pod: short, so that five of them fit into a test.
pub(crate) const INTERVAL: Duration = Duration::from_secs(20);
/// One probe's limit.
const PROBE_LIMIT: Duration = Duration::from_secs(5);
/// LiteLLM's default.
const LOCK_TTL: Duration = Duration::from_secs(60);
/// What takes moments, on a machine that also builds.
pub(crate) const SOON: Duration = Duration::from_secs(15);
/// Our next round comes within an interval, and a LiteLLM pod looks an interval later at the latest.
pub(crate) const NEXT_CYCLE: Duration = Duration::from_secs(2 * INTERVAL.as_secs() + 10);

/// What all pods of a test share.
pub(crate) struct Stage {
    pub(crate) redis: RedisProcess,
    pub(crate) mock: MockLlm,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        Self {
            redis: RedisProcess::start().await,
            mock: MockLlm::start().await,
        }
    }

    /// A file with these models on this stage.
    pub(crate) fn config(&self, models: &[&str]) -> LitellmConfig {
        LitellmConfig::new(&self.mock.api_base(), models)
            .redis(self.redis.address())
            .interval(u32::try_from(INTERVAL.as_secs()).unwrap())
            .general(&format!("master_key: {KEY}"))
    }

    /// What LiteLLM's results key holds behind `prefix`; none if it is missing or no results.
    pub(crate) async fn results(&self, prefix: &str) -> Option<Value> {
        let key = format!("{prefix}{RESULTS_KEY}");
        let bytes: Option<Vec<u8>> = self.redis.run(&["GET", &key]).await;
        decode(&bytes?)
    }

    /// Waits until the results are of another moment than `than`.
    pub(crate) async fn other_results(&self, than: &Value, limit: Duration) -> Value {
        let found = RefCell::new(None);
        eventually("other results are published", limit, async || {
            let results = self.results("").await;
            let other = results.filter(|results| results["timestamp"] != than["timestamp"]);
            *found.borrow_mut() = other;
            found.borrow().is_some()
        })
        .await;
        found.into_inner().expect("found just now")
    }

    /// Waits until our pods have probed `model` at `moment` or later.
    pub(crate) async fn probed_after(&self, model: &str, moment: Instant) {
        let limit = moment.saturating_duration_since(Instant::now()) + NEXT_CYCLE;
        let what = format!("a probe of {model} after the time that is looked at");
        self.mock
            .wait_for(&what, limit, |seen| {
                let starts = seen.by_watchkeeper().starts(model);
                starts.last().is_some_and(|last| *last >= moment)
            })
            .await;
    }
}

/// A pod on `config`, with the settings that all share.
pub(crate) fn setup(program: Program, name: &str, config: &LitellmConfig) -> Setup {
    let seconds = |time: Duration| time.as_secs().to_string();
    pod_of(program, name, config.yaml())
        .env("DEFAULT_SHARED_HEALTH_CHECK_TTL", seconds(INTERVAL))
        .env("DEFAULT_SHARED_HEALTH_CHECK_LOCK_TTL", seconds(LOCK_TTL))
        .env("HEALTH_CHECK_TIMEOUT_SECONDS", seconds(PROBE_LIMIT))
}

/// So many of ours, each answering.
pub(crate) async fn watchkeepers(count: usize, config: &LitellmConfig) -> Fleet {
    Fleet::start(count, &setup(Program::Watchkeeper, "ours", config)).await
}

/// So many LiteLLM pods, started side by side, each answering.
pub(crate) async fn litellm_pods(count: usize, config: &LitellmConfig) -> Vec<Daemon> {
    let mut pods: Vec<Daemon> = (1..=count)
        .map(|at| setup(Program::Litellm, &format!("litellm-{at}"), config).spawn())
        .collect();
    for pod in &mut pods {
        pod.wait_until_it_answers().await;
    }
    pods
}

/// What a pod shows.
pub(crate) async fn shown(pod: &Daemon) -> Shown {
    Shown::of(&pod.health().await)
}

/// Waits until every pod shows what `fits`; returns what the first shows.
pub(crate) async fn all_show<'a>(
    what: &str,
    limit: Duration,
    pods: impl IntoIterator<Item = &'a Daemon>,
    fits: impl Fn(&Shown) -> bool,
) -> Shown {
    let pods: Vec<&Daemon> = pods.into_iter().collect();
    eventually(what, limit, async || {
        for pod in &pods {
            if !fits(&shown(pod).await) {
                return false;
            }
        }
        true
    })
    .await;
    shown(pods[0]).await
}

/// The model id of the deployment that is asked as `model`, by what a pod shows.
pub(crate) async fn id_of(pod: &Daemon, model: &str) -> String {
    let health = pod.health().await;
    let entry = ["healthy_endpoints", "unhealthy_endpoints"]
        .iter()
        .flat_map(|list| health[*list].as_array().cloned().unwrap_or_default())
        .find(|entry| entry["model"] == format!("openai/{model}"));
    let entry = entry.unwrap_or_else(|| panic!("no {model} in {health}"));
    entry["model_id"].as_str().expect("a model id").to_owned()
}
