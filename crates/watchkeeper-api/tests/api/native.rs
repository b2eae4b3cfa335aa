use axum::http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use watchkeeper_api::v1;
use watchkeeper_core::companion::{Claim, CompanionState};
use watchkeeper_core::lease::Token;
use watchkeeper_core::report::{Transition, Transitions};
use watchkeeper_core::status::{PodFacts, PodView, Snapshot, Totals};
use watchkeeper_core::verdict::Outcome;

use crate::fake::*;

/// One check with a past, one without any result that only runs on demand.
fn fleet() -> Snapshot {
    let mut demand = model("x/y z", "beta", "openai/beta");
    demand.background = false;
    let mut snapshot = snapshot(vec![model("a", "alpha", "openai/alpha"), demand]);
    found(
        &mut snapshot,
        0,
        AT_ONCE,
        vec![passed(1.0), timed_out(2.0), timed_out(3.5)],
        3.0,
    );
    let group = std::sync::Arc::make_mut(&mut snapshot.groups[0]);
    group.holder = Some(pod("pod-b"));
    group.token = Some(Token(9));
    group.highest_token = Token(9);
    group.lease_until = Some(at(12.5));
    group.next_due = Some(at(303.0));
    snapshot.pods = vec![
        PodView {
            pod: pod("pod-a"),
            seen: at(4.0),
            facts: PodFacts {
                version: "0".into(),
                mode: "isolated".into(),
                ..PodFacts::default()
            },
        },
        PodView {
            pod: pod("pod-b"),
            seen: at(8.0),
            facts: PodFacts {
                version: "0.9.0".into(),
                started: unix(0.0),
                mode: "leading".into(),
                totals: Totals {
                    led: 10,
                    followed: 20,
                    isolated: 0,
                    probes: 40,
                    saved: u64::MAX,
                    ..Totals::default()
                },
            },
        },
        PodView {
            pod: pod("pod-c"),
            seen: at(9.0),
            facts: PodFacts::default(),
        },
    ];
    snapshot
}

/// The answer as JSON, after a round trip through its public type.
async fn typed<T: DeserializeOwned + Serialize>(path: &str) -> Value {
    let answer = api(fleet()).get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let read: T = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(
        serde_json::to_value(&read).unwrap(),
        answer.json(),
        "{path}"
    );
    answer.json()
}

fn alpha() -> Value {
    json!({
        "id": "a",
        "name": "alpha",
        "provider": "openai",
        "model": "openai/alpha",
        "background": true,
        "healthy": false,
        "outcome": "timeout",
        "status": 408,
        "error": "Timeout exceeded",
        "latency_ms": 250,
        "checked_by": "pod-b",
        "checked_at": "2026-11-22T14:40:03.5Z",
        "token": 7,
        "age_seconds": 7.0,
        "freshness": "fresh",
        "since": "2026-11-22T14:40:02Z",
        "streak": 2,
        "next_due_seconds": 293.0,
        "probe": "auto",
        "tier": "inference",
        "spared": null,
        "usage": null,
        "cost_usd": null,
        "spent_usd": null,
        "saved_usd": null,
        "reported_model": null,
        "headers_ms": null,
        "retry_after_seconds": null,
        "rate_limits": {},
        "price": null,
        "last_full": {"age_seconds": 7.0, "passed": false},
    })
}

fn no_budget() -> Value {
    json!({"day": "2026-11-22", "per_day_usd": null, "spent_usd": 0.0, "exhausted": false, "providers": []})
}

#[tokio::test]
async fn the_list_has_every_check_and_nulls_for_what_is_unknown() {
    let answer = typed::<v1::ChecksAnswer>(v1::CHECKS).await;
    assert_eq!(
        answer,
        json!({
            "counts": {"total": 2, "healthy": 0, "unhealthy": 1, "unknown": 1, "stale": 0},
            "checks": [
                alpha(),
                {
                    "id": "x/y z",
                    "name": "beta",
                    "provider": "openai",
                    "model": "openai/beta",
                    "background": false,
                    "healthy": null,
                    "outcome": null,
                    "status": null,
                    "error": null,
                    "latency_ms": null,
                    "checked_by": null,
                    "checked_at": null,
                    "token": null,
                    "age_seconds": null,
                    "freshness": null,
                    "since": null,
                    "streak": null,
                    "next_due_seconds": null,
                    "probe": "auto",
                    "tier": null,
                    "spared": null,
                    "usage": null,
                    "cost_usd": null,
                    "spent_usd": null,
                    "saved_usd": null,
                    "reported_model": null,
                    "headers_ms": null,
                    "retry_after_seconds": null,
                    "rate_limits": {},
                    "price": null,
                    "last_full": null,
                },
            ],
        })
    );
}

