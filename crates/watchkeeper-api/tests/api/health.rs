use axum::http::StatusCode;
use serde_json::{Value, json};
use watchkeeper_core::check::Target;
use watchkeeper_core::secret::Secret;
use watchkeeper_core::verdict::Outcome;

use crate::fake::*;
use crate::litellm::{fixture, fleet};

#[tokio::test]
async fn before_a_first_report_there_is_no_age_and_nothing_is_stale() {
    let answer = api(snapshot(vec![model("a", "a", "openai/a")]))
        .get("/health")
        .await;
    assert_eq!(answer.text, "{}");
    assert_eq!(answer.header("age"), None);
    assert_eq!(answer.header("x-watchkeeper-stale"), Some("false"));
}

#[tokio::test]
async fn a_check_without_a_result_stands_in_neither_list() {
    let mut demand = model("b", "b", "openai/b");
    demand.background = false;
    let mut snapshot = snapshot(vec![model("a", "a", "openai/a"), demand]);
    found(&mut snapshot, 0, AT_ONCE, vec![passed(1.0)], 0.0);
    let api = api(snapshot);
    let answer = api.get("/health").await.json();
    assert_eq!(
        (&answer["healthy_count"], &answer["unhealthy_count"]),
        (&json!(1), &json!(0))
    );
    let answer = api.get("/health?model=b").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        answer.text,
        fixture("health_model_unknown").body.to_string()
    );
}

#[tokio::test]
async fn a_name_or_an_id_narrows_the_lists_and_decides_the_status() {
    let api = api(fleet());
    let body = |name: &str| Some(fixture(name).body.to_string());
    let healthy = body("health_model_healthy");
    let all = Some(api.get("/health").await.text);
    for (query, status, body) in [
        ("model=m1", 200, healthy.clone()),
        ("model=openai/mock-1", 200, healthy.clone()),
        ("model_id=id-1", 200, healthy.clone()),
        ("model_id=id-1&model=nope", 200, healthy.clone()),
        ("model=nope&model=m1", 200, healthy),
        ("model=nope", 503, body("health_model_unknown")),
        ("model=m401", 503, None),
        ("model_id=id-2", 200, None),
        ("model_id=nope", 404, body("health_model_id_unknown")),
        ("model_id=nope&model=m1", 404, None),
        ("model=&model_id=", 200, all.clone()),
        ("anything=else", 200, all),
    ] {
        let answer = api.get(&format!("/health?{query}")).await;
        assert_eq!(answer.status, status, "{query}");
        if let Some(body) = body {
            assert_eq!(answer.text, body, "{query}");
        }
    }
    let answer = api.get("/health?model=m401").await.json();
    assert_eq!(answer["unhealthy_count"], 1);
    assert_eq!(answer["unhealthy_endpoints"][0]["exception_status"], 401);
}

#[tokio::test]
async fn a_name_goes_before_the_model_of_the_same_words() {
    let mut snapshot = snapshot(vec![
        model("a", "openai/gpt", "openai/x"),
        model("b", "other", "openai/gpt"),
    ]);
    found(&mut snapshot, 0, AT_ONCE, vec![timed_out(1.0)], 0.0);
    found(&mut snapshot, 1, AT_ONCE, vec![passed(1.0)], 0.0);
    let answer = api(snapshot).get("/health?model=openai/gpt").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["unhealthy_endpoints"][0]["model_id"], "a");
}

#[tokio::test]
async fn all_unhealthy_is_still_200_and_a_name_with_one_healthy_too() {
    let mut snapshot = snapshot(vec![
        model("a", "m", "openai/x"),
        model("b", "m", "openai/y"),
    ]);
    found(&mut snapshot, 0, AT_ONCE, vec![timed_out(1.0)], 0.0);
    found(&mut snapshot, 1, AT_ONCE, vec![timed_out(1.0)], 0.0);
    let api = api(snapshot);
    assert_eq!(api.get("/health").await.status, StatusCode::OK);
    assert_eq!(
        api.get("/health?model=m").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    api.fake
        .change(|snapshot| found(snapshot, 1, AT_ONCE, vec![passed(2.0)], 1.0));
    let answer = api.get("/health?model=m").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["unhealthy_count"], 1);
}

