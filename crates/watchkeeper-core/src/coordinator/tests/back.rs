//! Merging what several pods found, and the store back without its data.

use super::*;

/// Isolated, its round at the returned moment finished and its entries of that moment known; the store answers pings
/// again and the read (operation 2) is under way at the second returned moment.
fn returning() -> (Pod, i64, i64) {
    let (mut pod, started) = Pod::alone();
    pod.at(started + 10, probed(1));
    pod.at(started + 20, probed(2));
    pod.at(started + 3_000, Event::StoreUp);
    assert_eq!(pod.until(started + 3_050), [read(2, 0)]);
    let now = pod.now();
    (pod, started, now)
}

/// What `other` found for itself, `age` ago.
fn isolated(age: i64) -> Report {
    let entries = ["a", "b"].map(|name| (entry(name, "other", None, 0), age));
    report("other", 0, 0, 0, entries.into())
}

#[test]
fn of_two_isolated_findings_the_younger_wins() {
    let (mut pod, _, now) = returning();
    assert_eq!(
        pod.at(now, found(2, 7, 0, isolated(500))),
        [tell(Happening::Rejoined), adopted("other", 7, 2)]
    );
    assert_eq!(
        *pod.view().entries[&check("a")].entry,
        entry("a", "other", None, 0)
    );
    // Nothing to offer, nothing owed.
    assert_eq!(pod.wants(), Some(now - 500 + INTERVAL));
}

#[test]
fn an_older_finding_in_the_store_is_replaced_by_this_pods_younger_one() {
    let (mut pod, started, now) = returning();
    assert_eq!(
        pod.at(now, found(2, 7, 0, isolated(8_000))),
        [tell(Happening::Rejoined)]
    );
    assert_eq!(pod.until(now + 50), [acquire(3, 1, 7)]);
    let at = pod.now();
    pod.at(at, held(3, 8));
    let entries = ["a", "b"].map(|n| (entry(n, "me", None, started), at - started));
    assert_eq!(
        pod.at(at, found_below(4, 8, 7, at - now, isolated(8_000))),
        [publish(5, 8, 1, report("me", at, 0, 0, entries.into()))]
    );
}

#[test]
fn per_check_the_younger_entry_wins_with_its_own_counters_and_nothing_is_summed() {
    let (mut pod, started, now) = returning();
    let first = entry("a", "other", None, -9_000);
    let a = after(Some(&first), "a", "other", None, 0);
    let b = entry("b", "other", None, 0);
    let mixed = report("other", 0, 0, 0, vec![(a.clone(), 100), (b, 8_000)]);
    assert_eq!(
        pod.at(now, found(2, 7, 0, mixed)),
        [tell(Happening::Rejoined), adopted("other", 7, 1)]
    );
    let entries = pod.view().entries;
    assert_eq!(*entries[&check("a")].entry, a);
    assert_eq!(*entries[&check("b")].entry, entry("b", "me", None, started));
    // The next finding goes on from the winner's.
    assert_eq!(a.history.len(), 2);
}

#[test]
fn where_both_have_tokens_the_higher_wins_whatever_the_ages_say() {
    let mut pod = Pod::rested();
    pod.at(500, Event::Noticed(Hint::Report));
    let newer = ["a", "b"].map(|n| (entry(n, "other", Some(9), 0), 5_000));
    assert_eq!(
        pod.at(510, found(5, 9, 0, report("other", 0, 0, 2, newer.into()))),
        [adopted("other", 9, 2)]
    );
    pod.at(600, Event::Noticed(Hint::Report));
    // An old report once more: a failover lost the last one. The reader does not go back, and offers what it has.
    let older = ["a", "b"].map(|n| (entry(n, "third", Some(8), 0), 10));
    assert_eq!(
        pod.at(610, found(6, 9, 0, report("third", 0, 0, 2, older.into()))),
        []
    );
    assert_eq!(pod.view().entries[&check("a")].entry.token, Some(Token(9)));
    assert_eq!(pod.until(660), [acquire(7, 2, 9)]);
}

#[test]
fn a_store_without_its_data_is_given_them_back_without_a_probe() {
    let mut pod = Pod::rested();
    pod.at(2_000, Event::Noticed(Hint::Resumed));
    assert_eq!(pod.at(2_010, nothing(5, 7)), []);
    assert_eq!(pod.until(2_060), [acquire(6, 2, 7)]);
    let now = pod.now();
    pod.at(now, held(6, 8));
    let entries = ["a", "b"].map(|n| (entry(n, "me", Some(7), 80), now - 80));
    assert_eq!(
        pod.at(now, nothing(7, 8)),
        [publish(8, 8, 1, report("me", now, 0, 0, entries.into()))]
    );
}

