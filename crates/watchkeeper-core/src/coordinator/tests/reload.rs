//! New settings for a group that goes on, and groups that take others' checks over.

use super::*;
use crate::money::Day;
use crate::report::{Transition, Transitions};

impl Pod {
    /// Hands it its own settings with a change.
    fn reload(&mut self, ms: i64, change: impl FnOnce(&mut Settings)) -> Vec<Command> {
        assert!(ms >= self.now, "time goes forward");
        self.now = ms;
        let mut settings = self.coordinator.settings().clone();
        change(&mut settings);
        let now = Now {
            steady: moment(ms),
            unix: unix(ms),
        };
        self.coordinator.reconfigure(now, settings)
    }

    /// Another group with these checks, which takes over what this one knows; `same` are asked as they were.
    fn heir(&self, names: &[&str], same: &[&str]) -> Self {
        let mut heir = Self::with(|s| {
            let one = |name: &&str| GroupCheck::new(check(name), millis(ROUND));
            s.checks = names.iter().map(one).collect();
        });
        heir.now = self.now;
        heir.coordinator
            .inherit(&self.coordinator, |id| same.contains(&id.as_str()));
        heir
    }

    fn shown(&self) -> Vec<String> {
        let view = self.view();
        view.entries.keys().map(ToString::to_string).collect()
    }
}

/// The round of [`Pod::rested`] began at 80.
const DUE: i64 = 80 + INTERVAL;

#[test]
fn a_pod_that_waits_goes_by_the_new_interval_at_once() {
    let mut longer = Pod::rested();
    assert_eq!(
        longer.reload(5_000, |s| s.interval = millis(2 * INTERVAL)),
        []
    );
    assert_eq!(longer.wants(), Some(DUE + INTERVAL));

    let mut shorter = Pod::rested();
    assert_eq!(shorter.reload(5_000, |s| s.interval = millis(3_000)), []);
    let wants = shorter.wants().unwrap();
    assert!((5_000..=5_050).contains(&wants), "it contends now: {wants}");
    assert_eq!(shorter.until(5_050), [acquire(5, 2, 7)]);
}

#[test]
fn a_pod_that_waits_takes_up_its_checks_again_where_rounds_are_switched_on() {
    let mut pod = Pod::rested_with(|_| {});
    assert_eq!(pod.reload(200, |s| s.background = false), []);
    assert_eq!(pod.wants(), None);
    assert_eq!(pod.reload(300, |s| s.background = true), []);
    assert_eq!(pod.wants(), Some(DUE));
}

#[test]
fn a_pod_that_follows_goes_on_following_the_same_holder() {
    let mut pod = Pod::following();
    let (view, wants) = (pod.view(), pod.wants());
    assert_eq!(
        pod.reload(80, |s| {
            s.interval = millis(2_000);
            s.concurrency = 1;
        }),
        []
    );
    let now = pod.view();
    assert_eq!(
        (now.mode, now.holder, now.lease_until),
        (view.mode, view.holder, view.lease_until)
    );
    assert_eq!(pod.wants(), wants);
}

#[test]
fn a_round_under_way_goes_on_under_its_lease_with_the_new_limits() {
    let mut pod = Pod::probing_with(|s| s.concurrency = 1);
    // The list is turned round, so that every check stands in another place.
    assert_eq!(
        pod.reload(90, |s| {
            s.concurrency = 2;
            s.checks.reverse();
        }),
        [probe(2, "b")]
    );
    assert_eq!(pod.view().token, Some(Token(7)));
    assert_eq!(pod.at(100, probed(1)), []);
    let both = ["a", "b"].map(|name| (entry(name, "me", Some(7), 80), 30));
    assert_eq!(
        pod.at(110, probed(2)),
        [publish(4, 7, 1, report("me", 80, 30, 2, both.into()))]
    );
}

#[test]
fn a_round_under_way_is_given_the_longer_time_of_the_new_limits() {
    let mut pod = Pod::probing();
    let old_end = 80 + ROUND + 5_000;
    assert_eq!(
        pod.reload(90, |s| {
            for check in &mut s.checks {
                check.timeout = millis(4 * ROUND);
            }
        }),
        []
    );
    for (renewal, at) in [
        (4, 1_060),
        (5, 2_060),
        (6, 3_060),
        (7, 4_060),
        (8, 5_060),
        (9, 6_060),
    ] {
        assert_eq!(pod.until(at), [renew(renewal, 7)]);
        pod.at(at, extended(renewal));
    }
    assert_eq!(pod.until(old_end + 500), []);
    // And shorter limits cut nothing off that was started under longer ones.
    let mut pod = Pod::probing();
    pod.reload(90, |s| {
        s.checks.iter_mut().for_each(|c| c.timeout = millis(10))
    });
    assert_eq!(pod.until(1_060), [renew(4, 7)]);
}

