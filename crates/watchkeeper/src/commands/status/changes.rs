//! What of an answer is news: all but the passing of time, and counts that follow from it.

use super::ask::Picture;

/// What a person would read as a change: pods and how they live, the store, leases, and how each check stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Essence {
    pod: (String, String, bool, bool),
    store: (bool, Option<String>),
    wire: (String, Option<String>),
    budget: (bool, Vec<String>),
    leases: Vec<(String, String, Option<u64>)>,
    pods: Vec<(String, String)>,
    checks: Vec<Standing>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Standing {
    id: String,
    healthy: Option<bool>,
    outcome: Option<&'static str>,
    error: Option<String>,
    freshness: Option<String>,
    spared: Option<String>,
}

impl Essence {
    /// Of one answer.
    pub(super) fn of(picture: &Picture) -> Self {
        let status = &picture.status;
        let exhausted = status.budget.providers.iter().filter(|row| row.exhausted);
        Self {
            pod: (
                status.pod_id.clone(),
                status.mode.clone(),
                status.ready,
                status.draining,
            ),
            store: (status.store_up, status.store_error.clone()),
            wire: (status.wire.state.clone(), status.wire.claimed_by.clone()),
            budget: (
                status.budget.exhausted,
                exhausted.map(|row| row.provider.clone()).collect(),
            ),
            leases: picture
                .fleet
                .leases
                .iter()
                .map(|lease| (lease.group.clone(), lease.holder.clone(), lease.token))
                .collect(),
            pods: picture
                .fleet
                .pods
                .iter()
                .map(|pod| (pod.pod_id.clone(), pod.mode.clone()))
                .collect(),
            checks: picture
                .checks
                .checks
                .iter()
                .map(|check| Standing {
                    id: check.id.clone(),
                    healthy: check.healthy,
                    outcome: check.outcome.map(|outcome| outcome.as_str()),
                    error: check.error.clone(),
                    freshness: check.freshness.clone(),
                    spared: check.spared.clone(),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::picture;
    use super::*;

    #[test]
    fn time_that_passes_is_no_news_and_all_else_is() {
        let before = picture(&json!([]));
        let mut later = before.clone();
        later.status.uptime_seconds += 1.0;
        later.status.groups[0].next_due_seconds = Some(0.8);
        later.fleet.pods[1].age_seconds += 1.0;
        later.fleet.pods[1].totals.probes += 3;
        later.checks.checks[0].age_seconds = Some(4.2);
        later.checks.checks[0].latency_ms = Some(43);
        assert_eq!(Essence::of(&later), Essence::of(&before));

        let lease =
            json!([{"group": "g", "holder": "pod-2", "token": 7, "remaining_seconds": 0.8}]);
        type Change = fn(&mut Picture);
        let news: [(&str, Change); 6] = [
            ("mode", |p| p.status.mode = "isolated".to_owned()),
            ("store", |p| p.status.store_up = false),
            ("a pod less", |p| drop(p.fleet.pods.pop())),
            ("health", |p| p.checks.checks[0].healthy = Some(false)),
            ("stale", |p| {
                p.checks.checks[0].freshness = Some("stale".to_owned());
            }),
            ("error", |p| p.checks.checks[1].error = None),
        ];
        for (what, change) in news {
            let mut changed = before.clone();
            change(&mut changed);
            assert_ne!(Essence::of(&changed), Essence::of(&before), "{what}");
        }
        assert_ne!(Essence::of(&picture(&lease)), Essence::of(&before));
    }
}
