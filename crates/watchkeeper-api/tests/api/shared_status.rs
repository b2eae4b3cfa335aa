use serde_json::{Value, json};
use watchkeeper_core::lease::Token;
use watchkeeper_core::status::Mode;

use crate::fake::*;

#[tokio::test]
async fn the_object_tells_who_holds_what_and_how_old_it_is() {
    let mut snapshot = snapshot(vec![model("a", "a", "openai/a")]);
    found(&mut snapshot, 0, AT_ONCE, vec![passed(1.0)], 9.95);
    let answer = api(snapshot).get("/health/shared-status").await.json();
    assert_eq!(
        answer,
        json!({
            "shared_health_check_enabled": true,
            "status": {
                "pod_id": "pod-a",
                "redis_available": true,
                "lock_ttl": 60,
                "cache_ttl": 30,
                "lock_owner": null,
                "lock_in_progress": false,
                "cache_available": true,
                "cache_age_seconds": 0.05,
                "last_checked_by": "pod-b",
            },
            "backend": "redis",
            "mode": "following",
            "token": 7,
            "stale": false,
        })
    );
}

#[tokio::test]
async fn during_a_first_round_the_owner_is_named_and_what_is_unknown_is_null() {
    let api = api(snapshot(vec![model("a", "a", "openai/a")]));
    api.fake.change(|snapshot| {
        let group = std::sync::Arc::make_mut(&mut snapshot.groups[0]);
        group.holder = Some(pod("pod-c"));
        group.token = Some(Token(12));
        group.lease_until = Some(at(20.0));
        group.highest_token = Token(12);
        snapshot.settings = {
            let mut settings = settings();
            settings.lock_ttl = std::time::Duration::from_millis(2500);
            settings.into()
        };
    });
    let answer = api.get("/health/shared-status").await.json();
    assert_eq!(
        answer["status"],
        json!({
            "pod_id": "pod-a",
            "redis_available": true,
            "lock_ttl": 2.5,
            "cache_ttl": 30,
            "lock_owner": "pod-c",
            "lock_in_progress": true,
            "cache_available": false,
            "cache_age_seconds": null,
            "last_checked_by": null,
        })
    );
    assert_eq!(answer["token"], 12);
}

#[tokio::test]
async fn a_lease_that_runs_out_is_gone_without_any_event() {
    let api = api(snapshot(vec![model("a", "a", "openai/a")]));
    api.fake.change(|snapshot| {
        let group = std::sync::Arc::make_mut(&mut snapshot.groups[0]);
        group.holder = Some(pod("pod-c"));
        group.token = Some(Token(12));
        group.highest_token = Token(13);
        group.lease_until = Some(at(20.0));
    });
    let mut seen = Vec::new();
    for now in [19.0, 19.999, 20.0, 25.0] {
        api.fake.clock(now);
        let answer = api.get("/health/shared-status").await.json();
        seen.push((
            answer["status"]["lock_owner"].clone(),
            answer["status"]["lock_in_progress"].clone(),
            answer["token"].clone(),
        ));
    }
    let held = (json!("pod-c"), json!(true), json!(12));
    let free = (json!(null), json!(false), json!(13));
    assert_eq!(seen, [held.clone(), held, free.clone(), free]);
}

#[tokio::test]
async fn a_store_that_is_down_is_told() {
    let mut snapshot = snapshot(vec![model("a", "a", "openai/a")]);
    snapshot.store_up = false;
    std::sync::Arc::make_mut(&mut snapshot.groups[0]).mode = Mode::Isolated;
    let answer = api(snapshot).get("/health/shared-status").await.json();
    assert_eq!(answer["status"]["redis_available"], false);
    assert_eq!(answer["mode"], "isolated");
    assert_eq!(answer["token"], Value::Null);
}

#[tokio::test]
async fn without_coordination_litellms_message_stands_beside_the_status() {
    let mut snapshot = snapshot(vec![model("a", "a", "openai/a")]);
    snapshot.settings = {
        let mut settings = settings();
        settings.enabled = false;
        settings.into()
    };
    std::sync::Arc::make_mut(&mut snapshot.groups[0]).mode = Mode::Independent;
    let answer = api(snapshot).get("/health/shared-status").await.json();
    let golden = crate::litellm::fixture("shared_status_disabled").body;
    for (key, value) in golden.as_object().unwrap() {
        assert_eq!(&answer[key], value);
    }
    assert_eq!(answer["status"]["pod_id"], "pod-a");
    assert_eq!(answer["mode"], "independent");
}

