//! Living off what another holder publishes.

use super::*;
use crate::lease::Marker;

#[test]
fn the_loser_knows_the_holder_and_waits() {
    let pod = Pod::following();
    let view = pod.view();
    assert_eq!(view.mode, Mode::Following);
    assert_eq!(view.holder, Some(pod_id("other")));
    assert_eq!(view.token, Some(Token(7)));
    // Stores count whole milliseconds: asked again one later.
    assert_eq!(pod.wants(), Some(3_061));
}

#[test]
fn a_published_report_costs_one_read_and_no_question() {
    let mut pod = Pod::following();
    assert_eq!(pod.at(500, Event::Noticed(Hint::Report)), [read(3, 0)]);
    assert_eq!(pod.at(500, Event::Noticed(Hint::Released)), []);
    assert_eq!(
        pod.at(510, found(3, 7, 10, others(430))),
        [adopted("other", 7, 2)]
    );
    assert_eq!(pod.view().holder, None);
    assert_eq!(pod.wants(), Some(70 + INTERVAL));
}

#[test]
fn a_report_that_leaves_nothing_due_ends_the_waiting_without_any_other_hint() {
    let mut pod = Pod::following();
    pod.at(500, Event::Noticed(Hint::Report));
    pod.at(510, found(3, 7, 10, others(430)));
    assert_eq!(pod.wants(), Some(70 + INTERVAL));
    // Who held it is shown for as long as that lease would last.
    assert_eq!(pod.view().holder, Some(pod_id("other")));
}

#[test]
fn the_order_of_the_hints_does_not_matter() {
    let mut pod = Pod::following();
    assert_eq!(pod.at(500, Event::Noticed(Hint::Released)), []);
    assert_eq!(pod.at(500, Event::Noticed(Hint::Report)), [read(3, 0)]);
    assert_eq!(
        pod.at(510, found(3, 7, 10, others(430))),
        [adopted("other", 7, 2)]
    );
    assert_eq!(pod.wants(), Some(70 + INTERVAL));
}

#[test]
fn a_hint_that_comes_twice_costs_one_more_read_at_most() {
    let mut pod = Pod::following();
    assert_eq!(pod.at(500, Event::Noticed(Hint::Report)), [read(3, 0)]);
    assert_eq!(pod.at(501, Event::Noticed(Hint::Report)), []);
    assert_eq!(
        pod.at(510, found(3, 7, 10, others(430))),
        [adopted("other", 7, 2), read(4, 7)]
    );
    assert_eq!(pod.at(520, found(4, 7, 20, others(430))), []);
}

#[test]
fn a_lease_released_without_a_report_is_asked_for_at_once() {
    let mut pod = Pod::following();
    assert_eq!(pod.at(500, Event::Noticed(Hint::Released)), []);
    assert_eq!(pod.view().holder, None);
    assert_eq!(pod.until(550), [acquire(3, 2, 0)]);
}

#[test]
fn a_release_that_is_heard_of_before_the_answer_it_makes_old_is_not_missed() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    pod.at(60, Event::Woke);
    pod.at(65, Event::Noticed(Hint::Released));
    // The answer was on its way already.
    assert_eq!(pod.at(70, busy(2, "other", 7, 2_990)), []);
    assert_eq!(pod.until(120), [acquire(3, 2, 0)]);
}

#[test]
fn a_part_that_the_holder_publishes_is_shown_and_the_holder_left_alone() {
    let mut pod = Pod::following();
    pod.at(1_100, Event::Noticed(Hint::Report));
    let part = report(
        "other",
        0,
        1_000,
        1,
        vec![(entry("a", "other", Some(7), 0), 1_000)],
    );
    assert_eq!(
        pod.at(1_110, found(3, 7, 10, part)),
        [adopted("other", 7, 1)]
    );
    // `b` is still due, and the holder at it.
    assert_eq!(pod.wants(), Some(3_061));
}

#[test]
fn without_any_hint_the_timer_at_the_leases_end_is_enough() {
    let mut pod = Pod::following();
    assert_eq!(pod.until(3_061), [read(3, 0)]);
    assert_eq!(
        pod.at(3_070, found(3, 7, 100, others(1_000))),
        [adopted("other", 7, 2)]
    );
    assert!(pod.wants() > Some(INTERVAL), "nothing is due");
}

#[test]
fn a_holder_that_renews_is_followed_on() {
    let mut pod = Pod::following();
    assert_eq!(pod.lease_ends(3_061, 3), [acquire(4, 2, 0)]);
    assert_eq!(pod.at(3_120, busy(4, "other", 7, 2_500)), []);
    assert_eq!(pod.wants(), Some(3_120 + 2_501));
    assert_eq!(pod.view().holder, Some(pod_id("other")));
}

