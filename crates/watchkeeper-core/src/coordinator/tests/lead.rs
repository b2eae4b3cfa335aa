//! The holder's round: window, renewals, its end.

use super::*;

/// Both entries of the round of [`Pod::probing`], which started at 80.
fn both(age: i64) -> Vec<(Entry, i64)> {
    ["a", "b"]
        .map(|name| (entry(name, "me", Some(7), 80), age))
        .into()
}

#[test]
fn a_round_is_published_and_the_lease_released_in_one_step() {
    let mut pod = Pod::probing();
    assert_eq!(pod.at(90, probed(2)), []);
    assert_eq!(
        pod.at(100, probed(1)),
        [publish(4, 7, 1, report("me", 80, 20, 2, both(20)))]
    );
    assert_eq!(
        pod.at(110, done(4)),
        [stands(7, 2), released(7), ended(RoundKind::Led, 2)]
    );
    let view = pod.view();
    assert_eq!((view.mode, view.holder), (Mode::Following, None));
    assert_eq!(pod.wants(), Some(80 + INTERVAL));
}

#[test]
fn a_second_round_follows_the_first_with_its_counters_and_history() {
    let mut pod = Pod::rested();
    let due = 80 + INTERVAL;
    assert_eq!(pod.until(due), []);
    assert_eq!(pod.at(due + 50, Event::Woke), [acquire(5, 2, 7)]);
    assert_eq!(pod.at(due + 60, held(5, 8)), [acquired(8), read(6, 8)]);
    let first = report("me", 80, 10, 2, both(10));
    assert_eq!(
        pod.at(due + 70, found_below(6, 8, 7, due - 30, first)),
        [probe(3, "a"), probe(4, "b")]
    );
    pod.at(due + 80, probed(3));
    let next = |name: &str| {
        let first = entry(name, "me", Some(7), 80);
        (after(Some(&first), name, "me", Some(8), due + 70), 20)
    };
    assert_eq!(
        pod.at(due + 90, probed(4)),
        [publish(
            7,
            8,
            1,
            report("me", due + 70, 20, 2, vec![next("a"), next("b")])
        )]
    );
    assert_eq!(next("a").0.standing.streak, 2);
}

#[test]
fn no_more_probes_run_at_once_than_allowed() {
    let mut pod = Pod::probing_with(|s| s.concurrency = 1);
    let first = entry("a", "me", Some(7), 80);
    assert_eq!(pod.at(90, probed(1)), [probe(2, "b")]);
    let second = entry("b", "me", Some(7), 80);
    assert_eq!(
        pod.at(100, probed(2)),
        [publish(
            4,
            7,
            1,
            report("me", 80, 20, 2, vec![(first, 20), (second, 20)])
        )]
    );
}

#[test]
fn the_starts_of_a_round_are_spread() {
    let mut pod = Pod::with(|s| s.spread = millis(400));
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    pod.at(60, Event::Woke);
    pod.at(70, held(2, 7));
    assert_eq!(pod.at(80, nothing(3, 7)), [probe(1, "a")]);
    assert_eq!(pod.wants(), Some(280));
    // An early answer does not start the next one early.
    assert_eq!(pod.at(90, probed(1)), []);
    assert_eq!(pod.until(280), [probe(2, "b")]);
}

#[test]
fn the_holder_renews_at_a_third_of_the_lease() {
    let mut pod = Pod::probing();
    assert_eq!(pod.until(60 + RENEW), [renew(4, 7)]);
    assert_eq!(pod.at(1_070, extended(4)), []);
    // Counted from when the request left.
    assert_eq!(pod.view().lease_until, Some(moment(1_060 + LOCK_TTL)));
    let may_start = |at| pod.coordinator.may_start(moment(at), ProbeId(1));
    assert!(may_start(1_060 + WINDOW - 1) && !may_start(1_060 + WINDOW));
    assert_eq!(pod.until(1_060 + RENEW), [renew(5, 7)]);
}

