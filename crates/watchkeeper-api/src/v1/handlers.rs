//! The native endpoints that read.

use std::convert::Infallible;

use axum::RequestPartsExt;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;

use super::run::repeated;
use super::{CheckDetail, CheckHistory, ChecksAnswer, FleetAnswer, StatusAnswer, build, history};
use crate::keys::Authorized;
use crate::openapi::{ErrorAnswer, NATIVE};
use crate::reply::{self, Problem};
use crate::state::App;

/// Ages are right at one moment only, so nothing in between may keep the answer.
pub(super) fn answer(value: &impl Serialize) -> Response {
    let mut response = reply::json(StatusCode::OK, value);
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The check id in a request's path. One that cannot be read is said after the key was looked at.
pub(crate) struct CheckPath(pub(super) Result<String, PathRejection>);

impl<S: Send + Sync> FromRequestParts<S> for CheckPath {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let id = parts.extract::<Path<String>>().await;
        Ok(Self(id.map(|Path(id)| id)))
    }
}

pub(super) fn not_utf8() -> Response {
    reply::problem(
        StatusCode::BAD_REQUEST,
        &Problem {
            message: "the check id in the path is not UTF-8 once percent-decoded",
            kind: "invalid_request_error",
            param: Some("id"),
        },
    )
}

/// `param` is where the word stood: `id` in the path, `checks` in the body, where it may be a name as well.
pub(super) fn unknown_check(word: &str, param: &'static str) -> Response {
    let what = if param == "id" { "id" } else { "id or name" };
    let word = repeated(word);
    reply::problem(
        StatusCode::NOT_FOUND,
        &Problem {
            message: &format!("no check has the {what} `{word}`; `GET /v1/checks` lists them"),
            kind: "not_found_error",
            param: Some(param),
        },
    )
}

/// Every check and the latest that is known of it.
#[utoipa::path(
    get, path = "/v1/checks", tag = NATIVE, security(("key" = [])),
    responses((status = 200, description = "In the configuration's order.", body = ChecksAnswer)),
)]
pub(crate) async fn checks(_: Authorized, State(app): State<App>) -> Response {
    answer(&build::checks(&app.source.snapshot(), app.source.now()))
}

/// One check with its last 64 results.
#[utoipa::path(
    get, path = "/v1/checks/{id}", tag = NATIVE, security(("key" = [])),
    params(("id" = String, Path, description = "The check's id, percent-encoded.")),
    responses(
        (status = 200, description = "The check and its past.", body = CheckDetail),
        (status = 400, description = "The id is no UTF-8.", body = ErrorAnswer),
        (status = 404, description = "No check has this id.", body = ErrorAnswer),
    ),
)]
pub(crate) async fn check(_: Authorized, State(app): State<App>, id: CheckPath) -> Response {
    let CheckPath(Ok(id)) = id else {
        return not_utf8();
    };
    match build::check(&app.source.snapshot(), &id, app.source.now()) {
        Some(detail) => answer(&detail),
        None => unknown_check(&id, "id"),
    }
}

/// One check's last results, and when it turned.
#[utoipa::path(
    get, path = "/v1/checks/{id}/history", tag = NATIVE, security(("key" = [])),
    params(("id" = String, Path, description = "The check's id, percent-encoded.")),
    responses(
        (status = 200, description = "Its past.", body = CheckHistory),
        (status = 400, description = "The id is no UTF-8.", body = ErrorAnswer),
        (status = 404, description = "No check has this id.", body = ErrorAnswer),
    ),
)]
pub(crate) async fn check_history(
    _: Authorized,
    State(app): State<App>,
    id: CheckPath,
) -> Response {
    let CheckPath(Ok(id)) = id else {
        return not_utf8();
    };
    match history::of(&app.source.snapshot(), &id) {
        Some(past) => answer(&past),
        None => unknown_check(&id, "id"),
    }
}

/// The pods, the leases that stand, rounds, probes made and saved, money spent and saved.
#[utoipa::path(
    get, path = "/v1/fleet", tag = NATIVE, security(("key" = [])),
    responses((status = 200, description = "The fleet as this pod sees it.", body = FleetAnswer)),
)]
pub(crate) async fn fleet(_: Authorized, State(app): State<App>) -> Response {
    answer(&build::fleet(
        &app.source.snapshot(),
        app.source.now(),
        app.source.unix(),
    ))
}

/// This pod: mode, store, groups, budget, LiteLLM's own pods, settings.
#[utoipa::path(
    get, path = "/v1/status", tag = NATIVE, security(("key" = [])),
    responses((status = 200, description = "The pod that answers.", body = StatusAnswer)),
)]
pub(crate) async fn status(_: Authorized, State(app): State<App>) -> Response {
    let mut status = build::status(&app.source.snapshot(), app.source.now(), app.source.unix());
    status.reload = app.reloader.as_ref().and_then(|reloader| reloader.last());
    answer(&status)
}
