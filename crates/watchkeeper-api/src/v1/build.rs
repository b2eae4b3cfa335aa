//! From the snapshot to the native answers.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use watchkeeper_core::check::Check;
use watchkeeper_core::companion::{Claim, CompanionState};
use watchkeeper_core::coordinator::Answered;
use watchkeeper_core::fingerprint::LockScope;
use watchkeeper_core::id::CheckId;
use watchkeeper_core::lease::Token;
use watchkeeper_core::money::Usd;
use watchkeeper_core::report::Thresholds;
use watchkeeper_core::scrub::scrub;
use watchkeeper_core::status::{Freshness, GroupView, Known, ShownSettings, Snapshot, Totals};
use watchkeeper_core::time::{Moment, UnixMillis};
use watchkeeper_core::verdict::Outcome;

use super::{
    CheckDetail, CheckView, ChecksAnswer, Counts, FleetAnswer, GroupRow, LastFullView, LeaseView,
    PodRow, SettingsView, StatusAnswer, WireView, history, money,
};
use crate::alive::ALONE;
use crate::times::{seconds, timestamp, until};

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn checks(snapshot: &Snapshot, now: Moment) -> ChecksAnswer {
    ChecksAnswer {
        counts: counts(snapshot, now),
        checks: snapshot
            .checks
            .iter()
            .map(|check| view(snapshot, check, now))
            .collect(),
    }
}

pub(super) fn check(snapshot: &Snapshot, id: &str, now: Moment) -> Option<CheckDetail> {
    let check = snapshot
        .checks
        .iter()
        .find(|check| check.id.as_str() == id)?;
    Some(CheckDetail {
        check: view(snapshot, check, now),
        history: history::results(snapshot, check),
        last_transition: history::transitions(snapshot, check).next(),
    })
}

/// What a run on demand brought, and for each whether it joined another one; in the configuration's order.
pub(super) fn found<'a>(
    snapshot: &'a Snapshot,
    found: &'a [Answered],
    now: Moment,
) -> impl Iterator<Item = (CheckView, bool)> + 'a {
    let found: HashMap<&CheckId, &Answered> = found.iter().map(|f| (&f.check, f)).collect();
    snapshot.checks.iter().filter_map(move |check| {
        let found = found.get(&check.id)?;
        let view = view_of(snapshot, check, Some(&found.known), now);
        Some((view, found.joined))
    })
}

fn view(snapshot: &Snapshot, check: &Check, now: Moment) -> CheckView {
    view_of(snapshot, check, snapshot.known(&check.id), now)
}

/// A check, of which this is known.
fn view_of(snapshot: &Snapshot, check: &Check, known: Option<&Known>, now: Moment) -> CheckView {
    let group = snapshot.group_of(&check.id);
    let due = group
        .and_then(|group| group.next_due)
        .filter(|_| check.background);
    let mut view = CheckView {
        id: check.id.as_str().to_owned(),
        name: check.name.clone(),
        provider: check.provider().to_owned(),
        model: check.model().map(|model| scrub(model).into_owned()),
        background: check.background,
        healthy: None,
        outcome: None,
        status: None,
        error: None,
        latency_ms: None,
        checked_by: None,
        checked_at: None,
        token: None,
        age_seconds: None,
        freshness: None,
        since: None,
        streak: None,
        next_due_seconds: due.map(|due| until(now, due)),
        probe: money::kind(check).map(|kind| kind.as_str().to_owned()),
        tier: None,
        spared: None,
        usage: None,
        cost_usd: None,
        spent_usd: None,
        saved_usd: None,
        reported_model: None,
        headers_ms: None,
        retry_after_seconds: None,
        rate_limits: BTreeMap::new(),
        price: money::price(check),
        last_full: None,
    };
    let Some((group, known)) = group.zip(known) else {
        return view;
    };
    let entry = &known.entry;
    let verdict = &entry.verdict;
    view.healthy = Some(entry.standing.healthy);
    view.outcome = Some(verdict.outcome);
    view.status = verdict.status;
    view.error = verdict
        .error
        .as_deref()
        .map(|error| scrub(error).into_owned());
    view.latency_ms = Some(millis(verdict.latency));
    view.checked_by = Some(entry.checked_by.as_str().to_owned());
    view.checked_at = timestamp(verdict.at);
    view.token = entry.token.map(|token| token.0);
    view.age_seconds = Some(seconds(now.since(known.probed_at)));
    view.freshness = Some(snapshot.freshness(group, known, now).as_str().to_owned());
    view.since = timestamp(entry.standing.since);
    view.streak = Some(entry.standing.streak);
    let was_sent = verdict.outcome != Outcome::ConfigError;
    view.tier = was_sent.then(|| verdict.tier.as_str().to_owned());
    view.spared = verdict.spared.map(|why| why.as_str().to_owned());
    view.usage = verdict.usage.map(Into::into);
    view.cost_usd = verdict.cost.map(Usd::as_dollars);
    if view.price.is_some() {
        let saved = group.saved.get(&check.id).copied().unwrap_or_default();
        view.spent_usd = Some(entry.spent.as_dollars());
        view.saved_usd = Some(saved.as_dollars());
    }
    view.reported_model = verdict
        .model
        .as_deref()
        .map(|model| scrub(model).into_owned());
    view.headers_ms = verdict.headers_after.map(millis);
    view.retry_after_seconds = verdict.retry_after.map(seconds);
    view.rate_limits = verdict.limits.iter().cloned().collect();
    // A threshold's counts do not matter here, only what counts as a pass.
    view.last_full = entry
        .last_full(Thresholds {
            healthy_after: 1,
            unhealthy_after: 1,
            passes: snapshot.settings.passes,
        })
        .filter(|_| was_sent)
        .map(|full| LastFullView {
            age_seconds: seconds(now.since(known.probed_at).saturating_add(full.before)),
            passed: full.passed,
        });
    view
}

