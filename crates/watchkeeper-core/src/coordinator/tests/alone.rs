//! The store away: when a pod is on its own, and what it does then.

use super::*;

pub(super) fn down(op: u64, act: fn(StoreOp) -> StoreError) -> Event {
    Event::Read(Op(op), Err(act(StoreOp::Read)))
}

#[test]
fn a_pod_started_without_a_store_is_on_its_own_at_the_first_failure() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    let error = refused(StoreOp::Read);
    assert_eq!(
        pod.at(10, down(1, refused)),
        [failed(error), tell(Happening::Isolated)]
    );
    assert_eq!(pod.view().mode, Mode::Isolated);
    // Its first round is at most the jitter away; meanwhile it tries to read.
    let mut probes = 0;
    let mut op = 2;
    while probes == 0 {
        match pod.until(10 + INTERVAL / 10).as_slice() {
            [Command::Read(..)] => {
                let error = refused(StoreOp::Read);
                assert_eq!(pod.at(pod.now(), down(op, refused)), [failed(error)]);
                op += 1;
            }
            commands => {
                assert_eq!(commands, [probe(1, "a"), probe(2, "b")]);
                probes = 2;
            }
        }
    }
}

#[test]
fn two_seconds_of_failing_pings_isolate() {
    let mut pod = Pod::rested();
    assert_eq!(pod.at(500, Event::StoreDown), []);
    assert_eq!(pod.at(1_500, Event::StoreDown), []);
    assert_eq!(pod.wants(), Some(2_500));
    assert_eq!(pod.at(2_500, Event::Woke), [tell(Happening::Isolated)]);
    // Nothing is due yet: nothing is asked.
    let next = pod.wants().unwrap();
    assert!(
        (80 + INTERVAL..=80 + INTERVAL * 11 / 10).contains(&next),
        "{next}"
    );
}

#[test]
fn pings_that_succeed_again_within_two_seconds_change_nothing_but_cost_a_read() {
    let mut pod = Pod::rested();
    pod.at(500, Event::StoreDown);
    assert_eq!(pod.at(2_400, Event::StoreUp), []);
    assert_eq!(pod.until(2_450), [read(5, 7)]);
    assert_eq!(pod.at(2_460, nothing(5, 7)), []);
    assert_eq!(pod.view().mode, Mode::Following);
}

#[test]
fn two_seconds_of_failing_operations_isolate_whatever_the_pings_say() {
    let mut pod = Pod::rested();
    pod.at(500, Event::Noticed(Hint::Report));
    let mut op = 5;
    loop {
        let error = unknown(StoreOp::Read);
        assert_eq!(pod.at(pod.now() + 1, down(op, unknown)), [failed(error)]);
        op += 1;
        match pod.until(2_501).as_slice() {
            [Command::Read(..)] => {}
            commands => {
                assert_eq!(commands, [tell(Happening::Isolated)]);
                break;
            }
        }
    }
    assert_eq!(pod.now(), 2_501);
}

#[test]
fn alone_a_pod_asks_once_per_interval_spread_over_the_jitter() {
    let (mut pod, mut started) = Pod::alone();
    for round in 1..5 {
        pod.at(started + 100, probed(2 * round - 1));
        assert_eq!(
            pod.at(started + 200, probed(2 * round)),
            [ended(RoundKind::Isolated, 2)]
        );
        let commands = pod.until(started + INTERVAL * 11 / 10);
        assert_eq!(
            commands,
            [probe(2 * round + 1, "a"), probe(2 * round + 2, "b")]
        );
        assert!(pod.now() >= started + INTERVAL, "{} {started}", pod.now());
        started = pod.now();
    }
}

#[test]
fn entries_of_a_pod_alone_carry_no_token() {
    let (mut pod, started) = Pod::alone();
    pod.at(started + 100, probed(1));
    assert_eq!(
        *pod.view().entries[&check("a")].entry,
        entry("a", "me", None, started)
    );
}

#[test]
fn a_follower_that_is_cut_off_waits_for_nobody() {
    let mut pod = Pod::following();
    pod.at(100, Event::StoreDown);
    assert_eq!(pod.until(2_100), [tell(Happening::Isolated)]);
    assert_eq!(pod.view().holder, None);
    assert_eq!(
        pod.until(2_100 + INTERVAL / 10),
        [probe(1, "a"), probe(2, "b")]
    );
}

