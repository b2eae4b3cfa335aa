//! `health_check_details: false`: readers get no more from us than LiteLLM itself would tell them.

use std::collections::BTreeSet;

use serde_json::Value;
use watchkeeper_integration_tests::mock_llm::Behaviour;

use crate::support::{NEXT_CYCLE, SOON, Stage, all_show, litellm_pods, watchkeepers};

#[tokio::test]
async fn without_details_only_model_id_and_status_are_written_and_shown() {
    let stage = Stage::set().await;
    stage.mock.set("bad", Behaviour::Status(429));
    let config = stage
        .config(&["good", "bad"])
        .general("health_check_details: false");
    let ours = watchkeepers(1, &config).await;
    all_show("ours show all", SOON, ours.pods(), |shown| shown.len() == 2).await;
    let written = stage.results("").await.expect("our results");
    only_the_least(&written);
    let theirs = litellm_pods(1, &config).await;
    let shown = all_show("theirs show all", NEXT_CYCLE, &theirs, |shown| {
        shown.len() == 2
    })
    .await;
    assert!(shown.unhealthy.values().eq([&Some(429)]), "{shown:?}");
    only_the_least(&theirs[0].health().await);
    assert_eq!(stage.mock.asked().by_litellm().all().len(), 0);
}

fn only_the_least(body: &Value) {
    let fields = |list: &str| -> BTreeSet<String> {
        let entry = &body[list][0];
        let entry = entry
            .as_object()
            .unwrap_or_else(|| panic!("{list}: {body}"));
        entry.keys().cloned().collect()
    };
    let named = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(fields("healthy_endpoints"), named(&["model", "model_id"]));
    assert_eq!(
        fields("unhealthy_endpoints"),
        named(&["exception_status", "model", "model_id"])
    );
}
