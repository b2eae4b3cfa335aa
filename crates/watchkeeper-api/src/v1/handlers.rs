//! The native endpoints.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;

use super::{build, history};
use crate::keys::Authorized;
use crate::reply::{self, Problem};
use crate::state::App;

/// Ages are right at one moment only, so nothing in between may keep the answer.
fn answer(value: &impl Serialize) -> Response {
    let mut response = reply::json(StatusCode::OK, value);
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(crate) async fn checks(_: Authorized, State(app): State<App>) -> Response {
    answer(&build::checks(&app.source.snapshot(), app.source.now()))
}

pub(crate) async fn check(
    _: Authorized,
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
) -> Response {
    one(id, |id| {
        build::check(&app.source.snapshot(), id, app.source.now())
    })
}

pub(crate) async fn check_history(
    _: Authorized,
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
) -> Response {
    one(id, |id| history::of(&app.source.snapshot(), id))
}

/// What is known of the check that a path names.
fn one<T: Serialize>(
    id: Result<Path<String>, PathRejection>,
    find: impl FnOnce(&str) -> Option<T>,
) -> Response {
    let Ok(Path(id)) = id else {
        return reply::problem(
            StatusCode::BAD_REQUEST,
            &Problem {
                message: "the check id in the path is not UTF-8 once percent-decoded",
                kind: "invalid_request_error",
                param: Some("id"),
            },
        );
    };
    match find(&id) {
        Some(found) => answer(&found),
        None => reply::problem(
            StatusCode::NOT_FOUND,
            &Problem {
                message: &format!("no check has the id `{id}`; `GET /v1/checks` lists them"),
                kind: "not_found_error",
                param: Some("id"),
            },
        ),
    }
}

pub(crate) async fn fleet(_: Authorized, State(app): State<App>) -> Response {
    answer(&build::fleet(
        &app.source.snapshot(),
        app.source.now(),
        app.source.unix(),
    ))
}

pub(crate) async fn status(_: Authorized, State(app): State<App>) -> Response {
    let mut status = build::status(&app.source.snapshot(), app.source.now(), app.source.unix());
    status.reload = app.reloader.as_ref().and_then(|reloader| reloader.last());
    answer(&status)
}
