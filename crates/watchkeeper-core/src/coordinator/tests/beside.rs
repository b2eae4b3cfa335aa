//! What another program found, and what is owed to it.

use super::*;

/// What the other program found of these checks, in one run of its own at `started`.
fn findings(names: &[&str], started: i64, age: i64) -> ForeignFindings {
    ForeignFindings {
        age: millis(age),
        ours: false,
        owed: false,
        entries: names
            .iter()
            .map(|name| Aged {
                entry: Entry {
                    history: crate::report::History::default(),
                    ..entry(name, "stranger", None, started)
                },
                age: Duration::ZERO,
            })
            .collect(),
        unknown: None,
    }
}

/// `answer`, with something beside what it found.
fn with(answer: Event, beside: Beside) -> Event {
    match answer {
        Event::Read(op, Ok(read)) => Event::Read(op, Ok(ReadReport { beside, ..read })),
        other => other,
    }
}

fn beside(answer: Event, findings: ForeignFindings) -> Event {
    with(answer, Beside::Findings(Box::new(findings)))
}

fn adopted_foreign(entries: usize) -> Command {
    tell(Happening::AdoptedForeign {
        by: pod_id("stranger"),
        entries,
    })
}

#[test]
fn what_another_program_found_is_used_instead_of_probes_and_offered_to_the_fleet() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    let theirs = findings(&["a", "b"], -2_000, 2_000);
    assert_eq!(
        pod.at(10, beside(nothing(1, 0), theirs.clone())),
        [adopted_foreign(2)]
    );
    assert_eq!(pod.age("a"), 2_000);
    assert_eq!(pod.view().checked_by, Some(pod_id("stranger")));
    assert_eq!(pod.until(60), [acquire(2, 1, 0)]);
    let at = pod.now();
    assert_eq!(pod.at(at, held(2, 7)), [acquired(7), read(3, 7)]);
    let age = 2_000 + at - 10;
    let offered = ["a", "b"].map(|n| (entry(n, "stranger", None, -2_000), age));
    assert_eq!(
        pod.at(at, beside(nothing(3, 7), theirs)),
        [publish(4, 7, 1, report("me", at, 0, 0, offered.into()))]
    );
    pod.at(at, done(4));
    // Nobody asked, and the next round counts from what was found.
    assert_eq!(pod.wants(), Some(10 - 2_000 + INTERVAL));
}

#[test]
fn a_finding_is_taken_once_and_history_goes_on_from_ours() {
    let mut pod = Pod::rested();
    pod.at(500, Event::Noticed(Hint::Report));
    let mine = ["a", "b"].map(|n| (entry(n, "me", Some(7), 80), 20));
    let mine = report("me", 80, 20, 2, mine.into());
    let theirs = findings(&["a"], 450, 50);
    assert_eq!(
        pod.at(500, beside(found(5, 7, 400, mine.clone()), theirs.clone())),
        [adopted_foreign(1)]
    );
    let before = entry("a", "me", Some(7), 80);
    let entries = pod.view().entries;
    assert_eq!(
        *entries[&check("a")].entry,
        after(Some(&before), "a", "stranger", None, 450)
    );
    assert_eq!(*entries[&check("b")].entry, entry("b", "me", Some(7), 80));

    pod.at(510, Event::Noticed(Hint::Report));
    assert_eq!(pod.at(520, beside(found(6, 7, 420, mine), theirs)), []);
    assert_eq!(pod.view().entries[&check("a")].entry.history.len(), 2);
}

#[test]
fn an_older_finding_and_a_foreign_check_change_nothing() {
    let mut pod = Pod::rested();
    pod.at(500, Event::Noticed(Hint::Report));
    let mine = ["a", "b"].map(|n| (entry(n, "me", Some(7), 80), 20));
    let mine = report("me", 80, 20, 2, mine.into());
    let theirs = findings(&["a", "b", "unheard-of"], 0, 421);
    assert_eq!(pod.at(500, beside(found(5, 7, 400, mine), theirs)), []);
    assert_eq!(pod.wants(), Some(80 + INTERVAL));
    assert_eq!(pod.view().entries.len(), 2);
}

#[test]
fn another_programs_lock_is_waited_for_and_what_comes_of_it_is_used() {
    let mut pod = Pod::new();
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    pod.at(60, Event::Woke);
    let theirs = Busy {
        holder: None,
        token: None,
        remaining: Some(millis(2_000)),
        marker: Marker("beside".into()),
    };
    pod.at(70, Event::Acquired(Op(2), Ok(Acquired::Busy(theirs))));
    assert_eq!(pod.until(2_100), [read(3, 0)]);
    let at = pod.now();
    assert_eq!(
        pod.at(at, beside(nothing(3, 0), findings(&["a", "b"], at, 0))),
        [adopted_foreign(2)]
    );
    // Asked for to publish it, not to probe.
    assert_eq!(pod.until(at + 60), [acquire(4, 2, 0)]);
}

#[test]
fn what_is_owed_is_published_although_nothing_is_due() {
    let mut pod = Pod::rested();
    pod.at(500, Event::Noticed(Hint::Resumed));
    let mine = ["a", "b"].map(|n| (entry(n, "me", Some(7), 80), 20));
    let mine = report("me", 80, 20, 2, mine.into());
    pod.at(500, with(found(5, 7, 400, mine.clone()), Beside::Owed));
    assert_eq!(pod.until(600), [acquire(6, 2, 7)]);
    let at = pod.now();
    pod.at(at, held(6, 8));
    let offered = ["a", "b"].map(|n| (entry(n, "me", Some(7), 80), at - 80));
    assert_eq!(
        pod.at(at, with(found_below(7, 8, 7, at - 100, mine), Beside::Owed)),
        [publish(8, 8, 1, report("me", at, 0, 0, offered.into()))]
    );
    pod.at(at, done(8));
    assert_eq!(pod.wants(), Some(80 + INTERVAL));
}

#[test]
fn a_report_of_our_own_that_reads_as_foreign_counts_no_probe_twice() {
    let mut pod = Pod::rested();
    pod.at(500, Event::Noticed(Hint::Resumed));
    // A little younger than the truth, as times over the wire are.
    let mine = ForeignFindings {
        ours: true,
        ..findings(&["a"], 90, 405)
    };
    assert_eq!(pod.at(500, beside(nothing(5, 7), mine.clone())), []);
    assert_eq!(pod.view().entries[&check("a")].entry.history.len(), 1);
    // Of use to a pod that knows nothing.
    let mut fresh = Pod::new();
    fresh.at(0, Event::Started);
    assert_eq!(
        fresh.at(10, beside(nothing(1, 0), mine)),
        [adopted_foreign(1)]
    );
}
