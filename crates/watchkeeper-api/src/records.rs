//! `GET /health/latest` and `GET /health/history`: LiteLLM's database records, made from the report's own history.
//!
//! LiteLLM needs a database for these; here the last results travel with each entry. Only the latest result of a check
//! keeps its error text and its prober, and so does one that turned the check; the others keep outcome, time and latency.
//! Changes of standing reach further back than results: beyond these a record is a change.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter::Peekable;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use watchkeeper_core::check::Check;
use watchkeeper_core::report::{Entry, Passes, Past, Transition};
use watchkeeper_core::scrub::scrub;
use watchkeeper_core::status::Snapshot;
use watchkeeper_core::time::UnixMillis;
use watchkeeper_core::verdict::Outcome;

use crate::currency::Currency;
use crate::keys::Authorized;
use crate::openapi::{DetailAnswer, LITELLM};
use crate::query::{Invalid, Query};
use crate::reply;
use crate::state::App;
use crate::times::isoformat;

/// LiteLLM's default and bounds for `limit`.
const DEFAULT_LIMIT: u64 = 100;
const LIMITS: (u64, u64) = (1, 1000);

/// One record, in LiteLLM's order.
#[derive(Serialize, ToSchema)]
#[schema(as = HealthRecord)]
pub(crate) struct Record<'a> {
    health_check_id: String,
    model_name: &'a str,
    model_id: &'a str,
    status: &'static str,
    healthy_count: u8,
    unhealthy_count: u8,
    error_message: Option<String>,
    /// Null for a change of standing that is older than the results that are kept.
    response_time_ms: Option<f64>,
    #[schema(value_type = Option<Object>)]
    details: Option<Value>,
    checked_by: Option<&'a str>,
    checked_at: Option<String>,
    created_at: Option<String>,
}

const fn word(healthy: bool) -> &'static str {
    if healthy { "healthy" } else { "unhealthy" }
}

impl<'a> Record<'a> {
    fn new(check: &'a Check, healthy: bool, at: UnixMillis, latency: Option<Duration>) -> Self {
        let time = isoformat(at);
        Self {
            // Stable over pages and pods: a history keeps whole seconds.
            health_check_id: format!("{}@{}", check.id, second(at)),
            model_name: &check.name,
            model_id: check.id.as_str(),
            status: word(healthy),
            healthy_count: u8::from(healthy),
            unhealthy_count: u8::from(!healthy),
            error_message: None,
            response_time_ms: latency.map(|latency| latency.as_secs_f64() * 1e3),
            details: None,
            checked_by: None,
            checked_at: time.clone(),
            created_at: time,
        }
    }

    /// The newest result, with its words and its prober.
    fn newest(check: &'a Check, entry: &'a Entry, healthy: bool) -> Self {
        let verdict = &entry.verdict;
        Self {
            error_message: words(verdict.error.as_deref()),
            checked_by: Some(entry.checked_by.as_str()),
            ..Self::new(check, healthy, verdict.at, Some(verdict.latency))
        }
    }

    fn past(check: &'a Check, past: &Past, healthy: bool) -> Self {
        Self {
            error_message: (!healthy).then(|| past.outcome.as_str().to_owned()),
            ..Self::new(check, healthy, past.at, Some(past.latency))
        }
    }

    /// A result that turned the check.
    fn turned(
        check: &'a Check,
        transition: &'a Transition,
        healthy: bool,
        latency: Option<Duration>,
    ) -> Self {
        Self {
            error_message: words(transition.error.as_deref()),
            checked_by: Some(transition.by.as_str()),
            ..Self::new(check, healthy, transition.at, latency)
        }
    }
}

fn words(error: Option<&str>) -> Option<String> {
    error.map(|error| scrub(error).into_owned())
}

/// A history keeps whole seconds.
const fn second(at: UnixMillis) -> i64 {
    at.0.div_euclid(1000)
}

/// The latest result of each check.
#[derive(Serialize, ToSchema)]
#[schema(as = LatestAnswer)]
pub(crate) struct Latest {
    /// By the check's id.
    #[schema(value_type = BTreeMap<String, Record>)]
    latest_health_checks: Map<String, Value>,
    total_models: usize,
}

