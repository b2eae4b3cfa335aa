//! A report from a writer whose clock is an hour ahead.

use std::time::Duration;

use serde_json::json;
use watchkeeper_integration_tests::daemon::Program;
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::litellm::{RESULTS_KEY, encode};
use watchkeeper_integration_tests::mock_llm::Behaviour;

use crate::support::{INTERVAL, NEXT_CYCLE, SOON, Stage, all_show, litellm_pods, setup};

const HOUR: f64 = 3600.0;

#[tokio::test]
async fn a_time_an_hour_ahead_is_not_believed_and_the_next_round_comes_when_it_is_due() {
    let stage = Stage::set().await;
    let config = stage.config(&["m1", "m2"]);
    // The report of a LiteLLM pod, with the hour that its clock would have been wrong.
    let mut theirs = litellm_pods(1, &config).await.remove(0);
    all_show("theirs show all", SOON, [&theirs], |shown| {
        shown.healthy.len() == 2
    })
    .await;
    theirs.kill();
    theirs.wait_for_end(SOON).await;
    let mut value = stage.results("").await.expect("their results");
    let written = value["timestamp"].as_f64().expect("a time");
    value["timestamp"] = json!(written + HOUR);
    let seconds = INTERVAL.as_secs().to_string();
    stage
        .redis
        .run::<()>(&["SET", RESULTS_KEY, &encode(&value), "EX", &seconds])
        .await;
    stage.mock.set("m1", Behaviour::Status(401));

    let ours = setup(Program::Watchkeeper, "ours", &config).start().await;
    all_show("ours adopt the report", SOON, [&ours], |shown| {
        shown.healthy.len() == 2
    })
    .await;
    let age = ours.shared_status().await["status"]["cache_age_seconds"].clone();
    let age = age.as_f64().unwrap_or_else(|| panic!("no age: {age}"));
    assert!((0.0..=INTERVAL.as_secs_f64()).contains(&age), "{age} s");
    let theirs = litellm_pods(1, &config).await;
    all_show(
        "ours ask again in time",
        INTERVAL + SOON,
        [&ours],
        |shown| shown.unhealthy.values().eq([&Some(401)]),
    )
    .await;
    eventually(
        "a time near the server's own is written",
        SOON,
        async || {
            let (seconds, _): (u64, u64) = stage.redis.run(&["TIME"]).await;
            let found = stage.results("").await;
            let written = found.and_then(|found| found["timestamp"].as_f64());
            written.is_some_and(|written| (written - seconds as f64).abs() < 30.0)
        },
    )
    .await;
    all_show(
        "theirs follow",
        NEXT_CYCLE + Duration::from_secs(10),
        &theirs,
        |shown| shown.unhealthy.values().eq([&Some(401)]),
    )
    .await;
}
