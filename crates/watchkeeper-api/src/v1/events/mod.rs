//! `GET /v1/events`: what happens in this pod, as server-sent events.
//!
//! A stream is a position in the pod's ring of events and nothing more: no queue of its own, so whoever tells an event
//! never waits for a listener. A listener that comes back names the last id it saw and goes on from there; what is gone
//! by then is told as a `gap`, and so is what a listener was too slow for.

mod stream;
mod types;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

pub use types::{
    EventKind, GapEvent, HelloEvent, LeaseEvent, ReloadEvent, ReportEvent, StoreEvent,
    TransitionEvent,
};

use crate::keys::{Authorized, Pass};
use crate::openapi::{ErrorAnswer, NATIVE};
use crate::query::Query;
use crate::reply::{self, Problem};
use crate::state::App;
use stream::{Listener, Start};
use types::Kinds;

/// Where events are found.
pub const EVENTS: &str = "/v1/events";

/// Streams at once: an eighth of the connections that a listener takes, so that everybody else has room.
const MOST_STREAMS: usize = 64;

/// A comment is sent when nothing else was for so long. Well below the time after which an unused connection is closed,
/// here and in most proxies.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long a client that found no room is asked to wait, in seconds.
const AGAIN_AFTER: &str = "30";

/// What a browser sends when it comes back.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The places for streams.
pub(crate) struct Streams(Arc<Semaphore>);

impl Default for Streams {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MOST_STREAMS)))
    }
}

impl Streams {
    /// A place, until it is dropped.
    fn take(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }
}

/// In a request's extensions: turns true when the server stops.
#[derive(Clone)]
pub(crate) struct Stopping(pub(crate) watch::Receiver<bool>);

/// What happens, as it happens: server-sent events.
///
/// Each has an id by which a client that comes back goes on; where that is not possible a `gap` says so.
#[utoipa::path(
    get, path = "/v1/events", tag = NATIVE, security(("key" = [])),
    params(
        ("types" = Option<String>, Query, description = "Only events of these types, parted by commas."),
        ("last_event_id" = Option<String>, Query, description = "The event after which to go on; the header goes before it."),
        ("last-event-id" = Option<String>, Header, description = "The same, as browsers send it."),
    ),
    responses(
        (status = 200, description = "A stream without an end.", body = String, content_type = "text/event-stream"),
        (status = 400, description = "`types` names what is no type of event.", body = ErrorAnswer),
        (status = 503, description = "Too many streams are open.", body = ErrorAnswer, headers(("retry-after" = u64))),
    ),
)]
pub(crate) async fn events(_: Authorized, State(app): State<App>, request: Request) -> Response {
    let query = Query(request.uri().query().unwrap_or(""));
    let kinds = match Kinds::read(query.text("types").as_deref()) {
        Ok(kinds) => kinds,
        Err(unknown) => return unknown_kind(&unknown),
    };
    let Some(place) = app.streams.take() else {
        return no_place();
    };
    // The header is what a browser saw last; the query is what it was given when it first came.
    let header = request
        .headers()
        .get(LAST_EVENT_ID)
        .map(HeaderValue::as_bytes);
    let header = header.map(String::from_utf8_lossy);
    let last = header
        .filter(|id| !id.is_empty())
        .or_else(|| query.text("last_event_id"));
    let start = Start::read(&*app.events, last.as_deref());
    let stopping = request.extensions().get::<Stopping>().cloned();
    let pass = Pass::new(&app.access, request.headers());
    let listener = Listener::new(app, kinds, start, pass, stopping, place);
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("keep-alive");
    let mut response = Sse::new(listener.into_stream())
        .keep_alive(keep_alive)
        .into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would hold events back until it has a page of them.
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}

fn unknown_kind(unknown: &str) -> Response {
    let known = EventKind::ALL.map(EventKind::as_str).join("`, `");
    let unknown: String = unknown.chars().take(100).collect();
    reply::problem(
        StatusCode::BAD_REQUEST,
        &Problem {
            message: &format!(
                "`types` names `{unknown}`, which is no type of event; there are `{known}`"
            ),
            kind: "invalid_request_error",
            param: Some("types"),
        },
    )
}

fn no_place() -> Response {
    let mut response = reply::problem(
        StatusCode::SERVICE_UNAVAILABLE,
        &Problem {
            message: &format!(
                "{MOST_STREAMS} event streams are open, no more are taken: close some, or ask another pod"
            ),
            kind: "overloaded_error",
            param: None,
        },
    );
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static(AGAIN_AFTER));
    response
}