/// Past results.
#[derive(Serialize, ToSchema)]
#[schema(as = HistoryAnswer)]
pub(crate) struct History<'a> {
    /// Newest first.
    health_checks: Vec<Record<'a>>,
    /// How many this answer has.
    total_records: usize,
    limit: u64,
    offset: u64,
}

/// The latest result of each check, by id; its status is the check's standing.
#[utoipa::path(
    get, path = "/health/latest", tag = LITELLM, security(("key" = [])),
    responses((status = 200, description = "As LiteLLM's database records.", body = Latest, headers(("x-watchkeeper-stale" = String), ("age" = u64)))),
)]
pub(crate) async fn latest(_: Authorized, State(app): State<App>) -> Response {
    let snapshot = app.source.snapshot();
    let mut records = Map::new();
    for check in snapshot.checks.iter() {
        let Some(known) = snapshot.known(&check.id) else {
            continue;
        };
        let record = Record::newest(check, &known.entry, known.entry.standing.healthy);
        match serde_json::to_value(record) {
            Ok(record) => records.insert(check.id.as_str().to_owned(), record),
            Err(error) => return reply::unwritten(&error),
        };
    }
    let body = Latest {
        total_models: records.len(),
        latest_health_checks: records,
    };
    let mut response = reply::json(StatusCode::OK, &body);
    Currency::of(&snapshot, snapshot.checks.iter()).label(app.source.now(), response.headers_mut());
    response
}

/// Past results, newest first.
#[utoipa::path(
    get, path = "/health/history", tag = LITELLM, security(("key" = [])),
    params(
        ("model" = Option<String>, Query, description = "Only the checks of exactly this name."),
        ("status_filter" = Option<String>, Query, description = "`healthy` or `unhealthy`; any other matches nothing."),
        ("limit" = Option<u64>, Query, description = "Most records; 100 unless given.", minimum = 1, maximum = 1000),
        ("offset" = Option<u64>, Query, description = "How many records are passed over.", minimum = 0, maximum = 9223372036854775807_i64),
    ),
    responses(
        (status = 200, description = "As LiteLLM's database records.", body = History, headers(("x-watchkeeper-stale" = String), ("age" = u64))),
        (status = 422, description = "`limit` or `offset` is no number within its bounds.", body = DetailAnswer),
    ),
)]
pub(crate) async fn history(
    _: Authorized,
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = Query(query.as_deref().unwrap_or(""));
    let mut invalid = Invalid::default();
    let limit = query.number("limit", DEFAULT_LIMIT, LIMITS, &mut invalid);
    let offset = query.number("offset", 0, (0, u64::MAX), &mut invalid);
    if let Err(invalid) = invalid.check() {
        return invalid.into_response();
    }
    let model = query.text("model");
    let status = query.text("status_filter");

    let snapshot = app.source.snapshot();
    let checks = || {
        snapshot
            .checks
            .iter()
            .filter(|check| model.as_deref().is_none_or(|model| check.name == model))
    };
    let passes = snapshot.settings.passes;
    let to_usize = |number| usize::try_from(number).unwrap_or(usize::MAX);
    let records: Vec<_> = NewestFirst::new(&snapshot, checks())
        .filter(|found| {
            status
                .as_deref()
                .is_none_or(|status| word(passes.has(found.told.outcome())) == status)
        })
        .skip(to_usize(offset))
        .take(to_usize(limit))
        .map(|found| found.record(passes))
        .collect();
    let body = History {
        total_records: records.len(),
        health_checks: records,
        limit,
        offset,
    };
    let mut response = reply::json(StatusCode::OK, &body);
    Currency::of(&snapshot, checks()).label(app.source.now(), response.headers_mut());
    response
}

/// The results of one check, newest first.
struct Source<'a> {
    check: &'a Check,
    rest: Peekable<Box<dyn Iterator<Item = Told<'a>> + 'a>>,
}

