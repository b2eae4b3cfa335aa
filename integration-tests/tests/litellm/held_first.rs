//! A LiteLLM pod has the lock before we come.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::daemon::Program;
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::litellm::LOCK_KEY;
use watchkeeper_integration_tests::mock_llm::Behaviour;

use crate::support::{INTERVAL, SOON, Stage, all_show, setup};

/// The model is held back for this long at most before LiteLLM would give it up.
const PROBE_LIMIT: &str = "30";
/// Readers believe results for this long: several times what a round may take, or we would not serve them at all.
const RESULTS_TTL: &str = "90";

#[tokio::test]
async fn a_lock_that_litellm_holds_is_waited_for_and_its_report_adopted() {
    let stage = Stage::set().await;
    let config = stage.config(&["m1", "slow"]);
    let pod = |program| {
        setup(program, "first", &config)
            .env("HEALTH_CHECK_TIMEOUT_SECONDS", PROBE_LIMIT)
            .env("DEFAULT_SHARED_HEALTH_CHECK_TTL", RESULTS_TTL)
    };
    stage.mock.set("slow", Behaviour::Hold);
    let theirs = pod(Program::Litellm).start().await;
    stage
        .mock
        .wait_for_starts("slow", 1, Duration::from_secs(60))
        .await;
    assert_eq!(stage.redis.keys(LOCK_KEY).await, [LOCK_KEY]);

    let ours = pod(Program::Watchkeeper).start().await;
    eventually("their lock is in our way", SOON, async || {
        ours.json("/v1/status").await["wire"]["lock_waits"].as_u64() > Some(0)
    })
    .await;
    stage.mock.set("slow", Behaviour::Ok);
    all_show("theirs show their round", SOON, [&theirs], |shown| {
        shown.healthy.len() == 2
    })
    .await;
    let published = Instant::now();
    all_show("ours adopt it", SOON, [&ours], |shown| {
        shown.healthy.len() == 2
    })
    .await;
    let probes = stage.mock.asked().by_watchkeeper();
    assert_eq!(probes.all().len(), 0, "{}", probes.table());

    stage.probed_after("m1", published).await;
    let first = stage.mock.asked().by_watchkeeper().all()[0].started;
    assert!(
        first >= published + INTERVAL / 2,
        "probed {:?} after LiteLLM published",
        first - published
    );
}