#[test]
fn a_renewal_carries_what_is_finished() {
    let mut pod = Pod::probing();
    pod.at(500, probed(1));
    let part = report("me", 80, 980, 1, vec![(entry("a", "me", Some(7), 80), 980)]);
    assert_eq!(pod.until(1_060), [keep(4, 7, 1, part)]);
    assert_eq!(pod.at(1_070, done(4)), [so_far(7, 1)]);
    // Nothing new since: a bare renewal.
    assert_eq!(pod.until(2_060), [renew(5, 7)]);
    pod.at(2_070, extended(5));
    assert_eq!(
        pod.at(2_500, probed(2)),
        [publish(6, 7, 2, report("me", 80, 2_420, 2, both(2_420)))]
    );
}

#[test]
fn a_renewal_that_carries_entries_and_is_overtaken_by_the_last_publication_does_not_extend_the_window()
 {
    let mut pod = Pod::probing();
    pod.at(500, probed(1));
    pod.until(1_060);
    // The last publication leaves before the renewal is answered, and arrives before it: it gave the lease back.
    pod.at(1_062, probed(2));
    assert_eq!(pod.at(1_070, done(4)), [so_far(7, 1)]);
    assert_eq!(pod.view().lease_until, Some(moment(60 + LOCK_TTL)));
}

#[test]
fn a_renewal_without_an_answer_is_repeated_before_the_window_closes() {
    let mut pod = Pod::probing();
    pod.until(1_060);
    let error = unknown(StoreOp::Renew);
    assert_eq!(
        pod.at(1_560, Event::Renewed(Op(4), Err(error.clone()))),
        [failed(error)]
    );
    assert_eq!(pod.until(1_560 + RENEW / 4), [renew(5, 7)]);
    assert_eq!(pod.at(1_820, extended(5)), []);
    assert_eq!(pod.view().mode, Mode::Leading);
}

#[test]
fn a_renewal_that_was_to_carry_findings_is_repeated_with_them() {
    let mut pod = Pod::probing();
    pod.at(500, probed(1));
    pod.until(1_060);
    pod.at(
        1_560,
        Event::Published(Op(4), Err(unknown(StoreOp::Publish))),
    );
    let part = report(
        "me",
        80,
        1_730,
        1,
        vec![(entry("a", "me", Some(7), 80), 1_730)],
    );
    // Another edition: whether the first one landed or not, this one replaces it.
    assert_eq!(pod.until(1_810), [keep(5, 7, 2, part)]);
}

#[test]
fn a_publication_refused_for_good_does_not_cost_the_lease() {
    let mut pod = Pod::probing();
    pod.at(500, probed(1));
    pod.until(1_060);
    let error = denied(StoreOp::Publish);
    assert_eq!(
        pod.at(1_070, Event::Published(Op(4), Err(error.clone()))),
        [failed(error), renew(5, 7)]
    );
    pod.at(1_080, extended(5));
    assert_eq!(pod.until(2_070), [renew(6, 7)]);
}

#[test]
fn a_holder_that_was_replaced_stops_probing_at_once_and_looks_at_the_report() {
    let mut pod = Pod::probing();
    pod.until(1_060);
    let holder = Some(pod_id("other"));
    assert_eq!(
        pod.at(1_070, Event::Renewed(Op(4), Ok(Renewed::Lost { holder }))),
        [cancel(1), cancel(2), lost(7, LossReason::Taken), read(5, 7)]
    );
    assert!(!pod.coordinator.may_start(moment(1_070), ProbeId(1)));
}

