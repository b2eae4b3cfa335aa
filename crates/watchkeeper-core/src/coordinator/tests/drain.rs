//! Leaving, in each phase.

use super::*;

fn stopped() -> Command {
    tell(Happening::Stopped)
}

const DRAIN: i64 = 2_000;

#[test]
fn a_pod_with_nothing_in_hand_leaves_at_once() {
    for mut pod in [Pod::new(), Pod::rested(), Pod::following()] {
        assert_eq!(pod.at(1_000, Event::Drain), [stopped()]);
        assert!(pod.coordinator.is_stopped());
        assert_eq!(pod.wants(), None);
        assert_eq!(pod.at(1_001, Event::Noticed(Hint::Released)), []);
    }
}

#[test]
fn probes_in_flight_may_end_and_are_published() {
    let mut pod = Pod::probing();
    assert_eq!(pod.at(85, Event::Drain), []);
    assert_eq!(pod.at(90, probed(1)), []);
    assert!(matches!(
        pod.at(95, probed(2))[..],
        [Command::Publish(Op(4), _)]
    ));
    assert_eq!(
        pod.at(100, done(4)),
        [
            stands(7, 2),
            released(7),
            ended(RoundKind::Led, 2),
            stopped()
        ]
    );
}

#[test]
fn no_new_probe_starts() {
    let mut pod = Pod::probing_with(|s| s.concurrency = 1);
    pod.at(85, Event::Drain);
    let part = report("me", 80, 10, 1, vec![(entry("a", "me", Some(7), 80), 10)]);
    assert_eq!(pod.at(90, probed(1)), [publish(4, 7, 1, part)]);
}

#[test]
fn a_probe_that_waits_for_a_place_does_not_start_any_more() {
    let mut pod = Pod::probing();
    assert!(pod.coordinator.start_probe(moment(80), ProbeId(1)));
    assert_eq!(pod.at(85, Event::Drain), [cancel(2)]);
    assert!(!pod.coordinator.start_probe(moment(86), ProbeId(2)));
    assert!(matches!(pod.at(90, probed(1))[..], [Command::Publish(..)]));
}

#[test]
fn probes_of_a_pod_that_found_no_place_for_any_yet_do_not_start_any_more() {
    let mut pod = Pod::new();
    pod.coordinator = pod.coordinator.told_of_starts();
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    pod.at(60, Event::Woke);
    pod.at(70, held(2, 7));
    pod.at(80, nothing(3, 7));
    assert_eq!(
        pod.at(85, Event::Drain),
        [
            cancel(1),
            cancel(2),
            ended(RoundKind::Led, 0),
            release(4, 7)
        ]
    );
    assert!(!pod.coordinator.start_probe(moment(86), ProbeId(1)));
}

#[test]
fn what_has_not_ended_after_the_drain_is_given_up_unjudged() {
    let mut pod = Pod::probing();
    pod.at(85, Event::Drain);
    pod.at(90, probed(1));
    pod.until(1_060);
    pod.at(1_070, done(4));
    pod.until(2_060);
    pod.at(2_070, extended(5));
    let commands = pod.until(85 + DRAIN);
    // It stands in the store already; only the lease is left to be given back.
    assert_eq!(
        commands,
        [cancel(2), ended(RoundKind::Led, 1), release(6, 7)]
    );
    assert_eq!(pod.at(2_100, free(6)), [released(7), stopped()]);
    assert!(!pod.view().entries.contains_key(&check("b")));
}

#[test]
fn the_holder_goes_on_renewing_while_it_drains() {
    let mut pod = Pod::probing();
    pod.at(85, Event::Drain);
    assert_eq!(pod.until(1_060), [renew(4, 7)]);
}

#[test]
fn a_question_under_way_is_waited_for_and_its_lease_given_back() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    pod.at(60, Event::Woke);
    assert_eq!(pod.at(65, Event::Drain), []);
    assert_eq!(pod.at(70, held(2, 7)), [acquired(7), release(3, 7)]);
    assert_eq!(pod.at(80, free(3)), [released(7), stopped()]);
}

#[test]
fn a_question_that_finds_the_lease_taken_ends_the_drain() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    pod.at(60, Event::Woke);
    pod.at(65, Event::Drain);
    assert_eq!(pod.at(70, busy(2, "other", 7, 3_000)), [stopped()]);
}

#[test]
fn a_question_without_an_answer_is_repeated_once_to_give_the_lease_back() {
    let mut pod = Pod::rested();
    pod.until(80 + INTERVAL);
    let now = 80 + INTERVAL + 50;
    pod.at(now, Event::Woke);
    pod.at(now + 1, Event::Drain);
    let error = unknown(StoreOp::Acquire);
    assert_eq!(
        pod.at(now + 500, Event::Acquired(Op(5), Err(error.clone()))),
        [failed(error.clone()), acquire(6, 2, 7)]
    );
    assert_eq!(
        pod.at(now + 1_000, Event::Acquired(Op(6), Err(error.clone()))),
        [failed(error), stopped()]
    );
}

#[test]
fn a_lease_held_but_not_used_yet_is_given_back() {
    let mut pod = Pod::rested();
    pod.until(80 + INTERVAL);
    let now = 80 + INTERVAL + 50;
    pod.at(now, Event::Woke);
    pod.at(now + 1, held(5, 8));
    assert_eq!(pod.at(now + 2, Event::Drain), []);
    assert_eq!(
        pod.at(now + 3, nothing(6, 8)).len(),
        1,
        "published again, the store lost it"
    );
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    pod.at(60, Event::Woke);
    pod.at(70, held(2, 7));
    assert_eq!(pod.at(75, Event::Drain), []);
    assert_eq!(pod.at(80, nothing(3, 7)), [release(4, 7)]);
    assert_eq!(pod.at(90, free(4)), [released(7), stopped()]);
}

