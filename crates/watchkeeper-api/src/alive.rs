//! `/health/liveliness`, `/health/liveness`, `/health/readiness` and its details: for whatever starts and stops the pod.
//! Only the details need a key.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;
use serde_json::json;
use tracing::level_filters::LevelFilter;
use utoipa::ToSchema;
use watchkeeper_core::status::Snapshot;

use crate::keys::Authorized;
use crate::openapi::LITELLM;
use crate::reply;
use crate::state::App;

/// LiteLLM's word for a pod without a database.
const NO_DATABASE: &str = "Not connected";

/// The backend that no other pod sees.
pub(crate) const ALONE: &str = "memory";

/// Whether the process lives.
///
/// It does for as long as it answers: a pod that drains must not be killed for it.
#[utoipa::path(get, path = "/health/liveness", tag = LITELLM, responses((status = 200, description = "Alive.", body = String, content_type = "application/json", example = json!("I'm alive!"))))]
pub(crate) async fn liveness() -> Response {
    reply::bytes(StatusCode::OK, Bytes::from_static(b"\"I'm alive!\""))
}

/// LiteLLM's other spelling of `/health/liveness`.
#[utoipa::path(get, path = "/health/liveliness", tag = LITELLM, responses((status = 200, description = "Alive.", body = String, content_type = "application/json", example = json!("I'm alive!"))))]
pub(crate) async fn liveliness() -> Response {
    liveness().await
}

/// Whether work may be sent to the pod: once results are there, and until it drains.
#[derive(Clone, Copy)]
enum Readiness {
    Ready,
    Waiting,
    Draining,
}

impl Readiness {
    fn of(snapshot: &Snapshot) -> Self {
        if snapshot.draining {
            Self::Draining
        } else if snapshot.is_ready() {
            Self::Ready
        } else {
            Self::Waiting
        }
    }

    const fn code(self) -> StatusCode {
        match self {
            Self::Ready => StatusCode::OK,
            Self::Waiting | Self::Draining => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// LiteLLM's words; it has none for a pod that waits.
    const fn word(self) -> &'static str {
        match self {
            Self::Ready => "healthy",
            Self::Waiting => "unhealthy",
            Self::Draining => "shutting_down",
        }
    }
}

/// Whether work may be sent to the pod.
///
/// It may once results are there, and until it drains.
#[utoipa::path(
    get, path = "/health/readiness", tag = LITELLM,
    responses(
        (status = 200, description = "Ready.", body = ReadinessAnswer),
        (status = 503, description = "No report yet, or about to leave.", body = ReadinessAnswer),
    ),
)]
pub(crate) async fn readiness(State(app): State<App>) -> Response {
    let readiness = Readiness::of(&app.source.snapshot());
    let status = readiness.word();
    let body = match readiness {
        Readiness::Ready => json!({"status": status, "db": NO_DATABASE}),
        Readiness::Waiting => {
            json!({"status": status, "db": NO_DATABASE, "reason": "no report yet"})
        }
        Readiness::Draining => json!({"status": status}),
    };
    reply::json(readiness.code(), &body)
}

/// Ready or not, in LiteLLM's shape.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the document")]
pub(crate) struct ReadinessAnswer {
    /// `healthy`, `unhealthy` (no report yet) or `shutting_down`.
    status: String,
    /// LiteLLM's word for no database; not there while the pod leaves.
    db: Option<String>,
    /// Why it is not ready.
    reason: Option<String>,
}

/// The details, in LiteLLM's order. Half of them speak of a proxy and are constant here.
#[derive(Serialize, ToSchema)]
#[schema(as = ReadinessDetails)]
pub(crate) struct Details<'a> {
    status: &'static str,
    db: &'static str,
    cache: &'a str,
    litellm_version: &'static str,
    success_callbacks: [&'static str; 0],
    use_aiohttp_transport: bool,
    log_level: &'static str,
    is_detailed_debug: bool,
    show_no_redis_warning: bool,
    show_env_credential_login_warning: bool,
}

/// The same as `/health/readiness`, with what the pod runs on.
#[utoipa::path(
    get, path = "/health/readiness/details", tag = LITELLM, security(("key" = [])),
    responses(
        (status = 200, description = "Ready.", body = Details),
        (status = 503, description = "No report yet, or about to leave.", body = Details),
    ),
)]
pub(crate) async fn details(_: Authorized, State(app): State<App>) -> Response {
    let snapshot = app.source.snapshot();
    let readiness = Readiness::of(&snapshot);
    let level = LevelFilter::current();
    let details = Details {
        status: readiness.word(),
        db: NO_DATABASE,
        cache: snapshot.backend,
        litellm_version: watchkeeper_litellm::VERSION,
        success_callbacks: [],
        use_aiohttp_transport: false,
        log_level: python_level(level),
        is_detailed_debug: level >= LevelFilter::DEBUG,
        show_no_redis_warning: !snapshot.settings.enabled || snapshot.backend == ALONE,
        show_env_credential_login_warning: false,
    };
    reply::json(readiness.code(), &details)
}

/// The level as Python's `logging` calls it.
fn python_level(level: LevelFilter) -> &'static str {
    if level >= LevelFilter::DEBUG {
        "DEBUG"
    } else if level == LevelFilter::INFO {
        "INFO"
    } else if level == LevelFilter::WARN {
        "WARNING"
    } else if level == LevelFilter::ERROR {
        "ERROR"
    } else {
        "CRITICAL"
    }
}
