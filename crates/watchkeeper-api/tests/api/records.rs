use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};
use watchkeeper_core::id::CheckId;
use watchkeeper_core::lease::Token;
use watchkeeper_core::report::{Transition, Transitions};
use watchkeeper_core::status::{ShownSettings, Snapshot};
use watchkeeper_core::verdict::Outcome;

use crate::fake::*;

/// `a` was probed at 1, 3 and 5 s, `b` at 2 and 4 s.
fn fleet() -> Snapshot {
    let mut snapshot = snapshot(vec![
        model("a", "m1", "openai/a"),
        model("b", "m2", "openai/b"),
        model("c", "m3", "openai/c"),
    ]);
    found(
        &mut snapshot,
        0,
        AT_ONCE,
        vec![passed(1.0), timed_out(3.0), passed(5.5)],
        5.0,
    );
    let unauthorized = verdict(Outcome::Unauthorized, Some(401), Some("bad key"), 4.0);
    found(
        &mut snapshot,
        1,
        AT_ONCE,
        vec![timed_out(2.0), unauthorized],
        4.0,
    );
    snapshot
}

#[tokio::test]
async fn the_latest_record_of_each_check_stands_under_its_id() {
    let answer = api(fleet()).get("/health/latest").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.json(),
        json!({
            "latest_health_checks": {
                "a": {
                    "health_check_id": "a@1795358405",
                    "model_name": "m1",
                    "model_id": "a",
                    "status": "healthy",
                    "healthy_count": 1,
                    "unhealthy_count": 0,
                    "error_message": null,
                    "response_time_ms": 250.0,
                    "details": null,
                    "checked_by": "pod-b",
                    "checked_at": "2026-11-22T14:40:05.500000+00:00",
                    "created_at": "2026-11-22T14:40:05.500000+00:00",
                },
                "b": {
                    "health_check_id": "b@1795358404",
                    "model_name": "m2",
                    "model_id": "b",
                    "status": "unhealthy",
                    "healthy_count": 0,
                    "unhealthy_count": 1,
                    "error_message": "bad key",
                    "response_time_ms": 250.0,
                    "details": null,
                    "checked_by": "pod-b",
                    "checked_at": "2026-11-22T14:40:04+00:00",
                    "created_at": "2026-11-22T14:40:04+00:00",
                },
            },
            "total_models": 2,
        })
    );
    let keys: Vec<_> = answer.json()["latest_health_checks"]["a"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(
        keys,
        [
            "health_check_id",
            "model_name",
            "model_id",
            "status",
            "healthy_count",
            "unhealthy_count",
            "error_message",
            "response_time_ms",
            "details",
            "checked_by",
            "checked_at",
            "created_at",
        ]
    );
}

