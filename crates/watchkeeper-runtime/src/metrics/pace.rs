//! How a pod keeps time: what it promises by its settings, and whether it keeps that. Alerts compare the two, so that one
//! file of rules fits every fleet.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use watchkeeper_core::invariant::Invariant::{Fb1, Lv1, Sn3};
use watchkeeper_core::status::{Mode, Snapshot};
use watchkeeper_core::time::Moment;

use super::HowLabels;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ModeLabels {
    mode: &'static str,
}

type Seconds = Gauge<f64, AtomicU64>;

/// All modes, each with a series of its own.
const MODES: [Mode; 4] = [
    Mode::Leading,
    Mode::Following,
    Mode::Isolated,
    Mode::Independent,
];

/// How rounds are made.
pub(super) const HOW: [&str; 4] = ["led", "followed", "isolated", "forced"];

/// The gauges, and what they are made from beside the picture.
#[derive(Default)]
pub(super) struct Pace {
    checks: Gauge,
    interval: Seconds,
    fresh_for: Seconds,
    overdue: Seconds,
    overdue_limit: Seconds,
    round_age: Family<HowLabels, Seconds>,
    mode: Family<ModeLabels, Gauge>,
    /// When the last round of each kind ended.
    last_rounds: Mutex<BTreeMap<&'static str, Moment>>,
    /// When the list of checks became what it is, if not at the pod's start.
    listed: Mutex<Option<Moment>>,
}

impl Pace {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "checks",
            "Checks that are asked without being told to",
            self.checks.clone(),
        );
        registry.register(
            "interval_seconds",
            "How often each check is asked; NaN where that is only on demand",
            self.interval.clone(),
        );
        registry.register(
            "fresh_for_seconds",
            format!("Results older than this are shown as stale ({Sn3})"),
            self.fresh_for.clone(),
        );
        registry.register(
            "overdue_seconds",
            format!("How long the next round has been due ({Fb1})"),
            self.overdue.clone(),
        );
        registry.register(
            "overdue_limit_seconds",
            format!("How long a round may have been due, store or no store ({Fb1})"),
            self.overdue_limit.clone(),
        );
        registry.register(
            "round_age_seconds",
            format!("Since the last round, or this pod's start, by how it was made ({Lv1})"),
            self.round_age.clone(),
        );
        registry.register(
            "mode",
            "How many groups of checks this pod leads, follows, or checks for itself",
            self.mode.clone(),
        );
    }

    /// A round of this kind ended.
    pub(super) fn round(&self, how: &'static str, now: Moment) {
        let mut last = self
            .last_rounds
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        last.insert(how, now);
    }

    /// The pod has another list of checks from now on.
    pub(super) fn listed(&self, now: Moment) {
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    /// Brings the gauges up to what the picture shows at `now`.
    pub(super) fn show(&self, snapshot: &Snapshot, now: Moment) {
        let settings = &snapshot.settings;
        let asked = snapshot.checks.iter().filter(|check| check.background);
        let asked = if settings.background {
            asked.count()
        } else {
            0
        };
        self.checks.set(i64::try_from(asked).unwrap_or(i64::MAX));
        let interval = settings.interval.min(settings.cache_ttl).as_secs_f64();
        self.interval
            .set(if asked > 0 { interval } else { f64::NAN });
        self.fresh_for.set(settings.fresh_for.as_secs_f64());

        let groups = || snapshot.groups.iter();
        let listed = *self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let listed = listed.unwrap_or(snapshot.started);
        let overdue = groups().filter_map(|group| {
            let due = group.next_due?;
            // What was never asked is due since this pod has it to ask.
            let since = if due < snapshot.started { listed } else { due };
            Some(now.since(since))
        });
        let longest = |times: &mut dyn Iterator<Item = Duration>| {
            times.max().unwrap_or_default().as_secs_f64()
        };
        self.overdue.set(longest(&mut { overdue }));
        let limits = groups().map(|group| group.late_after);
        self.overdue_limit.set(longest(&mut { limits }));

        let last = self
            .last_rounds
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for how in HOW {
            let at = last.get(how).copied().unwrap_or(snapshot.started);
            self.round_age
                .get_or_create(&HowLabels { how })
                .set(now.since(at).as_secs_f64());
        }
        for mode in MODES {
            let count = groups().filter(|group| group.mode == mode).count();
            let labels = ModeLabels {
                mode: mode.as_str(),
            };
            self.mode
                .get_or_create(&labels)
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}

#[cfg(test)]
mod tests;