#[test]
fn a_holder_whose_window_closed_stops_probing_and_keeps_its_answers() {
    let mut pod = Pod::probing();
    pod.at(500, probed(1));
    pod.until(1_060);
    // No answer, and no failure either: the pod stood still.
    assert_eq!(
        pod.at(60 + WINDOW, Event::Woke),
        [cancel(2), lost(7, LossReason::WindowClosed), read(5, 7)]
    );
    assert!(pod.view().entries.contains_key(&check("a")));
    assert!(!pod.view().entries.contains_key(&check("b")));
    assert_eq!(pod.view().holder, None);
    // The late answer of the renewal changes nothing.
    assert_eq!(pod.at(60 + WINDOW + 10, done(4)), []);
}

#[test]
fn the_window_is_shorter_than_the_lease_and_counts_from_the_question() {
    let mut pod = Pod::probing_with(|s| s.concurrency = 1);
    pod.until(1_060);
    assert!(
        pod.coordinator
            .may_start(moment(60 + WINDOW - 1), ProbeId(1))
    );
    assert!(!pod.coordinator.may_start(moment(60 + WINDOW), ProbeId(1)));
    // A probe that answers at that very moment brings no further one.
    assert_eq!(
        pod.at(60 + WINDOW, probed(1)),
        [cancel(1), lost(7, LossReason::WindowClosed), read(5, 7)]
    );
}

#[test]
fn a_pod_that_wakes_from_a_long_sleep_starts_and_publishes_nothing() {
    let mut pod = Pod::probing();
    let commands = pod.at(300_000, probed(1));
    assert_eq!(
        commands,
        [
            cancel(1),
            cancel(2),
            lost(7, LossReason::WindowClosed),
            read(4, 7)
        ]
    );
    // Another pod did the round.
    let stored = report(
        "other",
        0,
        10,
        2,
        ["a", "b"]
            .map(|n| (entry(n, "other", Some(9), 0), 10))
            .into(),
    );
    assert_eq!(
        pod.at(300_010, found(4, 9, 1_000, stored)),
        [adopted("other", 9, 2)]
    );
    assert_eq!(pod.wants(), Some(300_010 - 1_010 + INTERVAL));
}

#[test]
fn a_read_under_the_lease_that_fails_is_repeated_while_the_window_is_open() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    pod.at(60, Event::Woke);
    pod.at(70, held(2, 7));
    let error = refused(StoreOp::Read);
    assert_eq!(
        pod.at(80, Event::Read(Op(3), Err(error.clone()))),
        [failed(error)]
    );
    assert_eq!(pod.until(80 + 1_000), [read(4, 7)]);
    // The pause may have lasted until the first renewal.
    let commands = pod.at(pod.now(), nothing(4, 7));
    assert_eq!(commands[..2], [probe(1, "a"), probe(2, "b")]);
}

#[test]
fn garbage_in_the_reports_place_is_said_and_healed_by_the_round() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    let why = tell(Happening::UnreadableReport("not ours".into()));
    assert_eq!(pod.at(10, garbage(1, 3)), [why]);
    assert_eq!(pod.at(60, Event::Woke), [acquire(2, 1, 3)]);
    pod.at(70, held(2, 7));
    assert_eq!(pod.at(80, garbage(3, 7)), [probe(1, "a"), probe(2, "b")]);
}

#[test]
fn a_round_ends_at_its_limit_with_what_hangs_as_timeouts() {
    let mut pod = Pod::probing();
    pod.at(500, probed(1));
    let end = 80 + ROUND + 5_000;
    let mut op = 4;
    loop {
        match pod.until(end).as_slice() {
            [Command::Renew(..)] => pod.at(pod.now() + 1, extended(op)),
            [Command::Publish(..)] if pod.now() < end => pod.at(pod.now() + 1, done(op)),
            _ => break,
        };
        op += 1;
    }
    assert_eq!(pod.now(), end);
    let hung = &pod.view().entries[&check("b")].entry.verdict;
    assert_eq!((hung.outcome, hung.status), (Outcome::Timeout, Some(408)));
    assert_eq!(
        pod.at(end + 10, done(op)),
        [
            tell(Happening::Published {
                token: Token(7),
                healthy: 1,
                unhealthy: 1
            }),
            released(7),
            ended(RoundKind::Led, 2)
        ]
    );
}

