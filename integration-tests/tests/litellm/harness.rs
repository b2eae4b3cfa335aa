//! LiteLLM pods alone: what the other tests take for granted of them and of the mock that counts them.

use std::collections::BTreeSet;

use hyper::Method;
use serde_json::Value;

use crate::support::{INTERVAL, NEXT_CYCLE, SOON, Stage, all_show, litellm_pods};

#[tokio::test]
async fn litellm_pods_alone_probe_once_between_them_and_the_mock_knows_which_did() {
    let stage = Stage::set().await;
    let config = stage.config(&["m1", "m2"]);
    let pods = litellm_pods(2, &config).await;
    all_show("both show all", NEXT_CYCLE, &pods, |shown| {
        shown.healthy.len() == 2
    })
    .await;
    let seen = stage
        .mock
        .wait_for_rounds(&["m1", "m2"], 2, 3 * INTERVAL)
        .await;
    for model in ["m1", "m2"] {
        let theirs = seen.by_litellm().count(model);
        assert_eq!(theirs, seen.count(model), "{}", seen.table());
    }
    let names: BTreeSet<_> = seen.all().iter().filter_map(|asked| asked.pod()).collect();
    assert!(
        names
            .iter()
            .all(|name| ["litellm-1", "litellm-2"].contains(name)),
        "{names:?}"
    );
    let results = stage.other_results(&Value::Null, SOON).await;
    assert_eq!(results["healthy_count"], 2);
    // Refused as where a database is at hand, which takes a module that the package alone does not bring.
    let refused = pods[0].request(Method::GET, "/health", None).await;
    assert_eq!(refused.status, 401, "{}", refused.text());
}
