//! When entries are due, and what a round takes.

use super::*;

#[test]
fn a_pod_does_nothing_before_it_is_started() {
    let mut pod = Pod::new();
    assert_eq!(pod.wants(), None);
    assert_eq!(pod.at(0, Event::Woke), []);
    assert_eq!(pod.at(0, Event::Noticed(Hint::Resumed)), []);
    assert_eq!(pod.at(5, Event::Started), [read(1, 0)]);
}

#[test]
fn a_pod_that_starts_reads_before_it_asks_for_anything() {
    let mut pod = Pod::new();
    assert_eq!(pod.at(0, Event::Started), [read(1, 0)]);
    // Everything is fresh: probed 4 s ago.
    assert_eq!(
        pod.at(10, found(1, 7, 3_000, others(1_000))),
        [adopted("other", 7, 2)]
    );
    assert_eq!(pod.wants(), Some(10 + INTERVAL - 4_000));
    assert_eq!(pod.age("a"), 4_000);
}

#[test]
fn a_pod_that_starts_asks_only_what_is_due() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    let old = entry("a", "other", Some(7), 0);
    let young = entry("b", "other", Some(7), 5_000);
    let stored = report("other", 0, 0, 2, vec![(old, 9_000), (young, 4_000)]);
    pod.at(10, found(1, 7, 1_000, stored.clone()));
    assert_eq!(pod.at(60, Event::Woke), [acquire(2, 1, 7)]);
    pod.at(70, held(2, 8));
    assert_eq!(pod.at(80, found(3, 8, 1_070, stored)), [probe(1, "a")]);
}

#[test]
fn a_round_takes_what_comes_due_within_a_tenth_of_the_interval() {
    for (age_of_b, taken) in [(9_000, 2), (8_800, 1)] {
        let mut pod = Pod::new();
        pod.at(0, Event::Started);
        let a = entry("a", "other", Some(7), 0);
        let b = entry("b", "other", Some(7), 900);
        let stored = report("other", 0, 0, 2, vec![(a, 10_000), (b, age_of_b)]);
        pod.at(10, found(1, 7, 0, stored.clone()));
        pod.at(60, Event::Woke);
        pod.at(70, held(2, 8));
        // Read at once after it was published.
        assert_eq!(
            pod.at(80, found(3, 8, 70, stored)).len(),
            taken,
            "{age_of_b}"
        );
    }
}

#[test]
fn a_group_is_due_by_its_oldest_entry() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    let a = entry("a", "other", Some(7), 0);
    let b = entry("b", "other", Some(7), 3_000);
    let stored = report("other", 0, 0, 2, vec![(a, 5_000), (b, 2_000)]);
    pod.at(10, found(1, 7, 0, stored));
    assert_eq!(pod.wants(), Some(10 + INTERVAL - 5_000));
}

#[test]
fn a_shorter_cache_ttl_makes_entries_due_then() {
    let mut pod = Pod::with(|s| s.cache_ttl = millis(6_000));
    pod.at(0, Event::Started);
    pod.at(10, found(1, 7, 0, others(1_000)));
    assert_eq!(pod.wants(), Some(10 + 5_000));
}

#[test]
fn an_entry_is_never_younger_than_this_pod_has_known_it() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    pod.at(10, found(1, 7, 3_000, others(1_000)));
    pod.at(2_010, Event::Noticed(Hint::Report));
    // The store's clock was set back: the same report seems to be brand-new.
    assert_eq!(pod.at(2_020, found(2, 7, 0, others(1_000))), []);
    assert_eq!(pod.age("a"), 4_000 + 2_010);
    // And older than known where the store says so.
    pod.at(2_100, Event::Noticed(Hint::Report));
    pod.at(2_110, found(3, 7, 6_000, others(1_000)));
    assert_eq!(pod.age("a"), 7_000);
}

#[test]
fn an_answer_to_a_pod_that_slept_counts_from_its_question() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    pod.at(60_000, found(1, 7, 0, others(1_000)));
    assert_eq!(pod.age("a"), 61_000);
}

#[test]
fn ages_count_from_the_start_of_the_round() {
    let mut pod = Pod::probing();
    pod.at(500, probed(1));
    pod.at(900, probed(2));
    pod.at(910, done(4));
    assert_eq!(pod.age("a"), 830);
    assert_eq!(pod.wants(), Some(80 + INTERVAL));
}

#[test]
fn a_check_outside_the_background_is_never_due() {
    let mut pod = Pod::probing_with(|s| s.checks[1].background = false);
    assert_eq!(
        pod.at(90, probed(1)),
        [publish(
            4,
            7,
            1,
            report("me", 80, 10, 1, vec![(entry("a", "me", Some(7), 80), 10)])
        )]
    );
}

#[test]
fn without_background_rounds_nothing_is_ever_due() {
    let mut pod = Pod::with(|s| s.background = false);
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    assert_eq!(pod.wants(), None);
}

#[test]
fn a_pod_that_does_not_coordinate_asks_for_itself_and_never_the_store() {
    let mut pod = Pod::with(|s| s.coordinate = false);
    assert_eq!(pod.at(0, Event::Started), []);
    // Restarts spread over the jitter.
    assert_eq!(pod.until(INTERVAL / 10), [probe(1, "a"), probe(2, "b")]);
    let started = pod.now();
    pod.at(started + 10, probed(1));
    assert_eq!(
        pod.at(started + 20, probed(2)),
        [ended(RoundKind::Isolated, 2)]
    );
    assert_eq!(pod.at(started + 20, Event::Noticed(Hint::Resumed)), []);
    assert_eq!(pod.at(started + 20, Event::StoreDown), []);
    assert_eq!(pod.at(started + 20, Event::StoreUp), []);
    let next = pod.wants().unwrap();
    assert!((started + INTERVAL..started + INTERVAL * 11 / 10 + 1).contains(&next));
    assert_eq!(pod.until(next), [probe(3, "a"), probe(4, "b")]);
    assert_eq!(pod.view().mode, Mode::Independent);
}