fn counts(snapshot: &Snapshot, now: Moment) -> Counts {
    let mut counts = Counts {
        total: snapshot.checks.len(),
        ..Counts::default()
    };
    for check in snapshot.checks.iter() {
        let known = snapshot
            .group_of(&check.id)
            .and_then(|group| Some((group, group.entries.get(&check.id)?)));
        let Some((group, known)) = known else {
            counts.unknown += 1;
            continue;
        };
        if known.entry.standing.healthy {
            counts.healthy += 1;
        } else {
            counts.unhealthy += 1;
        }
        if snapshot.freshness(group, known, now) == Freshness::Stale {
            counts.stale += 1;
        }
    }
    counts
}

fn lease(group: &GroupView, now: Moment) -> Option<LeaseView> {
    Some(LeaseView {
        group: group.group.as_str().to_owned(),
        holder: group.holder_at(now)?.as_str().to_owned(),
        token: group.token.map(|token| token.0),
        remaining_seconds: until(now, group.lease_until?),
    })
}

pub(super) fn fleet(snapshot: &Snapshot, now: Moment, unix: UnixMillis) -> FleetAnswer {
    let leases: Vec<LeaseView> = snapshot
        .groups
        .iter()
        .filter_map(|group| lease(group, now))
        .collect();
    let held = |pod: &str| leases.iter().filter(|lease| lease.holder == pod).count();
    let mut pods: BTreeMap<&str, (PodRow, Totals)> = snapshot
        .pods
        .iter()
        .map(|pod| {
            let facts = &pod.facts;
            let row = PodRow {
                pod_id: pod.pod.as_str().to_owned(),
                this_pod: false,
                mode: if facts.mode.is_empty() {
                    "unknown".to_owned()
                } else {
                    facts.mode.clone()
                },
                version: facts.version.clone(),
                started_at: timestamp(facts.started).filter(|_| facts.started.0 != 0),
                age_seconds: seconds(now.since(pod.seen)),
                leases: held(pod.pod.as_str()),
                totals: facts.totals.into(),
            };
            (pod.pod.as_str(), (row, facts.totals))
        })
        .collect();
    // This pod knows better than its own announcement, and is there before it.
    let own = PodRow {
        pod_id: snapshot.pod.as_str().to_owned(),
        this_pod: true,
        mode: snapshot.mode().as_str().to_owned(),
        version: VERSION.to_owned(),
        started_at: timestamp(snapshot.started_unix),
        age_seconds: 0.0,
        leases: held(snapshot.pod.as_str()),
        totals: snapshot.totals.into(),
    };
    pods.insert(snapshot.pod.as_str(), (own, snapshot.totals));
    let totals = pods
        .values()
        .fold(Totals::default(), |sum, (_, totals)| add(sum, *totals));
    FleetAnswer {
        fleet: snapshot.fleet.as_str().to_owned(),
        totals: totals.into(),
        budget: money::budget(snapshot, unix),
        leases,
        pods: pods.into_values().map(|(row, _)| row).collect(),
    }
}