#[tokio::test]
async fn with_a_lock_for_each_check_only_what_all_agree_on_is_told() {
    let mut snapshot = snapshot(vec![
        model("a", "a", "openai/a"),
        model("b", "b", "openai/b"),
    ]);
    snapshot.groups.push(std::sync::Arc::new(group("one-2")));
    snapshot.index = std::sync::Arc::new([(id("a"), 0), (id("b"), 1)].into());
    found(&mut snapshot, 0, AT_ONCE, vec![passed(1.0)], 1.0);
    found(&mut snapshot, 1, AT_ONCE, vec![passed(6.0)], 6.0);
    std::sync::Arc::make_mut(&mut snapshot.groups[0]).checked_by = Some(pod("pod-x"));
    std::sync::Arc::make_mut(&mut snapshot.groups[1]).checked_by = Some(pod("pod-y"));
    std::sync::Arc::make_mut(&mut snapshot.groups[1]).highest_token = Token(8);
    let api = api(snapshot);
    let answer = api.get("/health/shared-status").await.json();
    assert_eq!(answer["token"], Value::Null);
    assert_eq!(answer["status"]["cache_age_seconds"], 9.0);
    assert_eq!(answer["status"]["last_checked_by"], "pod-y");

    // One group held: in progress, but no single owner.
    api.fake.change(|snapshot| {
        std::sync::Arc::make_mut(&mut snapshot.groups[0]).holder = Some(pod("pod-c"));
        std::sync::Arc::make_mut(&mut snapshot.groups[0]).lease_until = Some(at(20.0));
        std::sync::Arc::make_mut(&mut snapshot.groups[0]).token = Some(Token(8));
    });
    let answer = api.get("/health/shared-status").await.json();
    assert_eq!(answer["status"]["lock_owner"], Value::Null);
    assert_eq!(answer["status"]["lock_in_progress"], true);
    assert_eq!(
        answer["token"], 8,
        "the lease's token and the other group's highest are the same"
    );

    // Both held by one pod: they agree, until the first lease ends.
    api.fake.change(|snapshot| {
        std::sync::Arc::make_mut(&mut snapshot.groups[1]).holder = Some(pod("pod-c"));
        std::sync::Arc::make_mut(&mut snapshot.groups[1]).lease_until = Some(at(15.0));
        std::sync::Arc::make_mut(&mut snapshot.groups[1]).token = Some(Token(9));
    });
    let answer = api.get("/health/shared-status").await.json();
    assert_eq!(answer["status"]["lock_owner"], "pod-c");
    assert_eq!(answer["token"], Value::Null);
    api.fake.clock(15.0);
    let answer = api.get("/health/shared-status").await.json();
    assert_eq!(answer["status"]["lock_owner"], Value::Null);
    assert_eq!(answer["status"]["lock_in_progress"], true);

    // Stale if any is: the first check's result is 316 s old at 317 s.
    api.fake.clock(317.5);
    assert_eq!(api.get("/health/shared-status").await.json()["stale"], true);
}

#[tokio::test]
async fn a_check_that_runs_on_demand_only_makes_nothing_stale() {
    let mut demand = model("b", "b", "openai/b");
    demand.background = false;
    let mut snapshot = snapshot(vec![model("a", "a", "openai/a"), demand]);
    found(&mut snapshot, 1, AT_ONCE, vec![passed(1.0)], 1.0);
    let api = api(snapshot);
    api.fake.clock(1000.0);
    let answer = api.get("/health/shared-status").await.json();
    assert_eq!(
        (
            answer["stale"].clone(),
            answer["status"]["cache_age_seconds"].clone()
        ),
        (json!(true), json!(999.0))
    );
    api.fake
        .change(|snapshot| found(snapshot, 0, AT_ONCE, vec![passed(990.0)], 990.0));
    let answer = api.get("/health/shared-status").await.json();
    assert_eq!(
        (
            answer["stale"].clone(),
            answer["status"]["cache_age_seconds"].clone()
        ),
        (json!(false), json!(10.0))
    );
    assert_eq!(
        api.get("/health").await.header("x-watchkeeper-stale"),
        Some("true")
    );
}
