//! The point of it all: unmodified LiteLLM pods that live off our report.

use hyper::StatusCode;
use serde_json::json;
use watchkeeper_integration_tests::daemon::Daemon;
use watchkeeper_integration_tests::fleet::Fleet;
use watchkeeper_integration_tests::http;
use watchkeeper_integration_tests::litellm::{KEY, Shown};
use watchkeeper_integration_tests::mock_llm::{Behaviour, Seen};

use std::time::Instant;

use crate::support::{
    INTERVAL, NEXT_CYCLE, SOON, Stage, all_show, id_of, litellm_pods, shown, watchkeepers,
};

const MODELS: [&str; 5] = ["m1", "m2", "m3", "left", "right"];
/// What the test's own chats say, to be told from probes.
const CHAT: &str = "a chat of the test";
const CHATS: usize = 30;

#[tokio::test]
async fn litellm_pods_probe_nothing_and_agree_with_us_and_route_around_what_we_found_bad() {
    let stage = Stage::set().await;
    let config = stage
        .config(&MODELS)
        .model_info("m3", "id: explicit-3")
        .model_info("left", "id: explicit-left")
        .group("left", "pair")
        .group("right", "pair")
        .general("enable_health_check_routing: true");
    let ours = watchkeepers(2, &config).await;
    all_show("ours show all", SOON, ours.pods(), |shown| {
        shown.healthy.len() == MODELS.len()
    })
    .await;
    let theirs = litellm_pods(3, &config).await;
    all_show("theirs show all", NEXT_CYCLE, &theirs, |shown| {
        shown.healthy.len() == MODELS.len()
    })
    .await;
    let began = Instant::now();
    agree(&ours, &theirs).await;
    assert!(shown(&theirs[0]).await.healthy.contains("explicit-3"));
    let reached = chats(&theirs[0], &stage).await;
    assert!(
        reached.count("left") > 0 && reached.count("right") > 0,
        "{}",
        reached.table()
    );

    stage.mock.set("m2", Behaviour::Status(401));
    stage.mock.set("right", Behaviour::Status(500));
    let bad = [
        (id_of(&ours[0], "m2").await, Some(401)),
        (id_of(&ours[0], "right").await, Some(500)),
    ];
    let follows = |shown: &Shown| shown.unhealthy.iter().eq(bad_sorted(&bad).iter().copied());
    all_show("ours show the bad", NEXT_CYCLE, ours.pods(), follows).await;
    all_show("theirs show the bad", NEXT_CYCLE, &theirs, follows).await;
    agree(&ours, &theirs).await;
    let reached = chats(&theirs[1], &stage).await;
    assert_eq!(
        (reached.count("left"), reached.count("right")),
        (CHATS, 0),
        "{}",
        reached.table()
    );

    stage.probed_after("m1", began + 5 * INTERVAL).await;
    let probes = stage.mock.asked().only(|asked| !asked.says(CHAT));
    assert_eq!(
        probes.by_litellm().all().len(),
        0,
        "{}",
        probes.by_litellm().table()
    );
}

fn bad_sorted(bad: &[(String, Option<u64>)]) -> Vec<(&String, &Option<u64>)> {
    let mut sorted: Vec<_> = bad.iter().map(|(id, status)| (id, status)).collect();
    sorted.sort();
    sorted
}

/// Every pod gives the same verdicts, on all models and on each by name.
async fn agree(ours: &Fleet, theirs: &[Daemon]) {
    let wanted = shown(&ours[0]).await;
    for pod in ours.pods().chain(theirs) {
        assert_eq!(shown(pod).await, wanted, "{}", pod.log());
    }
    for group in ["m1-group", "m2-group", "m3-group", "pair", "unknown"] {
        let path = format!("/health?model={group}");
        let wanted = ours[0].get(&path).await;
        for pod in theirs {
            let found = pod.get(&path).await;
            assert_eq!(
                (found.status, Shown::of(&found.json())),
                (wanted.status, Shown::of(&wanted.json())),
                "{path}: {}",
                found.text()
            );
        }
    }
}

/// Sends chats for `pair` through a LiteLLM pod; answers which of them reached the mock.
async fn chats(pod: &Daemon, stage: &Stage) -> Seen {
    let began = Instant::now();
    // Its cache would answer all but the first.
    let body = json!({
        "model": "pair",
        "messages": [{"role": "user", "content": CHAT}],
        "cache": {"no-cache": true, "no-store": true}
    });
    for _ in 0..CHATS {
        let answer = http::post(pod.address(), "/v1/chat/completions", Some(KEY), &body)
            .await
            .unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
    stage
        .mock
        .asked()
        .since(began)
        .only(|asked| asked.says(CHAT))
}
