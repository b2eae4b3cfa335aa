//! Our pods gone: the LiteLLM pods fall back to their own sharing, and hand it back.

use std::time::{Duration, Instant};

use serde_json::Value;
use watchkeeper_integration_tests::mock_llm::Behaviour;

use crate::support::{
    INTERVAL, NEXT_CYCLE, SOON, Stage, all_show, litellm_pods, setup, shown, watchkeepers,
};
use watchkeeper_integration_tests::daemon::Program;
use watchkeeper_integration_tests::fleet::Fleet;

/// A killed holder leaves its lock for as long as it lasts; then the results run out and somebody looks.
const TAKE_OVER: Duration = Duration::from_secs(150);

#[tokio::test]
async fn litellm_pods_take_over_when_ours_are_killed_and_go_quiet_when_ours_are_back() {
    let stage = Stage::set().await;
    let config = stage.config(&["m1", "m2"]);
    let mut ours = watchkeepers(2, &config).await;
    all_show("ours show all", SOON, ours.pods(), |shown| {
        shown.healthy.len() == 2
    })
    .await;
    let theirs = litellm_pods(2, &config).await;
    all_show("theirs show all", NEXT_CYCLE, &theirs, |shown| {
        shown.healthy.len() == 2
    })
    .await;
    assert_eq!(stage.mock.asked().by_litellm().all().len(), 0);

    while !ours.is_empty() {
        let mut pod = ours.remove(0);
        pod.kill();
        pod.wait_for_end(SOON).await;
    }
    stage.mock.set("m1", Behaviour::Status(401));
    all_show(
        "theirs find out by themselves",
        TAKE_OVER,
        &theirs,
        |shown| shown.unhealthy.values().eq([&Some(401)]),
    )
    .await;
    let taken_over = stage.mock.asked();
    assert!(taken_over.by_litellm().count("m1") > 0);

    // Ours come back just after LiteLLM published: nothing is due for most of an interval.
    let before = stage.results("").await.unwrap_or(Value::Null);
    stage.other_results(&before, 3 * INTERVAL).await;
    let published = Instant::now();
    let ours = Fleet::of((0..2).map(|_| setup(Program::Watchkeeper, "ours", &config))).await;
    let wanted = shown(&theirs[0]).await;
    all_show("ours adopt theirs", SOON, ours.pods(), |shown| {
        *shown == wanted
    })
    .await;
    let soonest = published + INTERVAL / 2;
    assert!(Instant::now() < soonest, "the machine is too slow to tell");
    assert_eq!(
        stage
            .mock
            .asked()
            .since(published)
            .by_watchkeeper()
            .all()
            .len(),
        0
    );
    stage.probed_after("m1", published).await;
    let back = stage
        .mock
        .asked()
        .since(published)
        .by_watchkeeper()
        .starts("m1")[0];
    assert!(
        back >= soonest,
        "probed {:?} after LiteLLM published",
        back - published
    );

    stage.probed_after("m1", back + 3 * INTERVAL).await;
    let probes = stage.mock.asked().since(back).by_litellm();
    assert_eq!(probes.all().len(), 0, "{}", probes.table());
}