#[test]
fn a_killed_holder_is_replaced_at_the_end_of_its_lease() {
    let mut pod = Pod::following();
    assert_eq!(pod.lease_ends(3_061, 3), [acquire(4, 2, 0)]);
    assert_eq!(pod.at(3_120, held(4, 8)), [acquired(8), read(5, 8)]);
    assert_eq!(pod.at(3_130, nothing(5, 8)), [probe(1, "a"), probe(2, "b")]);
}

#[test]
fn a_new_subscription_triggers_one_read_and_doubts_the_lease() {
    let mut pod = Pod::rested();
    assert_eq!(pod.at(200, Event::Noticed(Hint::Resumed)), [read(5, 7)]);
    let mut pod = Pod::following();
    assert_eq!(pod.at(200, Event::Noticed(Hint::Resumed)), [read(3, 0)]);
    assert_eq!(pod.at(210, nothing(3, 7)), []);
    assert_eq!(pod.until(260), [acquire(4, 2, 7)]);
}

#[test]
fn what_the_holder_hears_of_itself_is_no_news() {
    let mut pod = Pod::probing();
    for hint in [Hint::Report, Hint::Released, Hint::Resumed] {
        assert_eq!(pod.at(85, Event::Noticed(hint)), []);
    }
}

#[test]
fn a_question_answered_to_a_pod_that_slept_does_not_make_it_wait_longer() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    pod.at(60, Event::Woke);
    // That lease is long over.
    assert_eq!(pod.at(60_000, busy(2, "other", 7, 2_990)), [read(3, 0)]);
    pod.at(60_000, nothing(3, 0));
    assert_eq!(pod.until(60_050), [acquire(4, 2, 0)]);
}

#[test]
fn a_lease_of_which_nothing_comes_does_not_keep_the_pod_from_checking_for_itself() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    pod.at(60, Event::Woke);
    // Ten days, and no end of it.
    pod.at(70, busy(2, "ghost", 7, 864_000_000));
    let honest = ROUND + 5_000 + LOCK_TTL;
    assert_eq!(pod.at(70 + honest - 1, Event::Woke), []);
    assert_eq!(pod.wants(), Some(70 + honest));
    let ghost = Happening::HolderSilent(Some(pod_id("ghost")));
    assert_eq!(
        pod.at(70 + honest, Event::Woke),
        [tell(ghost), probe(1, "a"), probe(2, "b")]
    );
    pod.at(70 + honest, probed(1));
    pod.at(70 + honest, probed(2));
    // It offers what it found, and is turned away by the same lease: from now on once per interval.
    let asked = pod.until(70 + honest + 50);
    assert_eq!(asked, [acquire(3, 2, 0)]);
    let now = pod.now();
    pod.at(now, busy(3, "ghost", 7, 863_000_000));
    assert_eq!(pod.at(70 + honest + INTERVAL - 1, Event::Woke), []);
    let spread = INTERVAL / 10;
    assert_eq!(
        pod.until(70 + honest + INTERVAL + spread),
        [probe(3, "a"), probe(4, "b")]
    );
}

#[test]
fn the_holder_after_a_killed_one_has_the_time_of_an_honest_round() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    pod.at(60, Event::Woke);
    pod.at(70, busy(2, "other", 7, 3_000));
    assert_eq!(pod.lease_ends(3_071, 3), [acquire(4, 2, 0)]);
    let now = pod.now();
    pod.at(now, busy(4, "another", 8, 864_000_000));
    let patience = 70 + LOCK_TTL + 2 * ROUND + 5_000;
    assert!(patience > now + ROUND + 5_000, "its round is over by then");
    assert_eq!(pod.wants(), Some(patience));
}

/// Follows one holder after the other from the first answer (at 70) on, each under a new token and none with a report,
/// until something is commanded that is not a question. Answers with that.
fn holders_without_results(pod: &mut Pod, until: i64) -> Vec<Command> {
    let mut token = 8;
    loop {
        let commands = pod.until(until);
        match commands[..] {
            [Command::Acquire(op, _)] => {
                pod.at(pod.now(), busy(op.0, "other", token, 2_000));
                token += 1;
            }
            [Command::Read(op, floor)] => {
                pod.at(pod.now(), nothing(op.0, floor.0));
            }
            _ => return commands,
        }
    }
}

