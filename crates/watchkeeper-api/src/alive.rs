//! `/health/liveliness`, `/health/liveness`, `/health/readiness` and its details: for whatever starts and stops the pod.
//! Only the details need a key.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;
use serde_json::json;
use tracing::level_filters::LevelFilter;
use watchkeeper_core::status::Snapshot;

use crate::keys::Authorized;
use crate::reply;
use crate::state::App;

/// LiteLLM's word for a pod without a database.
const NO_DATABASE: &str = "Not connected";

/// The backend that no other pod sees.
pub(crate) const ALONE: &str = "memory";

/// Alive for as long as it answers: a pod that drains must not be killed for it.
pub(crate) async fn liveness() -> Response {
    reply::bytes(StatusCode::OK, Bytes::from_static(b"\"I'm alive!\""))
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

/// Ready or not, in LiteLLM's shape.
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

/// The details, in LiteLLM's order. Half of them speak of a proxy and are constant here.
#[derive(Serialize)]
struct Details<'a> {
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

/// The same with what the pod runs on.
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