/// Other pods' figures come from the store, so they may be anything.
fn add(a: Totals, b: Totals) -> Totals {
    Totals {
        led: a.led.saturating_add(b.led),
        followed: a.followed.saturating_add(b.followed),
        isolated: a.isolated.saturating_add(b.isolated),
        probes: a.probes.saturating_add(b.probes),
        saved: a.saved.saturating_add(b.saved),
        spent: a.spent + b.spent,
        saved_cost: a.saved_cost + b.saved_cost,
    }
}

pub(super) fn status(snapshot: &Snapshot, now: Moment, unix: UnixMillis) -> StatusAnswer {
    StatusAnswer {
        pod_id: snapshot.pod.as_str().to_owned(),
        fleet: snapshot.fleet.as_str().to_owned(),
        version: VERSION.to_owned(),
        mode: snapshot.mode().as_str().to_owned(),
        backend: snapshot.backend.to_owned(),
        store_address: scrub(&snapshot.address).into_owned(),
        guarantee: snapshot.guarantee.as_str().to_owned(),
        guarantee_promise: promise(snapshot).to_owned(),
        store_up: snapshot.store_up,
        store_error: snapshot
            .store_error
            .as_deref()
            .map(|error| scrub(error).into_owned()),
        ready: snapshot.is_ready(),
        draining: snapshot.draining,
        now: timestamp(unix),
        started_at: timestamp(snapshot.started_unix),
        uptime_seconds: seconds(now.since(snapshot.started)),
        checks: counts(snapshot, now),
        groups: snapshot
            .groups
            .iter()
            .map(|group| row(snapshot, group, now))
            .collect(),
        totals: snapshot.totals.into(),
        budget: money::budget(snapshot, unix),
        wire: wire(&snapshot.companions),
        settings: settings(&snapshot.settings),
        reload: None,
    }
}

/// What the guarantee means, for people.
fn promise(snapshot: &Snapshot) -> &'static str {
    if snapshot.backend == ALONE {
        "it holds within this process: no other pod sees what it keeps, and a restart begins with nothing"
    } else {
        snapshot.guarantee.promise()
    }
}

fn wire(companions: &CompanionState) -> WireView {
    let (state, claimed_by) = match &companions.claim {
        Claim::Off => ("off", None),
        Claim::Unknown => ("waiting", None),
        Claim::Ours => ("serving", None),
        Claim::Theirs(owner) => ("claimed", Some(owner.clone())),
    };
    WireView {
        state: state.to_owned(),
        claimed_by,
        reports_overtaken: companions.overtaken,
        lock_waits: companions.waited,
        lock_losses: companions.lock_lost,
    }
}

fn row(snapshot: &Snapshot, group: &GroupView, now: Moment) -> GroupRow {
    let known = || group.entries.values();
    GroupRow {
        group: group.group.as_str().to_owned(),
        mode: group.mode.as_str().to_owned(),
        lease: lease(group, now),
        highest_token: Some(group.highest_token)
            .filter(|token| *token > Token::ZERO)
            .map(|token| token.0),
        checked_by: group.checked_by.as_ref().map(|pod| pod.as_str().to_owned()),
        results: group.entries.len(),
        age_seconds: known()
            .map(|known| known.probed_at)
            .min()
            .map(|at| seconds(now.since(at))),
        stale: known().any(|known| snapshot.freshness(group, known, now) == Freshness::Stale),
        next_due_seconds: group.next_due.map(|due| until(now, due)),
    }
}

fn settings(settings: &ShownSettings) -> SettingsView {
    SettingsView {
        enabled: settings.enabled,
        background: settings.background,
        interval_seconds: seconds(settings.interval),
        lock_ttl_seconds: seconds(settings.lock_ttl),
        cache_ttl_seconds: seconds(settings.cache_ttl),
        lock_scope: match settings.lock_scope {
            LockScope::Fleet => "fleet".to_owned(),
            LockScope::Check => "check".to_owned(),
        },
        fresh_for_seconds: seconds(settings.fresh_for),
    }
}
