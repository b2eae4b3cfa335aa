//! How a pod on its own finds out that the store is back, reads and writes, and what it does first.

use super::alone::down;
use super::*;

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
                Command::Probe(probe, ..) => {
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
fn a_hung_probe_from_the_time_alone_does_not_replace_what_the_fleet_found_since() {
    let (mut pod, started) = Pod::alone();
    pod.at(started + 10, probed(1));
    // Back in the fleet, whose round of a moment ago is adopted while `b` still hangs.
    let back = started + 3_000;
    pod.at(back, Event::StoreUp);
    assert_eq!(pod.until(back + 50), [read(2, 0)]);
    pod.at(back + 60, found(2, 7, 0, others(1_000)));
    let adopted = pod.view().entries[&check("b")].clone();
    assert_eq!(adopted.entry.token, Some(Token(7)));
    while !pod.until(back + 2 * INTERVAL).contains(&cancel(2)) {}
    assert_eq!(pod.view().entries[&check("b")], adopted);
}