#[tokio::test]
async fn one_check_comes_with_its_past_newest_first() {
    let answer = typed::<v1::CheckDetail>("/v1/checks/a").await;
    let mut expected = alpha();
    expected["history"] = json!([
        {"checked_at": "2026-11-22T14:40:03Z", "outcome": "timeout", "latency_ms": 250},
        {"checked_at": "2026-11-22T14:40:02Z", "outcome": "timeout", "latency_ms": 250},
        {"checked_at": "2026-11-22T14:40:01Z", "outcome": "healthy", "latency_ms": 250},
    ]);
    expected["last_transition"] = Value::Null;
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn a_history_has_the_results_and_when_the_check_turned_newest_first() {
    let transition = |check: &str, healthy: bool, seconds: f64, token: Option<u64>| Transition {
        check: id(check),
        healthy,
        at: unix(seconds),
        by: pod("pod-b"),
        token: token.map(Token),
        outcome: if healthy {
            Outcome::Healthy
        } else {
            Outcome::Timeout
        },
        status: (!healthy).then_some(408),
        error: (!healthy).then(|| "no answer from https://u:secret@h/v1".to_owned()),
    };
    let mut snapshot = fleet();
    std::sync::Arc::make_mut(&mut snapshot.groups[0]).transitions = Transitions::new([
        transition("a", false, 2.0, None),
        transition("a", true, 1.0, Some(8)),
        transition("x/y z", true, 0.5, Some(7)),
    ]);
    let api = api(snapshot);
    let answer = api.get("/v1/checks/a/history").await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let read: v1::CheckHistory = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), answer.json());
    let latest = json!({"check_id": "a", "from": "healthy", "to": "unhealthy", "at": "2026-11-22T14:40:02Z", "by": "pod-b",
                        "token": null, "outcome": "timeout", "status": 408, "error": "no answer from https://h/v1"});
    let before = json!({"check_id": "a", "from": "unhealthy", "to": "healthy", "at": "2026-11-22T14:40:01Z", "by": "pod-b",
                        "token": 8, "outcome": "healthy", "status": null, "error": null});
    assert_eq!(
        answer.json()["transitions"],
        json!([latest.clone(), before])
    );
    assert_eq!(answer.json()["results"].as_array().unwrap().len(), 3);
    assert_eq!(answer.json()["name"], "alpha");
    let detail = api.get("/v1/checks/a").await.json();
    assert_eq!(detail["last_transition"], latest);
    let never = api.get("/v1/checks/x%2Fy%20z/history").await.json();
    assert_eq!(never["results"], json!([]));
    assert_eq!(never["transitions"].as_array().unwrap().len(), 1);
    let unknown = api.get("/v1/checks/nope/history").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    // LiteLLM's shapes know nothing of it.
    let records = api.get("/health/history").await;
    assert!(!records.text.contains("transition"), "{}", records.text);
}

#[tokio::test]
async fn an_id_with_slashes_is_found_percent_encoded_and_an_unknown_one_is_a_404() {
    assert_eq!(
        typed::<v1::CheckDetail>("/v1/checks/x%2Fy%20z").await["name"],
        "beta"
    );
    let answer = api(fleet()).get("/v1/checks/nope").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(
        answer.json(),
        json!({"error": {
            "message": "no check has the id `nope`; `GET /v1/checks` lists them",
            "type": "not_found_error",
            "param": "id",
            "code": "404",
        }})
    );
    let answer = api(fleet()).get("/v1/checks/%ff").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.json()["error"]["param"], "id");
}

