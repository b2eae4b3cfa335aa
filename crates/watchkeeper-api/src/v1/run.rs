//! `POST /v1/run` and `POST /v1/checks/{id}/run`: probing because somebody asks for it.
//!
//! Whoever asks at the same time, of whichever pod, shares one round of the fleet: it is the coordinators that see to
//! this. Here the request is read, and the answer written.

use std::collections::HashSet;
use std::time::Duration;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use watchkeeper_core::check::Check;
use watchkeeper_core::coordinator::{Answered, NotForced};
use watchkeeper_core::id::CheckId;
use watchkeeper_core::on_demand::{MAX_CALL, NotRun};
use watchkeeper_core::status::Snapshot;

use super::handlers::{CheckPath, answer, unknown_check};
use super::{CheckView, Counts, build};
use crate::keys::AuthorizedToAct;
use crate::openapi::{ErrorAnswer, NATIVE};
use crate::reply::{self, Problem};
use crate::serve::Patience;
use crate::state::App;

/// What a caller is told beyond the longest call, so that it is not cut off with an answer on its way.
const ANSWER_SLACK: Duration = Duration::from_secs(5);

/// When a caller that was turned away may try again: rounds that others wait for end in about as much.
const TRY_AGAIN: HeaderValue = HeaderValue::from_static("1");

/// Longest name repeated in an answer.
const MAX_REPEATED_CHARS: usize = 200;

/// Which checks are to be probed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    /// Ids, or names (each stands for all checks called so); all checks unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1)]
    pub checks: Option<Vec<String>>,
}

/// What a run brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunAnswer {
    /// How many checks of each kind the answer has.
    pub counts: Counts,
    /// The checks that were asked for, in the configuration's order.
    pub checks: Vec<RunView>,
}

/// One check, and how it was probed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunView {
    /// As in the list of checks: what was found, by whom (`checked_by`), in which round (`token`).
    #[serde(flatten)]
    pub check: CheckView,
    /// Whether the probe was made for a round or another call, which this call joined; else it was made for this call.
    pub joined: bool,
}

/// Probes checks now.
///
/// Answers with what probes found that started after the call came. Calls of all pods that come together share one round of
/// the fleet; one that comes later joins a round under way as far as its checks' probes have not started. The day's budget
/// holds: a check that it does not bear is asked by its free probe (`spared`). Without a body all checks are probed.
///
/// It waits for other pods' rounds and leases at most 15 minutes. A caller that goes away gives up its place.
#[utoipa::path(
    post, path = "/v1/run", tag = NATIVE, security(("key" = [])),
    request_body(content = Option<RunRequest>, description = "Which checks; all of them without it.", content_type = "application/json"),
    responses(
        (status = 200, description = "Every check that was asked for, whether it is healthy or not.", body = RunAnswer),
        (status = 400, description = "The body is no such JSON, or names no check at all.", body = ErrorAnswer),
        (status = 403, description = "From another origin's page, where no key is configured.", body = ErrorAnswer),
        (status = 404, description = "No check has one of these ids or names.", body = ErrorAnswer),
        (status = 415, description = "A body of another type than JSON.", body = ErrorAnswer),
        (status = 429, description = "256 calls wait already.", body = ErrorAnswer, headers(("retry-after" = u64))),
        (status = 503, description = "The pod is about to leave, its checks were changed meanwhile, or the body did not arrive within 30 s.", body = ErrorAnswer),
        (status = 504, description = "No result in time. Probes under way go on.", body = ErrorAnswer),
    ),
)]
pub(crate) async fn run(
    _: AuthorizedToAct,
    State(app): State<App>,
    patience: Option<Extension<Patience>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let wanted = match read(&headers, body) {
        Ok(wanted) => wanted,
        Err(response) => return *response,
    };
    let snapshot = app.source.snapshot();
    let checks = match chosen(&snapshot, wanted.as_deref()) {
        Ok(checks) => checks,
        Err(unknown) => return unknown_check(&unknown, "checks"),
    };
    match probe(&app, patience, checks).await {
        Ok(found) => {
            let checks = views(&app, &found);
            answer(&RunAnswer {
                counts: counts(&checks),
                checks,
            })
        }
        Err(why) => not_run(why),
    }
}

/// Probes one check now, as `POST /v1/run` does.
#[utoipa::path(
    post, path = "/v1/checks/{id}/run", tag = NATIVE, security(("key" = [])),
    params(("id" = String, Path, description = "The check's id, percent-encoded.")),
    responses(
        (status = 200, description = "The check, whether it is healthy or not.", body = RunView),
        (status = 400, description = "The id is no UTF-8.", body = ErrorAnswer),
        (status = 403, description = "From another origin's page, where no key is configured.", body = ErrorAnswer),
        (status = 404, description = "No check has this id.", body = ErrorAnswer),
        (status = 429, description = "256 calls wait already.", body = ErrorAnswer, headers(("retry-after" = u64))),
        (status = 503, description = "The pod is about to leave, or its checks were changed meanwhile.", body = ErrorAnswer),
        (status = 504, description = "No result in time. A probe under way goes on.", body = ErrorAnswer),
    ),
)]
pub(crate) async fn run_check(
    _: AuthorizedToAct,
    State(app): State<App>,
    patience: Option<Extension<Patience>>,
    id: CheckPath,
) -> Response {
    let CheckPath(Ok(id)) = id else {
        return super::handlers::not_utf8();
    };
    let snapshot = app.source.snapshot();
    let check = snapshot.checks.iter().find(|check| check.id.as_str() == id);
    let Some(check) = check else {
        return unknown_check(&id, "id");
    };
    match probe(&app, patience, vec![check.id.clone()]).await {
        Ok(found) => match views(&app, &found).first() {
            Some(view) => answer(view),
            // It was taken out of the configuration meanwhile.
            None => unknown_check(&id, "id"),
        },
        Err(why) => not_run(why),
    }
}

