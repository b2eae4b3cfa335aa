//! Status codes, keys and JSON types of the LiteLLM-shaped endpoints against what LiteLLM itself answers.

use std::time::Duration;

use serde_json::{Value, json};
use watchkeeper_integration_tests::daemon::{Daemon, Setup};
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::fleet::Fleet;
use watchkeeper_integration_tests::litellm_config::LitellmConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::SOON;

macro_rules! fixture {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!(
            "../../../crates/watchkeeper-api/tests/fixtures/",
            $name,
            ".json"
        )))
        .unwrap()
    };
}

/// The keys of an object, in order.
fn keys(object: &Value) -> Vec<&str> {
    let object = object
        .as_object()
        .unwrap_or_else(|| panic!("not an object: {object}"));
    object.keys().map(String::as_str).collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Every key of `theirs` is in `ours` with a value of the same type; where LiteLLM has null, ours may have anything.
fn has_shape_of(ours: &Value, theirs: &Value) {
    for (key, value) in theirs.as_object().unwrap() {
        let own = ours
            .get(key)
            .unwrap_or_else(|| panic!("no `{key}` in {ours}"));
        assert!(
            value.is_null() || kind(own) == kind(value),
            "`{key}` is a {} here and a {} there: {ours}",
            kind(own),
            kind(value)
        );
    }
}

struct Pod {
    _redis: RedisProcess,
    mock: MockLlm,
    daemon: Daemon,
}

/// `m1` healthy, `m2` healthy with an id of its own, `m3` an embedding, `m401` refused, `m429` limited.
async fn pod(general: &str) -> Pod {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    mock.set("m401", Behaviour::Status(401));
    mock.set("m429", Behaviour::Status(429));
    let config = LitellmConfig::new(&mock.api_base(), &["m1", "m2", "m3", "m401", "m429"])
        .redis(redis.address())
        .interval(60)
        .model_info("m2", "id: explicit-id-2")
        .model_info("m3", "mode: embedding")
        .general("master_key: sk-master")
        .general(general)
        .yaml();
    let daemon = Setup::new().litellm(config).key("sk-master").start().await;
    eventually("a report", SOON, async || {
        daemon.health().await != json!({})
    })
    .await;
    Pod {
        _redis: redis,
        mock,
        daemon,
    }
}

#[tokio::test]
async fn health_has_litellms_lists_counts_and_entries() {
    let pod = pod("health_check_details: true").await;
    let answer = pod.daemon.get("/health").await;
    let fixture = fixture!("health");
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(answer.headers["content-type"], "application/json");
    let health = answer.json();
    assert_eq!(keys(&health), keys(&fixture["body"]));
    has_shape_of(&health, &fixture["body"]);
    assert_eq!(
        (&health["healthy_count"], &health["unhealthy_count"]),
        (&json!(3), &json!(2))
    );
    has_shape_of(
        &health["healthy_endpoints"][0],
        &fixture["body"]["healthy_endpoints"][0],
    );
    assert_eq!(
        health["healthy_endpoints"][0]["api_base"],
        pod.mock.api_base()
    );
    assert_eq!(health["healthy_endpoints"][1]["model_id"], "explicit-id-2");
    let id = health["healthy_endpoints"][0]["model_id"].as_str().unwrap();
    assert!(
        id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{id}"
    );
    for (index, status) in [(0, 401), (1, 429)] {
        let entry = &health["unhealthy_endpoints"][index];
        assert_eq!(entry["exception_status"], status, "{entry}");
        assert!(entry["error"].is_string(), "{entry}");
    }
    assert!(!health.to_string().contains("sk-mock"), "{health}");
}

#[tokio::test]
async fn with_details_off_an_entry_shows_three_fields_at_most() {
    let pod = pod("health_check_details: false").await;
    let health = pod.daemon.health().await;
    let fixture = fixture!("health_details_false");
    for list in ["healthy_endpoints", "unhealthy_endpoints"] {
        for entry in health[list].as_array().unwrap() {
            assert_eq!(keys(entry), keys(&fixture["body"][list][0]), "{entry}");
        }
    }
}

#[tokio::test]
async fn health_of_one_model_is_503_when_none_of_it_is_healthy_and_404_for_an_unknown_id() {
    let pod = pod("health_check_details: true").await;
    let all = pod.daemon.health().await;
    let id = all["healthy_endpoints"][0]["model_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let bad = all["unhealthy_endpoints"][0]["model_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let cases = [
        ("/health?model=m1-group".to_owned(), 200, 1, 0),
        ("/health?model=openai/m1".to_owned(), 200, 1, 0),
        (format!("/health?model_id={id}"), 200, 1, 0),
        ("/health?model_id=explicit-id-2".to_owned(), 200, 1, 0),
        ("/health?model=m401-group".to_owned(), 503, 0, 1),
        (format!("/health?model_id={bad}"), 503, 0, 1),
        ("/health?model=nope".to_owned(), 503, 0, 0),
    ];
    for (path, status, healthy, unhealthy) in cases {
        let answer = pod.daemon.get(&path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text());
        let body = answer.json();
        assert_eq!(
            keys(&body),
            keys(&fixture!("health_model_unknown")["body"]),
            "{path}"
        );
        assert_eq!(
            (&body["healthy_count"], &body["unhealthy_count"]),
            (&json!(healthy), &json!(unhealthy)),
            "{path}: {body}"
        );
    }
    let answer = pod.daemon.get("/health?model_id=nope").await;
    let fixture = fixture!("health_model_id_unknown");
    assert_eq!(answer.status.as_u16(), fixture["status"]);
    assert_eq!(answer.json(), fixture["body"]);
}

#[tokio::test]
async fn before_the_first_report_health_is_an_empty_object_and_readiness_503() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    mock.set("m1", Behaviour::Hold);
    let config = LitellmConfig::new(&mock.api_base(), &["m1"])
        .redis(redis.address())
        .yaml();
    let fleet = Fleet::start(2, &Setup::new().litellm(config)).await;
    mock.wait_for_starts("m1", 1, SOON).await;
    let holder = fleet.wait_for_holder(SOON).await;
    let other = 1 - holder;
    eventually("the other pod knows the holder", SOON, async || {
        fleet[other].shared_status().await["status"]["lock_owner"] == fleet.id(holder)
    })
    .await;
    for pod in fleet.pods() {
        let answer = pod.get("/health").await;
        let fixture = fixture!("health_before_first_results");
        assert_eq!(answer.status.as_u16(), fixture["status"]);
        assert_eq!(answer.json(), fixture["body"]);
        assert_eq!(pod.get("/health/readiness").await.status, 503);
        assert_eq!(pod.get("/health/liveliness").await.status, 200);
        let status = pod.shared_status().await;
        let fixture = fixture!("shared_status_first_round");
        has_shape_of(&status, &fixture["body"]);
        has_shape_of(&status["status"], &fixture["body"]["status"]);
        assert_eq!(status["status"]["lock_in_progress"], true, "{status}");
        assert_eq!(status["status"]["cache_available"], false, "{status}");
    }
    assert_eq!(fleet[holder].shared_status().await["mode"], "leading");
    assert_eq!(fleet[other].shared_status().await["mode"], "following");
    mock.set("m1", Behaviour::Ok);
    fleet.wait_for_reports(SOON).await;
    let answer = fleet[other].get("/health/readiness").await;
    let fixture = fixture!("readiness");
    assert_eq!(answer.status.as_u16(), fixture["status"]);
    has_shape_of(&answer.json(), &fixture["body"]);
    assert_eq!(answer.json()["status"], "healthy");
}

#[tokio::test]
async fn shared_status_is_litellms_object_with_ours_beside_and_tells_the_truth() {
    let pod = pod("health_check_details: true").await;
    let answer = pod.daemon.get("/health/shared-status").await;
    let fixture = fixture!("shared_status");
    assert_eq!(answer.status.as_u16(), fixture["status"]);
    let status = answer.json();
    has_shape_of(&status, &fixture["body"]);
    has_shape_of(&status["status"], &fixture["body"]["status"]);
    assert_eq!(keys(&status["status"]), keys(&fixture["body"]["status"]));
    let mut ours = keys(&status);
    ours.retain(|key| fixture["body"].get(key).is_none());
    ours.sort_unstable();
    assert_eq!(ours, ["backend", "mode", "stale", "token"]);
    assert_eq!(status["backend"], "redis");
    assert_eq!(status["mode"], "following");
    assert_eq!(status["stale"], false);
    assert!(
        status["token"].as_u64().unwrap() > 1_600_000_000_000_000,
        "{status}"
    );
    assert_eq!(status["status"]["lock_ttl"], 60);
    assert_eq!(status["status"]["cache_ttl"], 300);
    assert_eq!(status["status"]["lock_owner"], Value::Null);
    // LiteLLM makes up a new `pod_id` for each call; ours is this pod's, and it checked last.
    assert_eq!(
        status["status"]["pod_id"],
        status["status"]["last_checked_by"]
    );
    let again = pod.daemon.shared_status().await;
    assert_eq!(again["status"]["pod_id"], status["status"]["pod_id"]);
}

#[tokio::test]
async fn liveness_is_litellms_text_under_both_names() {
    let pod = pod("health_check_details: true").await;
    let fixture = fixture!("liveliness");
    for path in ["/health/liveliness", "/health/liveness"] {
        let answer = pod.daemon.get(path).await;
        assert_eq!(answer.status.as_u16(), fixture["status"]);
        assert_eq!(answer.json(), fixture["body"]);
    }
}

/// The fields of LiteLLM's rows, from its `_convert_health_check_to_dict`.
const ROW: [&str; 12] = [
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
];

#[tokio::test]
async fn latest_has_one_row_per_deployment_under_its_id() {
    let pod = pod("health_check_details: true").await;
    let latest = pod.daemon.json("/health/latest").await;
    assert_eq!(keys(&latest), ["latest_health_checks", "total_models"]);
    assert_eq!(latest["total_models"], 5);
    let rows = latest["latest_health_checks"].as_object().unwrap();
    assert_eq!(rows.len(), 5);
    let row = &rows["explicit-id-2"];
    for field in ROW {
        assert!(row.get(field).is_some(), "no `{field}` in {row}");
    }
    assert_eq!(row["model_name"], "m2-group");
    assert_eq!(row["model_id"], "explicit-id-2");
    assert_eq!(row["status"], "healthy");
    assert!(row["response_time_ms"].is_number(), "{row}");
    assert!(row["checked_at"].as_str().unwrap().contains('T'), "{row}");
    let bad = rows
        .values()
        .find(|row| row["model_name"] == "m401-group")
        .unwrap();
    assert_eq!(bad["status"], "unhealthy");
    assert!(bad["error_message"].is_string(), "{bad}");
}

#[tokio::test]
async fn history_filters_by_model_and_status_and_pages() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    mock.set("m2", Behaviour::Status(500));
    let config = LitellmConfig::new(&mock.api_base(), &["m1", "m2"])
        .redis(redis.address())
        .interval(1)
        .yaml();
    let pod = Setup::new().litellm(config).start().await;
    mock.wait_for("two failures", SOON, |seen| {
        seen.of("m2").filter(|asked| asked.ended.is_some()).count() == 2
    })
    .await;
    mock.set("m2", Behaviour::Ok);
    mock.wait_for_starts("m2", 4, SOON).await;
    // One result of each kind at least, from the report's own history.
    let count = async |query: &str| {
        let body = pod.json(&format!("/health/history{query}")).await;
        assert_eq!(
            keys(&body),
            ["health_checks", "total_records", "limit", "offset"]
        );
        let rows = body["health_checks"].as_array().unwrap().clone();
        (rows, body)
    };
    eventually("three rounds in the history", SOON, async || {
        count("?model=m2-group").await.0.len() >= 3
    })
    .await;
    let (rows, body) = count("").await;
    assert!(rows.len() >= 6, "{body}");
    for field in ROW {
        assert!(rows[0].get(field).is_some(), "no `{field}` in {}", rows[0]);
    }
    let times: Vec<&str> = rows
        .iter()
        .map(|row| row["checked_at"].as_str().unwrap())
        .collect();
    assert!(
        times.windows(2).all(|pair| pair[0] >= pair[1]),
        "not newest first: {times:?}"
    );
    let (bad, _) = count("?status_filter=unhealthy").await;
    assert_eq!(bad.len(), 2, "{bad:?}");
    assert!(
        bad.iter().all(|row| row["model_name"] == "m2-group"),
        "{bad:?}"
    );
    let (page, body) = count("?model=m2-group&limit=1&offset=1").await;
    assert_eq!(
        (page.len(), &body["limit"], &body["offset"]),
        (1, &json!(1), &json!(1))
    );
    assert!(body["total_records"].as_u64().unwrap() >= 1, "{body}");
    let (none, _) = count("?model=nope").await;
    assert!(none.is_empty());
}

#[tokio::test]
async fn the_native_endpoints_list_checks_the_fleet_and_the_pod() {
    let pod = pod("health_check_details: true").await;
    let checks = pod.daemon.json("/v1/checks").await;
    let list = checks
        .as_array()
        .or_else(|| checks["checks"].as_array())
        .unwrap();
    assert_eq!(list.len(), 5, "{checks}");
    let one = pod.daemon.get("/v1/checks/explicit-id-2").await;
    assert_eq!(one.status, 200, "{}", one.text());
    assert!(one.text().contains("m2-group"), "{}", one.text());
    let own = pod.daemon.shared_status().await["status"]["pod_id"]
        .as_str()
        .unwrap()
        .to_owned();
    eventually(
        "the fleet lists the pod",
        Duration::from_secs(5),
        async || {
            pod.daemon
                .json("/v1/fleet")
                .await
                .to_string()
                .contains(&own)
        },
    )
    .await;
    let status = pod.daemon.json("/v1/status").await;
    assert!(status.to_string().contains(&own), "{status}");
}
