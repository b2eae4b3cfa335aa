//! `POST /v1/reload`: the configuration is read again, as after SIGHUP or a changed file.

use std::pin::Pin;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, header::RETRY_AFTER};
use axum::response::Response;

use crate::keys::AuthorizedToAct;
use crate::openapi::{ErrorAnswer, NATIVE};
use crate::reply::{self, Problem};
use crate::state::App;
use crate::v1::{ReloadAnswer, ReloadView};

/// Why the configuration did not take effect; everything is as it was. Messages hold no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotReloaded {
    /// It cannot be used as it is.
    Refused(String),
    /// It may be, at another time.
    Later(String),
}

/// Reads the configuration again. The daemon implements it; tests fake it.
pub trait Reloader: Send + Sync + 'static {
    /// Reads it and lets it take effect. Calls that come while one is under way share the next.
    fn reload(
        &self,
    ) -> Pin<Box<dyn Future<Output = Result<ReloadAnswer, NotReloaded>> + Send + '_>>;

    /// What came of the last time that it was read; none before the first. Never waits.
    fn last(&self) -> Option<ReloadView>;
}

/// A client that is told to come later is to wait this many seconds.
const LATER: HeaderValue = HeaderValue::from_static("1");

/// Reads the configuration again, as after SIGHUP or a changed file.
#[utoipa::path(
    post, path = "/v1/reload", tag = NATIVE, security(("key" = [])),
    responses(
        (status = 200, description = "It took effect, as far as it can without a restart.", body = ReloadAnswer),
        (status = 403, description = "From another origin's page, where no key is configured.", body = ErrorAnswer),
        (status = 409, description = "This pod has no configuration that could be read again.", body = ErrorAnswer),
        (status = 422, description = "It cannot be used; nothing changed.", body = ErrorAnswer),
        (status = 503, description = "Not now: ask again.", body = ErrorAnswer, headers(("retry-after" = u64))),
    ),
)]
pub(crate) async fn reload(_: AuthorizedToAct, State(app): State<App>) -> Response {
    let Some(reloader) = &app.reloader else {
        return refusal(
            StatusCode::CONFLICT,
            "this pod has no configuration that could be read again",
        );
    };
    let mut response = match reloader.reload().await {
        Ok(answer) => reply::json(StatusCode::OK, &answer),
        Err(NotReloaded::Refused(why)) => {
            let message = format!("nothing changed, the configuration cannot be used: {why}");
            refusal(StatusCode::UNPROCESSABLE_ENTITY, &message)
        }
        Err(NotReloaded::Later(why)) => {
            let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, &why);
            response.headers_mut().insert(RETRY_AFTER, LATER);
            response
        }
    };
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn refusal(status: StatusCode, message: &str) -> Response {
    reply::problem(
        status,
        &Problem {
            message,
            kind: "config_error",
            param: None,
        },
    )
}
