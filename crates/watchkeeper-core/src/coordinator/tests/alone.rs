//! The store away: when a pod is on its own, what it does then, and how it finds out that the store is back.

use super::*;

fn down(op: u64, act: fn(StoreOp) -> StoreError) -> Event {
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
fn a_pod_back_in_the_fleet_reads_first_and_offers_what_it_found() {
    let (mut pod, started) = Pod::alone();
    pod.at(started + 10, probed(1));
    pod.at(started + 20, probed(2));
    let back = started + 3_000;
    assert_eq!(pod.at(back, Event::StoreUp), []);
    assert_eq!(pod.until(back + 50), [read(2, 0)]);
    let now = pod.now();
    // The store came back without its data.
    assert_eq!(pod.at(now, nothing(2, 0)), [tell(Happening::Rejoined)]);
    assert_eq!(pod.until(now + 50), [acquire(3, 1, 0)]);
    let now = pod.now();
    assert_eq!(pod.at(now, held(3, 7)), [acquired(7), read(4, 7)]);
    let entries = ["a", "b"].map(|n| (entry(n, "me", None, started), now - started));
    // No probe is owed.
    assert_eq!(
        pod.at(now, nothing(4, 7)),
        [publish(5, 7, 1, report("me", now, 0, 0, entries.into()))]
    );
    assert_eq!(pod.at(now + 10, done(5)), [stands(7, 2), released(7)]);
    assert_eq!(pod.wants(), Some(started + INTERVAL));
}

#[test]
fn a_store_that_returns_during_a_round_alone_gets_what_was_not_started() {
    let mut pod = Pod::with(|s| s.concurrency = 1);
    pod.at(0, Event::Started);
    pod.at(10, Event::StoreDown);
    pod.at(20, down(1, refused));
    assert_eq!(pod.until(INTERVAL), [probe(1, "a")]);
    let now = pod.now();
    pod.at(now + 10, Event::StoreUp);
    assert_eq!(pod.until(now + 60), [read(2, 0)]);
    let now = now + 70;
    assert_eq!(pod.at(now, nothing(2, 0)), [tell(Happening::Rejoined)]);
    assert_eq!(pod.at(now + 10, probed(1)), [ended(RoundKind::Isolated, 1)]);
    assert_eq!(pod.until(now + 60), [acquire(3, 1, 0)]);
}

#[test]
fn a_call_does_not_prolong_a_round_alone_when_the_store_is_back() {
    let mut pod = Pod::with(|s| s.checks[1].background = false);
    pod.at(0, Event::Started);
    pod.at(10, Event::StoreDown);
    pod.at(20, down(1, refused));
    assert_eq!(pod.until(INTERVAL), [probe(1, "a")]);
    let now = pod.now();
    pod.at(now + 10, Event::StoreUp);
    pod.until(now + 60);
    pod.at(now + 70, nothing(2, 0));
    // `b` is the fleet's business.
    assert_eq!(pod.at(now + 80, force(1, &["b"])), []);
    assert_eq!(pod.at(now + 90, probed(1)), [ended(RoundKind::Isolated, 1)]);
    assert_eq!(pod.until(now + 140), [acquire(3, 1, 0)]);
}

#[test]
fn pings_alone_do_not_end_the_isolation() {
    let (mut pod, started) = Pod::alone();
    pod.at(started + 10, Event::StoreUp);
    assert_eq!(pod.until(started + 60), [read(2, 0)]);
    assert_eq!(
        pod.at(started + 100, down(2, refused)),
        [failed(refused(StoreOp::Read))]
    );
    assert_eq!(pod.view().mode, Mode::Isolated);
}

#[test]
fn reads_that_work_do_not_hide_writes_that_fail() {
    let mut pod = Pod::rested();
    let due = 80 + INTERVAL;
    pod.until(due);
    pod.at(due + 50, Event::Woke);
    let error = denied(StoreOp::Acquire);
    pod.at(due + 60, Event::Acquired(Op(5), Err(error.clone())));
    let (mut op, mut isolated, mut asked) = (6, None, 0);
    // Nine seconds in which every read works and every question is refused.
    loop {
        let commands = pod.until(due + 9_000);
        if commands.is_empty() {
            break;
        }
        for command in commands {
            match command {
                Command::Read(..) => {
                    let commands = pod.at(pod.now(), nothing(op, 7));
                    assert!(commands.is_empty(), "{commands:?}");
                    op += 1;
                }
                Command::Acquire(..) => {
                    let event = Event::Acquired(Op(op), Err(error.clone()));
                    assert_eq!(pod.at(pod.now(), event), [failed(error.clone())]);
                    op += 1;
                }
                Command::Tell(Happening::Isolated) => {
                    assert_eq!(isolated.replace(pod.now()), None, "said once");
                }
                Command::Probe(probe, _) => {
                    asked += 1;
                    pod.at(pod.now(), Event::Probed(probe, healthy()));
                }
                Command::Tell(Happening::RoundEnded { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(isolated, Some(due + 60 + 2_000));
    assert_eq!(asked, 2, "once in this interval");
    // The moment that a write works, it is part of the fleet again.
    let commands = pod.until(due + 20_000);
    assert_eq!(commands, [acquire(op, pod.coordinator.next_attempt, 7)]);
    let commands = pod.at(pod.now(), held(op, 8));
    assert_eq!(commands[..2], [tell(Happening::Rejoined), acquired(8)]);
}

#[test]
fn one_refused_question_that_is_not_wanted_any_more_does_not_isolate() {
    let mut pod = Pod::rested();
    let due = 80 + INTERVAL;
    pod.until(due);
    pod.at(due + 50, Event::Woke);
    pod.at(
        due + 60,
        Event::Acquired(Op(5), Err(refused(StoreOp::Acquire))),
    );
    pod.at(due + 61, Event::Noticed(Hint::Report));
    assert_eq!(pod.until(due + 1_100), [read(6, 7)]);
    let now = pod.now();
    let newer = ["a", "b"].map(|n| (entry(n, "other", Some(9), due), 10));
    let newer = report("other", due, 10, 2, newer.into());
    pod.at(now, found(6, 9, 5, newer.clone()));
    // Only a write can tell whether the store takes writes again.
    assert_eq!(pod.until(now + 1_100), [acquire(7, 3, 9)]);
    let now = pod.now();
    pod.at(now, held(7, 10));
    assert_eq!(
        pod.at(now, found_below(8, 10, 9, 50, newer)),
        [tell(Happening::NothingDue), release(9, 10)]
    );
    pod.at(now + 5, free(9));
    assert!(
        pod.wants().unwrap() > due + 5_000,
        "nothing is failing any more"
    );
}

#[test]
fn pings_that_succeed_again_vouch_for_writes() {
    let mut pod = Pod::rested();
    let due = 80 + INTERVAL;
    pod.until(due);
    pod.at(due + 50, Event::Woke);
    pod.at(
        due + 60,
        Event::Acquired(Op(5), Err(refused(StoreOp::Acquire))),
    );
    pod.at(due + 70, Event::StoreDown);
    assert_eq!(pod.until(due + 2_060), [tell(Happening::Isolated)]);
    pod.at(due + 2_070, Event::StoreUp);
    assert_eq!(pod.until(due + 2_120), [read(6, 7)]);
    let now = pod.now();
    assert_eq!(pod.at(now, nothing(6, 7)), [tell(Happening::Rejoined)]);
}

#[test]
fn a_lease_left_behind_in_an_outage_is_given_back_after_it() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    pod.at(60, Event::Woke);
    pod.at(70, held(2, 8));
    pod.at(80, found_below(3, 8, 7, 10, others(20)));
    // The release is on its way when the store goes away.
    pod.at(90, Event::StoreDown);
    pod.at(580, Event::Released(Op(4), Err(refused(StoreOp::Release))));
    pod.at(600, Event::StoreUp);
    assert_eq!(pod.until(650), [read(5, 8)]);
    let now = pod.now();
    assert_eq!(pod.at(now, found_below(5, 8, 7, now - 70, others(20))), []);
    assert_eq!(pod.until(now + 50), [acquire(6, 2, 8)]);
}

#[test]
fn a_lease_lost_to_an_outage_is_taken_up_or_given_back_after_it() {
    // Cut off while the report was read under the lease: nothing found, nothing to offer.
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    pod.at(60, Event::Woke);
    pod.at(70, held(2, 8));
    pod.at(80, Event::StoreDown);
    assert_eq!(
        pod.until(2_080),
        [tell(Happening::Isolated), lost(8, LossReason::StoreAway)]
    );
    pod.at(2_090, Event::StoreUp);
    assert_eq!(pod.until(2_140), [read(4, 8)]);
    let now = pod.now();
    pod.at(now, found_below(4, 8, 7, 10, others(20)));
    assert_eq!(pod.until(now + 50), [acquire(5, 2, 8)]);
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
        pod.until(due + 2_060 + INTERVAL / 10),
        [probe(3, "a"), probe(4, "b")]
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
    assert!(pod.wants().unwrap() <= due + 2_070 + INTERVAL / 10);
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
