//! `GET /health/shared-status`: LiteLLM's object on the lock and the shared report, with the truth in it.
//!
//! What the answer says changes with the snapshot and, without any event, when a lease known of runs out or a result
//! becomes stale. Between these the text is kept; only the age is written per request.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use watchkeeper_core::id::PodId;
use watchkeeper_core::lease::Token;
use watchkeeper_core::status::{GroupView, Snapshot};
use watchkeeper_core::time::Moment;

use crate::currency::Currency;
use crate::keys::Authorized;
use crate::openapi::LITELLM;
use crate::reply;
use crate::state::App;

/// The answer. The order of its keys is LiteLLM's; `backend` and what follows is ours.
#[derive(Serialize, ToSchema)]
#[schema(as = SharedStatusAnswer)]
pub(crate) struct Answer<'a> {
    shared_health_check_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
    status: Status<'a>,
    /// What keeps leases and reports.
    backend: &'a str,
    /// How this pod lives in its fleet.
    mode: &'a str,
    /// Of the lease that stands, else the highest seen.
    token: Option<u64>,
    /// Whether any result is stale.
    stale: bool,
}

/// The lock and the shared report.
#[derive(Serialize, ToSchema)]
#[schema(as = SharedStatus)]
pub(crate) struct Status<'a> {
    pod_id: &'a str,
    redis_available: bool,
    /// In seconds.
    #[serde(serialize_with = "plain_seconds")]
    #[schema(value_type = f64)]
    lock_ttl: Duration,
    /// In seconds.
    #[serde(serialize_with = "plain_seconds")]
    #[schema(value_type = f64)]
    cache_ttl: Duration,
    lock_owner: Option<&'a str>,
    lock_in_progress: bool,
    cache_available: bool,
    #[schema(value_type = Option<f64>)]
    cache_age_seconds: Option<&'static str>,
    last_checked_by: Option<&'a str>,
}

/// Whole seconds as a whole number, as LiteLLM writes its TTLs.
fn plain_seconds<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    if span.subsec_nanos() == 0 {
        serializer.serialize_u64(span.as_secs())
    } else {
        serializer.serialize_f64(span.as_secs_f64())
    }
}

/// The answer's text while nothing but time changes it.
struct Page {
    version: u64,
    from: Moment,
    until: Option<Moment>,
    /// The text up to the age, or all of it where there is none.
    before: String,
    after: String,
    currency: Currency,
}

/// Stands for the age while the text is made. No value has a control character, so nothing else reads like it.
const AGE: &str = "\u{0}age";
/// [`AGE`] as JSON writes it.
const AGE_IN_JSON: &str = "\"\\u0000age\"";

/// Room for an age: a few digits more than the longest.
const AGE_BYTES: usize = 32;

/// The value that all have; none where they differ, where one has none, and where there are none.
fn agreed<T: PartialEq>(mut values: impl Iterator<Item = Option<T>>) -> Option<T> {
    let first = values.next()??;
    values
        .all(|value| value.as_ref() == Some(&first))
        .then_some(first)
}

/// The token of the lease that stands, else the highest seen.
fn token_at(group: &GroupView, now: Moment) -> Option<Token> {
    group
        .holder_at(now)
        .and(group.token)
        .or(Some(group.highest_token))
        .filter(|token| *token > Token::ZERO)
}

/// The results that the answer speaks of: those of checks that only run on demand would be stale for ever, so they count
/// only where there is nothing else.
fn currency(snapshot: &Snapshot) -> Currency {
    let background = snapshot.checks.iter().filter(|check| check.background);
    let background = Currency::of(snapshot, background);
    if background.is_known() {
        background
    } else {
        Currency::of(snapshot, snapshot.checks.iter())
    }
}

/// Who made the latest results.
fn last_checked_by(groups: &[Arc<GroupView>]) -> Option<&PodId> {
    let latest = |group: &Arc<GroupView>| group.entries.values().map(|known| known.probed_at).max();
    let dated = groups
        .iter()
        .filter_map(|group| Some((latest(group)?, group)));
    dated.max_by_key(|(at, _)| *at)?.1.checked_by.as_ref()
}

impl Page {
    fn new(snapshot: &Snapshot, now: Moment) -> Result<Self, serde_json::Error> {
        let groups = &snapshot.groups;
        let settings = &snapshot.settings;
        let held = || groups.iter().filter(|group| group.holder_at(now).is_some());
        let currency = currency(snapshot);
        let text = serde_json::to_string(&Answer {
            shared_health_check_enabled: settings.enabled,
            message: (!settings.enabled).then_some("Shared health check is not enabled"),
            status: Status {
                pod_id: snapshot.pod.as_str(),
                redis_available: snapshot.store_up,
                lock_ttl: settings.lock_ttl,
                cache_ttl: settings.cache_ttl,
                lock_owner: agreed(groups.iter().map(|group| group.holder_at(now)))
                    .map(PodId::as_str),
                lock_in_progress: held().next().is_some(),
                cache_available: currency.is_known(),
                cache_age_seconds: currency.is_known().then_some(AGE),
                last_checked_by: last_checked_by(groups).map(PodId::as_str),
            },
            backend: snapshot.backend,
            mode: snapshot.mode().as_str(),
            token: agreed(groups.iter().map(|group| token_at(group, now))).map(|token| token.0),
            stale: currency.is_stale(now),
        })?;
        let (before, after) = match text.split_once(AGE_IN_JSON) {
            Some((before, after)) => (before.to_owned(), after.to_owned()),
            None => (text, String::new()),
        };
        let changes = held()
            .filter_map(|group| group.lease_until)
            .chain(currency.stale_from().filter(|from| *from > now));
        Ok(Self {
            version: snapshot.version,
            from: now,
            until: changes.min(),
            before,
            after,
            currency,
        })
    }

    fn holds(&self, snapshot: &Snapshot, now: Moment) -> bool {
        self.version == snapshot.version
            && now >= self.from
            && self.until.is_none_or(|until| now < until)
    }

    fn answer(&self, now: Moment) -> Response {
        let mut text = Vec::with_capacity(self.before.len() + self.after.len() + AGE_BYTES);
        text.extend_from_slice(self.before.as_bytes());
        if let Some(age) = self.currency.age(now) {
            // Writing to memory does not fail.
            let _ = write!(text, "{}.{:06}", age.as_secs(), age.subsec_micros());
        }
        text.extend_from_slice(self.after.as_bytes());
        reply::bytes(StatusCode::OK, text.into())
    }
}

/// The last page made.
#[derive(Default)]
pub(crate) struct SharedStatusCache(ArcSwapOption<Page>);

/// How the fleet's coordination stands, as this pod sees it.
#[utoipa::path(
    get, path = "/health/shared-status", tag = LITELLM, security(("key" = [])),
    responses((status = 200, description = "Who holds the lock, and how old the shared report is.", body = Answer)),
)]
pub(crate) async fn shared_status(_: Authorized, State(app): State<App>) -> Response {
    let snapshot = app.source.snapshot();
    let now = app.source.now();
    if let Some(page) = &*app.shared_status.0.load()
        && page.holds(&snapshot, now)
    {
        return page.answer(now);
    }
    match Page::new(&snapshot, now) {
        Ok(page) => {
            let response = page.answer(now);
            app.shared_status.0.store(Some(Arc::new(page)));
            response
        }
        Err(error) => reply::unwritten(&error),
    }
}