/// What a record is made from.
enum Told<'a> {
    /// The entry's own verdict.
    Newest(&'a Entry),
    /// An older result, and the change that it brought about.
    Past(Past, Option<&'a Transition>),
    /// A change older than the results.
    Turned(&'a Transition),
}

impl Told<'_> {
    fn at(&self) -> UnixMillis {
        match self {
            Self::Newest(entry) => entry.verdict.at,
            Self::Past(past, None) => past.at,
            Self::Past(_, Some(transition)) | Self::Turned(transition) => transition.at,
        }
    }

    fn outcome(&self) -> Outcome {
        match self {
            Self::Newest(entry) => entry.verdict.outcome,
            Self::Past(past, _) => past.outcome,
            Self::Turned(transition) => transition.outcome,
        }
    }
}

/// One result of the merge.
struct Found<'a> {
    check: &'a Check,
    told: Told<'a>,
}

impl<'a> Found<'a> {
    /// The record, healthy if what was found counts as a pass.
    fn record(self, passes: Passes) -> Record<'a> {
        let healthy = passes.has(self.told.outcome());
        match self.told {
            Told::Newest(entry) => Record::newest(self.check, entry, healthy),
            Told::Past(past, None) => Record::past(self.check, &past, healthy),
            Told::Past(past, Some(transition)) => {
                Record::turned(self.check, transition, healthy, Some(past.latency))
            }
            Told::Turned(transition) => Record::turned(self.check, transition, healthy, None),
        }
    }
}

/// What is told of a check, newest first.
fn told<'a>(
    snapshot: &'a Snapshot,
    check: &'a Check,
) -> Option<Box<dyn Iterator<Item = Told<'a>> + 'a>> {
    let entry = &*snapshot.known(&check.id)?.entry;
    let newest = std::iter::once(Told::Newest(entry));
    let older = entry.history.iter().skip(1);
    let turns: Vec<&Transition> = snapshot
        .group_of(&check.id)
        .into_iter()
        .flat_map(|group| group.transitions.of(&check.id))
        .collect();
    if turns.is_empty() {
        return Some(Box::new(
            newest.chain(older.map(|past| Told::Past(past, None))),
        ));
    }
    let oldest = older.last().map_or(entry.verdict.at, |past| past.at);
    let beyond: Vec<&Transition> = turns
        .iter()
        .filter(|turn| second(turn.at) < second(oldest))
        .copied()
        .collect();
    let older = entry.history.iter().skip(1).map(move |past| {
        let same = |turn: &&&Transition| {
            second(turn.at) == second(past.at) && turn.outcome == past.outcome
        };
        let turn = turns.iter().find(same).copied();
        Told::Past(past, turn)
    });
    Some(Box::new(
        newest
            .chain(older)
            .chain(beyond.into_iter().map(Told::Turned)),
    ))
}

/// All checks' histories merged, newest first; of results of one moment, that of the check configured first. Lazy: a
/// page of a thousand out of many checks costs about a thousand steps.
struct NewestFirst<'a> {
    sources: Vec<Source<'a>>,
    /// Each source's next result, and which source it is.
    heap: BinaryHeap<(UnixMillis, Reverse<usize>)>,
}

impl<'a> NewestFirst<'a> {
    fn new(snapshot: &'a Snapshot, checks: impl Iterator<Item = &'a Check>) -> Self {
        let mut sources: Vec<Source<'a>> = checks
            .filter_map(|check| {
                let rest = told(snapshot, check)?.peekable();
                Some(Source { check, rest })
            })
            .collect();
        let heap = sources
            .iter_mut()
            .enumerate()
            .filter_map(|(index, source)| Some((source.rest.peek()?.at(), Reverse(index))))
            .collect();
        Self { sources, heap }
    }
}

impl<'a> Iterator for NewestFirst<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        let (_, Reverse(index)) = self.heap.pop()?;
        let source = self.sources.get_mut(index)?;
        let told = source.rest.next()?;
        if let Some(next) = source.rest.peek() {
            self.heap.push((next.at(), Reverse(index)));
        }
        Some(Found {
            check: source.check,
            told,
        })
    }
}
