//! A fleet under measurement: its pods, its model server, and what may be done to them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use watchkeeper_core::status::{Mode, StatusSource};
use watchkeeper_integration_tests::daemon::{Daemon, Setup};
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::MockLlm;

use super::local::{LocalPod, Shape, checks};
use crate::Error;
use crate::server::Place;

/// Between the starts of two rounds.
pub(crate) const INTERVAL: Duration = Duration::from_secs(3);
/// The least that the store's time limit allows.
pub(crate) const LOCK_TTL: Duration = Duration::from_secs(3);
/// Long enough for whatever a probe takes that is not held on purpose.
const DRAIN: Duration = Duration::from_millis(500);
const SOON: Duration = Duration::from_secs(15);

/// What the pods are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// `watchkeeper run`, each a process.
    Processes,
    /// Pods of this process, each on a thread, a runtime and connections of its own.
    Local,
}

impl Kind {
    /// For the table.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Processes => "processes",
            Self::Local => "in-process",
        }
    }
}

enum AnyPod {
    Process(Box<Daemon>, String),
    Local(LocalPod),
}

/// A fleet of one kind with a model server of its own.
pub(crate) struct Stand {
    pub(crate) mock: MockLlm,
    pub(crate) models: Vec<String>,
    kind: Kind,
    size: usize,
    setup: Setup,
    shape: Shape,
    pods: Vec<AnyPod>,
    started: usize,
}

impl Stand {
    /// Starts `size` pods that check `models` models.
    pub(crate) async fn new(
        place: &Place,
        kind: Kind,
        size: usize,
        models: usize,
    ) -> Result<Self, Error> {
        Self::with_interval(place, kind, size, models, INTERVAL).await
    }

    /// The same with another interval.
    pub(crate) async fn with_interval(
        place: &Place,
        kind: Kind,
        size: usize,
        models: usize,
        interval: Duration,
    ) -> Result<Self, Error> {
        let mock = MockLlm::start().await;
        let models: Vec<String> = (0..models).map(|n| format!("model-{n}")).collect();
        let names: Vec<&str> = models.iter().map(String::as_str).collect();
        let toml = NativeConfig::new(&mock.api_base(), &names)
            .backend(&place.toml())
            .interval(&format!("{}ms", interval.as_millis()))
            .lock_ttl(&format!("{}ms", LOCK_TTL.as_millis()))
            .probe("timeout = \"30s\"")
            .http(&format!("drain = \"{}ms\"", DRAIN.as_millis()))
            .toml();
        // The mock's port makes each stand a group of its own on a server that several share.
        let shape = Shape {
            place: place.clone(),
            checks: checks(&mock.api_base(), &models)?,
            interval,
            lock_ttl: LOCK_TTL,
            drain: DRAIN,
            asks: true,
            on_publish: None,
            aside: Arc::default(),
        };
        let mut stand = Self {
            mock,
            models,
            kind,
            size,
            setup: Setup::new().toml(toml),
            shape,
            pods: Vec::new(),
            started: 0,
        };
        stand.fill().await?;
        Ok(stand)
    }

    /// How many pods it is meant to have.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The last model of the list.
    pub(crate) fn last_model(&self) -> String {
        self.models.last().cloned().unwrap_or_default()
    }

    /// Starts pods until there are as many as there are meant to be.
    pub(crate) async fn fill(&mut self) -> Result<(), Error> {
        while self.pods.len() < self.size {
            self.started += 1;
            let name = format!("pod-{}", self.started);
            let pod = match self.kind {
                Kind::Processes => {
                    let daemon = self.setup.clone().pod(&name).start().await;
                    AnyPod::Process(Box::new(daemon), name)
                }
                Kind::Local => AnyPod::Local(LocalPod::start(&self.shape, &name).await?),
            };
            self.pods.push(pod);
        }
        Ok(())
    }

    /// Which pod leads a round now, by its own word.
    pub(crate) async fn holder(&self) -> Result<usize, Error> {
        let began = Instant::now();
        while began.elapsed() < SOON {
            for (index, pod) in self.pods.iter().enumerate() {
                let leads = match pod {
                    AnyPod::Process(daemon, name) => {
                        let status = daemon.shared_status().await;
                        let owner = status.get("status").and_then(|s| s.get("lock_owner"));
                        owner.and_then(Value::as_str) == Some(name)
                    }
                    AnyPod::Local(pod) => pod.status().snapshot().mode() == Mode::Leading,
                };
                if leads {
                    return Ok(index);
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err("nobody leads".into())
    }

    /// Ends a pod without a word.
    pub(crate) async fn kill(&mut self, index: usize) -> Result<(), Error> {
        match self.pods.remove(index) {
            AnyPod::Process(mut daemon, _) => {
                daemon.kill();
                daemon.wait_for_end(SOON).await;
                Ok(())
            }
            AnyPod::Local(pod) => pod.kill().await,
        }
    }

    /// Ends a pod in order.
    pub(crate) async fn leave(&mut self, index: usize) -> Result<(), Error> {
        match self.pods.remove(index) {
            AnyPod::Process(mut daemon, _) => {
                daemon.terminate();
                daemon.wait_for_end(SOON).await;
                Ok(())
            }
            AnyPod::Local(pod) => pod.leave().await,
        }
    }

    /// Waits until the last model has been asked `count` times in all.
    pub(crate) async fn wait_for_rounds(&self, count: usize, limit: Duration) -> Result<(), Error> {
        let model = self.last_model();
        let began = Instant::now();
        while self.mock.asked().count(&model) < count {
            if began.elapsed() > limit {
                return Err(format!("fewer than {count} rounds within `{limit:?}`").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}
