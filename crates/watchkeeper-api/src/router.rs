//! Which path is answered by what.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use axum::routing::{MethodFilter, on};

use crate::observe::{Observed, known_method};
use crate::reply::{self, Problem};
use crate::state::{ApiState, App, Shared};
use crate::{alive, health, metrics, openapi, records, reload, shared_status, v1};

/// Every endpoint over `state`. The router sets no limits on connections, sizes or times: [`crate::serve`] does.
pub fn router(state: ApiState) -> Router {
    let app: App = Arc::new(Shared::from(state));
    routes()
        .router
        .fallback(Observed {
            route: None,
            handler: unknown_path,
        })
        .method_not_allowed_fallback(Observed {
            route: None,
            handler: wrong_method,
        })
        .with_state(app)
}

/// All routes. Each stands in [`crate::openapi::Document`] as well.
pub(crate) fn routes() -> Routes {
    Routes::default()
        .get("/health", health::health)
        .get("/health/shared-status", shared_status::shared_status)
        .get("/health/latest", records::latest)
        .get("/health/history", records::history)
        .get("/health/liveliness", alive::liveliness)
        .get("/health/liveness", alive::liveness)
        .get("/health/readiness", alive::readiness)
        .get("/health/readiness/details", alive::details)
        .get("/metrics", metrics::metrics)
        .get("/openapi.json", openapi::openapi)
        .get(v1::CHECKS, v1::checks)
        .get("/v1/checks/{id}", v1::check)
        .get("/v1/checks/{id}/history", v1::check_history)
        .post("/v1/checks/{id}/run", v1::run_check)
        .post(v1::RUN, v1::run)
        .get(v1::FLEET, v1::fleet)
        .get(v1::STATUS, v1::status)
        .get(v1::EVENTS, v1::events)
        .post(v1::RELOAD, reload::reload)
}

/// Takes routes that are measured, and no others.
#[derive(Default)]
pub(crate) struct Routes {
    router: Router<App>,
    /// Method and path of each.
    pub(crate) served: Vec<(Method, &'static str)>,
}

impl Routes {
    fn get<T: 'static, H: Handler<T, App>>(self, route: &'static str, handler: H) -> Self {
        self.on(Method::GET, MethodFilter::GET, route, handler)
    }

    fn post<T: 'static, H: Handler<T, App>>(self, route: &'static str, handler: H) -> Self {
        self.on(Method::POST, MethodFilter::POST, route, handler)
    }

    fn on<T: 'static, H: Handler<T, App>>(
        mut self,
        method: Method,
        filter: MethodFilter,
        route: &'static str,
        handler: H,
    ) -> Self {
        let observed = Observed {
            route: Some(route),
            handler,
        };
        self.served.push((method, route));
        Self {
            router: self.router.route(route, on(filter, observed)),
            ..self
        }
    }
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
    let method = known_method(&method).to_uppercase();
    let message = format!("`{}` does not take {method}", path_of(&uri));
    reply::problem(
        StatusCode::METHOD_NOT_ALLOWED,
        &Problem {
            message: &message,
            kind: "invalid_request_error",
            param: None,
        },
    )
}