/// A holder with a lease so long that sleeping through a round does not end it.
fn long_lease() -> Pod {
    Pod::probing_with(|s| s.lock_ttl = Duration::from_secs(600))
}

#[test]
fn a_pod_that_slept_through_its_round_says_nothing_of_what_did_not_answer() {
    let mut pod = long_lease();
    pod.at(500, probed(1));
    let commands = pod.at(60_000, Event::Woke);
    assert!(matches!(
        &commands[..],
        [Command::Cancel(ProbeId(2)), Command::Publish(..)]
    ));
    assert!(!pod.view().entries.contains_key(&check("b")));
    let commands = pod.at(60_010, done(4));
    assert_eq!(
        commands,
        [stands(7, 1), released(7), ended(RoundKind::Led, 1)]
    );
    // It stays due.
    assert!(pod.wants().unwrap() <= 60_060);
}

#[test]
fn a_probe_that_never_found_a_place_is_no_timeout() {
    let mut pod = long_lease();
    assert!(pod.coordinator.start_probe(moment(81), ProbeId(1)));
    let end = 80 + ROUND + 5_000;
    assert!(!pod.coordinator.start_probe(moment(end), ProbeId(2)));
    let commands = pod.at(end, Event::Woke);
    let [
        Command::Cancel(_),
        Command::Cancel(_),
        Command::Publish(op, _),
    ] = &commands[..]
    else {
        panic!("{commands:?}")
    };
    pod.at(end + 10, done(op.0));
    let entries = pod.view().entries;
    assert_eq!(entries[&check("a")].entry.verdict.outcome, Outcome::Timeout);
    assert!(!entries.contains_key(&check("b")));
}

#[test]
fn a_probe_that_found_its_place_late_is_no_timeout_before_its_own_time_limit() {
    let mut pod = long_lease();
    let end = 80 + ROUND + 5_000;
    for (late, probe) in [(ROUND, ProbeId(1)), (ROUND - 1, ProbeId(2))] {
        assert!(pod.coordinator.start_probe(moment(end - late), probe));
    }
    let commands = pod.at(end, Event::Woke);
    let Some(Command::Publish(op, _)) = commands.last() else {
        panic!("{commands:?}")
    };
    pod.at(end + 10, done(op.0));
    let entries = pod.view().entries;
    assert_eq!(entries[&check("a")].entry.verdict.outcome, Outcome::Timeout);
    assert!(!entries.contains_key(&check("b")));
}

#[test]
fn a_release_without_an_answer_is_made_sure_of() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    pod.at(60, Event::Woke);
    pod.at(70, held(2, 8));
    pod.at(80, found_below(3, 8, 7, 10, others(20)));
    let error = unknown(StoreOp::Release);
    assert_eq!(
        pod.at(580, Event::Released(Op(4), Err(error.clone()))),
        [failed(error)]
    );
    // Another attempt, so another token: what is still under way cannot end the new lease.
    assert_eq!(pod.until(580 + 1_050), [acquire(5, 2, 8)]);
    let now = pod.now();
    pod.at(now, held(5, 9));
    assert_eq!(
        pod.at(now, found_below(6, 9, 7, 10, others(20))),
        [tell(Happening::NothingDue), release(7, 9)]
    );
    assert_eq!(pod.at(now + 10, free(7)), [released(9)]);
    assert!(pod.wants().unwrap() > now + 5_000);
}

#[test]
fn a_release_of_what_is_not_held_any_more_is_as_good() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    pod.at(60, Event::Woke);
    pod.at(70, held(2, 8));
    pod.at(80, found_below(3, 8, 7, 10, others(20)));
    assert_eq!(
        pod.at(90, Event::Released(Op(4), Ok(Released::NotHeld))),
        [released(8)]
    );
}
