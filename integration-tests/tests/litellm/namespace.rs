//! `cache_params.namespace`: both keys stand behind it.

use std::time::Instant;

use crate::support::{
    INTERVAL, NEXT_CYCLE, SOON, Stage, all_show, litellm_pods, shown, watchkeepers,
};

#[tokio::test]
async fn behind_a_namespace_litellm_lives_off_our_report_as_well() {
    let stage = Stage::set().await;
    let config = stage.config(&["m1", "m2"]).namespace("team-a");
    let ours = watchkeepers(1, &config).await;
    all_show("ours show all", SOON, ours.pods(), |shown| {
        shown.healthy.len() == 2
    })
    .await;
    assert!(stage.results("team-a:").await.is_some());
    assert!(stage.results("").await.is_none());
    let began = Instant::now();
    let theirs = litellm_pods(1, &config).await;
    let wanted = shown(&ours[0]).await;
    all_show("theirs show ours", NEXT_CYCLE, &theirs, |shown| {
        *shown == wanted
    })
    .await;

    stage.probed_after("m1", began + 3 * INTERVAL).await;
    let probes = stage.mock.asked().by_litellm();
    assert_eq!(probes.all().len(), 0, "{}", probes.table());
}
