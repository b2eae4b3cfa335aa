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
use watchkeeper_core::check::Check;
use watchkeeper_core::status::Snapshot;
use watchkeeper_litellm::entry;

use crate::currency::Currency;
use crate::keys::Authorized;
use crate::query::Query;
use crate::reply;
use crate::state::App;

/// The body. The order of its keys is LiteLLM's.
#[derive(Default, Serialize)]
struct Lists {
    healthy_endpoints: Vec<Map<String, Value>>,
    unhealthy_endpoints: Vec<Map<String, Value>>,
    healthy_count: usize,
    unhealthy_count: usize,
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

/// Whole fleet, or what `?model_id=` or else `?model=` names.
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
