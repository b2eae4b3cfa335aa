//! When checks turned: who writes it down, who is told, and what remains when pods were apart.

use super::alone::down;
use super::*;
use crate::report::{Transition, Transitions};

fn failing() -> Verdict {
    let error = Some("Timeout exceeded".to_owned());
    Verdict::new(Outcome::Timeout, Some(408), error, millis(5), unix(1))
}

fn fails(id: u64) -> Event {
    Event::Probed(ProbeId(id), failing())
}

fn turned(name: &str, by: &str, token: Option<u64>, healthy: bool, at: i64) -> Transition {
    let verdict = if healthy { build::healthy() } else { failing() };
    Transition {
        check: check(name),
        healthy,
        at: unix(at),
        by: pod_id(by),
        token: token.map(Token),
        outcome: verdict.outcome,
        status: verdict.status,
        error: verdict.error,
    }
}

fn list(all: &[Transition]) -> Transitions {
    Transitions::new(all.iter().cloned())
}

/// What a command publishes.
fn published(commands: &[Command]) -> Transitions {
    let report = commands.iter().find_map(|command| match command {
        Command::Publish(_, publication) => publication.report.transitions.clone(),
        _ => None,
    });
    report.unwrap_or_else(|| panic!("nothing is published in {commands:?}"))
}

fn tells(commands: &[Command]) -> Vec<Transition> {
    let told = commands.iter().filter_map(|command| match command {
        Command::Tell(Happening::Turned(transition)) => Some((**transition).clone()),
        _ => None,
    });
    told.collect()
}

/// Both checks were healthy; in the second round, under token 8, `a` fails. The publication (operation 7) is not
/// answered yet.
fn turning() -> (Pod, Vec<Command>) {
    let mut pod = Pod::rested();
    let due = 80 + INTERVAL;
    assert_eq!(pod.until(due + 50), [acquire(5, 2, 7)]);
    let now = pod.now();
    pod.at(now, held(5, 8));
    let last = ["a", "b"].map(|n| (entry(n, "me", Some(7), 80), 20));
    let last = report("me", 80, 10, 2, last.into());
    pod.at(now, found_below(6, 8, 7, now - 100, last));
    assert_eq!(tells(&pod.at(now + 10, fails(3))), []);
    let commands = pod.at(now + 20, probed(4));
    (pod, commands)
}

#[test]
fn the_holder_writes_down_what_turned_with_its_publication_and_tells_then() {
    let (mut pod, commands) = turning();
    let change = turned("a", "me", Some(8), false, 1);
    assert_eq!(published(&commands), list(std::slice::from_ref(&change)));
    assert_eq!(tells(&commands), []);
    let shown = pod.view().transitions;
    assert_eq!(shown.iter().map(|t| t.token).collect::<Vec<_>>(), [None]);
    let commands = pod.at(pod.now() + 10, done(7));
    assert_eq!(tells(&commands), std::slice::from_ref(&change));
    assert_eq!(pod.view().transitions, list(&[change]));
    assert_eq!(pod.coordinator.counts(), (1, 1));
}

#[test]
fn a_publication_whose_answer_was_lost_counts_once() {
    let (mut pod, _) = turning();
    let now = pod.now();
    pod.at(
        now + 10,
        Event::Published(Op(7), Err(unknown(StoreOp::Publish))),
    );
    let commands = pod.until(now + 10 + OP_TIMEOUT);
    assert_eq!(published(&commands).len(), 1);
    let commands = pod.at(pod.now() + 10, done(8));
    assert_eq!(tells(&commands).len(), 1);
    assert_eq!(pod.view().transitions.len(), 1);
}

/// `other`'s report of both checks under a token: `a` failed, and this is its list.
fn other_fails(token: u64, transitions: Option<Transitions>) -> Report {
    let before = entry("a", "other", Some(7), 0);
    let after = Entry::after(
        Some(&before),
        check("a"),
        pod_id("other"),
        Some(Token(token)),
        unix(20_000),
        failing(),
        Thresholds {
            healthy_after: 1,
            unhealthy_after: 1,
            passes: crate::report::Passes::HEALTHY,
        },
    );
    let b = build::after(None, "b", "other", Some(token), 20_000);
    Report {
        transitions,
        ..report("other", 20_000, 10, 2, vec![(after, 10), (b, 10)])
    }
}