#[test]
fn a_holder_that_is_cut_off_goes_on_with_its_round_for_itself() {
    let mut pod = Pod::probing_with(|s| s.concurrency = 1);
    pod.at(100, Event::StoreDown);
    let error = unknown(StoreOp::Renew);
    pod.until(1_060);
    assert_eq!(
        pod.at(1_560, Event::Renewed(Op(4), Err(error.clone()))),
        [failed(error)]
    );
    assert_eq!(pod.until(1_810), [renew(5, 7)]);
    assert_eq!(
        pod.until(2_100),
        [tell(Happening::Isolated), lost(7, LossReason::StoreAway)]
    );
    // Nothing is cancelled and nothing is asked twice.
    assert_eq!(pod.at(2_200, probed(1)), [probe(2, "b")]);
    assert_eq!(pod.at(2_300, probed(2)), [ended(RoundKind::Isolated, 2)]);
    assert_eq!(
        *pod.view().entries[&check("b")].entry,
        entry("b", "me", None, 80)
    );
    assert!(pod.wants().unwrap() >= 80 + INTERVAL);
}

#[test]
fn a_window_that_closes_while_the_store_fails_isolates_before_its_time() {
    let mut pod = Pod::probing();
    pod.until(1_060);
    pod.at(1_560, Event::Renewed(Op(4), Err(unknown(StoreOp::Renew))));
    assert_eq!(pod.until(1_810), [renew(5, 7)]);
    assert_eq!(
        pod.until(60 + WINDOW),
        [
            tell(Happening::Isolated),
            lost(7, LossReason::StoreAway),
            read(6, 7)
        ]
    );
}

#[test]
fn isolation_is_told_once() {
    let mut pod = Pod::probing();
    pod.at(90, probed(1));
    pod.at(90, probed(2));
    // Refused for good, and then the store is away altogether.
    pod.at(100, Event::Published(Op(4), Err(denied(StoreOp::Publish))));
    pod.at(110, Event::StoreDown);
    assert_eq!(pod.until(60 + WINDOW), [lost(7, LossReason::StoreAway)]);
}

#[test]
fn what_was_cancelled_with_a_lease_may_be_asked_alone_at_once() {
    let mut pod = Pod::probing();
    pod.at(60 + WINDOW, Event::Woke);
    let now = 60 + WINDOW + 1;
    pod.at(now, Event::StoreDown);
    pod.at(now + 500, Event::Read(Op(4), Err(unknown(StoreOp::Read))));
    pod.until(now + 2_000);
    assert_eq!(pod.view().mode, Mode::Isolated);
    // Not an interval later: there is no result to show.
    assert_eq!(
        pod.until(now + 2_000 + INTERVAL / 10),
        [probe(3, "a"), probe(4, "b")]
    );
}

#[test]
fn a_holder_seen_from_a_pod_on_its_own_is_not_waited_for() {
    let mut pod = Pod::rested();
    let due = 80 + INTERVAL;
    pod.until(due);
    pod.at(due + 50, Event::Woke);
    pod.at(due + 60, Event::StoreDown);
    assert_eq!(
        pod.at(due + 2_060, Event::Woke),
        [tell(Happening::Isolated)]
    );
    assert_eq!(pod.at(due + 2_070, busy(5, "other", 8, 2_900)), []);
    assert_eq!(
        pod.until(due + 60 + LOCK_TTL + INTERVAL / 10),
        [probe(3, "a"), probe(4, "b")]
    );
}

#[test]
fn what_was_due_when_the_store_went_may_be_asked_by_a_holder_nobody_heard_of() {
    let mut pod = Pod::rested();
    let due = 80 + INTERVAL;
    pod.until(due);
    assert_eq!(pod.at(due + 50, Event::Woke), [acquire(5, 2, 7)]);
    let error = refused(StoreOp::Acquire);
    assert_eq!(
        pod.at(due + 60, Event::Acquired(Op(5), Err(error.clone()))),
        [failed(error)]
    );
    pod.at(due + 70, Event::StoreDown);
    assert_eq!(pod.until(due + 2_070), [tell(Happening::Isolated)]);
    assert_eq!(
        pod.until(due + 60 + LOCK_TTL + INTERVAL / 10),
        [probe(3, "a"), probe(4, "b")]
    );
    assert!(pod.now() >= due + 60 + LOCK_TTL, "{}", pod.now() - due);
}

#[test]
fn what_became_due_after_the_store_went_is_left_to_nobody() {
    let mut pod = Pod::rested();
    let due = 80 + INTERVAL;
    pod.at(due - 10, Event::StoreDown);
    assert_eq!(pod.until(due + 1_990), [tell(Happening::Isolated)]);
    assert_eq!(
        pod.until(due + 1_990 + INTERVAL / 10),
        [probe(3, "a"), probe(4, "b")]
    );
}

