//! `GET /health`: every check's latest result, in LiteLLM's shape.
//!
//! The untargeted answer is rendered once per snapshot and kept; only its labels are made per request.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use watchkeeper_core::check::Check;
use watchkeeper_core::status::Snapshot;
use watchkeeper_litellm::entry;

use crate::currency::Currency;
use crate::keys::Authorized;
use crate::openapi::{DetailAnswer, LITELLM};
use crate::query::Query;
use crate::reply;
use crate::state::App;

/// The checks that have a result, in two lists. Before a first report all of it is missing. The order of its keys is
/// LiteLLM's.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = HealthAnswer)]
pub(crate) struct Lists {
    /// Those that count as healthy.
    #[schema(value_type = Vec<Endpoint>, required = false)]
    healthy_endpoints: Vec<Map<String, Value>>,
    /// Those that do not.
    #[schema(value_type = Vec<Endpoint>, required = false)]
    unhealthy_endpoints: Vec<Map<String, Value>>,
    #[schema(required = false)]
    healthy_count: usize,
    #[schema(required = false)]
    unhealthy_count: usize,
}

/// One check as LiteLLM shows a deployment: what of its parameters is no secret, and what was found.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the document")]
pub(crate) struct Endpoint {
    /// What is probed.
    #[schema(required = false)]
    model: String,
    /// Its stable id.
    #[schema(required = false)]
    model_id: String,
    /// What went wrong, in one line.
    #[schema(required = false)]
    error: String,
    /// The upstream's status, or what stands for a failure without one.
    #[schema(required = false)]
    exception_status: u16,
}

impl Lists {
    /// Of the checks that have a result.
    fn of<'a>(snapshot: &Snapshot, checks: impl IntoIterator<Item = &'a Check>) -> Self {
        let mut lists = Self::default();
        for check in checks {
            let Some(known) = snapshot.known(&check.id) else {
                continue;
            };
            let shown = entry::shown(check, &known.entry, snapshot.settings.details);
            if known.entry.standing.healthy {
                lists.healthy_endpoints.push(shown);
            } else {
                lists.unhealthy_endpoints.push(shown);
            }
        }
        lists.healthy_count = lists.healthy_endpoints.len();
        lists.unhealthy_count = lists.unhealthy_endpoints.len();
        lists
    }
}

/// The untargeted answer to one snapshot.
struct Page {
    version: u64,
    body: Bytes,
    currency: Currency,
}

/// The last page rendered.
#[derive(Default)]
pub(crate) struct HealthCache(ArcSwapOption<Page>);

impl HealthCache {
    fn page(&self, snapshot: &Snapshot) -> Result<Arc<Page>, serde_json::Error> {
        if let Some(page) = &*self.0.load()
            && page.version == snapshot.version
        {
            return Ok(Arc::clone(page));
        }
        let lists = Lists::of(snapshot, snapshot.checks.iter());
        let body = if lists.healthy_count + lists.unhealthy_count == 0 {
            // What LiteLLM answers before its first round has ended.
            Bytes::from_static(b"{}")
        } else {
            serde_json::to_vec(&lists)?.into()
        };
        let page = Arc::new(Page {
            version: snapshot.version,
            body,
            currency: Currency::of(snapshot, snapshot.checks.iter()),
        });
        // Two requests may render at once; both pages are right, and the next request checks the version again.
        self.0.store(Some(Arc::clone(&page)));
        Ok(page)
    }
}

/// Every check's latest result, in LiteLLM's shape.
///
/// Never makes a probe. The headers say how old the oldest result of the answer is (`Age`) and whether any is stale
/// (`X-Watchkeeper-Stale`).
#[utoipa::path(
    get, path = "/health", tag = LITELLM, security(("key" = [])),
    params(
        ("model" = Option<String>, Query, description = "Only the checks of this name, else those whose configured model it is."),
        ("model_id" = Option<String>, Query, description = "Only the check of this id; goes before `model`."),
    ),
    responses(
        (status = 200, description = "All checks, also where all are unhealthy; else those that are meant, at least one of them healthy.", body = Lists, headers(("x-watchkeeper-stale" = String), ("age" = u64))),
        (status = 404, description = "Unknown `model_id`.", body = DetailAnswer),
        (status = 503, description = "None of those that are meant is healthy, or none is meant.", body = Lists, headers(("x-watchkeeper-stale" = String), ("age" = u64))),
    ),
)]
pub(crate) async fn health(
    _: Authorized,
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Response {
    let snapshot = app.source.snapshot();
    if let Some(query) = query.as_deref().map(Query) {
        if let Some(id) = query.text("model_id") {
            return by_id(&app, &snapshot, &id);
        }
        if let Some(model) = query.text("model") {
            return targeted(&app, &snapshot, named(&snapshot, &model));
        }
    }
    match app.health.page(&snapshot) {
        Ok(page) => {
            let mut response = reply::bytes(StatusCode::OK, page.body.clone());
            page.currency
                .label(app.source.now(), response.headers_mut());
            response
        }
        Err(error) => reply::unwritten(&error),
    }
}

fn by_id(app: &App, snapshot: &Snapshot, id: &str) -> Response {
    match snapshot.checks.iter().find(|check| check.id.as_str() == id) {
        Some(check) => targeted(app, snapshot, vec![check]),
        None => reply::detail(
            StatusCode::NOT_FOUND,
            json!({"error": format!("Model with ID {id} not found")}),
        ),
    }
}

/// The checks that a name means: those called so, else those whose configured model it is.
fn named<'a>(snapshot: &'a Snapshot, model: &str) -> Vec<&'a Check> {
    let by_name: Vec<_> = snapshot
        .checks
        .iter()
        .filter(|check| check.name == model)
        .collect();
    if by_name.is_empty() {
        snapshot
            .checks
            .iter()
            .filter(|check| check.model() == Some(model))
            .collect()
    } else {
        by_name
    }
}

/// 503 where none is healthy, so that a monitor needs to read the status only.
fn targeted(app: &App, snapshot: &Snapshot, checks: Vec<&Check>) -> Response {
    let currency = Currency::of(snapshot, checks.iter().copied());
    let lists = Lists::of(snapshot, checks);
    let status = if lists.healthy_count == 0 {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    let mut response = reply::json(status, &lists);
    currency.label(app.source.now(), response.headers_mut());
    response
}
