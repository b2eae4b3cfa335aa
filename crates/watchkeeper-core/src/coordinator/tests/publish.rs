//! The last publication of a round, and what may become of it.

use super::*;

fn both(token: u64, started: i64, age: i64) -> Vec<(Entry, i64)> {
    ["a", "b"]
        .map(|name| (entry(name, "me", Some(token), started), age))
        .into()
}

/// Both probes answered at 90, and the publication (operation 4) left.
fn publishing() -> Pod {
    let mut pod = Pod::probing();
    pod.at(90, probed(1));
    assert_eq!(
        pod.at(90, probed(2)),
        [publish(4, 7, 1, report("me", 80, 10, 2, both(7, 80, 10)))]
    );
    pod
}

#[test]
fn nothing_is_shown_of_the_first_round_of_all_until_it_is_published() {
    let mut pod = Pod::probing();
    pod.at(90, probed(1));
    assert!(pod.view().entries.is_empty(), "half a round is no report");
    pod.at(90, probed(2));
    assert!(pod.view().entries.is_empty());
    pod.at(100, done(4));
    assert_eq!(pod.view().entries.len(), 2);
}

#[test]
fn a_publication_without_an_answer_is_repeated_as_the_same_edition_with_its_true_age() {
    let mut pod = publishing();
    let error = unknown(StoreOp::Publish);
    assert_eq!(
        pod.at(590, Event::Published(Op(4), Err(error.clone()))),
        [failed(error)]
    );
    let commands = pod.until(590 + OP_TIMEOUT);
    let late = pod.now() - 90;
    let again = report("me", 80, 10, 2, both(7, 80, 10 + late));
    // Rounded to the microsecond of the wake.
    assert_eq!(commands, [publish(5, 7, 1, again)]);
    assert_eq!(
        pod.at(1_100, done(5)),
        [stands(7, 2), released(7), ended(RoundKind::Led, 2)]
    );
}

#[test]
fn a_publication_is_not_repeated_after_the_window() {
    let mut pod = publishing();
    // The last answer comes as the window closes, after the pod stood still.
    let error = unknown(StoreOp::Publish);
    assert_eq!(
        pod.at(60 + WINDOW, Event::Published(Op(4), Err(error))),
        [lost(7, LossReason::WindowClosed), read(5, 7)]
    );
    // What landed unseen is recognised.
    let stored = report("me", 80, 10, 2, both(7, 80, 10));
    assert_eq!(pod.at(60 + WINDOW + 10, found(5, 7, 2_670, stored)), []);
    assert_eq!(pod.wants(), Some(80 + INTERVAL));
}

#[test]
fn what_did_not_land_before_the_window_closed_is_offered_under_a_new_lease() {
    let mut pod = publishing();
    pod.at(60 + WINDOW, Event::Woke);
    let now = 60 + WINDOW + 10;
    assert_eq!(pod.at(now, nothing(5, 7)), []);
    assert_eq!(pod.until(now + 50), [acquire(6, 2, 7)]);
    let now = pod.now();
    assert_eq!(pod.at(now, held(6, 8)), [acquired(8), read(7, 8)]);
    assert_eq!(
        pod.at(now, nothing(7, 8)),
        [publish(
            8,
            8,
            1,
            report("me", now, 0, 0, both(7, 80, now - 80))
        )]
    );
    assert_eq!(pod.at(now + 10, done(8)), [stands(8, 2), released(8)]);
    assert_eq!(pod.wants(), Some(80 + INTERVAL));
}

#[test]
fn a_fenced_publication_is_said_and_the_fleets_report_read() {
    let mut pod = publishing();
    assert_eq!(
        pod.at(100, fenced(4, 9)),
        [
            tell(Happening::Fenced {
                token: Token(7),
                current: Token(9)
            }),
            lost(7, LossReason::Fenced),
            read(5, 9)
        ]
    );
    let stored = report(
        "other",
        0,
        10,
        2,
        ["a", "b"]
            .map(|n| (entry(n, "other", Some(9), 0), 10))
            .into(),
    );
    // A higher token wins, whatever the ages.
    assert_eq!(
        pod.at(110, found(5, 9, 60, stored)),
        [adopted("other", 9, 2)]
    );
    assert_eq!(pod.wants(), Some(110 - 70 + INTERVAL));
}

#[test]
fn a_renewal_overtaken_by_the_release_says_nothing() {
    let mut pod = Pod::probing();
    assert_eq!(pod.until(1_060), [renew(4, 7)]);
    pod.at(1_061, probed(1));
    assert_eq!(pod.at(1_062, probed(2)).len(), 1);
    // The publication reached the store first.
    let holder = None;
    assert_eq!(
        pod.at(1_063, Event::Renewed(Op(4), Ok(Renewed::Lost { holder }))),
        []
    );
    assert_eq!(
        pod.at(1_064, done(5)),
        [stands(7, 2), released(7), ended(RoundKind::Led, 2)]
    );
}

#[test]
fn an_earlier_edition_that_answers_late_does_not_disturb_the_last() {
    let mut pod = Pod::probing();
    pod.at(500, probed(1));
    assert_eq!(pod.until(1_060).len(), 1);
    let last = report("me", 80, 990, 2, both(7, 80, 990));
    assert_eq!(pod.at(1_070, probed(2)), [publish(5, 7, 2, last)]);
    assert_eq!(pod.at(1_080, done(4)), [so_far(7, 1)]);
    assert_eq!(
        pod.at(1_090, done(5)),
        [stands(7, 2), released(7), ended(RoundKind::Led, 2)]
    );
}

#[test]
fn a_report_refused_for_good_counts_as_the_store_being_away() {
    let mut pod = publishing();
    let error = denied(StoreOp::Publish);
    assert_eq!(
        pod.at(100, Event::Published(Op(4), Err(error.clone()))),
        [
            tell(Happening::PublishRefused(error)),
            tell(Happening::Isolated),
            ended(RoundKind::Led, 2),
            release(5, 7)
        ]
    );
    assert_eq!(pod.at(110, free(5)), [released(7)]);
    assert_eq!(pod.view().mode, Mode::Isolated);
    // Asked for itself when due, and the store again an interval later.
    assert_eq!(pod.until(100 + INTERVAL), [read(6, 7)]);
    assert_eq!(
        pod.at(100 + INTERVAL + 5, nothing(6, 7)),
        [tell(Happening::Rejoined)]
    );
    assert_eq!(pod.until(100 + INTERVAL + 60), [acquire(7, 2, 7)]);
}

#[test]
fn a_reader_that_knew_the_report_is_not_told_of_it_again() {
    let mut pod = Pod::rested();
    assert_eq!(pod.at(110, Event::Noticed(Hint::Released)), []);
    assert_eq!(pod.at(110, Event::Noticed(Hint::Report)), [read(5, 7)]);
    let own = report("me", 80, 10, 2, both(7, 80, 10));
    assert_eq!(pod.at(120, found(5, 7, 10, own)), []);
    assert_eq!(pod.wants(), Some(80 + INTERVAL));
}
