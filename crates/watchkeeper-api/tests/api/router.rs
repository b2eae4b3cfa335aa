use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::json;

use crate::fake::*;

#[tokio::test]
async fn alive_says_so_in_litellms_words_also_while_draining() {
    let mut snapshot = snapshot(vec![model("a", "a", "openai/a")]);
    snapshot.draining = true;
    let api = api(snapshot);
    for path in ["/health/liveliness", "/health/liveness"] {
        let answer = api.get(path).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(
            answer.text,
            crate::litellm::fixture("liveness").body.to_string()
        );
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn ready_comes_with_the_first_report_and_goes_with_the_drain() {
    let api = api(snapshot(vec![model("a", "a", "openai/a")]));
    let answer = api.get("/health/readiness").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        answer.json(),
        json!({"status": "unhealthy", "db": "Not connected", "reason": "no report yet"})
    );
    // A report of nothing but failures is a report.
    api.fake
        .change(|snapshot| found(snapshot, 0, AT_ONCE, vec![timed_out(1.0)], 1.0));
    let answer = api.get("/health/readiness").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.text,
        crate::litellm::fixture("readiness").body.to_string()
    );
    api.fake.change(|snapshot| snapshot.draining = true);
    let answer = api.get("/health/readiness").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json(), json!({"status": "shutting_down"}));
}

#[tokio::test]
async fn the_details_say_the_same_as_readiness_and_what_the_pod_runs_on() {
    let api = api(snapshot(vec![model("a", "a", "openai/a")]));
    let details = async || {
        let answer = api.get("/health/readiness/details").await;
        (answer.status.as_u16(), answer.json())
    };
    let (status, body) = details().await;
    assert_eq!((status, &body["status"]), (503, &json!("unhealthy")));
    api.fake
        .change(|snapshot| found(snapshot, 0, AT_ONCE, vec![timed_out(1.0)], 1.0));
    let (status, body) = details().await;
    assert_eq!((status, &body["status"]), (200, &json!("healthy")));
    assert_eq!(body["cache"], "redis");
    assert_eq!(body["show_no_redis_warning"], false);
    api.fake.change(|snapshot| {
        snapshot.backend = "memory";
        snapshot.draining = true;
    });
    let (status, body) = details().await;
    assert_eq!((status, &body["status"]), (503, &json!("shutting_down")));
    assert_eq!(body["show_no_redis_warning"], true);
}

#[tokio::test]
async fn a_pod_that_waits_for_no_report_is_ready() {
    assert_eq!(
        api(snapshot(vec![])).get("/health/readiness").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn what_does_not_exist_is_said_in_json() {
    let api = with_keys(snapshot(vec![]), &["sk-one"], false);
    for path in [
        "/",
        "/nope",
        "/health/",
        "/health/nope",
        "/v1",
        "/v1/checks/a/b",
        "/v2/checks",
        "/%ff",
    ] {
        let answer = api.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(
            answer.json(),
            json!({"error": {
                "message": format!("there is nothing at `{path}`"),
                "type": "not_found_error",
                "param": null,
                "code": "404",
            }})
        );
    }
}

#[tokio::test]
async fn a_wrong_method_is_said_in_json_with_what_is_allowed() {
    let api = api(snapshot(vec![]));
    for (method, word) in [
        (Method::POST, "POST"),
        (Method::PUT, "PUT"),
        (Method::DELETE, "DELETE"),
        (Method::OPTIONS, "OPTIONS"),
        (Method::from_bytes(b"BREW").unwrap(), "OTHER"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri("/health")
            .body(Body::empty())
            .unwrap();
        let answer = api.send(request).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.header("allow"), Some("GET,HEAD"));
        assert_eq!(
            answer.json()["error"]["message"],
            format!("`/health` does not take {word}")
        );
    }
}

#[tokio::test]
async fn head_answers_as_get_without_the_body() {
    let mut snapshot = snapshot(vec![model("a", "a", "openai/a")]);
    found(&mut snapshot, 0, AT_ONCE, vec![passed(1.0)], 1.0);
    let api = api(snapshot);
    for path in [
        "/health",
        "/health/shared-status",
        "/health/liveness",
        "/v1/status",
        "/metrics",
    ] {
        let get = api.get(path).await;
        let head = api
            .send(Request::head(path).body(Body::empty()).unwrap())
            .await;
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.text, "", "{path}");
        assert_eq!(
            head.header("content-type"),
            get.header("content-type"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_observer_is_told_the_routes_pattern_and_nothing_that_a_client_may_choose() {
    let api = api(snapshot(vec![]));
    api.get("/v1/checks/some-id").await;
    api.get("/health?model=x").await;
    api.get("/no/such/path").await;
    api.send(
        Request::builder()
            .method("BREW")
            .uri("/health")
            .body(Body::empty())
            .unwrap(),
    )
    .await;
    assert_eq!(
        *api.observer.0.lock().unwrap(),
        [
            ("/v1/checks/{id}".to_owned(), "GET", 404),
            ("/health".to_owned(), "GET", 503),
            ("unmatched".to_owned(), "GET", 404),
            ("/health".to_owned(), "other", 405),
        ]
    );
}