#[test]
fn a_reader_shows_and_tells_what_the_report_says_with_the_writers_token() {
    let mut pod = Pod::rested();
    let change = turned("a", "other", Some(9), false, 1);
    pod.at(500, Event::Noticed(Hint::Report));
    let report = other_fails(9, Some(list(std::slice::from_ref(&change))));
    let commands = pod.at(510, found(5, 9, 5, report.clone()));
    assert_eq!(tells(&commands), std::slice::from_ref(&change));
    assert_eq!(pod.view().transitions, list(std::slice::from_ref(&change)));
    // Read again: nothing new.
    pod.at(600, Event::Noticed(Hint::Report));
    assert_eq!(tells(&pod.at(610, found(6, 9, 100, report))), []);
    assert_eq!(pod.view().transitions, list(&[change]));
}

#[test]
fn a_reader_that_just_started_has_the_list_and_is_told_nothing() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    let change = turned("a", "other", Some(9), false, 1);
    let report = other_fails(9, Some(list(std::slice::from_ref(&change))));
    assert_eq!(tells(&pod.at(10, found(1, 9, 5, report))), []);
    assert_eq!(pod.view().transitions, list(&[change]));
}

#[test]
fn a_token_that_the_report_cannot_have_had_is_not_believed() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    let forged = turned("a", "other", Some(u64::MAX), false, 1);
    pod.at(10, found(1, 9, 5, other_fails(9, Some(list(&[forged])))));
    assert_eq!(
        pod.view().transitions,
        list(&[turned("a", "other", Some(9), false, 1)])
    );
}