#[tokio::test]
async fn a_new_report_replaces_the_kept_body() {
    let api = api(fleet());
    assert_eq!(api.get("/health").await.json()["healthy_count"], 2);
    api.fake
        .change(|snapshot| found(snapshot, 3, AT_ONCE, vec![passed(2.0)], 2.0));
    assert_eq!(api.get("/health").await.json()["healthy_count"], 3);
}

#[tokio::test]
async fn rate_limits_are_shown_and_other_headers_are_not() {
    let mut snapshot = snapshot(vec![model("a", "m", "openai/x")]);
    let mut verdict = passed(1.0);
    verdict.limits = vec![
        ("x-ratelimit-remaining-requests".into(), "59".into()),
        ("set-cookie".into(), "session=1".into()),
        ("x-ratelimit-remaining-tokens".into(), "1000".into()),
    ];
    found(&mut snapshot, 0, AT_ONCE, vec![verdict], 0.0);
    let answer = api(snapshot).get("/health").await.json();
    let keys: Vec<_> = answer["healthy_endpoints"][0]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(
        keys,
        [
            "api_base",
            "model",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-remaining-tokens",
            "model_id"
        ]
    );
    assert_eq!(
        answer["healthy_endpoints"][0]["x-ratelimit-remaining-requests"],
        "59"
    );
}

#[tokio::test]
async fn the_standing_decides_the_list_where_thresholds_hold_it_back() {
    let mut snapshot = snapshot(vec![
        model("a", "a", "openai/a"),
        model("b", "b", "openai/b"),
        model("c", "c", "openai/c"),
    ]);
    // One failure of the two it takes.
    found(
        &mut snapshot,
        0,
        AFTER_TWO,
        vec![passed(1.0), timed_out(2.0)],
        2.0,
    );
    // Down, and one pass of the two it takes.
    let limited = verdict(Outcome::RateLimited, Some(429), Some("slow down"), 2.0);
    found(
        &mut snapshot,
        1,
        AFTER_TWO,
        vec![timed_out(1.0), limited, passed(3.0)],
        3.0,
    );
    // Down without a status of its own.
    found(
        &mut snapshot,
        2,
        AFTER_TWO,
        vec![verdict(Outcome::Connect, None, None, 1.0)],
        1.0,
    );
    let answer = api(snapshot).get("/health").await.json();
    assert_eq!(
        answer["healthy_endpoints"],
        json!([{"api_base": "http://127.0.0.1:18080/v1", "model": "openai/a", "model_id": "a"}])
    );
    let unhealthy = &answer["unhealthy_endpoints"];
    assert_eq!(
        unhealthy[0]["error"],
        "recovering: last failure was `rate_limited`, passed since: 1"
    );
    assert_eq!(unhealthy[0]["exception_status"], 429);
    assert_eq!(unhealthy[1].get("error"), None);
    assert_eq!(unhealthy[1]["exception_status"], 500);
}

#[tokio::test]
async fn credentials_in_urls_are_shown_nowhere() {
    let mut check = model("a", "m", "openai/x");
    check.shown.insert(
        "api_base".into(),
        "https://user:hunter22@host/v1?key=hunter22".into(),
    );
    let mut url = model("b", "site", "x");
    url.target = Target::Http {
        url: Secret::new("https://user:hunter22@site/"),
    };
    url.shown = serde_json::Map::new();
    let mut snapshot = snapshot(vec![check, url]);
    let error = "get https://user:hunter22@host/v1 failed";
    for i in 0..2 {
        found(
            &mut snapshot,
            i,
            AT_ONCE,
            vec![verdict(Outcome::Connect, Some(500), Some(error), 1.0)],
            0.0,
        );
    }
    snapshot.store_error = Some("redis://default:hunter22@redis:6379 refused".into());
    let api = api(snapshot);
    for path in [
        "/health",
        "/health?model=m",
        "/health/latest",
        "/health/history",
        "/health/shared-status",
        "/v1/checks",
        "/v1/checks/a",
        "/v1/status",
        "/v1/fleet",
    ] {
        let text = api.get(path).await.text;
        assert!(!text.contains("hunter22"), "{path}: {text}");
    }
    let answer = api.get("/health").await.json();
    assert_eq!(
        answer["unhealthy_endpoints"][0]["api_base"],
        "https://host/v1?key=***"
    );
    assert_eq!(
        answer["unhealthy_endpoints"][0]["error"],
        "get https://host/v1 failed"
    );
    assert_eq!(answer["unhealthy_endpoints"][1]["model"], "site");
}

