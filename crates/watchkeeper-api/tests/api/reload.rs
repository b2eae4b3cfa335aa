use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use watchkeeper_api::v1::{ReloadAnswer, ReloadView};
use watchkeeper_api::{NotReloaded, Reloader};

use crate::fake::*;

struct Told(Result<ReloadAnswer, NotReloaded>);

impl Reloader for Told {
    fn reload(
        &self,
    ) -> Pin<Box<dyn Future<Output = Result<ReloadAnswer, NotReloaded>> + Send + '_>> {
        Box::pin(async { self.0.clone() })
    }

    fn last(&self) -> Option<ReloadView> {
        Some(ReloadView {
            at: None,
            ok: false,
            error: Some("it is odd".to_owned()),
            source: "file".to_owned(),
            restart_needed: vec!["http.listen".to_owned()],
        })
    }
}

async fn post(reloader: Option<Arc<dyn Reloader>>, key: Option<&str>) -> Answer {
    let api = with_reloader(snapshot(Vec::new()), &["k"], false, reloader);
    let mut request = Request::post("/v1/reload");
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    api.send(request.body(Body::empty()).unwrap()).await
}

fn told(result: Result<ReloadAnswer, NotReloaded>) -> Option<Arc<dyn Reloader>> {
    Some(Arc::new(Told(result)))
}

fn body(answer: &Answer) -> Value {
    serde_json::from_str(&answer.text).unwrap()
}

#[tokio::test]
async fn a_reload_needs_a_key_and_says_what_changed() {
    let answer = ReloadAnswer {
        changed: true,
        settings: vec!["coordination.interval".to_owned()],
        ..ReloadAnswer::default()
    };
    for key in [None, Some("wrong")] {
        let refused = post(told(Ok(answer.clone())), key).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }
    let given = post(told(Ok(answer)), Some("k")).await;
    assert_eq!(given.status, StatusCode::OK);
    assert_eq!(given.header("cache-control"), Some("no-store"));
    assert_eq!(
        body(&given),
        json!({
            "changed": true,
            "checks": {"added": 0, "removed": 0, "changed": 0, "ids": {"added": [], "removed": [], "changed": []}},
            "settings": ["coordination.interval"],
            "restart_needed": [],
            "warnings": []
        })
    );
}

#[tokio::test]
async fn what_cannot_be_used_now_or_at_all_is_told_apart() {
    let refused = |why: &str| told(Err(NotReloaded::Refused(why.to_owned())));
    let later = |why: &str| told(Err(NotReloaded::Later(why.to_owned())));
    for (reloader, status, part, retry) in [
        (refused("line 3 is odd"), 422, "line 3 is odd", None),
        (later("shutting down"), 503, "shutting down", Some("1")),
        (None, 409, "no configuration", None),
    ] {
        let answer = post(reloader, Some("k")).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
        let error = &body(&answer)["error"];
        assert!(error["message"].as_str().unwrap().contains(part), "{error}");
        assert_eq!(error["type"], "config_error");
        assert_eq!(answer.header("retry-after"), retry);
    }
}

#[tokio::test]
async fn the_status_tells_of_the_last_reload() {
    let with = with_reloader(
        snapshot(Vec::new()),
        &[],
        false,
        told(Ok(ReloadAnswer::default())),
    );
    let status = body(&with.get("/v1/status").await);
    assert_eq!(
        status["reload"],
        json!({"at": null, "ok": false, "error": "it is odd", "source": "file", "restart_needed": ["http.listen"]})
    );
    let without = body(&api(snapshot(Vec::new())).get("/v1/status").await);
    assert_eq!(without["reload"], Value::Null);
}