#[test]
fn holders_of_whom_none_ever_publishes_are_not_waited_for_for_ever() {
    let mut pod = Pod::following();
    let patience = LOCK_TTL + 2 * ROUND + 5_000;
    assert_eq!(holders_without_results(&mut pod, 70 + patience - 1), []);
    let commands = holders_without_results(&mut pod, 70 + patience);
    assert_eq!(commands[1..], [probe(1, "a"), probe(2, "b")]);
    assert!(matches!(
        commands[0],
        Command::Tell(Happening::HolderSilent(_))
    ));
    let asked = pod.now();
    pod.at(asked, probed(1));
    pod.at(asked, probed(2));
    // And so on, once per interval at most.
    let commands = holders_without_results(&mut pod, asked + INTERVAL * 12 / 10);
    assert!(commands.contains(&probe(3, "a")), "{commands:?}");
    assert!(pod.now() >= asked + INTERVAL);
}

#[test]
fn a_lease_of_ones_own_that_brings_nothing_either_does_not_start_the_wait_anew() {
    let mut pod = Pod::following();
    pod.lease_ends(3_061, 3);
    pod.at(3_120, held(4, 8));
    // Its window closes before the read under it is answered.
    assert_eq!(
        pod.until(3_111 + WINDOW),
        [lost(8, LossReason::WindowClosed), read(6, 8)]
    );
    pod.at(pod.now(), nothing(6, 8));
    let patience = LOCK_TTL + 2 * ROUND + 5_000;
    let commands = holders_without_results(&mut pod, 70 + patience);
    assert_eq!(commands[1..], [probe(1, "a"), probe(2, "b")]);
}

#[test]
fn a_pod_that_slept_gives_the_holder_of_today_its_time() {
    let mut pod = Pod::following();
    let woken = 600_000;
    assert_eq!(pod.at(woken, Event::Woke), [read(3, 0)]);
    pod.at(woken, nothing(3, 0));
    assert_eq!(pod.until(woken + 50), [acquire(4, 2, 0)]);
    let now = pod.now();
    pod.at(now, busy(4, "other", 99, 2_000));
    assert_eq!(
        holders_without_results(&mut pod, woken + LOCK_TTL + 2 * ROUND),
        []
    );
}

#[test]
fn a_report_gives_the_holders_their_time_anew() {
    let mut pod = Pod::following();
    pod.at(2_000, Event::Noticed(Hint::Report));
    let part = report(
        "other",
        0,
        1_000,
        1,
        vec![(entry("a", "other", Some(7), 0), 1_000)],
    );
    pod.at(2_000, found(3, 7, 10, part));
    assert_eq!(
        holders_without_results(&mut pod, 2_000 + LOCK_TTL + 2 * ROUND),
        []
    );
}

fn dead(op: u64, marker: &str) -> Event {
    let busy = Busy {
        holder: None,
        token: None,
        remaining: None,
        marker: Marker(marker.to_owned()),
    };
    Event::Acquired(Op(op), Ok(Acquired::Busy(busy)))
}

fn take(op: u64, attempt: u64, marker: &str) -> Command {
    let mut request = request(attempt, 0);
    request.take = Some(Marker(marker.to_owned()));
    Command::Acquire(Op(op), request)
}

fn before_dead_lock() -> Pod {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    pod.at(60, Event::Woke);
    pod
}

#[test]
fn a_lock_without_an_end_is_taken_once_it_was_seen_unchanged_for_a_leases_time() {
    let mut pod = before_dead_lock();
    assert_eq!(pod.at(70, dead(2, "junk")), []);
    assert_eq!(pod.lease_ends(70 + LOCK_TTL, 3), [take(4, 2, "junk")]);
    let now = pod.now();
    assert_eq!(
        pod.at(now + 5, held(4, 8)),
        [tell(Happening::TookDeadLock), acquired(8), read(5, 8)]
    );
}

#[test]
fn a_dead_lock_that_changes_is_watched_anew() {
    let mut pod = before_dead_lock();
    pod.at(70, dead(2, "junk"));
    assert_eq!(pod.at(1_000, Event::Noticed(Hint::Released)), []);
    assert_eq!(pod.until(1_050), [acquire(3, 2, 0)]);
    assert_eq!(pod.at(1_060, dead(3, "other junk")), []);
    assert_eq!(pod.wants(), Some(1_060 + LOCK_TTL));
}

#[test]
fn a_dead_lock_that_is_not_given_is_not_asked_for_over_and_over() {
    let mut pod = before_dead_lock();
    pod.at(70, dead(2, "junk"));
    pod.lease_ends(70 + LOCK_TTL, 3);
    let now = pod.now();
    assert_eq!(pod.at(now + 10, dead(4, "junk")), []);
    assert_eq!(pod.wants(), Some(now + 10 + LOCK_TTL));
}

#[test]
fn a_live_lease_in_place_of_a_dead_lock_is_respected() {
    let mut pod = before_dead_lock();
    pod.at(70, dead(2, "junk"));
    pod.at(1_000, Event::Noticed(Hint::Released));
    pod.until(1_050);
    pod.at(1_060, busy(3, "other", 7, 3_000));
    assert_eq!(pod.lease_ends(4_061, 4), [acquire(5, 3, 0)]);
}

