//! Every answer that LiteLLM gives too, compared with LiteLLM's: status, content type, keys, their order, their types.
//!
//! What differs is listed beside each comparison; a difference that is not listed fails, and so does one that is listed
//! and is none. `docs/http.md` gives the reasons.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use serde::Deserialize;
use serde_json::Value;
use watchkeeper_core::lease::Token;
use watchkeeper_core::status::Snapshot;
use watchkeeper_core::verdict::Outcome;

use crate::fake::*;

/// One answer of LiteLLM.
#[derive(Deserialize)]
pub(crate) struct Fixture {
    path: String,
    key: String,
    status: u16,
    content_type: String,
    pub(crate) body: Value,
}

pub(crate) fn fixture(name: &str) -> Fixture {
    let path = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    }
}

/// Notes where the shapes differ: `-` is missing here, `+` stands here only, `~` has another type.
fn compare(ours: &Value, theirs: &Value, at: &str, found: &mut Vec<String>) {
    let mut note = |text: String| {
        if !found.contains(&text) {
            found.push(text);
        }
    };
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for key in theirs.keys().filter(|key| !ours.contains_key(*key)) {
                note(format!("-{at}.{key}"));
            }
            for key in ours.keys().filter(|key| !theirs.contains_key(*key)) {
                note(format!("+{at}.{key}"));
            }
            let ours_shared: Vec<_> = ours.keys().filter(|k| theirs.contains_key(*k)).collect();
            let theirs_shared: Vec<_> = theirs.keys().filter(|k| ours.contains_key(*k)).collect();
            if ours_shared != theirs_shared {
                note(format!(
                    "order of {at}: {ours_shared:?}, not {theirs_shared:?}"
                ));
            }
            for key in ours_shared {
                compare(&ours[key], &theirs[key], &format!("{at}.{key}"), found);
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            if ours.len() != theirs.len() {
                note(format!(
                    "length of {at}: {}, not {}",
                    ours.len(),
                    theirs.len()
                ));
            }
            for (ours, theirs) in std::iter::zip(ours, theirs) {
                compare(ours, theirs, &format!("{at}[]"), found);
            }
        }
        _ if kind(ours) != kind(theirs) => {
            note(format!("~{at}: {}, not {}", kind(ours), kind(theirs)));
        }
        _ => {}
    }
}

/// Asks what LiteLLM was asked and compares all but values.
async fn same_but(api: &Api, name: &str, differences: &[&str]) -> Value {
    let fixture = fixture(name);
    let mut request = Request::get(&fixture.path);
    request = match fixture.key.as_str() {
        "right" => request.header("authorization", "Bearer sk-one"),
        "wrong" => request.header("authorization", "Bearer sk-two"),
        "none" => request,
        other => panic!("{name}: which key is `{other}`?"),
    };
    let answer = api.send(request.body(Body::empty()).unwrap()).await;
    let mut found = Vec::new();
    if answer.status != fixture.status {
        found.push(format!(
            "status {}, not {}",
            answer.status.as_u16(),
            fixture.status
        ));
    }
    assert_eq!(
        answer.header("content-type"),
        Some(fixture.content_type.as_str()),
        "{name}"
    );
    compare(&answer.json(), &fixture.body, "", &mut found);
    assert_eq!(found, differences, "{name}: {}", answer.text);
    answer.json()
}

/// The fleet that the fixtures speak of: two healthy models, and one for each way to fail.
pub(crate) fn fleet() -> Snapshot {
    let names = ["1", "2", "401", "429", "500", "408", "refused"];
    let mut checks: Vec<_> = names
        .iter()
        .map(|n| {
            model(
                &format!("id-{n}"),
                &format!("m{n}"),
                &format!("openai/mock-{n}"),
            )
        })
        .collect();
    checks[6]
        .shown
        .insert("api_base".into(), "http://127.0.0.1:9/v1".into());
    let mut snapshot = snapshot(checks);
    for i in 0..2 {
        found(&mut snapshot, i, AT_ONCE, vec![passed(1.0)], 0.5);
    }
    for (i, outcome, status, error) in [
        (2, Outcome::Unauthorized, 401, "the key is refused"),
        (3, Outcome::RateLimited, 429, "too many requests"),
        (4, Outcome::BadAnswer, 500, "the server failed"),
        (5, Outcome::Timeout, 408, "Timeout exceeded"),
        (6, Outcome::Connect, 500, "no connection"),
    ] {
        let verdict = verdict(outcome, Some(status), Some(error), 1.0);
        found(&mut snapshot, i, AT_ONCE, vec![verdict], 0.5);
    }
    snapshot
}

/// A pod that takes the key `sk-one`.
fn pod_with(snapshot: Snapshot) -> Api {
    with_keys(snapshot, &["sk-one"], false)
}

fn first_group(snapshot: &mut Snapshot) -> &mut watchkeeper_core::status::GroupView {
    Arc::make_mut(&mut snapshot.groups[0])
}

/// No request is repeated here, and no trace is part of `error`.
const NO_RAW_REQUEST: &str = "-.unhealthy_endpoints[].raw_request_typed_dict";

#[tokio::test]
async fn the_lists_are_litellms_429_and_408_among_them() {
    let api = pod_with(fleet());
    let ours = same_but(&api, "health", &[NO_RAW_REQUEST]).await;
    let mut theirs = fixture("health").body;
    for entry in theirs["unhealthy_endpoints"].as_array_mut().unwrap() {
        entry
            .as_object_mut()
            .unwrap()
            .shift_remove("raw_request_typed_dict");
    }
    assert_eq!(ours.to_string(), theirs.to_string(), "values and order too");
}