#[test]
fn data_lost_during_a_round_end_it_and_the_answers_are_kept() {
    let mut pod = Pod::probing();
    pod.at(500, probed(1));
    pod.until(1_060);
    assert_eq!(
        pod.at(1_070, fenced(4, 0)),
        [
            tell(Happening::Fenced {
                token: Token(7),
                current: Token(0)
            }),
            cancel(2),
            lost(7, LossReason::Fenced),
            read(5, 7)
        ]
    );
    // The read raised the store's token to ours.
    assert_eq!(pod.at(1_080, nothing(5, 7)), []);
    assert_eq!(pod.until(1_130), [acquire(6, 2, 7)]);
    let now = pod.now();
    pod.at(now, held(6, 8));
    // Only what was given up is asked again.
    assert_eq!(pod.at(now, nothing(7, 8)), [probe(3, "b")]);
}

#[test]
fn a_part_of_the_checks_in_the_store_leaves_the_rest_to_be_offered() {
    let mut pod = Pod::rested();
    pod.at(500, Event::Noticed(Hint::Report));
    let part = report("other", 0, 0, 1, vec![(entry("a", "other", Some(9), 0), 0)]);
    assert_eq!(pod.at(510, found(5, 9, 0, part)), [adopted("other", 9, 1)]);
    assert_eq!(pod.until(560), [acquire(6, 2, 9)]);
}

#[test]
fn checks_of_nobody_in_a_report_are_left_alone() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    let foreign = report("other", 0, 0, 1, vec![(entry("z", "other", Some(7), 0), 0)]);
    assert_eq!(pod.at(10, found(1, 7, 0, foreign)), []);
    assert!(pod.view().entries.is_empty());
}

#[test]
fn offers_alone_are_a_tenth_of_the_interval_apart() {
    let (mut pod, _, now) = returning();
    pod.at(now, nothing(2, 0));
    pod.until(now + 50);
    let at = pod.now();
    pod.at(at, held(3, 7));
    pod.at(at, nothing(4, 7));
    pod.at(at, done(5));
    // Whatever stands in the store then.
    pod.at(at + 10, Event::Noticed(Hint::Report));
    assert_eq!(pod.at(at + 20, garbage(6, 7)).len(), 1);
    assert_eq!(pod.wants(), Some(at + INTERVAL / 10));
    assert_eq!(pod.until(at + INTERVAL / 10 + 50), [acquire(7, 2, 7)]);
}

#[test]
fn a_lease_held_for_another_reason_is_not_used_to_offer_before_the_time() {
    let mut pod = Pod::rested_with(|s| s.interval = millis(60_000));
    // The store lost its data and was given them back, at 1,000.
    pod.at(900, Event::Noticed(Hint::Report));
    pod.at(910, nothing(5, 7));
    pod.until(960);
    pod.at(970, held(6, 8));
    pod.at(980, nothing(7, 8));
    pod.at(1_000, done(8));
    // A question of somebody's forced run is lost, and another pod answers the call.
    pod.at(1_010, force(1, &["a"]));
    assert_eq!(pod.until(1_060), [acquire(9, 3, 8)]);
    pod.at(
        1_560,
        Event::Acquired(Op(9), Err(unknown(StoreOp::Acquire))),
    );
    pod.at(1_561, Event::Noticed(Hint::Report));
    assert_eq!(pod.until(2_600), [read(10, 8)]);
    let now = pod.now();
    let newer = ["a", "b"].map(|n| (entry(n, "other", Some(9), 1_100), now - 1_100));
    pod.at(
        now,
        found(10, 9, 0, report("other", 1_100, 0, 2, newer.into())),
    );
    // Then the report is damaged. The lost question is cleared up, and nothing is offered.
    pod.at(now, Event::Noticed(Hint::Report));
    pod.at(now, garbage(11, 9));
    assert_eq!(pod.until(now + 1_100), [acquire(12, 3, 9)]);
    let now = pod.now();
    pod.at(now, held(12, 10));
    assert_eq!(
        pod.at(now, garbage(13, 10)),
        [tell(Happening::NothingDue), release(14, 10)]
    );
    pod.at(now + 5, free(14));
    assert_eq!(pod.wants(), Some(1_000 + 6_000));
}

#[test]
fn two_pods_that_return_together_settle_on_one_report() {
    // `returning` is the one; the other one's entries are younger and come first, then this pod offers nothing.
    let (mut pod, started, now) = returning();
    pod.at(now, nothing(2, 0));
    assert_eq!(pod.at(now + 1, Event::Noticed(Hint::Report)), [read(3, 0)]);
    let half = report(
        "other",
        0,
        0,
        0,
        vec![
            (entry("a", "other", None, 0), 10),
            (entry("b", "me", None, started), now - started),
        ],
    );
    assert_eq!(
        pod.at(now + 5, found(3, 7, 0, half)),
        [adopted("other", 7, 1)]
    );
    assert_eq!(pod.wants().unwrap() / 100, (started + INTERVAL) / 100);
}