#[test]
fn another_lock_ttl_holds_from_the_next_lease_on() {
    let mut pod = Pod::probing();
    let longer = 2 * LOCK_TTL;
    assert_eq!(pod.reload(90, |s| s.lock_ttl = millis(longer)), []);
    // The store was told of the old one: the window closes by it, and it is renewed in time for it.
    assert_eq!(pod.until(60 + RENEW), [renew(4, 7)]);
    pod.at(60 + RENEW, extended(4));
    assert!(
        !pod.coordinator
            .may_start(moment(60 + RENEW + WINDOW), ProbeId(1))
    );
    pod.at(1_070, probed(1));
    pod.at(1_080, probed(2));
    pod.at(1_090, done(5));
    let commands = pod.until(DUE + 50);
    let [Command::Acquire(_, request)] = &commands[..] else {
        panic!("{commands:?}");
    };
    assert_eq!(request.ttl, millis(longer));

    let mut waiting = Pod::rested();
    assert_eq!(waiting.reload(200, |s| s.lock_ttl = millis(longer)), []);
    assert_eq!(waiting.coordinator.settings().lock_ttl, millis(longer));
}

#[test]
fn who_it_is_and_what_it_checks_stay() {
    let mut pod = Pod::rested();
    let before = pod.coordinator.clone();
    pod.reload(200, |s| {
        s.checks.pop();
        s.interval = millis(1);
    });
    assert_eq!(pod.coordinator, before, "settings of another group");
    pod.reload(200, |s| {
        s.group = GroupId::new("other").unwrap();
        s.pod = pod_id("other");
        s.seed = 1;
        s.coordinate = false;
        s.op_timeout = millis(1);
    });
    assert_eq!(pod.coordinator, before);
}

#[test]
fn a_stopped_pod_commands_nothing_more() {
    let mut pod = Pod::rested();
    pod.at(200, Event::Drain);
    assert!(pod.coordinator.is_stopped());
    assert_eq!(pod.reload(300, |s| s.interval = millis(1)), []);
}

#[test]
fn a_new_group_keeps_the_results_of_the_same_questions_and_asks_only_what_is_new() {
    let mut pod = Pod::rested().heir(&["a", "c"], &["a"]);
    assert_eq!(pod.shown(), ["a"]);
    assert_eq!(pod.at(1_000, Event::Started), [read(1, 0)]);
    assert_eq!(pod.age("a"), 920);
    pod.at(1_010, nothing(1, 0));
    assert_eq!(pod.until(1_060), [acquire(2, 1, 0)]);
    pod.at(1_070, held(2, 3));
    assert_eq!(pod.at(1_080, nothing(3, 3)), [probe(1, "c")]);
    // What it took over goes out with its age and without the other group's token.
    let a = entry("a", "me", None, 80);
    let c = entry("c", "me", Some(3), 1_080);
    assert_eq!(
        pod.at(1_090, probed(1)),
        [publish(
            4,
            3,
            1,
            report("me", 1_080, 10, 1, vec![(a, 1_010), (c, 10)])
        )]
    );
}

#[test]
fn a_result_of_another_question_is_shown_until_the_new_report_and_is_asked_and_published_anew() {
    let mut pod = Pod::rested().heir(&["a", "b"], &[]);
    assert_eq!(pod.shown(), ["a", "b"]);
    pod.at(1_000, Event::Started);
    pod.at(1_010, nothing(1, 0));
    pod.until(1_060);
    pod.at(1_070, held(2, 3));
    assert_eq!(pod.at(1_080, nothing(3, 3)), [probe(1, "a"), probe(2, "b")]);
    pod.at(1_090, probed(1));
    assert_eq!(pod.age("a"), 1_010, "half a report is none");
    let both = ["a", "b"].map(|name| (entry(name, "me", Some(3), 1_080), 20));
    assert_eq!(
        pod.at(1_100, probed(2)),
        [publish(4, 3, 1, report("me", 1_080, 20, 2, both.into()))]
    );
    pod.at(1_110, done(4));
    assert_eq!(pod.age("a"), 30);
}