/// Ids and statuses of a page.
async fn page(query: &str) -> (Vec<String>, Value) {
    let answer = api(fleet()).get(&format!("/health/history?{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text);
    let body = answer.json();
    let records = body["health_checks"].as_array().unwrap();
    assert_eq!(body["total_records"], records.len());
    let ids = records.iter().map(|r| {
        let second = r["health_check_id"]
            .as_str()
            .unwrap()
            .replace("@17953584", " ");
        format!("{second} {}", r["status"].as_str().unwrap())
    });
    (ids.collect(), json!([body["limit"], body["offset"]]))
}

#[tokio::test]
async fn the_history_is_merged_newest_first_filtered_and_paged() {
    let (a5, b4, a3, b2, a1) = (
        "a 05 healthy",
        "b 04 unhealthy",
        "a 03 unhealthy",
        "b 02 unhealthy",
        "a 01 healthy",
    );
    for (query, records, bounds) in [
        ("", vec![a5, b4, a3, b2, a1], json!([100, 0])),
        ("limit=2", vec![a5, b4], json!([2, 0])),
        ("limit=2&offset=2", vec![a3, b2], json!([2, 2])),
        ("offset=9", vec![], json!([100, 9])),
        ("offset=9223372036854775807", vec![], json!([100, i64::MAX])),
        ("model=m1", vec![a5, a3, a1], json!([100, 0])),
        ("model=openai/a", vec![], json!([100, 0])),
        (
            "model=&status_filter=",
            vec![a5, b4, a3, b2, a1],
            json!([100, 0]),
        ),
        ("status_filter=healthy", vec![a5, a1], json!([100, 0])),
        (
            "status_filter=unhealthy&limit=1&offset=1",
            vec![a3],
            json!([1, 1]),
        ),
        ("status_filter=other", vec![], json!([100, 0])),
        (
            "model=m2&status_filter=unhealthy",
            vec![b4, b2],
            json!([100, 0]),
        ),
        ("limit=1000", vec![a5, b4, a3, b2, a1], json!([1000, 0])),
    ] {
        let (got, echoed) = page(query).await;
        assert_eq!(got, records, "{query}");
        assert_eq!(echoed, bounds, "{query}");
    }
}

#[tokio::test]
async fn what_counts_as_a_pass_is_healthy_in_the_history_too() {
    let mut fleet = fleet();
    let settings = ShownSettings {
        passes: [Outcome::Timeout].into_iter().collect(),
        ..(*fleet.settings).clone()
    };
    fleet.settings = Arc::new(settings);
    let answer = api(fleet)
        .get("/health/history?model=m1&status_filter=healthy")
        .await
        .json();
    assert_eq!(answer["total_records"], 3, "{answer}");
    assert_eq!(answer["health_checks"][1]["error_message"], Value::Null);
}

#[tokio::test]
async fn an_older_record_keeps_its_outcome_only() {
    let answer = api(fleet())
        .get("/health/history?limit=1&offset=2")
        .await
        .json();
    let record = &answer["health_checks"][0];
    assert_eq!(record["error_message"], "timeout");
    assert_eq!(record["checked_by"], Value::Null);
    assert_eq!(record["checked_at"], "2026-11-22T14:40:03+00:00");
}

#[tokio::test]
async fn changes_of_standing_keep_their_words_and_reach_further_back_than_results() {
    let mut fleet = fleet();
    let turn = |seconds: f64, healthy: bool, outcome, error: Option<&str>| Transition {
        check: CheckId::new("a").unwrap(),
        healthy,
        at: verdict(outcome, None, None, seconds).at,
        by: pod("pod-c"),
        token: Some(Token(7)),
        outcome,
        status: None,
        error: error.map(str::to_owned),
    };
    let late = Some("late by far");
    Arc::make_mut(&mut fleet.groups[0]).transitions = Transitions::new([
        turn(0.2, false, Outcome::RateLimited, Some("too many")),
        turn(0.7, true, Outcome::Healthy, None),
        // This one is a result that is kept.
        turn(3.25, false, Outcome::Timeout, late),
    ]);
    let answer = api(fleet).get("/health/history?model=m1").await.json();
    let records = answer["health_checks"].as_array().unwrap();
    let told: Vec<Value> = records
        .iter()
        .map(|r| {
            json!([
                r["status"],
                r["error_message"],
                r["checked_by"],
                r["response_time_ms"]
            ])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!(["healthy", null, "pod-b", 250.0]),
            json!(["unhealthy", "late by far", "pod-c", 250.0]),
            json!(["healthy", null, null, 250.0]),
            json!(["healthy", null, "pod-c", null]),
            json!(["unhealthy", "too many", "pod-c", null]),
        ]
    );
}

#[tokio::test]
async fn bad_bounds_are_answered_as_fastapi_does() {
    let answer = api(fleet()).get("/health/history?limit=0&offset=x").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        answer.json(),
        json!({"detail": [
            {
                "type": "greater_than_equal",
                "loc": ["query", "limit"],
                "msg": "Input should be greater than or equal to 1",
                "input": "0",
                "ctx": {"ge": 1},
            },
            {
                "type": "int_parsing",
                "loc": ["query", "offset"],
                "msg": "Input should be a valid integer, unable to parse string as an integer",
                "input": "x",
            },
        ]})
    );
}

#[tokio::test]
async fn a_full_page_out_of_many_checks_is_complete_and_in_order() {
    let checks = (0..300)
        .map(|i| model(&format!("id-{i}"), "m", "openai/x"))
        .collect();
    let mut snapshot = snapshot(checks);
    for i in 0..300 {
        let seconds =
            |n: u32| f64::from((u32::try_from(i).unwrap() * 7 + n * 31) % 1000 + n * 1000);
        found(
            &mut snapshot,
            i,
            AT_ONCE,
            (0..10).map(|n| passed(seconds(n))).collect(),
            0.0,
        );
    }
    let api = api(snapshot);
    let mut times = Vec::new();
    for offset in [0, 1000, 2000, 3000] {
        let body = api
            .get(&format!("/health/history?limit=1000&offset={offset}"))
            .await
            .json();
        times.extend(
            body["health_checks"]
                .as_array()
                .unwrap()
                .iter()
                .map(|r| r["checked_at"].as_str().unwrap().to_owned()),
        );
    }
    assert_eq!(times.len(), 3000);
    assert!(times.is_sorted_by(|a, b| a >= b));
}