#[test]
fn a_read_that_fails_while_leaving_is_not_repeated() {
    let reading = || {
        let mut pod = Pod::new();
        pod.at(0, Event::Started);
        pod.at(10, nothing(1, 0));
        pod.at(60, Event::Woke);
        pod.at(70, held(2, 7));
        pod
    };
    let error = refused(StoreOp::Read);
    let mut pod = reading();
    pod.at(75, Event::Drain);
    assert_eq!(
        pod.at(80, Event::Read(Op(3), Err(error.clone()))),
        [failed(error.clone()), release(4, 7)]
    );
    let mut pod = reading();
    pod.at(80, Event::Read(Op(3), Err(error)));
    assert_eq!(pod.at(81, Event::Drain), [release(4, 7)]);
}

#[test]
fn a_publication_under_way_is_waited_for() {
    let mut pod = Pod::probing();
    pod.at(90, probed(1));
    pod.at(90, probed(2));
    assert_eq!(pod.at(95, Event::Drain), []);
    assert_eq!(
        pod.at(100, done(4)),
        [
            stands(7, 2),
            released(7),
            ended(RoundKind::Led, 2),
            stopped()
        ]
    );
}

#[test]
fn what_the_fleet_lacks_is_offered_before_leaving() {
    let mut pod = Pod::probing();
    pod.at(90, probed(1));
    pod.at(90, probed(2));
    // The window closed before the publication was answered.
    pod.at(60 + WINDOW, Event::Woke);
    let now = 60 + WINDOW + 10;
    pod.at(now, nothing(5, 7));
    assert_eq!(pod.at(now + 1, Event::Drain), [acquire(6, 2, 7)]);
    assert_eq!(pod.at(now + 10, held(6, 8)), [acquired(8), read(7, 8)]);
    assert!(matches!(
        pod.at(now + 20, nothing(7, 8))[..],
        [Command::Publish(Op(8), _)]
    ));
    assert_eq!(
        pod.at(now + 30, done(8)),
        [stands(8, 2), released(8), stopped()]
    );
}

#[test]
fn a_pod_alone_gives_up_at_once() {
    let (mut pod, started) = Pod::alone();
    assert_eq!(
        pod.at(started + 10, Event::Drain),
        [cancel(1), cancel(2), stopped()]
    );
}

#[test]
fn a_drain_never_outlasts_its_limit() {
    let mut pod = Pod::probing();
    pod.at(90, probed(1));
    pod.at(90, probed(2));
    pod.at(95, Event::Drain);
    // The publication is never answered, and neither is anything else.
    let last = 95 + DRAIN + 2 * OP_TIMEOUT;
    let mut commands = Vec::new();
    while !pod.coordinator.is_stopped() {
        let more = pod.until(last);
        assert!(!more.is_empty(), "{:?} {commands:?}", pod.wants());
        commands.extend(more);
    }
    assert_eq!(commands.last(), Some(&stopped()));
    assert!(pod.now() <= last);
}

#[test]
fn a_store_that_goes_away_ends_the_drain_with_what_was_not_heard_of_given_up() {
    let mut pod = Pod::probing_with(|s| s.drain = Duration::from_secs(10));
    pod.at(85, Event::Drain);
    pod.at(100, Event::StoreDown);
    assert_eq!(pod.until(1_060), [renew(4, 7)]);
    assert_eq!(
        pod.until(2_100),
        [
            tell(Happening::Isolated),
            lost(7, LossReason::StoreAway),
            cancel(1),
            cancel(2),
            stopped()
        ]
    );
}

#[test]
fn a_lease_that_may_be_ours_is_not_asked_for_where_pings_fail() {
    let mut pod = Pod::rested();
    pod.until(80 + INTERVAL);
    let now = 80 + INTERVAL + 50;
    pod.at(now, Event::Woke);
    pod.at(
        now + 500,
        Event::Acquired(Op(5), Err(unknown(StoreOp::Acquire))),
    );
    pod.at(now + 501, Event::StoreDown);
    assert_eq!(pod.at(now + 502, Event::Drain), [stopped()]);
}

#[test]
fn callers_are_turned_away_by_a_pod_that_leaves() {
    let mut pod = Pod::probing_with(|s| s.concurrency = 1);
    pod.at(85, force(1, &["b"]));
    let away = |ticket| Command::Answer(Ticket(ticket), Err(NotForced::Draining));
    assert_eq!(pod.at(86, Event::Drain), [away(1)]);
    assert_eq!(pod.at(87, force(2, &["a"])), [away(2)]);
    pod.at(90, probed(1));
    pod.at(100, done(4));
    assert!(pod.coordinator.is_stopped());
    assert_eq!(pod.at(200, force(3, &["a"])), [away(3)]);
}

#[test]
fn the_order_to_leave_counts_once() {
    let mut pod = Pod::probing();
    pod.at(85, Event::Drain);
    pod.at(1_000, Event::Drain);
    pod.until(1_060);
    pod.at(1_070, extended(4));
    pod.until(2_060);
    pod.at(2_070, extended(5));
    // Nothing was found: the lease alone is left.
    assert_eq!(
        pod.until(85 + DRAIN),
        [
            cancel(1),
            cancel(2),
            ended(RoundKind::Led, 0),
            release(6, 7)
        ]
    );
}
