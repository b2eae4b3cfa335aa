//! `/health/liveliness`, `/health/liveness`, `/health/readiness`: for whatever starts and stops the pod. No key.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use serde_json::json;

use crate::reply;
use crate::state::App;

/// Alive for as long as it answers: a pod that drains must not be killed for it.
pub(crate) async fn liveness() -> Response {
    reply::bytes(StatusCode::OK, Bytes::from_static(b"\"I'm alive!\""))
}

/// Ready once results are there, and until it drains. `db` is LiteLLM's word for a pod without a database.
pub(crate) async fn readiness(State(app): State<App>) -> Response {
    let snapshot = app.source.snapshot();
    let (status, body) = if snapshot.draining {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            json!({"status": "shutting_down"}),
        )
    } else if snapshot.is_ready() {
        (
            StatusCode::OK,
            json!({"status": "healthy", "db": "Not connected"}),
        )
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            json!({"status": "unhealthy", "db": "Not connected", "reason": "no report yet"}),
        )
    };
    reply::json(status, &body)
}
