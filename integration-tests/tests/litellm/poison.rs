//! Values in LiteLLM's keys that neither program would write.

use std::time::Duration;

use serde_json::{Value, json};
use watchkeeper_integration_tests::daemon::Program;
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::fleet::Fleet;
use watchkeeper_integration_tests::litellm::{LOCK_KEY, RESULTS_KEY, encode};
use watchkeeper_integration_tests::mock_llm::Behaviour;
use watchkeeper_integration_tests::redis_monitor::RedisMonitor;

use crate::support::{INTERVAL, NEXT_CYCLE, SOON, Stage, all_show, setup, watchkeepers};

/// A foreign lock is honoured for as long as LiteLLM's lasts.
const LOCK_LIMIT: Duration = Duration::from_secs(120);

#[tokio::test]
async fn poisoned_results_and_locks_are_replaced_before_they_end_a_litellm_pods_loop() {
    let stage = Stage::set().await;
    let config = stage.config(&["m1", "m2"]);
    let mut ours = watchkeepers(1, &config).await;
    all_show("ours show all", SOON, ours.pods(), |shown| {
        shown.healthy.len() == 2
    })
    .await;
    let theirs = setup(Program::Litellm, "reader", &config).start().await;
    let monitor = RedisMonitor::watch(stage.redis.address()).await;
    let wrong = [
        json!({"healthy_endpoints": null, "unhealthy_endpoints": null, "timestamp": 9e9})
            .to_string(),
        "x".repeat(1 << 20),
        "{oops".to_owned(),
        encode(&json!([])),
    ];
    for value in &wrong {
        cycle(&monitor).await;
        stage
            .redis
            .run::<()>(&["SET", RESULTS_KEY, value, "EX", "600"])
            .await;
        stage.other_results(&Value::Null, INTERVAL).await;
    }
    cycle(&monitor).await;
    stage.redis.run::<()>(&["DEL", RESULTS_KEY]).await;
    stage
        .redis
        .run::<()>(&["RPUSH", RESULTS_KEY, "a", "list"])
        .await;
    eventually_results(&stage).await;

    for lock in [
        vec!["SET", LOCK_KEY, "\"pod_1\""],
        vec!["SET", LOCK_KEY, "plain text", "EX", "10"],
        vec!["RPUSH", LOCK_KEY, "a", "list"],
    ] {
        let before = stage.results("").await.unwrap_or(Value::Null);
        stage.redis.run::<()>(&["DEL", LOCK_KEY]).await;
        stage.redis.run::<()>(&lock).await;
        stage.other_results(&before, LOCK_LIMIT).await;
    }
    assert!(ours_run(&mut ours), "{}", ours.logs());

    stage.mock.set("m1", Behaviour::Status(401));
    all_show(
        "theirs still follow",
        LOCK_LIMIT + NEXT_CYCLE,
        [&theirs],
        |shown| shown.unhealthy.values().eq([&Some(401)]),
    )
    .await;
}

/// Waits for the LiteLLM pod's next look at the results: the one after it is an interval away. Ours look from within
/// scripts, and so does nobody else.
async fn cycle(monitor: &RedisMonitor) {
    monitor
        .wait_for_next(&["\"GET\"", RESULTS_KEY], NEXT_CYCLE)
        .await;
}

async fn eventually_results(stage: &Stage) {
    eventually("the list is replaced", INTERVAL, async || {
        let kind: String = stage.redis.run(&["TYPE", RESULTS_KEY]).await;
        kind == "string" && stage.results("").await.is_some()
    })
    .await;
}

fn ours_run(ours: &mut Fleet) -> bool {
    let mut all = true;
    while !ours.is_empty() {
        all &= ours.remove(0).runs();
    }
    all
}
