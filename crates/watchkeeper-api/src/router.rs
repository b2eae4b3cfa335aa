//! Which path is answered by what.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use watchkeeper_core::status::StatusSource;

use crate::reply::{self, Problem};
use crate::state::{ApiState, App, RequestObserver, Shared};
use crate::{alive, health, metrics, records, shared_status, v1};

/// Every endpoint over `state`. The router sets no limits on connections, sizes or times: [`crate::serve`] does.
pub fn router(state: ApiState) -> Router {
    let app: App = Arc::new(Shared::from(state));
    let router = Router::new()
        .route("/health", get(health::health))
        .route("/health/shared-status", get(shared_status::shared_status))
        .route("/health/latest", get(records::latest))
        .route("/health/history", get(records::history))
        .route("/health/liveliness", get(alive::liveness))
        .route("/health/liveness", get(alive::liveness))
        .route("/health/readiness", get(alive::readiness))
        .route("/metrics", get(metrics::metrics))
        .route(v1::CHECKS, get(v1::checks))
        .route("/v1/checks/{id}", get(v1::check))
        .route(v1::FLEET, get(v1::fleet))
        .route(v1::STATUS, get(v1::status))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method);
    let router = match &app.observer {
        Some(observer) => {
            let observed = (Arc::clone(observer), Arc::clone(&app.source));
            router.layer(middleware::from_fn_with_state(observed, observe))
        }
        None => router,
    };
    router.with_state(app)
}

/// Longest path repeated in an answer.
const MAX_REPEATED_CHARS: usize = 200;

fn path_of(uri: &Uri) -> String {
    uri.path().chars().take(MAX_REPEATED_CHARS).collect()
}

async fn unknown_path(uri: Uri) -> Response {
    let message = format!("there is nothing at `{}`", path_of(&uri));
    reply::problem(
        StatusCode::NOT_FOUND,
        &Problem {
            message: &message,
            kind: "not_found_error",
            param: None,
        },
    )
}

async fn wrong_method(method: Method, uri: Uri) -> Response {
    let message = format!(
        "`{}` does not take {}",
        path_of(&uri),
        known_method(&method).to_uppercase()
    );
    reply::problem(
        StatusCode::METHOD_NOT_ALLOWED,
        &Problem {
            message: &message,
            kind: "invalid_request_error",
            param: None,
        },
    )
}

/// A client may invent methods; a label must not.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "other",
    }
}

/// Who is told, and the clock.
type Observed = (Arc<dyn RequestObserver>, Arc<dyn StatusSource>);

/// Tells the observer how long each request took.
async fn observe(
    State((observer, clock)): State<Observed>,
    request: Request,
    next: Next,
) -> Response {
    let start = clock.now();
    let method = known_method(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    observer.observe(
        route,
        method,
        response.status().as_u16(),
        clock.now().since(start),
    );
    response
}
