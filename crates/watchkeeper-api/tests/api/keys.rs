use axum::body::Body;
use axum::http::{Request, StatusCode};

use crate::fake::*;

const GUARDED: [&str; 10] = [
    "/health",
    "/health?model=x",
    "/health/shared-status",
    "/health/latest",
    "/health/history",
    "/health/readiness/details",
    "/v1/checks",
    "/v1/checks/a",
    "/v1/fleet",
    "/v1/status",
];
const OPEN: [&str; 3] = [
    "/health/liveliness",
    "/health/liveness",
    "/health/readiness",
];

async fn ask(api: &Api, path: &str, authorization: Option<&str>) -> Answer {
    let mut request = Request::get(path);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    api.send(request.body(Body::empty()).unwrap()).await
}

fn fleet() -> watchkeeper_core::status::Snapshot {
    let mut snapshot = snapshot(vec![model("a", "a", "openai/a")]);
    found(&mut snapshot, 0, AT_ONCE, vec![passed(1.0)], 1.0);
    snapshot
}

#[tokio::test]
async fn every_result_needs_a_key_and_the_pods_own_probes_need_none() {
    let api = with_keys(fleet(), &["sk-one", "sk-two"], false);
    for path in GUARDED {
        for (header, refused) in [
            (None, true),
            (Some("Bearer wrong"), true),
            (Some("Basic c2stb25l"), true),
            (Some("Bearer sk-one"), false),
            (Some("bearer sk-two"), false),
        ] {
            let answer = ask(&api, path, header).await;
            assert_eq!(
                answer.status == StatusCode::UNAUTHORIZED,
                refused,
                "{path} {header:?}"
            );
            if refused {
                assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
                assert!(
                    !answer.text.contains("wrong") && !answer.text.contains("sk-"),
                    "{}",
                    answer.text
                );
            }
        }
    }
    for path in OPEN.iter().chain(&["/metrics"]) {
        assert_eq!(ask(&api, path, None).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn without_a_key_the_body_is_litellms() {
    let api = with_keys(fleet(), &["sk-one"], false);
    for path in GUARDED {
        let answer = ask(&api, path, None).await;
        assert_eq!(
            answer.text,
            crate::litellm::fixture("no_key").body.to_string(),
            "{path}"
        );
    }
    let wrong = ask(&api, "/health", Some("Bearer sk-two")).await.json();
    let missing = ask(&api, "/health", None).await.json();
    for key in ["type", "param", "code"] {
        assert_eq!(wrong["error"][key], missing["error"][key]);
    }
    assert_ne!(wrong["error"]["message"], missing["error"]["message"]);
}

#[tokio::test]
async fn metrics_need_a_key_where_the_configuration_says_so() {
    let api = with_keys(fleet(), &["sk-one"], true);
    assert_eq!(
        ask(&api, "/metrics", None).await.status,
        StatusCode::UNAUTHORIZED
    );
    let answer = ask(&api, "/metrics", Some("Bearer sk-one")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.text, "watchkeeper_store_up 1\n# EOF\n");
    assert_eq!(
        answer.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
}

#[tokio::test]
async fn without_configured_keys_everything_is_open() {
    let api = with_keys(fleet(), &[], true);
    for path in GUARDED.iter().chain(&OPEN).chain(&["/metrics"]) {
        let answer = ask(&api, path, Some("Bearer anything")).await;
        assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}