#[tokio::test]
async fn the_headers_say_how_old_the_oldest_result_is_and_whether_one_is_stale() {
    let mut snapshot = snapshot(vec![
        model("a", "a", "openai/a"),
        model("b", "b", "openai/b"),
    ]);
    found(&mut snapshot, 0, AT_ONCE, vec![passed(1.0)], 0.0);
    found(&mut snapshot, 1, AT_ONCE, vec![passed(101.0)], 100.0);
    let api = api(snapshot);
    let labels = async |path: &str, now: f64| {
        api.fake.clock(now);
        let answer = api.get(path).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        (
            answer.header("age").unwrap().to_owned(),
            answer.header("x-watchkeeper-stale").unwrap().to_owned(),
        )
    };
    let pair = |age: &str, stale: &str| (age.to_owned(), stale.to_owned());
    // `fresh_for` is 316 s, and 316 s old is still fresh.
    assert_eq!(labels("/health", 316.0).await, pair("316", "false"));
    assert_eq!(labels("/health", 316.000_001).await, pair("316", "true"));
    assert_eq!(labels("/health?model=b", 317.0).await, pair("217", "false"));
    assert_eq!(labels("/health?model=a", 317.0).await, pair("317", "true"));
    assert_eq!(labels("/health/latest", 317.0).await, pair("317", "true"));
    assert_eq!(
        labels("/health/history?model=b", 317.0).await,
        pair("217", "false")
    );
    // A live holder's round is under way: refreshing, not stale, until its lease ends.
    api.fake.change(|snapshot| {
        std::sync::Arc::make_mut(&mut snapshot.groups[0]).holder = Some(pod("pod-b"));
        std::sync::Arc::make_mut(&mut snapshot.groups[0]).lease_until = Some(at(350.0));
    });
    assert_eq!(labels("/health", 349.999).await, pair("349", "false"));
    assert_eq!(labels("/health", 350.0).await, pair("350", "true"));
}

#[tokio::test]
async fn every_label_agrees_with_the_snapshots_own_judgement() {
    let mut snapshot = snapshot(vec![model("a", "a", "openai/a")]);
    found(&mut snapshot, 0, AT_ONCE, vec![passed(1.0)], 5.0);
    for lease_until in [
        None,
        Some(300.0),
        Some(321.0),
        Some(321.000_001),
        Some(330.0),
    ] {
        let mut snapshot = snapshot.clone();
        std::sync::Arc::make_mut(&mut snapshot.groups[0]).holder =
            lease_until.map(|_| pod("pod-b"));
        std::sync::Arc::make_mut(&mut snapshot.groups[0]).lease_until = lease_until.map(at);
        let api = api(snapshot.clone());
        for now in [
            0.0,
            5.0,
            299.0,
            320.999_999,
            321.0,
            321.000_001,
            321.000_002,
            329.999,
            330.0,
            400.0,
        ] {
            api.fake.clock(now);
            let group = &snapshot.groups[0];
            let known = group.entries.values().next().unwrap();
            let freshness = snapshot.freshness(group, known, at(now)).as_str();
            let stale = (freshness == "stale").to_string();
            let answer = api.get("/health").await;
            assert_eq!(
                answer.header("x-watchkeeper-stale"),
                Some(&*stale),
                "{now} {lease_until:?}"
            );
            let shared: Value = api.get("/health/shared-status").await.json();
            assert_eq!(shared["stale"].to_string(), stale, "{now} {lease_until:?}");
            assert_eq!(api.get("/v1/checks/a").await.json()["freshness"], freshness);
        }
    }
}