#[tokio::test]
async fn before_a_first_report_the_body_is_empty_and_a_target_has_none_healthy() {
    let mut snapshot = fleet();
    first_group(&mut snapshot).entries.clear();
    let api = pod_with(snapshot);
    same_but(&api, "health_before_first_results", &[]).await;
    same_but(&api, "health_model_unknown", &[]).await;
    for path in ["/health?model=m1", "/health?model_id=id-1"] {
        let request = Request::get(path).header("authorization", "Bearer sk-one");
        let answer = api.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 503, "{path}");
        assert_eq!(
            answer.text,
            fixture("health_model_unknown").body.to_string()
        );
    }
}

#[tokio::test]
async fn without_details_only_model_id_and_status_are_left() {
    let api = pod_with(fleet());
    api.fake.change(|snapshot| {
        let mut settings = settings();
        settings.details = false;
        snapshot.settings = settings.into();
    });
    let ours = same_but(&api, "health_details_false", &[]).await;
    assert_eq!(
        ours.to_string(),
        fixture("health_details_false").body.to_string()
    );
}

#[tokio::test]
async fn a_target_narrows_the_lists_and_decides_the_status() {
    let api = pod_with(fleet());
    for (name, differences) in [
        ("health_model_healthy", &[][..]),
        ("health_model_provider_name", &[]),
        ("health_model_id", &[]),
        ("health_model_unhealthy", &[NO_RAW_REQUEST]),
        ("health_model_unknown", &[]),
        ("health_model_id_unknown", &[]),
    ] {
        let ours = same_but(&api, name, differences).await;
        if differences.is_empty() {
            assert_eq!(ours.to_string(), fixture(name).body.to_string(), "{name}");
        }
    }
}

#[tokio::test]
async fn a_missing_key_is_refused_in_litellms_words_and_a_wrong_one_as_a_missing_one() {
    let api = pod_with(fleet());
    let ours = same_but(&api, "no_key", &[]).await;
    assert_eq!(ours.to_string(), fixture("no_key").body.to_string());
    // without a database LiteLLM cannot tell a wrong key from one that it does not know
    same_but(
        &api,
        "wrong_key",
        &["status 401, not 400", "~.error.param: text, not null"],
    )
    .await;
}

#[tokio::test]
async fn records_have_the_shape_of_litellms_database_and_need_none() {
    let mut snapshot = snapshot(vec![
        model("id-1", "m1", "openai/mock-1"),
        model("id-401", "m401", "openai/mock-401"),
    ]);
    found(&mut snapshot, 0, AT_ONCE, vec![passed(1.0)], 0.5);
    let refused = verdict(
        Outcome::Unauthorized,
        Some(401),
        Some("the key is refused"),
        2.0,
    );
    found(&mut snapshot, 1, AT_ONCE, vec![refused], 0.5);
    let api = pod_with(snapshot);
    same_but(&api, "latest", &[]).await;
    same_but(&api, "history", &[]).await;
    let without = [
        "status 200, not 500",
        "-.detail",
        "+.latest_health_checks",
        "+.total_models",
    ];
    same_but(&api, "latest_without_database", &without).await;
}

/// What stands beside LiteLLM's object in every state.
const BESIDE: [&str; 4] = ["+.backend", "+.mode", "+.token", "+.stale"];

/// All keys are always there, null where LiteLLM leaves them out.
const ALWAYS: [&str; 2] = ["+.status.cache_age_seconds", "+.status.last_checked_by"];

fn lock(snapshot: &mut Snapshot) {
    let group = first_group(snapshot);
    group.holder = Some(pod("pod-c"));
    group.token = Some(Token(12));
    group.lease_until = Some(at(20.0));
}

#[tokio::test]
async fn the_shared_status_has_litellms_keys_in_every_state() {
    let api = pod_with(fleet());
    same_but(&api, "shared_status", &BESIDE).await;
    api.fake.change(lock);
    same_but(&api, "shared_status_locked", &BESIDE).await;

    let mut nothing_yet = fleet();
    first_group(&mut nothing_yet).entries.clear();
    let api = pod_with(nothing_yet);
    let all = [&BESIDE[..], &ALWAYS].concat();
    same_but(&api, "shared_status_empty_redis", &all).await;
    api.fake.change(lock);
    same_but(&api, "shared_status_first_round", &all).await;
}

#[tokio::test]
async fn without_coordination_the_shared_status_begins_as_litellms() {
    let mut snapshot = fleet();
    let mut settings = settings();
    settings.enabled = false;
    snapshot.settings = settings.into();
    let differences = ["+.status", "+.backend", "+.mode", "+.token", "+.stale"];
    same_but(&pod_with(snapshot), "shared_status_disabled", &differences).await;
}

#[tokio::test]
async fn readiness_and_liveness_are_litellms_and_need_no_key() {
    let api = pod_with(fleet());
    same_but(&api, "readiness", &[]).await;
    // nothing is called back here
    let none = ["length of .success_callbacks: 0, not 1"];
    same_but(&api, "readiness_details", &none).await;
    same_but(&api, "liveliness", &[]).await;
    same_but(&api, "liveness", &[]).await;
    api.fake.change(|snapshot| snapshot.draining = true);
    same_but(&api, "readiness_shutting_down", &[]).await;
    // a drain must not be cut short by a restart
    same_but(&api, "liveness", &[]).await;
}
