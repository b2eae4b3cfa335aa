use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use watchkeeper_core::coordinator::NotForced;
use watchkeeper_core::on_demand::NotRun;

use crate::fake::*;

/// Three checks, two of them called `twin`, each with a result.
fn three() -> Api {
    let mut all = snapshot(vec![
        model("a", "one", "openai/a"),
        model("b", "twin", "openai/b"),
        model("c", "twin", "openai/c"),
    ]);
    found(&mut all, 0, AT_ONCE, vec![passed(1.0)], 1.0);
    found(&mut all, 1, AT_ONCE, vec![timed_out(1.0)], 1.0);
    found(&mut all, 2, AT_ONCE, vec![passed(1.0)], 1.0);
    api(all)
}

fn asked(api: &Api) -> Vec<Vec<String>> {
    let asked = std::mem::take(&mut *api.runner.asked.lock().unwrap());
    let names = asked.into_iter();
    names
        .map(|checks| checks.iter().map(ToString::to_string).collect())
        .collect()
}

fn ids(answer: &Value) -> Vec<&str> {
    let checks = answer["checks"].as_array().unwrap().iter();
    checks.map(|check| check["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_run_is_for_all_checks_or_those_of_these_ids_and_names() {
    let api = three();
    for (body, expected) in [
        ("", vec!["a", "b", "c"]),
        (" \n", vec!["a", "b", "c"]),
        ("{}", vec!["a", "b", "c"]),
        ("null", vec!["a", "b", "c"]),
        (r#"{"checks": ["c"]}"#, vec!["c"]),
        (r#"{"checks": ["twin"]}"#, vec!["b", "c"]),
        (
            r#"{"checks": ["twin", "a", "b", "a"]}"#,
            vec!["a", "b", "c"],
        ),
    ] {
        let answer = api.post("/v1/run", body).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.text);
        assert_eq!(asked(&api).concat(), expected, "{body}");
        assert_eq!(ids(&answer.json()), expected, "{body}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn what_is_an_id_does_not_mean_the_checks_that_are_called_so() {
    let mut all = snapshot(vec![
        model("a", "b", "openai/a"),
        model("b", "x", "openai/b"),
    ]);
    found(&mut all, 1, AT_ONCE, vec![passed(1.0)], 1.0);
    let answer = api(all).post("/v1/run", r#"{"checks": ["b"]}"#).await;
    assert_eq!(ids(&answer.json()), ["b"]);
}

#[tokio::test]
async fn a_run_answers_with_what_was_found_by_whom_and_for_whom() {
    let api = three();
    api.runner.joined.lock().unwrap().push(id("b"));
    let body = api.post("/v1/run", "").await.json();
    let counts = json!({"total": 3, "healthy": 2, "unhealthy": 1, "unknown": 0, "stale": 0});
    assert_eq!(body["counts"], counts);
    let checks = body["checks"].as_array().unwrap();
    let joined: Vec<&Value> = checks.iter().map(|check| &check["joined"]).collect();
    assert_eq!(joined, [false, true, false]);
    assert_eq!(checks[1]["outcome"], "timeout");
    assert_eq!(
        (&checks[1]["checked_by"], &checks[1]["token"]),
        (&json!("pod-b"), &json!(7))
    );

    let one = api.post("/v1/checks/b/run", "").await.json();
    assert_eq!(one, checks[1]);
    // But for that, as in the list.
    let mut listed = api.get("/v1/checks").await.json()["checks"][1].clone();
    listed["joined"] = json!(true);
    assert_eq!(one, listed);
}

#[tokio::test]
async fn no_checks_at_all_are_run_at_once() {
    let api = api(snapshot(vec![]));
    let answer = api.post("/v1/run", "").await;
    assert_eq!(
        (answer.status.as_u16(), ids(&answer.json()).len()),
        (200, 0)
    );
    assert!(asked(&api).is_empty());
}

#[tokio::test]
async fn what_cannot_be_run_is_said_and_nothing_is_asked() {
    let api = three();
    let long = format!(r#"{{"checks": ["{}"]}}"#, "x".repeat(5_000));
    for (path, body, status, message, param) in [
        (
            "/v1/checks/z/run",
            "",
            404,
            "no check has the id `z`",
            json!("id"),
        ),
        (
            "/v1/checks/twin/run",
            "",
            404,
            "no check has the id `twin`",
            json!("id"),
        ),
        ("/v1/checks/%ff/run", "", 400, "not UTF-8", json!("id")),
        (
            "/v1/run",
            r#"{"checks": ["a", "z"]}"#,
            404,
            "the id or name `z`",
            json!("checks"),
        ),
        ("/v1/run", &long, 404, "xxx`; `GET", json!("checks")),
        (
            "/v1/run",
            r#"{"checks": []}"#,
            400,
            "names nothing",
            json!(null),
        ),
        (
            "/v1/run",
            r#"{"checks": "a"}"#,
            400,
            "expected a sequence",
            json!(null),
        ),
        (
            "/v1/run",
            r#"{"check": ["a"]}"#,
            400,
            "unknown field `check`",
            json!(null),
        ),
        ("/v1/run", "[1", 400, "line 1", json!(null)),
        ("/v1/run", "\u{0}", 400, "expected value", json!(null)),
    ] {
        let answer = api.post(path, body).await;
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.text);
        let error = &answer.json()["error"];
        let words = error["message"].as_str().unwrap();
        assert!(words.contains(message), "{path} {body}: {words}");
        assert!(words.len() < 400, "{words}");
        assert_eq!(error["param"], param, "{path} {body}");
    }
    assert!(asked(&api).is_empty());
}

#[tokio::test]
async fn only_json_is_taken_as_a_body() {
    let api = three();
    for (media, status) in [
        (Some("application/json"), 200),
        (Some("Application/JSON; charset=utf-8"), 200),
        (None, 200),
        (Some("text/plain"), 415),
        (Some("application/x-www-form-urlencoded"), 415),
        (Some("application/jsonl"), 415),
    ] {
        let mut request = Request::post("/v1/run");
        if let Some(media) = media {
            request = request.header("content-type", media);
        }
        let request = request.body(Body::from(r#"{"checks": ["a"]}"#)).unwrap();
        assert_eq!(api.send(request).await.status, status, "{media:?}");
    }
}

#[tokio::test]
async fn why_a_run_was_not_made_has_its_own_status() {
    let api = three();
    for (why, status, kind, message) in [
        (
            NotRun::Refused(NotForced::TooMany),
            429,
            "rate_limit_error",
            "too many",
        ),
        (
            NotRun::Refused(NotForced::Draining),
            503,
            "unavailable_error",
            "shutting down",
        ),
        (NotRun::Stopped, 503, "unavailable_error", "stopped"),
        (
            NotRun::Refused(NotForced::UnknownCheck),
            404,
            "not_found_error",
            "no such check",
        ),
        (
            NotRun::Late(Duration::from_secs(90)),
            504,
            "timeout_error",
            "within 90 s",
        ),
    ] {
        *api.runner.refusal.lock().unwrap() = Some(why);
        for path in ["/v1/run", "/v1/checks/a/run"] {
            let answer = api.post(path, "").await;
            assert_eq!(answer.status, status, "{path}");
            let error = &answer.json()["error"];
            assert_eq!(error["type"], kind);
            assert!(
                error["message"].as_str().unwrap().contains(message),
                "{error}"
            );
            let retry = (status == 429).then_some("1");
            assert_eq!(answer.header("retry-after"), retry);
        }
    }
}

#[tokio::test]
async fn a_run_needs_a_key_and_without_one_configured_comes_from_no_foreign_page() {
    let send = async |keys: &[&str], headers: &[(&str, &str)]| {
        let mut all = snapshot(vec![model("a", "a", "openai/a")]);
        found(&mut all, 0, AT_ONCE, vec![passed(1.0)], 1.0);
        let api = with_keys(all, keys, false);
        let mut statuses = Vec::new();
        for path in ["/v1/run", "/v1/checks/a/run"] {
            let mut request = Request::post(path);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let answer = api.send(request.body(Body::empty()).unwrap()).await;
            statuses.push(answer.status.as_u16());
        }
        assert_eq!(statuses[0], statuses[1]);
        assert_eq!(asked(&api).is_empty(), statuses[0] != 200);
        statuses[0]
    };
    let host = ("host", "127.0.0.1:4100");
    type Row<'a> = (&'a [&'a str], Vec<(&'a str, &'a str)>, u16);
    let table: [Row<'_>; 11] = [
        (&["sk-one"], vec![], 401),
        (&["sk-one"], vec![("authorization", "Bearer sk-one")], 200),
        (
            &["sk-one"],
            vec![
                ("authorization", "Bearer sk-one"),
                host,
                ("origin", "https://else.where"),
            ],
            200,
        ),
        (&[], vec![host], 200),
        (&[], vec![host, ("origin", "http://127.0.0.1:4100")], 200),
        (&[], vec![host, ("origin", "http://else.where")], 403),
        (&[], vec![host, ("origin", "null")], 403),
        // A name that its owner lets lead to this pod.
        (
            &[],
            vec![
                ("host", "else.where:4100"),
                ("origin", "http://else.where:4100"),
            ],
            403,
        ),
        (
            &[],
            vec![
                ("host", "localhost:4100"),
                ("origin", "http://localhost:4100"),
            ],
            200,
        ),
        (
            &[],
            vec![("host", "[::1]:4100"), ("origin", "http://[::1]:4100")],
            200,
        ),
        (&[], vec![("origin", "http://127.0.0.1:4100")], 403),
    ];
    for (keys, headers, status) in table {
        assert_eq!(send(keys, &headers).await, status, "{keys:?} {headers:?}");
    }
}