#[test]
fn what_was_taken_over_twice_is_the_newer_of_both() {
    let mut old = Pod::rested();
    let mut pod = old.heir(&["a", "b"], &["a", "b"]);
    pod.at(200, Event::Woke);
    assert_eq!(pod.age("a"), 120);
    old.until(DUE + 50);
    old.at(DUE + 60, held(5, 8));
    old.at(DUE + 70, nothing(6, 8));
    old.at(DUE + 80, probed(3));
    let later = old.now();
    pod.coordinator.inherit(&old.coordinator, |_| true);
    pod.at(later, Event::Woke);
    assert_eq!((pod.age("a"), pod.age("b")), (10, later - 80));
}

#[test]
fn when_checks_turned_is_taken_over_with_them_once_and_without_tokens() {
    let mut old = Pod::rested();
    let turned = |name| Transition {
        token: Some(Token(7)),
        ..Transition::of(&entry(name, "other", Some(7), 80))
    };
    old.coordinator.changes.saw(turned("a"));
    old.coordinator.changes.saw(turned("b"));
    let mut heir = old.heir(&["a", "b"], &["a"]);
    heir.coordinator
        .inherit(&old.coordinator, |id| id.as_str() == "a");
    let expected = Transition {
        token: None,
        ..turned("a")
    };
    assert_eq!(heir.view().transitions, Transitions::new([expected]));
}

#[test]
fn a_pod_on_its_own_lets_its_probes_end_and_leaves_what_they_find_to_the_new_group() {
    let (mut pod, started) = Pod::alone();
    let retire = |pod: &mut Pod, ms: i64| {
        pod.now = ms;
        let now = Now {
            steady: moment(ms),
            unix: unix(ms),
        };
        pod.coordinator.retire(now)
    };
    assert_eq!(retire(&mut pod, started + 5), []);
    assert_eq!(pod.at(started + 10, probed(1)), []);
    assert!(!pod.coordinator.is_stopped());
    let commands = pod.at(started + 20, probed(2));
    let [
        Command::Tell(Happening::RoundEnded { probes: 2, .. }),
        Command::Tell(Happening::Stopped),
    ] = &commands[..]
    else {
        panic!("{commands:?}");
    };
    assert_eq!(pod.heir(&["a", "b", "c"], &["a", "b"]).shown(), ["a", "b"]);

    // What does not end is not waited for beyond the drain.
    let (mut pod, started) = Pod::alone();
    retire(&mut pod, started + 5);
    pod.at(started + 10, probed(1));
    pod.at(started + 5 + 2_000, Event::Woke);
    assert!(pod.coordinator.is_stopped());
    assert_eq!(pod.heir(&["a", "b"], &["a", "b"]).shown(), ["a"]);
}

#[test]
fn a_new_group_goes_on_with_the_days_spending_and_counts_none_of_it_twice() {
    let mut old = Pod::probing();
    let cost = Some(Usd::from_picos(7));
    let verdict = Verdict { cost, ..healthy() };
    old.at(90, Event::Probed(ProbeId(1), verdict));
    let mut pod = old.heir(&["a", "c"], &["a"]);
    for _ in 0..2 {
        pod.coordinator.inherit_spending(&old.coordinator);
    }
    pod.at(1_000, Event::Started);
    let spent = pod.view().ledger.total(Day::of(unix(1_000)));
    assert_eq!(Some(spent), cost);
    // And it stands in the new group's first report.
    pod.at(1_010, nothing(1, 0));
    pod.until(1_060);
    pod.at(1_070, held(2, 3));
    pod.at(1_080, nothing(3, 3));
    let commands = pod.at(1_090, probed(1));
    let Some(Command::Publish(_, publication)) = commands.last() else {
        panic!("{commands:?}");
    };
    let day = Day::of(unix(1_090));
    assert_eq!(Some(publication.report.ledger.total(day)), cost);
}

#[test]
fn a_new_check_does_not_drag_along_what_is_left_to_a_holder() {
    let mut old = Pod::rested();
    old.until(DUE - 600);
    let mut pod = old.heir(&["a", "b", "c"], &["a", "b"]);
    pod.at(DUE - 600, Event::Started);
    pod.at(DUE - 590, nothing(1, 0));
    let commands = pod.until(DUE - 530);
    assert!(
        matches!(commands.as_slice(), [Command::Acquire(Op(2), _)]),
        "{commands:?}"
    );
    pod.at(
        DUE - 500,
        Event::Acquired(Op(2), Err(refused(StoreOp::Acquire))),
    );
    pod.at(DUE - 490, Event::StoreDown);
    assert_eq!(pod.until(DUE + 1_500), [tell(Happening::Isolated)]);
    assert_eq!(pod.until(DUE + 1_500 + INTERVAL / 10), [probe(1, "c")]);
}