#[tokio::test]
async fn the_fleet_shows_its_pods_and_this_pod_as_it_is_now() {
    let answer = typed::<v1::FleetAnswer>(v1::FLEET).await;
    assert_eq!(
        answer,
        json!({
            "fleet": "test",
            "leases": [{"group": "all-1", "holder": "pod-b", "token": 9, "remaining_seconds": 2.5}],
            "pods": [
                {
                    "pod_id": "pod-a",
                    "this_pod": true,
                    "mode": "following",
                    "version": env!("CARGO_PKG_VERSION"),
                    "started_at": "2026-11-22T14:40:00Z",
                    "age_seconds": 0.0,
                    "leases": 0,
                    "led": 1, "followed": 2, "isolated": 3, "probes": 4, "saved": 5,
                    "spent_usd": 0.0, "saved_usd": 0.0,
                },
                {
                    "pod_id": "pod-b",
                    "this_pod": false,
                    "mode": "leading",
                    "version": "0.9.0",
                    "started_at": "2026-11-22T14:40:00Z",
                    "age_seconds": 2.0,
                    "leases": 1,
                    "led": 10, "followed": 20, "isolated": 0, "probes": 40, "saved": u64::MAX,
                    "spent_usd": 0.0, "saved_usd": 0.0,
                },
                {
                    "pod_id": "pod-c",
                    "this_pod": false,
                    "mode": "unknown",
                    "version": "",
                    "started_at": null,
                    "age_seconds": 1.0,
                    "leases": 0,
                    "led": 0, "followed": 0, "isolated": 0, "probes": 0, "saved": 0,
                    "spent_usd": 0.0, "saved_usd": 0.0,
                },
            ],
            "totals": {
                "led": 11, "followed": 22, "isolated": 3, "probes": 44, "saved": u64::MAX, "spent_usd": 0.0,
                "saved_usd": 0.0,
            },
            "budget": no_budget(),
        })
    );
}

#[tokio::test]
async fn the_status_tells_how_this_pod_lives() {
    let answer = typed::<v1::StatusAnswer>(v1::STATUS).await;
    assert_eq!(
        answer,
        json!({
            "pod_id": "pod-a",
            "fleet": "test",
            "version": env!("CARGO_PKG_VERSION"),
            "mode": "following",
            "backend": "redis",
            "store_address": "redis.example:6379",
            "guarantee": "single-primary",
            "guarantee_promise": watchkeeper_core::lease::Guarantee::SinglePrimary.promise(),
            "store_up": true,
            "store_error": null,
            "ready": true,
            "draining": false,
            "now": "2026-11-22T14:40:10Z",
            "started_at": "2026-11-22T14:40:00Z",
            "uptime_seconds": 10.0,
            "checks": {"total": 2, "healthy": 0, "unhealthy": 1, "unknown": 1, "stale": 0},
            "groups": [{
                "group": "all-1",
                "mode": "following",
                "lease": {"group": "all-1", "holder": "pod-b", "token": 9, "remaining_seconds": 2.5},
                "highest_token": 9,
                "checked_by": "pod-b",
                "results": 1,
                "age_seconds": 7.0,
                "stale": false,
                "next_due_seconds": 293.0,
            }],
            "totals": {
                "led": 1, "followed": 2, "isolated": 3, "probes": 4, "saved": 5, "spent_usd": 0.0, "saved_usd": 0.0,
            },
            "budget": no_budget(),
            "wire": {
                "state": "off", "claimed_by": null, "reports_overtaken": 0, "lock_waits": 0, "lock_losses": 0,
            },
            "settings": {
                "enabled": true,
                "background": true,
                "interval_seconds": 300.0,
                "lock_ttl_seconds": 60.0,
                "cache_ttl_seconds": 30.0,
                "lock_scope": "fleet",
                "fresh_for_seconds": 316.0,
            },
            "reload": null,
        })
    );
}

#[tokio::test]
async fn the_status_tells_who_serves_litellms_own_pods() {
    for (claim, state, owner) in [
        (Claim::Off, "off", None),
        (Claim::Unknown, "waiting", None),
        (Claim::Ours, "serving", None),
        (
            Claim::Theirs("prod/all-2".into()),
            "claimed",
            Some("prod/all-2"),
        ),
    ] {
        let mut snapshot = fleet();
        snapshot.companions = CompanionState {
            claim,
            overtaken: 1,
            waited: 2,
            lock_lost: 3,
        };
        let status = api(snapshot).get("/v1/status").await.json();
        assert_eq!(
            status["wire"],
            json!({
                "state": state, "claimed_by": owner, "reports_overtaken": 1, "lock_waits": 2, "lock_losses": 3,
            })
        );
    }
}

#[tokio::test]
async fn stale_results_are_shown_and_labelled() {
    let api = api(fleet());
    api.fake.clock(400.0);
    let checks = api.get("/v1/checks").await.json();
    assert_eq!(checks["checks"][0]["freshness"], "stale");
    assert_eq!(checks["checks"][0]["next_due_seconds"], 0.0);
    assert_eq!(checks["counts"]["stale"], 1);
    let status = api.get("/v1/status").await.json();
    assert_eq!(status["groups"][0]["stale"], true);
    assert_eq!(status["groups"][0]["lease"], Value::Null);
    assert_eq!(status["checks"]["stale"], 1);
}
