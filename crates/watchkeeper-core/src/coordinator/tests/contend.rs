//! Asking for the lease, and what may become of the question.

use super::*;

#[test]
fn due_pods_contend_within_fifty_milliseconds_of_each_other() {
    let mut spreads = std::collections::BTreeSet::new();
    for seed in 0..50 {
        let mut pod = Pod::with(|s| s.seed = seed);
        pod.at(0, Event::Started);
        assert_eq!(pod.at(10, nothing(1, 0)), []);
        let at = pod.coordinator.deadline().unwrap();
        assert!(at > moment(10) && at <= moment(60), "{at:?}");
        spreads.insert(at);
    }
    assert!(spreads.len() > 40, "they differ by seed");
}

#[test]
fn the_winner_reads_again_under_its_lease_and_asks_what_is_due() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    assert_eq!(pod.at(10, nothing(1, 0)), []);
    assert_eq!(pod.at(60, Event::Woke), [acquire(2, 1, 0)]);
    assert_eq!(pod.at(70, held(2, 7)), [acquired(7), read(3, 7)]);
    assert_eq!(pod.at(80, nothing(3, 7)), [probe(1, "a"), probe(2, "b")]);
    assert_eq!(pod.view().mode, Mode::Leading);
    assert_eq!(pod.view().token, Some(Token(7)));
}

#[test]
fn the_later_winner_finds_everything_done_and_asks_nothing() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    pod.at(60, Event::Woke);
    pod.at(70, held(2, 8));
    assert_eq!(
        pod.at(80, found_below(3, 8, 7, 10, others(20))),
        [
            adopted("other", 7, 2),
            tell(Happening::NothingDue),
            release(4, 8)
        ]
    );
    assert_eq!(pod.at(90, free(4)), [released(8)]);
    assert_eq!(pod.wants(), Some(80 - 30 + INTERVAL));
}

#[test]
fn a_report_that_comes_during_the_spread_is_read_first() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    assert_eq!(pod.at(11, Event::Noticed(Hint::Report)), [read(2, 0)]);
    assert_eq!(
        pod.at(12, found(2, 7, 1, others(20))),
        [adopted("other", 7, 2)]
    );
    assert_eq!(pod.wants(), Some(12 - 21 + INTERVAL));
}

#[test]
fn a_refused_question_is_asked_anew_after_a_pause() {
    let mut pod = Pod::rested();
    let due = pod.wants().unwrap();
    pod.at(due, Event::Woke);
    assert_eq!(pod.at(due + 50, Event::Woke), [acquire(5, 2, 7)]);
    let error = refused(StoreOp::Acquire);
    assert_eq!(
        pod.at(due + 60, Event::Acquired(Op(5), Err(error.clone()))),
        [failed(error)]
    );
    // Nothing landed, so the next attempt is another question.
    assert_eq!(pod.until(due + 60 + 1_000 + 50), [acquire(6, 3, 7)]);
}

#[test]
fn a_question_whose_answer_was_lost_is_repeated_as_the_same_attempt() {
    let mut pod = Pod::rested();
    let due = pod.wants().unwrap();
    pod.at(due, Event::Woke);
    pod.at(due + 50, Event::Woke);
    let error = unknown(StoreOp::Acquire);
    assert_eq!(
        pod.at(due + 550, Event::Acquired(Op(5), Err(error.clone()))),
        [failed(error)]
    );
    assert_eq!(pod.until(due + 550 + 1_000 + 50), [acquire(6, 2, 7)]);
    let sent = pod.now();
    // It was ours all along: same token, and the window counts from the second question.
    assert_eq!(pod.at(sent + 10, held(6, 8)), [acquired(8), read(7, 8)]);
    assert_eq!(pod.view().lease_until, Some(moment(sent + LOCK_TTL)));
}

#[test]
fn a_lease_won_unseen_is_given_back_when_nothing_is_due_any_more() {
    let mut pod = Pod::rested();
    let due = pod.wants().unwrap();
    pod.at(due, Event::Woke);
    pod.at(due + 50, Event::Woke);
    pod.at(
        due + 550,
        Event::Acquired(Op(5), Err(unknown(StoreOp::Acquire))),
    );
    // Somebody else's round comes meanwhile.
    assert_eq!(pod.at(due + 551, Event::Noticed(Hint::Report)), []);
    let commands = pod.until(due + 2_000);
    assert_eq!(commands, [read(6, 7)]);
    let now = pod.now();
    let newer = report(
        "other",
        due,
        10,
        2,
        ["a", "b"]
            .map(|n| (entry(n, "other", Some(9), due), 10))
            .into(),
    );
    assert_eq!(
        pod.at(now, found(6, 9, 5, newer.clone())),
        [adopted("other", 9, 2)]
    );
    assert_eq!(pod.until(now + 2_000), [acquire(7, 2, 9)]);
    let now = pod.now();
    assert_eq!(pod.at(now, held(7, 10)), [acquired(10), read(8, 10)]);
    assert_eq!(
        pod.at(now + 5, found(8, 10, 20, newer)),
        [tell(Happening::NothingDue), release(9, 10)]
    );
}

#[test]
fn an_answer_that_comes_after_the_window_starts_nothing() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    pod.at(60, Event::Woke);
    // The pod stood still for a minute between question and answer.
    assert_eq!(
        pod.at(60_000, held(2, 7)),
        [acquired(7), lost(7, LossReason::WindowClosed), read(3, 7)]
    );
}

#[test]
fn an_answer_to_a_question_of_long_ago_is_not_believed() {
    let mut pod = Pod::rested();
    assert_eq!(pod.at(200, held(2, 99)), []);
    assert_eq!(pod.at(200, nothing(3, 99)), []);
    assert_eq!(pod.at(200, done(4)), []);
    assert_eq!(pod.at(200, probed(1)), []);
    assert_eq!(pod.view().highest_token, Token(7));
}

#[test]
fn each_question_carries_the_highest_token_ever_seen() {
    let mut pod = Pod::following();
    pod.at(100, Event::Noticed(Hint::Report));
    // A report under 7, but the store knows of 12.
    pod.at(110, nothing(3, 12));
    assert_eq!(pod.at(120, Event::Noticed(Hint::Report)), [read(4, 12)]);
}

#[test]
fn a_store_whose_tokens_fell_below_what_was_asked_with_starts_anew() {
    let mut pod = Pod::rested();
    pod.at(200, Event::Noticed(Hint::Report));
    // Although the read raises it to 7: the store holds 7 to be impossible.
    assert_eq!(pod.at(210, nothing(5, 3)), [tell(Happening::TokensReset)]);
    assert_eq!(pod.view().highest_token, Token(3));
    // What is known goes on by age alone.
    assert_eq!(pod.view().entries[&check("a")].entry.token, None);
    assert_eq!(pod.until(260), [acquire(6, 2, 3)]);
}
