//! Every pod is replaced, one after the other, as a Deployment does it.

use std::time::Duration;

use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::fleet::assert_rounds;

use crate::stage::{MODELS, Stage, figures};
use crate::{INTERVAL, SOON};

#[tokio::test]
async fn a_rolling_restart_of_three_pods_loses_no_round_and_doubles_none() {
    let mut stage = Stage::set().await;
    let mut old = Vec::new();
    for name in ["old-1", "old-2", "old-3"] {
        old.push(stage.start_pod(name).await);
    }
    stage.mock.wait_for_rounds(&MODELS, 2, SOON).await;
    let mut new = Vec::new();
    for name in ["new-1", "new-2", "new-3"] {
        // One more, then one less: the defaults of our Deployment.
        new.push(stage.start_pod(name).await);
        let leaves = old.remove(0);
        let name = leaves.name.clone();
        assert_eq!(leaves.stop().await, "0", "{name} did not drain");
    }
    let rounds = stage.mock.asked().count(MODELS[0]) + 2;
    let seen = stage.mock.wait_for_rounds(&MODELS, rounds, SOON).await;
    println!("{}", figures("rolling restart of three pods", &seen));
    assert_rounds(&seen, &MODELS, rounds, gap());
    for pod in &new {
        eventually("the new pods show the fleet's results", SOON, async || {
            let health = pod.get("/health").await;
            health.is_ok_and(|health| health["healthy_count"] == MODELS.len())
        })
        .await;
    }
}

/// What may lie between two requests for a model: the least that is promised, and what a busy machine adds.
pub(crate) fn gap() -> std::ops::RangeInclusive<Duration> {
    INTERVAL.mul_f64(0.95)..=INTERVAL + Duration::from_secs(1)
}