/// The ids and names that the body has; none for all.
fn read(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Option<Vec<String>>, Box<Response>> {
    let refused = |status, message: &str| {
        let problem = Problem {
            message,
            kind: "invalid_request_error",
            param: None,
        };
        Box::new(reply::problem(status, &problem))
    };
    let body = body.map_err(|error| refused(error.status(), &error.body_text().to_lowercase()))?;
    if body.trim_ascii().is_empty() {
        return Ok(None);
    }
    let media = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let is_json = media.is_none_or(|media| {
        let media = media.split(|byte| *byte == b';').next();
        media.is_some_and(|media| media.trim_ascii().eq_ignore_ascii_case(b"application/json"))
    });
    if !is_json {
        return Err(refused(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body has to be JSON: send `Content-Type: application/json`",
        ));
    }
    let request: Option<RunRequest> = serde_json::from_slice(&body).map_err(|error| {
        let message = format!(
            "the body is not what is expected, `{{\"checks\": [\"<id or name>\", …]}}` or nothing: {error}"
        );
        refused(StatusCode::BAD_REQUEST, &message)
    })?;
    let checks = request.and_then(|request| request.checks);
    if checks.as_ref().is_some_and(Vec::is_empty) {
        return Err(refused(
            StatusCode::BAD_REQUEST,
            "`checks` names nothing; leave it out to probe all checks",
        ));
    }
    Ok(checks)
}

/// The checks that these words mean, each once, in the configuration's order; the first word that means none as an error.
fn chosen(snapshot: &Snapshot, wanted: Option<&[String]>) -> Result<Vec<CheckId>, String> {
    let all = || snapshot.checks.iter();
    let Some(wanted) = wanted else {
        return Ok(all().map(|check| check.id.clone()).collect());
    };
    let wanted: HashSet<&str> = wanted.iter().map(String::as_str).collect();
    let ids: HashSet<&str> = all().map(|check| check.id.as_str()).collect();
    let names: HashSet<&str> = all().map(|check| check.name.as_str()).collect();
    let unknown = wanted
        .iter()
        .filter(|word| !ids.contains(*word) && !names.contains(*word))
        .min();
    if let Some(unknown) = unknown {
        return Err((*unknown).to_owned());
    }
    // What is an id means that check, also where another one is called so.
    let is_meant = |check: &&Check| {
        let name = check.name.as_str();
        wanted.contains(check.id.as_str()) || (wanted.contains(name) && !ids.contains(name))
    };
    Ok(all()
        .filter(is_meant)
        .map(|check| check.id.clone())
        .collect())
}

/// Has them probed. No checks at all are probed at once.
async fn probe(
    app: &App,
    patience: Option<Extension<Patience>>,
    checks: Vec<CheckId>,
) -> Result<Vec<Answered>, NotRun> {
    if checks.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(Extension(patience)) = patience {
        patience.extend(MAX_CALL + ANSWER_SLACK);
    }
    app.on_demand.run(checks).await
}

/// What was found, in the configuration's order.
fn views(app: &App, found: &[Answered]) -> Vec<RunView> {
    let snapshot = app.source.snapshot();
    let now = app.source.now();
    build::found(&snapshot, found, now)
        .map(|(check, joined)| RunView { check, joined })
        .collect()
}

fn counts(checks: &[RunView]) -> Counts {
    let count = |healthy| {
        let alike = checks.iter().filter(|view| view.check.healthy == healthy);
        alike.count()
    };
    Counts {
        total: checks.len(),
        healthy: count(Some(true)),
        unhealthy: count(Some(false)),
        unknown: count(None),
        stale: 0,
    }
}

fn not_run(why: NotRun) -> Response {
    let (status, kind) = match why {
        NotRun::Refused(NotForced::UnknownCheck) => (StatusCode::NOT_FOUND, "not_found_error"),
        NotRun::Refused(NotForced::TooMany) => (StatusCode::TOO_MANY_REQUESTS, "rate_limit_error"),
        NotRun::Refused(NotForced::Draining | NotForced::Reloaded) | NotRun::Stopped => {
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable_error")
        }
        NotRun::Late(_) => (StatusCode::GATEWAY_TIMEOUT, "timeout_error"),
    };
    let message = match why {
        NotRun::Late(_) => format!(
            "{why}; probes that have started go on, ask `GET /v1/checks` for what they find"
        ),
        _ => why.to_string(),
    };
    let problem = Problem {
        message: &message,
        kind,
        param: None,
    };
    let mut response = reply::problem(status, &problem);
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(RETRY_AFTER, TRY_AGAIN);
    }
    response
}

/// So much of a word that a client sent as an answer repeats.
pub(super) fn repeated(word: &str) -> String {
    word.chars().take(MAX_REPEATED_CHARS).collect()
}
