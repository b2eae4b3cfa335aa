//! `GET /health/shared-status`: LiteLLM's object on the lock and the shared report, with the truth in it.
//!
//! What the answer says changes with the snapshot and, without any event, when a lease known of runs out. Between these
//! the parts are kept; only ages are made per request.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Serialize, Serializer};
use watchkeeper_core::id::PodId;
use watchkeeper_core::lease::Token;
use watchkeeper_core::status::{GroupView, Snapshot};
use watchkeeper_core::time::Moment;

use crate::currency::Currency;
use crate::keys::Authorized;
use crate::reply;
use crate::state::App;

/// The answer. The order of its keys is LiteLLM's; `backend` and what follows is ours.
#[derive(Serialize)]
struct Answer<'a> {
    shared_health_check_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
    status: Status<'a>,
    backend: &'a str,
    mode: &'a str,
    token: Option<u64>,
    stale: bool,
}

#[derive(Serialize)]
struct Status<'a> {
    pod_id: &'a str,
    redis_available: bool,
    #[serde(serialize_with = "plain_seconds")]
    lock_ttl: Duration,
    #[serde(serialize_with = "plain_seconds")]
    cache_ttl: Duration,
    lock_owner: Option<&'a str>,
    lock_in_progress: bool,
    cache_available: bool,
    cache_age_seconds: Option<f64>,
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

/// What follows from a snapshot and holds until a lease runs out.
struct Page {
    snapshot: Arc<Snapshot>,
    from: Moment,
    until: Option<Moment>,
    lock_owner: Option<PodId>,
    lock_in_progress: bool,
    mode: &'static str,
    token: Option<Token>,
    currency: Currency,
    last_checked_by: Option<PodId>,
}

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

impl Page {
    fn new(snapshot: Arc<Snapshot>, now: Moment) -> Self {
        let groups = &snapshot.groups;
        let held = || groups.iter().filter(|group| group.holder_at(now).is_some());
        // Checks that only run on demand would be stale for ever; they count where there is nothing else.
        let background = Currency::of(
            &snapshot,
            snapshot.checks.iter().filter(|check| check.background),
        );
        let currency = if background.age(now).is_some() {
            background
        } else {
            Currency::of(&snapshot, snapshot.checks.iter())
        };
        let last = groups
            .iter()
            .filter_map(|group| {
                Some((
                    group.entries.values().map(|known| known.probed_at).max()?,
                    group,
                ))
            })
            .max_by_key(|(at, _)| *at);
        Self {
            from: now,
            until: held().filter_map(|group| group.lease_until).min(),
            lock_owner: agreed(groups.iter().map(|group| group.holder_at(now))).cloned(),
            lock_in_progress: held().next().is_some(),
            mode: snapshot.mode().as_str(),
            token: agreed(groups.iter().map(|group| token_at(group, now))),
            currency,
            last_checked_by: last.and_then(|(_, group)| group.checked_by.clone()),
            snapshot,
        }
    }

    fn holds(&self, snapshot: &Snapshot, now: Moment) -> bool {
        self.snapshot.version == snapshot.version
            && now >= self.from
            && self.until.is_none_or(|until| now < until)
    }

    fn answer(&self, now: Moment) -> Answer<'_> {
        let settings = &self.snapshot.settings;
        let age = self.currency.age(now);
        Answer {
            shared_health_check_enabled: settings.enabled,
            message: (!settings.enabled).then_some("Shared health check is not enabled"),
            status: Status {
                pod_id: self.snapshot.pod.as_str(),
                redis_available: self.snapshot.store_up,
                lock_ttl: settings.lock_ttl,
                cache_ttl: settings.cache_ttl,
                lock_owner: self.lock_owner.as_ref().map(PodId::as_str),
                lock_in_progress: self.lock_in_progress,
                cache_available: age.is_some(),
                cache_age_seconds: age.map(|age| age.as_secs_f64()),
                last_checked_by: self.last_checked_by.as_ref().map(PodId::as_str),
            },
            backend: self.snapshot.backend,
            mode: self.mode,
            token: self.token.map(|token| token.0),
            stale: self.currency.is_stale(now),
        }
    }
}

/// The last page made.
#[derive(Default)]
pub(crate) struct SharedStatusCache(ArcSwapOption<Page>);

/// How the fleet's coordination stands, as this pod sees it.
pub(crate) async fn shared_status(_: Authorized, State(app): State<App>) -> Response {
    let snapshot = app.source.snapshot();
    let now = app.source.now();
    if let Some(page) = &*app.shared_status.0.load()
        && page.holds(&snapshot, now)
    {
        return reply::json(StatusCode::OK, &page.answer(now));
    }
    let page = Arc::new(Page::new(snapshot, now));
    let response = reply::json(StatusCode::OK, &page.answer(now));
    app.shared_status.0.store(Some(page));
    response
}
