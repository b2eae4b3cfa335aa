use std::collections::HashMap;
use std::sync::Arc;

use watchkeeper_core::companion::CompanionState;
use watchkeeper_core::fingerprint::LockScope;
use watchkeeper_core::id::{FleetName, GroupId, PodId};
use watchkeeper_core::lease::{Guarantee, Token};
use watchkeeper_core::money::{Budget, Ledger};
use watchkeeper_core::report::{Passes, Transitions};
use watchkeeper_core::status::{GroupView, ShownSettings, Totals};
use watchkeeper_core::time::UnixMillis;

use super::*;
use crate::groups::tests::check;

const SECOND: Duration = Duration::from_secs(1);

fn group(name: &str, mode: Mode, next_due: Option<Moment>, late_after: Duration) -> Arc<GroupView> {
    Arc::new(GroupView {
        group: GroupId::new(name).unwrap(),
        mode,
        holder: None,
        token: None,
        lease_until: None,
        highest_token: Token::ZERO,
        checked_by: None,
        entries: BTreeMap::new(),
        next_due,
        late_after,
        ledger: Ledger::default(),
        saved: Arc::default(),
        transitions: Transitions::default(),
    })
}

/// A pod that started 100 s after the origin, with two checks.
fn snapshot(groups: Vec<Arc<GroupView>>) -> Snapshot {
    Snapshot {
        version: 1,
        pod: PodId::new("pod").unwrap(),
        fleet: FleetName::new("fleet").unwrap(),
        started: at(100),
        started_unix: UnixMillis::default(),
        backend: "memory",
        address: Arc::from(""),
        guarantee: Guarantee::SinglePrimary,
        store_up: true,
        store_error: None,
        draining: false,
        had_results: false,
        settings: Arc::new(ShownSettings {
            enabled: true,
            background: true,
            interval: 300 * SECOND,
            lock_ttl: 15 * SECOND,
            cache_ttl: 240 * SECOND,
            lock_scope: LockScope::Fleet,
            fresh_for: 316 * SECOND,
            budget: Budget::default(),
            passes: Passes::HEALTHY,
            details: true,
        }),
        checks: Arc::new(vec![check("a"), check("b")]),
        index: Arc::new(HashMap::new()),
        groups,
        pods: Vec::new(),
        totals: Totals::default(),
        companions: CompanionState::default(),
    }
}

fn at(seconds: u64) -> Moment {
    Moment::ZERO + u32::try_from(seconds).unwrap() * SECOND
}

fn near(gauge: &Seconds, expected: f64) -> bool {
    (gauge.get() - expected).abs() < 1e-9
}

#[test]
fn what_is_due_is_overdue_from_then_on_and_what_was_never_asked_since_the_pods_start() {
    let never = Moment::from_micros(i64::MIN);
    for (due, expected) in [
        (None, 0.0),
        (Some(at(500)), 0.0),
        (Some(at(170)), 30.0),
        (Some(never), 100.0),
    ] {
        let pace = Pace::default();
        let other = group("other", Mode::Following, Some(at(195)), 20 * SECOND);
        let picture = snapshot(vec![group("g", Mode::Leading, due, 70 * SECOND), other]);
        pace.show(&picture, at(200));
        // The longest of all groups counts.
        assert!(near(&pace.overdue, f64::max(expected, 5.0)), "{due:?}");
        assert!(near(&pace.overdue_limit, 70.0));
    }
}

#[test]
fn a_check_that_a_reload_brought_is_overdue_since_then_and_what_was_due_before_is_since_before() {
    let never = Moment::from_micros(i64::MIN);
    for (due, expected) in [(never, 20.0), (at(150), 50.0)] {
        let pace = Pace::default();
        pace.listed(at(180));
        let picture = snapshot(vec![group("g", Mode::Leading, Some(due), 70 * SECOND)]);
        pace.show(&picture, at(200));
        assert!(near(&pace.overdue, expected), "{due:?}");
    }
}

#[test]
fn the_lesser_of_interval_and_cache_ttl_is_told_and_no_number_where_checks_run_on_demand() {
    let pace = Pace::default();
    let mut picture = snapshot(Vec::new());
    pace.show(&picture, at(200));
    assert!(near(&pace.interval, 240.0));
    assert!(near(&pace.fresh_for, 316.0));
    assert_eq!(pace.checks.get(), 2);
    let on_demand = ShownSettings {
        background: false,
        ..(*picture.settings).clone()
    };
    picture.settings = Arc::new(on_demand);
    pace.show(&picture, at(200));
    assert!(pace.interval.get().is_nan());
    assert_eq!(pace.checks.get(), 0);
}

#[test]
fn rounds_have_an_age_by_kind_counted_from_the_start_before_the_first() {
    let pace = Pace::default();
    pace.round("led", at(180));
    pace.round("led", at(190));
    pace.show(&snapshot(Vec::new()), at(200));
    for (how, expected) in [("led", 10.0), ("followed", 100.0), ("isolated", 100.0)] {
        let labels = HowLabels { how };
        let age = pace.round_age.get_or_create(&labels);
        assert!(near(&age, expected), "{how}");
    }
}

#[test]
fn groups_are_counted_by_mode_and_a_mode_that_none_has_is_zero() {
    let pace = Pace::default();
    let of = |name: &str, mode| group(name, mode, None, SECOND);
    let count = |mode| {
        let labels = ModeLabels { mode };
        pace.mode.get_or_create(&labels).get()
    };
    pace.show(
        &snapshot(vec![of("a", Mode::Isolated), of("b", Mode::Isolated)]),
        at(200),
    );
    assert_eq!((count("isolated"), count("following")), (2, 0));
    pace.show(
        &snapshot(vec![of("a", Mode::Isolated), of("b", Mode::Following)]),
        at(200),
    );
    assert_eq!((count("isolated"), count("following")), (1, 1));
}
