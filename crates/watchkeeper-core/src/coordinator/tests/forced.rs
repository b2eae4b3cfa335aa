//! Runs that somebody asks for.

use super::*;

fn answered(ticket: u64) -> Command {
    Command::Answer(Ticket(ticket), Ok(()))
}

fn turned_away(ticket: u64, why: NotForced) -> Command {
    Command::Answer(Ticket(ticket), Err(why))
}

/// A rested pod, its last report as the store has it at `at`.
fn own(at: i64, op: u64, fence: u64) -> Event {
    let entries = ["a", "b"].map(|n| (entry(n, "me", Some(7), 80), 10));
    let own = report("me", 80, 10, 2, entries.into());
    found_below(op, fence, 7, at - 90, own)
}

#[test]
fn a_forced_run_takes_the_lease_and_asks_only_what_it_is_for() {
    let mut pod = Pod::rested();
    assert_eq!(pod.at(1_000, force(1, &["b"])), []);
    assert_eq!(pod.until(1_050), [acquire(5, 2, 7)]);
    let now = pod.now();
    pod.at(now, held(5, 8));
    assert_eq!(pod.at(now, own(now, 6, 8)), [probe(3, "b")]);
    let commands = pod.at(now + 10, probed(3));
    assert_eq!(commands[0], answered(1));
    assert!(matches!(commands[1..], [Command::Publish(Op(7), _)]));
    assert_eq!(
        pod.at(now + 20, done(7)),
        [stands(8, 2), released(8), ended(RoundKind::Forced, 1)]
    );
    // The other check keeps its time.
    assert_eq!(pod.wants(), Some(80 + INTERVAL));
}

#[test]
fn callers_share_one_round() {
    let mut pod = Pod::rested();
    pod.at(1_000, force(1, &["a", "b"]));
    assert_eq!(pod.at(1_000, force(2, &["b"])), []);
    pod.until(1_050);
    let now = pod.now();
    pod.at(now, held(5, 8));
    assert_eq!(pod.at(now, own(now, 6, 8)), [probe(3, "a"), probe(4, "b")]);
    assert_eq!(pod.at(now + 10, probed(4)), [answered(2)]);
    assert_eq!(pod.at(now + 20, probed(3))[0], answered(1));
}

#[test]
fn a_call_joins_a_running_round_where_the_probe_has_not_started() {
    let mut pod = Pod::probing_with(|s| s.concurrency = 1);
    assert_eq!(pod.at(85, force(1, &["b"])), []);
    assert_eq!(pod.at(90, probed(1)), [probe(2, "b")]);
    assert_eq!(pod.at(95, probed(2))[0], answered(1));
}

#[test]
fn a_check_that_the_round_does_not_hold_is_taken_along() {
    let mut pod = Pod::probing_with(|s| s.checks[1].background = false);
    assert_eq!(pod.at(85, force(1, &["b"])), [probe(2, "b")]);
    pod.at(90, probed(1));
    let commands = pod.at(95, probed(2));
    assert_eq!(commands[0], answered(1));
    assert!(matches!(commands[1..], [Command::Publish(..)]));
}

#[test]
fn a_call_does_not_join_a_probe_that_has_started_or_ended() {
    let mut pod = Pod::probing();
    pod.at(85, probed(1));
    assert_eq!(pod.at(86, force(1, &["a"])), [], "its probe has ended");
    assert_eq!(pod.at(86, force(2, &["b"])), [], "its probe runs");
    assert_eq!(pod.at(90, probed(2)).len(), 1, "published, nobody answered");
    pod.at(100, done(4));
    // A round of their own.
    assert_eq!(pod.until(150), [acquire(5, 2, 7)]);
    let now = pod.now();
    pod.at(now, held(5, 8));
    assert_eq!(pod.at(now, own(now, 6, 8)), [probe(3, "a"), probe(4, "b")]);
}

#[test]
fn a_call_is_satisfied_by_another_pods_probe_that_started_after_it() {
    let mut pod = Pod::rested();
    pod.at(1_000, force(1, &["a"]));
    assert_eq!(pod.until(1_050), [acquire(5, 2, 7)]);
    pod.at(1_060, busy(5, "other", 8, 2_900));
    pod.at(1_200, Event::Noticed(Hint::Report));
    let round = |started: i64, at: i64| {
        let entries = ["a", "b"].map(|n| (entry(n, "other", Some(8), started), at - started));
        report("other", started, at - started, 2, entries.into())
    };
    // Started before the call came: does not count.
    assert_eq!(
        pod.at(1_210, found(6, 8, 0, round(990, 1_210))),
        [adopted("other", 8, 2)]
    );
    pod.at(1_300, Event::Noticed(Hint::Report));
    let mut second = round(1_005, 1_310);
    for aged in &mut second.entries {
        aged.entry.token = Some(Token(9));
    }
    assert_eq!(
        pod.at(1_310, found(7, 9, 0, second)),
        [adopted("other", 9, 2), answered(1)]
    );
}

#[test]
fn a_call_whose_probe_was_cancelled_with_the_lease_is_served_by_the_next_round() {
    let mut pod = Pod::probing_with(|s| s.concurrency = 1);
    pod.at(85, force(1, &["b"]));
    pod.at(90, probed(1));
    pod.at(60 + WINDOW, Event::Woke);
    assert_eq!(pod.at(60 + WINDOW + 10, nothing(4, 7)), []);
    let commands = pod.until(60 + WINDOW + 60);
    assert_eq!(commands, [acquire(5, 2, 7)]);
    let now = pod.now();
    pod.at(now, held(5, 8));
    assert_eq!(pod.at(now, nothing(6, 8)), [probe(3, "b")]);
    assert_eq!(pod.at(now + 10, probed(3))[0], answered(1));
}

