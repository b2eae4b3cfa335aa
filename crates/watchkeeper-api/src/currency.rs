//! How old the results of an answer are, said in its headers.

use std::time::Duration;

use axum::http::header::{AGE, CACHE_CONTROL, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use watchkeeper_core::check::Check;
use watchkeeper_core::status::{GroupView, Known, Snapshot};
use watchkeeper_core::time::Moment;

/// Says `true` where a result of the answer is stale, else `false`. `Age` beside it gives the oldest result's age in
/// whole seconds.
pub const STALE_HEADER: &str = "x-watchkeeper-stale";

const STALE: HeaderName = HeaderName::from_static(STALE_HEADER);

/// The age of a set of results, in a form that stays true while time passes and nothing else changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Currency {
    /// When the oldest was probed.
    oldest: Option<Moment>,
    /// From when on the first of them is stale.
    stale_from: Option<Moment>,
}

impl Currency {
    /// Of the results of these checks.
    pub(crate) fn of<'a>(
        snapshot: &'a Snapshot,
        checks: impl IntoIterator<Item = &'a Check>,
    ) -> Self {
        let mut all = Self::default();
        for check in checks {
            if let Some(group) = snapshot.group_of(&check.id)
                && let Some(known) = group.entries.get(&check.id)
            {
                all.add(snapshot, group, known);
            }
        }
        all
    }

    fn add(&mut self, snapshot: &Snapshot, group: &GroupView, known: &Known) {
        // Mirrors `Snapshot::freshness`: fresh up to and including `fresh_for`, then refreshing while the lease stands.
        let old = known.probed_at + snapshot.settings.fresh_for + Duration::from_micros(1);
        let stale = match (&group.holder, group.lease_until) {
            (Some(_), Some(until)) => old.max(until),
            _ => old,
        };
        let least = |known: Option<Moment>, new| Some(known.map_or(new, |known| known.min(new)));
        self.oldest = least(self.oldest, known.probed_at);
        self.stale_from = least(self.stale_from, stale);
    }

    /// Whether there is any result.
    pub(crate) fn is_known(&self) -> bool {
        self.oldest.is_some()
    }

    /// The oldest result's age.
    pub(crate) fn age(&self, now: Moment) -> Option<Duration> {
        self.oldest.map(|at| now.since(at))
    }

    /// Whether any is stale.
    pub(crate) fn is_stale(&self, now: Moment) -> bool {
        self.stale_from.is_some_and(|from| now >= from)
    }

    /// From when on any is stale.
    pub(crate) fn stale_from(&self) -> Option<Moment> {
        self.stale_from
    }

    /// Labels an answer. Nothing in between may keep it: its age is only right now.
    pub(crate) fn label(&self, now: Moment, headers: &mut HeaderMap) {
        let stale = if self.is_stale(now) { "true" } else { "false" };
        headers.insert(STALE, HeaderValue::from_static(stale));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(age) = self.age(now) {
            headers.insert(AGE, HeaderValue::from(age.as_secs()));
        }
    }
}
