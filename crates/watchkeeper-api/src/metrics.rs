//! `GET /metrics`.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::keys::AuthorizedForMetrics;
use crate::openapi::OPERATING;
use crate::state::App;

/// The content type of OpenMetrics 1.0, which Prometheus reads.
pub const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where the text of `/metrics` comes from.
pub trait MetricsText: Send + Sync + 'static {
    /// All metrics, as text. Never waits.
    fn render(&self) -> String;

    /// The text's content type.
    fn content_type(&self) -> &'static str {
        OPENMETRICS
    }
}

/// All metrics, for Prometheus.
///
/// Needs a key only where `http.metrics_auth` says so.
#[utoipa::path(
    get, path = "/metrics", tag = OPERATING, security((), ("key" = [])),
    responses((status = 200, description = "OpenMetrics 1.0.", body = String, content_type = "application/openmetrics-text")),
)]
pub(crate) async fn metrics(_: AuthorizedForMetrics, State(app): State<App>) -> Response {
    (
        [(CONTENT_TYPE, app.metrics.content_type())],
        app.metrics.render(),
    )
        .into_response()
}
