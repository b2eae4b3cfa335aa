//! Pods of one program with a Redis and a mock upstream of their own.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;
use watchkeeper_integration_tests::daemon::{Daemon, Program};
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::litellm::{KEY, RESULTS_KEY, pod_of};
use watchkeeper_integration_tests::litellm_config::LitellmConfig;
use watchkeeper_integration_tests::mock_llm::MockLlm;
use watchkeeper_integration_tests::redis_process::{RedisProcess, try_run};

/// `health_check_interval`, and how long results count.
pub(crate) const INTERVAL: Duration = Duration::from_secs(20);
/// LiteLLM's default for its lock.
pub(crate) const LOCK: Duration = Duration::from_secs(60);
/// The models; the scenarios change what the last one does.
pub(crate) const MODELS: [&str; 5] = ["m1", "m2", "m3", "m4", "m5"];
/// The one whose answers change.
pub(crate) const LAST: &str = "m5";
/// How many pods unless a scenario says otherwise.
pub(crate) const PODS: usize = 4;
/// Until all pods show results; a cold start without Redis takes LiteLLM more than a minute.
pub(crate) const RESULTS_LIMIT: Duration = Duration::from_secs(240);

/// What everything is started with.
pub(crate) struct Stand {
    pub(crate) program: Program,
    pub(crate) mock: MockLlm,
    pub(crate) redis: RedisProcess,
    pub(crate) pods: Vec<Daemon>,
    names: Vec<String>,
    lock: Duration,
    quiet: bool,
}

impl Stand {
    /// A running Redis and no pod yet.
    pub(crate) async fn empty(program: Program, lock: Duration) -> Self {
        Self::on(program, lock, RedisProcess::start().await).await
    }

    /// No pod, on a Redis that may be down.
    pub(crate) async fn on(program: Program, lock: Duration, redis: RedisProcess) -> Self {
        Self {
            program,
            mock: MockLlm::start().await,
            redis,
            pods: Vec::new(),
            names: Vec::new(),
            lock,
            quiet: false,
        }
    }

    /// [`PODS`] pods of all models, started at once, each with results.
    pub(crate) async fn of_pods(program: Program, lock: Duration) -> Self {
        let mut stand = Self::empty(program, lock).await;
        for _ in 0..PODS {
            stand.spawn(&MODELS).await;
        }
        stand.wait_until_all_show(MODELS.len()).await;
        stand
    }

    /// Pods started from now on log errors only.
    pub(crate) fn quiet(&mut self) {
        self.quiet = true;
    }

    /// Starts one more pod, of these models.
    pub(crate) async fn spawn(&mut self, models: &[&str]) {
        let name = format!("pod-{}", self.pods.len() + 1);
        let config = LitellmConfig::new(&self.mock.api_base(), models)
            .redis(self.redis.address())
            .interval(u32::try_from(INTERVAL.as_secs()).unwrap())
            .general(&format!("master_key: {KEY}"));
        let seconds = |time: Duration| time.as_secs().to_string();
        let mut setup = pod_of(self.program, &name, config.yaml())
            .env("DEFAULT_SHARED_HEALTH_CHECK_TTL", seconds(INTERVAL))
            .env("DEFAULT_SHARED_HEALTH_CHECK_LOCK_TTL", seconds(self.lock));
        if self.program == Program::Watchkeeper {
            // How the mock tells ours apart; LiteLLM's say it themselves.
            let door = self.mock.open_door(&name).await;
            setup = setup.env("HTTP_PROXY", format!("http://{door}"));
        }
        if self.quiet {
            setup = match self.program {
                Program::Litellm => setup.env("LITELLM_LOG", "ERROR"),
                Program::Watchkeeper => setup.env("WATCHKEEPER__LOG__LEVEL", "error"),
            };
        }
        self.pods.push(setup.spawn());
        self.names.push(name);
    }

    /// Takes the pod out that the mock knows by this name.
    pub(crate) fn take(&mut self, name: &str) -> Daemon {
        let at = self.names.iter().position(|known| known == name);
        let at = at.expect("a pod of this stand");
        self.names.remove(at);
        self.pods.remove(at)
    }

    /// The names by which the mock knows the pods.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Waits until every pod answers; how long after its start each did.
    pub(crate) async fn wait_until_all_answer(&mut self) -> Vec<Duration> {
        let waits = self.pods.iter_mut().map(async |pod| {
            pod.wait_until_it_answers().await;
            pod.began().elapsed()
        });
        join_all(waits).await
    }

    /// Waits until every pod shows a verdict on so many models; answers how long after its start each did.
    pub(crate) async fn wait_until_all_show(&self, models: usize) -> Vec<Duration> {
        let waits = self.pods.iter().map(async |pod| {
            eventually("a pod shows results", RESULTS_LIMIT, async || {
                health(pod).await.is_some_and(|body| count(&body) >= models)
            })
            .await
                - pod.began()
        });
        join_all(waits).await
    }

    /// Waits until the next round begins: until [`LAST`] is asked once more.
    pub(crate) async fn next_round(&self) -> Instant {
        let so_far = self.mock.asked().count(LAST);
        let seen = self
            .mock
            .wait_for_starts(LAST, so_far + 1, 10 * INTERVAL)
            .await;
        seen.starts(LAST)[so_far]
    }

    /// The keys that hold what the pods share, and nothing of LiteLLM's response cache.
    pub(crate) async fn report_keys(&self) -> Vec<String> {
        let pattern = match self.program {
            Program::Litellm => RESULTS_KEY,
            Program::Watchkeeper => "watchkeeper:*:report:*",
        };
        let found = try_run(self.redis.address(), &["KEYS", pattern]).await;
        found.unwrap_or_default()
    }

    /// What is stored there now, to tell one publication from another; none while there is nothing, or no Redis.
    pub(crate) async fn stored(&self) -> Option<Vec<u8>> {
        let key = self.report_keys().await.into_iter().next()?;
        let dump: Result<Option<Vec<u8>>, String> =
            try_run(self.redis.address(), &["DUMP", &key]).await;
        dump.ok().flatten()
    }
}

/// A pod's `/health`; none if there is no answer.
pub(crate) async fn health(pod: &Daemon) -> Option<Value> {
    let answer = pod.try_get("/health").await.ok()?;
    serde_json::from_slice(&answer.body).ok()
}

/// On how many models a `/health` answer has a verdict.
pub(crate) fn count(body: &Value) -> usize {
    entries(body).count()
}

/// The models in a `/health` answer, sorted.
pub(crate) fn models(body: &Value) -> Vec<String> {
    let model = |entry: &Value| entry["model"].as_str().unwrap_or_default().to_owned();
    let mut models: Vec<String> = entries(body).map(model).collect();
    models.sort();
    models
}

/// What a `/health` answer says of a model, as a status: 200 for healthy.
pub(crate) fn status_of(body: &Value, model: &str) -> Option<u64> {
    let entry = entries(body).find(|entry| entry["model"] == format!("openai/{model}"))?;
    Some(entry["exception_status"].as_u64().unwrap_or(200))
}

fn entries(body: &Value) -> impl Iterator<Item = &Value> {
    ["healthy_endpoints", "unhealthy_endpoints"]
        .into_iter()
        .filter_map(|list| body[list].as_array())
        .flatten()
}