#[test]
fn a_call_is_served_although_the_store_is_away() {
    let (mut pod, started) = Pod::alone();
    pod.at(started + 10, probed(1));
    pod.at(started + 20, probed(2));
    assert_eq!(pod.at(started + 1_000, force(1, &["a"])), [probe(3, "a")]);
    assert_eq!(
        pod.at(started + 1_010, probed(3)),
        [answered(1), ended(RoundKind::Forced, 1)]
    );
}

#[test]
fn a_call_that_comes_between_steps_waits_for_its_round() {
    // While the report is read under the lease.
    let mut pod = Pod::rested();
    let due = 80 + INTERVAL;
    pod.until(due);
    pod.at(due + 50, Event::Woke);
    pod.at(due + 55, force(1, &["a"]));
    pod.at(due + 60, held(5, 8));
    pod.at(due + 65, force(2, &["a"]));
    assert_eq!(
        pod.at(due + 70, own(due + 70, 6, 8)),
        [probe(3, "a"), probe(4, "b")]
    );
    assert_eq!(pod.at(due + 80, probed(3)), [answered(1), answered(2)]);
    // While the round is published.
    pod.at(due + 90, probed(4));
    assert_eq!(pod.at(due + 91, force(3, &["a"])), []);
    pod.at(due + 95, done(7));
    assert_eq!(pod.until(due + 145), [acquire(8, 3, 8)]);
}

#[test]
fn calls_for_what_is_not_here_and_too_many_calls_are_turned_away() {
    let mut pod = Pod::following();
    assert_eq!(
        pod.at(100, force(1, &["z"])),
        [turned_away(1, NotForced::UnknownCheck)]
    );
    assert_eq!(
        pod.at(100, force(2, &["a", "z"])),
        [turned_away(2, NotForced::UnknownCheck)]
    );
    assert_eq!(
        pod.at(100, force(3, &[])),
        [turned_away(3, NotForced::UnknownCheck)]
    );
    for ticket in 0..MAX_TICKETS as u64 {
        assert_eq!(pod.at(100, force(1_000 + ticket, &["a"])), []);
    }
    assert_eq!(
        pod.at(100, force(4, &["a"])),
        [turned_away(4, NotForced::TooMany)]
    );
}

#[test]
fn a_check_named_twice_is_asked_once_and_answered_once() {
    let mut pod = Pod::probing_with(|s| s.concurrency = 1);
    pod.at(85, force(1, &["b", "b"]));
    assert_eq!(pod.at(90, probed(1)), [probe(2, "b")]);
    let commands = pod.at(95, probed(2));
    assert_eq!(commands.iter().filter(|c| **c == answered(1)).count(), 1);
}

#[test]
fn a_call_is_told_what_was_found_and_whether_the_probe_was_made_for_it() {
    let joined = |pod: &mut Pod, ticket: u64| -> Vec<(String, bool)> {
        let answered = pod.coordinator.take_answered(Ticket(ticket));
        answered
            .iter()
            .map(|answered| {
                assert_eq!(answered.check, answered.known.entry.check);
                (answered.check.to_string(), answered.joined)
            })
            .collect()
    };
    let mut pod = Pod::rested();
    pod.at(1_000, force(1, &["a"]));
    pod.at(1_000, force(2, &["a", "b"]));
    pod.until(1_050);
    let now = pod.now();
    pod.at(now, held(5, 8));
    pod.at(now, own(now, 6, 8));
    pod.at(now + 10, probed(3));
    assert_eq!(joined(&mut pod, 1), [("a".to_owned(), false)]);
    assert_eq!(joined(&mut pod, 1), [], "told once");
    pod.at(now + 20, probed(4));
    let both = [("a".to_owned(), true), ("b".to_owned(), false)];
    assert_eq!(joined(&mut pod, 2), both);
    // A probe that the round was to make anyway.
    let mut pod = Pod::probing_with(|s| s.concurrency = 1);
    pod.at(85, force(1, &["b"]));
    pod.at(90, probed(1));
    pod.at(95, probed(2));
    assert_eq!(joined(&mut pod, 1), [("b".to_owned(), true)]);
    pod.at(96, Event::Woke);
    assert_eq!(joined(&mut pod, 1), [], "kept for one event only");
}

#[test]
fn a_caller_that_goes_away_frees_its_place_and_nothing_is_asked_for_it() {
    let mut pod = Pod::rested();
    for ticket in 0..MAX_TICKETS as u64 {
        pod.at(1_000, force(ticket, &["a"]));
    }
    let too_many = [turned_away(1_000, NotForced::TooMany)];
    assert_eq!(pod.at(1_000, force(1_000, &["b"])), too_many);
    pod.at(1_000, Event::CallerGone(Ticket(7)));
    assert_eq!(pod.at(1_000, force(1_001, &["b"])), []);
    for ticket in 0..MAX_TICKETS as u64 {
        pod.at(1_010, Event::CallerGone(Ticket(ticket)));
    }
    pod.until(1_050);
    let now = pod.now();
    pod.at(now, held(5, 8));
    assert_eq!(pod.at(now, own(now, 6, 8)), [probe(3, "b")]);
    // Its probe runs: it goes on, and answers nobody.
    pod.at(now, Event::CallerGone(Ticket(1_001)));
    let commands = pod.at(now + 10, probed(3));
    assert!(
        matches!(commands[..], [Command::Publish(..)]),
        "{commands:?}"
    );
}