#[test]
fn one_holder_after_another_does_not_put_off_what_is_due_for_ever() {
    let mut pod = Pod::rested();
    let due = 80 + INTERVAL;
    pod.until(due);
    pod.at(due + 50, Event::Woke);
    pod.at(due + 60, busy(5, "other", 8, LOCK_TTL));
    // It renews and publishes nothing.
    let late = due + 2 * LOCK_TTL;
    pod.until(late);
    pod.at(late, Event::StoreDown);
    pod.until(late + 2_000);
    assert_eq!(pod.view().mode, Mode::Isolated);
    assert_eq!(
        pod.until(late + 2_000 + INTERVAL / 10),
        [probe(3, "a"), probe(4, "b")]
    );
}

#[test]
fn what_a_holder_was_asking_when_the_store_went_is_left_to_it_until_its_lease_ends() {
    let mut pod = Pod::rested();
    let due = 80 + INTERVAL;
    pod.until(due);
    pod.at(due + 50, Event::Woke);
    // Its lease ends 2,900 after the question left.
    pod.at(due + 60, busy(5, "other", 8, 2_900));
    pod.at(due + 70, Event::StoreDown);
    assert_eq!(
        pod.at(due + 2_070, Event::Woke),
        [tell(Happening::Isolated)]
    );
    assert_eq!(
        pod.until(due + 2_950 + INTERVAL / 10),
        [probe(3, "a"), probe(4, "b")]
    );
    assert!(pod.now() >= due + 2_950, "{}", pod.now() - due);
}

#[test]
fn what_nobody_knows_yet_is_left_to_no_holder() {
    let mut pod = Pod::following();
    pod.at(80, Event::StoreDown);
    pod.until(2_080);
    assert_eq!(pod.view().mode, Mode::Isolated);
    assert_eq!(
        pod.until(2_080 + INTERVAL / 10),
        [probe(1, "a"), probe(2, "b")]
    );
}

#[test]
fn an_answer_from_a_store_that_pings_call_dead_is_not_built_upon() {
    let mut pod = Pod::rested();
    let due = 80 + INTERVAL;
    pod.until(due);
    assert_eq!(pod.at(due + 50, Event::Woke), [acquire(5, 2, 7)]);
    pod.at(due + 60, Event::StoreDown);
    assert_eq!(
        pod.at(due + 2_060, Event::Woke),
        [tell(Happening::Isolated)]
    );
    // Won after all: given back rather than kept from those who reach the store.
    assert_eq!(
        pod.at(due + 2_070, held(5, 8)),
        [acquired(8), release(6, 8)]
    );
    assert_eq!(pod.at(due + 2_080, free(6)), [released(8)]);
    assert!(pod.wants().unwrap() <= due + 60 + LOCK_TTL + INTERVAL / 10);
}

#[test]
fn a_pod_that_slept_says_nothing_of_probes_that_did_not_answer() {
    let (mut pod, started) = Pod::alone();
    pod.at(started + 100, probed(1));
    let woken = started + 60_000;
    let commands = pod.at(woken, Event::Woke);
    assert_eq!(commands[..2], [cancel(2), ended(RoundKind::Isolated, 1)]);
    assert!(!pod.view().entries.contains_key(&check("b")));
}

#[test]
fn alone_a_check_that_was_given_up_is_not_asked_again_before_its_time() {
    let mut pod = Pod::with(|s| s.interval = millis(30_000));
    pod.at(0, Event::Started);
    pod.at(10, Event::StoreDown);
    pod.at(20, down(1, refused));
    pod.until(4_000);
    let started = pod.now();
    pod.at(started + 100, probed(1));
    // Slept through the end of the round.
    assert_eq!(
        pod.at(started + 15_000, Event::Woke),
        [cancel(2), ended(RoundKind::Isolated, 1)]
    );
    assert!(pod.wants().unwrap() >= started + 27_000);
    let mut asked = pod.until(started + 40_000);
    asked.retain(|c| matches!(c, Command::Probe(..)));
    assert!(!asked.is_empty() && pod.now() >= started + 27_000);
}

#[test]
fn a_round_alone_ends_at_its_limit() {
    let (mut pod, started) = Pod::alone();
    pod.at(started + 100, probed(1));
    assert_eq!(
        pod.until(started + ROUND + 5_000),
        [cancel(2), ended(RoundKind::Isolated, 2)]
    );
    let hung = &pod.view().entries[&check("b")].entry.verdict;
    assert_eq!(hung.outcome, Outcome::Timeout);
}

#[test]
fn checks_that_a_round_of_hung_probes_did_not_come_to_are_asked_first_in_the_next() {
    let mut pod = Pod::with(|s| s.concurrency = 1);
    pod.at(0, Event::Started);
    pod.at(10, Event::StoreDown);
    pod.at(20, down(1, refused));
    assert_eq!(pod.until(INTERVAL), [probe(1, "a")]);
    let limit = pod.now() + 60_000;
    let commands = pod.until(limit);
    assert_eq!(commands.first(), Some(&cancel(1)));
    assert_eq!(commands.last(), Some(&probe(2, "b")));
}