#[test]
fn having_waited_for_others_once_is_no_reason_to_be_impatient_with_the_next() {
    let mut pod = Pod::rested_with(|s| {
        for check in &mut s.checks {
            check.timeout = millis(100);
        }
    });
    // The store lost its data, and another pod is the first to offer what all of them have.
    assert_eq!(pod.at(500, Event::Noticed(Hint::Resumed)), [read(5, 7)]);
    pod.at(510, nothing(5, 7));
    assert_eq!(pod.until(560), [acquire(6, 2, 7)]);
    pod.at(570, busy(6, "other", 8, 3_000));
    pod.at(580, Event::Noticed(Hint::Released));
    assert_eq!(pod.at(581, Event::Noticed(Hint::Report)), [read(7, 7)]);
    let entries = ["a", "b"].map(|name| (entry(name, "me", Some(7), 80), 500));
    pod.at(
        582,
        found(7, 8, 0, report("other", 570, 10, 0, entries.into())),
    );
    // When the next round is due, somebody else is first once more.
    let due = 80 + INTERVAL;
    assert_eq!(pod.until(due + 60), [acquire(8, 3, 8)]);
    let now = pod.now();
    assert_eq!(pod.at(now + 10, busy(8, "third", 9, 3_000)), []);
    assert_eq!(pod.view().mode, Mode::Following);
}

#[test]
fn a_ping_that_fails_while_contending_does_not_start_the_wait_anew() {
    let mut pod = Pod::following();
    pod.at(1_000, Event::StoreDown);
    // The lease ends, and there is nobody to ask.
    assert_eq!(pod.at(2_900, Event::Noticed(Hint::Released)), []);
    assert_eq!(pod.until(2_955), []);
    pod.at(2_960, Event::StoreUp);
    assert_eq!(pod.until(3_200), [read(3, 0)]);
    pod.at(pod.now(), nothing(3, 7));
    assert_eq!(pod.until(3_300), [acquire(4, 2, 7)]);
    pod.at(pod.now(), busy(4, "other", 8, 864_000_000));
    let patience = 70 + LOCK_TTL + 2 * ROUND + 5_000;
    assert_eq!(pod.wants(), Some(patience));
}

#[test]
fn garbage_that_changes_all_the_time_does_not_keep_the_pod_from_checking_for_itself() {
    let mut pod = before_dead_lock();
    pod.at(70, dead(2, "junk 0"));
    let patience = 70 + LOCK_TTL + 2 * ROUND + 5_000;
    loop {
        match pod.until(patience)[..] {
            [Command::Read(op, _)] => pod.at(pod.now(), nothing(op.0, 0)),
            [Command::Acquire(op, _)] => {
                let junk = format!("junk {op:?}");
                pod.at(pod.now(), dead(op.0, &junk))
            }
            ref commands => {
                let silent = tell(Happening::HolderSilent(None));
                assert_eq!(commands, [silent, probe(1, "a"), probe(2, "b")]);
                break;
            }
        };
    }
    assert_eq!(pod.now(), patience);
}

#[test]
fn a_report_that_stays_unreadable_is_told_of_once() {
    let mut pod = Pod::rested();
    pod.at(500, Event::Noticed(Hint::Report));
    assert_eq!(pod.at(510, garbage(5, 7)).len(), 1);
    pod.at(520, Event::Noticed(Hint::Report));
    assert_eq!(pod.at(530, garbage(6, 7)), []);
    pod.at(540, Event::Noticed(Hint::Report));
    pod.at(550, found(7, 7, 0, others(400)));
    pod.at(560, Event::Noticed(Hint::Report));
    assert_eq!(pod.at(570, garbage(8, 7)).len(), 1, "another one");
}

#[test]
fn an_entry_of_a_higher_token_than_its_report_is_replaced_like_any_other() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    let forged = ["a", "b"].map(|name| (entry(name, "other", Some(u64::MAX), 0), 2 * INTERVAL));
    let forged = report("other", 0, 10, 2, forged.into());
    pod.at(10, found(1, 7, 0, forged));
    assert_eq!(pod.until(60), [acquire(2, 1, 7)]);
    let now = pod.now();
    pod.at(now, held(2, 8));
    pod.at(now, nothing(3, 8));
    pod.at(now + 10, probed(1));
    pod.at(now + 10, probed(2));
    assert_eq!(pod.view().entries[&check("a")].entry.token, Some(Token(8)));
    pod.at(now + 20, done(4));
    assert_eq!(
        pod.wants(),
        Some(now + INTERVAL),
        "and is not asked again at once"
    );
}
