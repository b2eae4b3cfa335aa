//! Several daemons as one fleet, and the judgements that most fleet tests share.

use std::ops::{Index, RangeInclusive};
use std::time::Duration;

use serde_json::Value;

use crate::daemon::{Daemon, Setup};
use crate::eventually;
use crate::mock_llm::Seen;

/// Running daemons with their pod ids.
pub struct Fleet {
    pods: Vec<Daemon>,
    ids: Vec<String>,
}

impl Fleet {
    /// Starts `count` pods of one setup side by side and waits until each answers.
    pub async fn start(count: usize, setup: &Setup) -> Self {
        Self::of((0..count).map(|_| setup.clone())).await
    }

    /// Starts a pod of each setup side by side and waits until each answers. `POD_NAME` is `pod-1`, `pod-2` and so on.
    pub async fn of(setups: impl IntoIterator<Item = Setup>) -> Self {
        let mut pods: Vec<Daemon> = setups
            .into_iter()
            .enumerate()
            .map(|(n, setup)| setup.env("POD_NAME", format!("pod-{}", n + 1)).spawn())
            .collect();
        let mut ids = Vec::new();
        for pod in &mut pods {
            pod.wait_until_it_answers().await;
            let status = pod.shared_status().await;
            let id = status["status"]["pod_id"].as_str();
            ids.push(
                id.unwrap_or_else(|| panic!("no pod id in {status}"))
                    .to_owned(),
            );
        }
        Self { pods, ids }
    }

    /// All pods.
    pub fn pods(&self) -> impl Iterator<Item = &Daemon> + Clone {
        self.pods.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pods.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pods.is_empty()
    }

    /// A pod's `pod_id`.
    #[must_use]
    pub fn id(&self, index: usize) -> &str {
        &self.ids[index]
    }

    /// The pod of this `pod_id`.
    #[must_use]
    pub fn index_of(&self, id: &str) -> Option<usize> {
        self.ids.iter().position(|known| known == id)
    }

    /// Takes a pod out, to end it and look at how it ended.
    pub fn remove(&mut self, index: usize) -> Daemon {
        self.ids.remove(index);
        self.pods.remove(index)
    }

    /// Waits until some pod says of itself that it holds the lease; returns which.
    pub async fn wait_for_holder(&self, limit: Duration) -> usize {
        let found = std::cell::Cell::new(None);
        eventually("a pod holds the lease", limit, async || {
            for (index, pod) in self.pods.iter().enumerate() {
                let status = pod.shared_status().await;
                if status["status"]["lock_owner"].as_str() == Some(self.id(index)) {
                    found.set(Some(index));
                    return true;
                }
            }
            false
        })
        .await;
        found.get().expect("set above")
    }

    /// Waits until every pod shows some report.
    pub async fn wait_for_reports(&self, limit: Duration) {
        eventually("every pod shows a report", limit, async || {
            for pod in &self.pods {
                if pod.health().await == serde_json::json!({}) {
                    return false;
                }
            }
            true
        })
        .await;
    }

    /// Waits until all pods show the same results of the same prober; returns the `/health` body.
    ///
    /// # Panics
    /// When they differ for longer than `limit`; the message shows what each shows.
    pub async fn wait_for_same_report(&self, limit: Duration) -> Value {
        let began = std::time::Instant::now();
        loop {
            let mut shown = Vec::new();
            for pod in &self.pods {
                let status = pod.shared_status().await;
                shown.push((
                    pod.health().await,
                    status["status"]["last_checked_by"].clone(),
                ));
            }
            if shown.windows(2).all(|pair| pair[0] == pair[1])
                && shown[0].0["healthy_count"].is_u64()
            {
                return shown.swap_remove(0).0;
            }
            assert!(
                began.elapsed() < limit,
                "the pods differ for {limit:?}:\n{}",
                shown
                    .iter()
                    .map(|(health, by)| format!("  by {by}: {health}\n"))
                    .collect::<String>()
            );
            tokio::time::sleep(crate::POLL).await;
        }
    }

    /// Waits until every pod says that it reaches the store, or that it does not.
    pub async fn wait_for_store(&self, up: bool, limit: Duration) -> std::time::Instant {
        eventually(
            &format!("redis_available is {up} everywhere"),
            limit,
            async || {
                for pod in &self.pods {
                    if pod.shared_status().await["status"]["redis_available"] != up {
                        return false;
                    }
                }
                true
            },
        )
        .await
    }

    /// How many log lines of the whole fleet hold `part`.
    #[must_use]
    pub fn count_lines(&self, part: &str) -> usize {
        self.pods.iter().map(|pod| pod.lines_with(part).len()).sum()
    }

    /// The sum of a metric over the fleet.
    pub async fn sum(&self, metric: &str, labels: &[(&str, &str)]) -> f64 {
        let mut sum = 0.0;
        for pod in &self.pods {
            sum += pod.metrics().await.count(metric, labels);
        }
        sum
    }

    /// Every pod's log, for messages.
    #[must_use]
    pub fn logs(&self) -> String {
        self.pods
            .iter()
            .zip(&self.ids)
            .map(|(pod, id)| format!("--- {id}\n{}", pod.log()))
            .collect()
    }
}

impl Index<usize> for Fleet {
    type Output = Daemon;

    fn index(&self, index: usize) -> &Daemon {
        &self.pods[index]
    }
}

/// Fails unless each of `models` was asked `rounds` times with every gap within `gap`.
///
/// # Panics
/// With every request as evidence.
pub fn assert_rounds(seen: &Seen, models: &[&str], rounds: usize, gap: RangeInclusive<Duration>) {
    for model in models {
        let gaps = seen.gaps(model);
        assert!(
            seen.count(model) == rounds && gaps.iter().all(|found| gap.contains(found)),
            "{model} should have been asked {rounds} times, {gap:?} apart; gaps {gaps:?}; all requests:\n{}",
            seen.table()
        );
    }
}

/// Fails if any of `models` was asked twice within less than `least`.
///
/// # Panics
/// With every request as evidence.
pub fn assert_apart(seen: &Seen, models: &[&str], least: Duration) {
    for model in models {
        let gaps = seen.gaps(model);
        assert!(
            gaps.iter().all(|gap| *gap >= least),
            "{model} was asked again sooner than {least:?}; gaps {gaps:?}; all requests:\n{}",
            seen.table()
        );
    }
}
