//! The shapes of answers that are not a result.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// JSON that is rendered already.
pub(crate) fn bytes(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// A value as JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => bytes(status, body.into()),
        Err(error) => unwritten(&error),
    }
}

/// Only a map with keys that are no text could come here; no answer has one.
pub(crate) fn unwritten(error: &serde_json::Error) -> Response {
    tracing::error!(%error, "an answer could not be written as JSON; please report this");
    problem(
        StatusCode::INTERNAL_SERVER_ERROR,
        &Problem {
            message: "the answer could not be written",
            kind: "internal_error",
            param: None,
        },
    )
}

/// What was wrong with a request, in the error shape that LiteLLM and OpenAI share.
pub(crate) struct Problem<'a> {
    /// What was wrong, and what to do.
    pub(crate) message: &'a str,
    /// A word for programs.
    pub(crate) kind: &'static str,
    /// Which parameter it was.
    pub(crate) param: Option<&'static str>,
}

/// A [`Problem`] as an answer; `code` repeats the status as text, as LiteLLM does.
pub(crate) fn problem(status: StatusCode, problem: &Problem<'_>) -> Response {
    let body = json!({"error": {
        "message": problem.message,
        "type": problem.kind,
        "param": problem.param,
        "code": status.as_str(),
    }});
    bytes(status, body.to_string().into())
}

/// `{"detail": …}`: how FastAPI, and so LiteLLM, says what was wrong.
pub(crate) fn detail(status: StatusCode, detail: impl Serialize) -> Response {
    #[derive(Serialize)]
    struct Detail<T> {
        detail: T,
    }
    json(status, &Detail { detail })
}