/// On its own from the start; both checks passed, and in the next round `a` fails.
fn turning_alone() -> Pod {
    let (mut pod, started) = Pod::alone();
    pod.at(started + 10, probed(1));
    pod.at(started + 20, probed(2));
    let mut op = 2;
    loop {
        match pod.until(started + 2 * INTERVAL).as_slice() {
            [Command::Read(..)] => {
                pod.at(pod.now(), down(op, refused));
                op += 1;
            }
            [Command::Probe(first, ..), Command::Probe(second, ..)] => {
                let (first, second, now) = (*first, *second, pod.now());
                let commands = pod.at(now + 10, Event::Probed(first, failing()));
                assert_eq!(tells(&commands), [turned("a", "me", None, false, 1)]);
                assert_eq!(
                    tells(&pod.at(now + 20, Event::Probed(second, healthy()))),
                    []
                );
                return pod;
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The store is back; answers the next operation's number once the lease of token 9 was granted and is to be read under.
fn rejoins(pod: &mut Pod, found: impl Fn(u64) -> Event) -> (u64, Vec<Command>) {
    pod.at(pod.now() + 30, Event::StoreUp);
    let commands = pod.until(pod.now() + 60);
    let [Command::Read(Op(op), _)] = commands.as_slice() else {
        panic!("{commands:?}");
    };
    let op = *op;
    let commands = pod.at(pod.now() + 5, found(op));
    (op, commands)
}

#[test]
fn what_a_pod_saw_on_its_own_is_offered_later_under_the_token_of_that_publication() {
    let mut pod = turning_alone();
    let seen = turned("a", "me", None, false, 1);
    assert_eq!(pod.view().transitions, list(&[seen]));
    let (op, commands) = rejoins(&mut pod, |op| nothing(op, 0));
    assert_eq!(tells(&commands), []);
    let commands = pod.until(pod.now() + 60);
    assert!(
        matches!(commands.as_slice(), [Command::Acquire(..)]),
        "{commands:?}"
    );
    pod.at(pod.now() + 5, held(op + 1, 9));
    let commands = pod.at(pod.now() + 5, nothing(op + 2, 9));
    let offered = list(&[turned("a", "me", Some(9), false, 1)]);
    assert_eq!(published(&commands), offered);
    let commands = pod.at(pod.now() + 5, done(op + 3));
    assert_eq!(tells(&commands), [], "people were told when it was seen");
    assert_eq!(pod.view().transitions, offered);
}

#[test]
fn what_the_fleet_found_since_takes_the_place_of_what_a_pod_saw_on_its_own() {
    let mut pod = turning_alone();
    let both = ["a", "b"].map(|n| (entry(n, "other", Some(9), 0), 0));
    let fleet = report("other", 0, 0, 2, both.into());
    let (_, commands) = rejoins(&mut pod, |op| found(op, 9, 0, fleet.clone()));
    // What is shown of `a` turned, though the fleet never saw it otherwise.
    let back: Vec<_> = tells(&commands).iter().map(|t| t.healthy).collect();
    assert_eq!(back, [true]);
    assert!(pod.view().transitions.is_empty());
}

#[test]
fn a_change_that_two_pods_saw_apart_is_published_once() {
    let mut pod = turning_alone();
    // The fleet saw it too, earlier, and its entry is the older one: this pod's is offered.
    let change = turned("a", "other", Some(9), false, 0);
    let report = other_fails(9, Some(list(std::slice::from_ref(&change))));
    let (op, _) = rejoins(&mut pod, |op| found(op, 9, 60_000, report.clone()));
    pod.until(pod.now() + 60);
    pod.at(pod.now() + 5, held(op + 1, 10));
    let commands = pod.at(pod.now() + 5, found_below(op + 2, 10, 9, 60_010, report));
    assert_eq!(published(&commands), list(&[change]));
}

#[test]
fn a_report_of_a_version_without_the_list_costs_nothing_that_is_known() {
    let mut pod = Pod::rested();
    let old = turned("b", "other", Some(8), true, 7);
    pod.at(500, Event::Noticed(Hint::Report));
    let both = ["a", "b"].map(|n| (entry(n, "other", Some(8), 300), 0));
    let first = Report {
        transitions: Some(list(std::slice::from_ref(&old))),
        ..report("other", 300, 0, 2, both.into())
    };
    pod.at(510, found(5, 8, 5, first));
    assert_eq!(pod.view().transitions, list(std::slice::from_ref(&old)));
    // A pod of the older version leads, and `a` turns.
    pod.at(600, Event::Noticed(Hint::Report));
    let commands = pod.at(610, found(6, 9, 5, other_fails(9, None)));
    assert_eq!(tells(&commands), [turned("a", "other", Some(9), false, 1)]);
    let noted = turned("a", "other", None, false, 1);
    assert_eq!(pod.view().transitions, list(&[old.clone(), noted]));
    // The next one that knows of the list writes it again.
    let commands = pod.until(610 + INTERVAL + 100);
    assert!(
        matches!(commands.as_slice(), [Command::Acquire(..)]),
        "{commands:?}"
    );
    pod.at(pod.now(), held(7, 10));
    pod.at(
        pod.now(),
        found_below(8, 10, 9, pod.now() - 605, other_fails(9, None)),
    );
    pod.at(pod.now() + 5, fails(3));
    let commands = pod.at(pod.now() + 5, probed(4));
    let now = turned("a", "other", Some(10), false, 1);
    assert_eq!(published(&commands), list(&[old, now]));
}

#[test]
fn a_change_that_went_unnoticed_is_added_by_the_next_holder() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    // The list says healthy, the entry does not: whoever wrote it knew nothing of the list's meaning.
    let stale = turned("a", "other", Some(8), true, -5);
    let report = other_fails(9, Some(list(std::slice::from_ref(&stale))));
    pod.at(10, found(1, 9, 5, report.clone()));
    let commands = pod.until(10 + INTERVAL + 100);
    assert!(
        matches!(commands.as_slice(), [Command::Acquire(..)]),
        "{commands:?}"
    );
    let now = pod.now();
    pod.at(now, held(2, 10));
    pod.at(now, found_below(3, 10, 9, now - 5, report));
    pod.at(now + 5, fails(1));
    let commands = pod.at(now + 5, probed(2));
    let made_good = turned("a", "me", Some(10), false, 1);
    assert_eq!(published(&commands), list(&[stale, made_good]));
}

#[test]
fn a_lease_lost_before_the_publication_leaves_it_to_the_next() {
    let (mut pod, _) = turning();
    let commands = pod.at(pod.now() + 10, fenced(7, 12));
    // It is this pod's own view now, without a token.
    assert_eq!(tells(&commands), [turned("a", "me", None, false, 1)]);
}

#[test]
fn a_pod_on_its_own_for_long_keeps_a_bounded_list() {
    let mut pod = Pod::with(|s| s.coordinate = false);
    let mut commands = pod.at(0, Event::Started);
    let mut rounds: i64 = 0;
    while rounds < 700 {
        for command in &commands {
            if let Command::Probe(id, ..) = command {
                let mut verdict = if rounds % 2 == 0 {
                    healthy()
                } else {
                    failing()
                };
                verdict.at = unix(rounds);
                pod.at(pod.now() + 1, Event::Probed(*id, verdict));
            }
        }
        rounds += 1;
        commands = pod.until(i64::MAX / 2_000);
    }
    let shown = pod.view().transitions;
    assert_eq!(shown.len(), 2 * crate::report::MAX_TRANSITIONS_PER_CHECK);
    assert_eq!(shown.iter().last().unwrap().at, unix(699));
    assert_eq!(
        pod.coordinator.changes.own_len(),
        crate::report::MAX_TRANSITIONS
    );
}
