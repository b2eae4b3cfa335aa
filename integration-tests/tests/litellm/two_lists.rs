//! Two fleets of ours with other model lists in one namespace: LiteLLM's keys have room for one.

use std::collections::BTreeSet;
use std::time::Instant;

use watchkeeper_integration_tests::litellm::Shown;

use crate::support::{
    INTERVAL, NEXT_CYCLE, SOON, Stage, all_show, litellm_pods, shown, watchkeepers,
};

#[tokio::test]
async fn the_first_list_keeps_litellms_keys_and_the_second_fleet_says_that_it_goes_without() {
    let stage = Stage::set().await;
    let first_config = stage.config(&["m1", "both"]);
    let second_config = stage.config(&["both", "m2"]);
    let first = watchkeepers(1, &first_config).await;
    all_show("the first shows all", SOON, first.pods(), |shown| {
        shown.healthy.len() == 2
    })
    .await;
    let theirs = litellm_pods(1, &first_config).await;
    let began = Instant::now();
    let second = watchkeepers(1, &second_config).await;
    all_show("the second shows all", SOON, second.pods(), |shown| {
        shown.healthy.len() == 2
    })
    .await;
    let wanted = shown(&first[0]).await.healthy;
    let others = shown(&second[0]).await.healthy;
    assert_ne!(wanted, others);
    second[0]
        .wait_for_line("another list of models serves LiteLLM's pods", SOON)
        .await;

    let mut published = BTreeSet::new();
    while began.elapsed() < 3 * INTERVAL {
        let results = stage.results("").await.expect("results all the time");
        published.insert(results["timestamp"].to_string());
        assert_eq!(Shown::of(&results).healthy, wanted);
        assert_eq!(shown(&first[0]).await.healthy, wanted);
        assert_eq!(shown(&second[0]).await.healthy, others);
        tokio::time::sleep(watchkeeper_integration_tests::POLL).await;
    }
    assert!(published.len() >= 3, "published {} times", published.len());
    all_show("theirs show the first list", NEXT_CYCLE, &theirs, |shown| {
        shown.healthy == wanted
    })
    .await;
    let seen = stage.mock.asked();
    assert_eq!(
        seen.by_litellm().all().len(),
        0,
        "{}",
        seen.by_litellm().table()
    );
    assert!(seen.count("m2") >= 3, "{}", seen.table());
}
