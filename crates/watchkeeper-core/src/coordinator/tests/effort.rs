//! How much a probe may cost: intervals of full probes, the day's budget, what pods tell each other of it.

use super::*;
use crate::money::{Day, Usd};
use crate::report::LastFull;
use crate::verdict::Spared;

const DAY: i64 = 24 * 3600 * 1000;

fn picos(amount: u64) -> Usd {
    Usd::from_picos(amount)
}

/// Checks with a cheap probe and a full one that costs 10 at most.
fn priced(settings: &mut Settings) {
    for check in &mut settings.checks {
        check.has_cheap = true;
        check.most_cost = Some(picos(10));
        check.provider = Arc::from("acme");
    }
}

fn limited(fleet: u64) -> impl FnOnce(&mut Settings) {
    move |settings| {
        priced(settings);
        settings.budget.fleet = Some(picos(fleet));
    }
}

/// Check `a` alone, its full probe three intervals apart.
fn rarely(settings: &mut Settings) {
    priced(settings);
    settings.checks.truncate(1);
    settings.checks[0].full_every = Some(millis(3 * INTERVAL));
}

fn answered(id: u64, outcome: Outcome, cost: u64) -> Event {
    let mut verdict = Verdict::new(outcome, None, None, millis(5), unix(0));
    verdict.cost = Some(picos(cost));
    Event::Probed(ProbeId(id), verdict)
}

fn efforts(commands: &[Command]) -> Vec<(u64, Effort)> {
    let probes = commands.iter().filter_map(|command| match command {
        Command::Probe(probe, _, effort) => Some((probe.0, *effort)),
        _ => None,
    });
    probes.collect()
}

/// The checks that are asked in full.
fn full(commands: &[Command]) -> Vec<String> {
    let probes = commands.iter().filter_map(|command| match command {
        Command::Probe(_, check, Full) => Some(check.as_str().to_owned()),
        _ => None,
    });
    probes.collect()
}

/// What the pod published last.
fn published(commands: &[Command]) -> Arc<Report> {
    let publication = commands.iter().find_map(|command| match command {
        Command::Publish(_, publication) => Some(Arc::clone(&publication.report)),
        _ => None,
    });
    publication.expect("a publication")
}

fn spent(report: &Report) -> u64 {
    report.ledger.by(Day::of(unix(0)), "acme").as_picos()
}

/// Starts at 0, reads `answer`, takes the lease, reads the same again; answers what it then commands, and when.
fn begin(pod: &mut Pod, answer: impl Fn(u64) -> Event) -> Vec<Command> {
    pod.at(0, Event::Started);
    pod.at(10, answer(1));
    assert!(matches!(
        pod.at(60, Event::Woke)[..],
        [Command::Acquire(..)]
    ));
    pod.at(70, held(2, 8));
    pod.at(80, answer(3))
}

/// One more round of the one check: due, granted, read, asked; answers with the probe's effort and its number.
fn next_round(pod: &mut Pod, op: &mut u64, token: u64) -> (u64, Effort) {
    let contends = pod.until(pod.now() + 2 * INTERVAL);
    assert!(
        matches!(contends[..], [Command::Acquire(..)]),
        "{contends:?}"
    );
    let at = pod.now();
    pod.at(at, held(*op, token));
    let commands = pod.at(at, nothing(*op + 1, token));
    *op += 2;
    efforts(&commands)[0]
}

/// Rounds of one check with these outcomes, whose efforts are expected to be these.
fn assert_efforts(change: impl FnOnce(&mut Settings), story: &[(Effort, Outcome)]) {
    let mut pod = Pod::with(change);
    let mut asked = efforts(&begin(&mut pod, |op| nothing(op, 0)));
    let mut op = 4;
    for (n, (effort, outcome)) in story.iter().enumerate() {
        let (probe, found) = asked[0];
        assert_eq!(found, *effort, "round {n}");
        pod.at(pod.now() + 5, answered(probe, *outcome, 0));
        pod.at(pod.now(), done(op));
        op += 1;
        asked = vec![next_round(&mut pod, &mut op, 9 + n as u64)];
    }
}

use Effort::{Cheap, Full};
use Outcome::{Healthy, Overloaded};

#[test]
fn a_full_probe_comes_as_often_as_it_is_to_and_a_cheap_one_in_between() {
    let story = [Full, Cheap, Cheap, Full, Cheap, Cheap, Full];
    assert_efforts(rarely, &story.map(|effort| (effort, Healthy)));
}

#[test]
fn what_failed_in_full_is_asked_in_full_until_it_passes_and_a_cheap_failure_changes_nothing() {
    assert_efforts(
        rarely,
        &[
            (Full, Overloaded),
            (Full, Overloaded),
            (Full, Healthy),
            (Cheap, Overloaded),
            (Cheap, Healthy),
            (Full, Healthy),
        ],
    );
}

#[test]
fn a_check_without_a_cheaper_probe_is_always_asked_in_full() {
    let never_cheap = |settings: &mut Settings| {
        rarely(settings);
        settings.checks[0].has_cheap = false;
        settings.budget.fleet = Some(Usd::ZERO);
    };
    assert_efforts(never_cheap, &[(Full, Healthy), (Full, Healthy)]);
}

#[test]
fn another_pod_goes_on_with_the_interval_of_full_probes() {
    for (before, passed, expected) in [
        (INTERVAL, true, Cheap),
        (INTERVAL, false, Full),
        (2 * INTERVAL, true, Full),
    ] {
        let mut pod = Pod::with(rarely);
        let mut known = entry("a", "other", Some(7), 0);
        known.verdict.spared = Some(Spared::Interval);
        known.full = Some(LastFull {
            before: millis(before),
            passed,
        });
        let stored = report("other", 0, 0, 1, vec![(known, INTERVAL)]);
        let commands = begin(&mut pod, |op| found(op, 7, 0, stored.clone()));
        assert_eq!(efforts(&commands), [(1, expected)], "{before} {passed}");
    }
}

#[test]
fn a_spared_probe_is_marked_and_remembers_the_full_one_before_it() {
    let mut pod = Pod::with(rarely);
    begin(&mut pod, |op| nothing(op, 0));
    pod.at(90, answered(1, Healthy, 7));
    pod.at(100, done(4));
    let mut op = 5;
    let (probe, _) = next_round(&mut pod, &mut op, 9);
    let began = pod.now();
    pod.at(began + 20, answered(probe, Healthy, 0));
    let known = pod.view().entries[&check("a")].entry.clone();
    assert_eq!(known.verdict.spared, Some(Spared::Interval));
    let full = known.full.unwrap();
    assert!(full.passed);
    assert_eq!(full.before, moment(began).since(moment(80)));
    assert_eq!(known.spent, picos(7));
}

#[test]
fn a_forced_run_asks_in_full_unless_the_budget_forbids_it() {
    for (budget, expected) in [(1_000, Full), (15, Cheap)] {
        let mut pod = Pod::with(|settings| {
            rarely(settings);
            settings.budget.fleet = Some(picos(budget));
        });
        begin(&mut pod, |op| nothing(op, 0));
        pod.at(90, answered(1, Healthy, 10));
        pod.at(100, done(4));
        pod.at(200, force(1, &["a"]));
        pod.until(300);
        pod.at(300, held(5, 9));
        let commands = pod.at(310, nothing(6, 9));
        assert_eq!(efforts(&commands), [(2, expected)]);
    }
}

#[test]
fn a_call_is_not_answered_by_another_pods_cheap_probe_that_a_full_one_could_have_been() {
    for (spared, answers) in [
        (None, true),
        (Some(Spared::Interval), false),
        // It is what this pod could find as well.
        (Some(Spared::Budget), true),
    ] {
        let mut pod = Pod::with(rarely);
        pod.at(0, Event::Started);
        pod.at(10, found(1, 7, 0, others(INTERVAL / 2)));
        pod.at(200, force(1, &["a"]));
        pod.at(205, Event::Noticed(Hint::Report));
        let mut stored = others(0);
        stored.entries[0].entry.token = Some(Token(8));
        stored.entries[0].entry.started = unix(220);
        stored.entries[0].entry.verdict.spared = spared;
        let commands = pod.at(220, found(2, 8, 0, stored));
        let answer = Command::Answer(Ticket(1), Ok(()));
        assert_eq!(commands.contains(&answer), answers, "{spared:?}");
    }
}

#[test]
fn a_probe_under_way_is_reserved_for_and_the_limit_is_told_once() {
    let mut pod = Pod::with(limited(19));
    let commands = begin(&mut pod, |op| nothing(op, 0));
    assert_eq!(efforts(&commands), [(1, Full), (2, Cheap)]);
    let told = |commands: &[Command]| {
        let told = commands.iter().filter(|command| {
            matches!(
                command,
                Command::Tell(Happening::BudgetSpent { provider: None, .. })
            )
        });
        told.count()
    };
    assert_eq!(told(&commands), 1);
    // What it really costs is less, and the next round may spend the rest.
    pod.at(90, answered(1, Healthy, 4));
    let commands = pod.at(90, answered(2, Healthy, 0));
    let report = published(&commands);
    assert_eq!(spent(&report), 4);
    let spared: Vec<_> = report
        .entries
        .iter()
        .map(|a| a.entry.verdict.spared)
        .collect();
    assert_eq!(spared, [None, Some(Spared::Budget)]);
    pod.at(100, done(4));
    let contends = pod.until(2 * INTERVAL);
    assert!(matches!(contends[..], [Command::Acquire(..)]));
    let at = pod.now();
    pod.at(at, held(5, 9));
    let commands = pod.at(at, nothing(6, 9));
    assert_eq!(efforts(&commands), [(3, Full), (4, Cheap)]);
    assert_eq!(told(&commands), 0);
}

#[test]
fn a_providers_budget_holds_back_its_own_checks_alone() {
    let mut pod = Pod::with(|settings| {
        priced(settings);
        settings.checks[0].provider = Arc::from("dear");
        let limit = ("dear".to_owned(), picos(5));
        settings.budget.providers = BTreeMap::from([limit]);
    });
    let commands = begin(&mut pod, |op| nothing(op, 0));
    assert_eq!(efforts(&commands), [(1, Cheap), (2, Full)]);
}

#[test]
fn what_the_fleet_spent_counts_on_its_day_and_not_where_its_day_is_impossible() {
    let today = Day::of(unix(0));
    for (day, expected) in [
        (today, Cheap),
        // A pod whose clock is a little ahead: the fleet is on that page.
        (today.next(), Cheap),
        (today.next().next(), Full),
        (Day(today.0 - 1), Full),
    ] {
        let mut pod = Pod::with(limited(50));
        let mut stored = others(INTERVAL);
        stored.ledger.add(day, "acme", picos(45));
        let commands = begin(&mut pod, |op| found(op, 7, 0, stored.clone()));
        assert_eq!(efforts(&commands)[0], (1, expected), "{day:?}");
    }
}

#[test]
fn a_new_day_begins_a_new_page() {
    let mut pod = Pod::probing_with(limited(20));
    pod.at(90, answered(1, Healthy, 10));
    let commands = pod.at(90, answered(2, Healthy, 10));
    assert_eq!(spent(&published(&commands)), 20);
    pod.at(100, done(4));
    let contends = pod.at(DAY + 100, Event::Woke);
    let reads = if contends.is_empty() {
        pod.until(DAY + 200)
    } else {
        contends
    };
    assert!(matches!(reads[..], [Command::Acquire(..)]), "{reads:?}");
    let at = pod.now();
    pod.at(at, held(5, 9));
    let commands = pod.at(at, nothing(6, 9));
    assert_eq!(efforts(&commands), [(3, Full), (4, Full)]);
}

#[test]
fn what_the_budget_did_not_bear_the_last_time_is_asked_in_full_first() {
    let mut pod = Pod::with(limited(10));
    let mut asked = full(&begin(&mut pod, |op| nothing(op, 0)));
    let mut op = 4;
    for day in 1..4 {
        let spared = if asked == ["a"] { "b" } else { "a" };
        for probe in [2 * day - 1, 2 * day] {
            pod.at(pod.now() + 5, answered(probe, Healthy, 10));
        }
        pod.at(pod.now(), done(op));
        pod.at(DAY * day.cast_signed(), Event::Woke);
        pod.until(DAY * day.cast_signed() + 100);
        let at = pod.now();
        pod.at(at, held(op + 1, 8 + day));
        asked = full(&pod.at(at, nothing(op + 2, 8 + day)));
        assert_eq!(asked, [spared], "day {day}");
        op += 3;
    }
}

#[test]
fn what_others_spent_meanwhile_and_what_this_pod_spent_unheard_are_added() {
    let mut pod = Pod::probing_with(priced);
    pod.at(90, answered(1, Healthy, 7));
    let commands = pod.at(90, answered(2, Healthy, 6));
    assert_eq!(spent(&published(&commands)), 13);
    // Refused: another pod has led since, and spent 100.
    pod.at(100, fenced(4, 9));
    let mut stored = report("other", 50, 0, 2, Vec::new());
    for name in ["a", "b"] {
        let known = entry(name, "other", Some(9), 50);
        stored.entries.push(Aged {
            entry: known,
            age: millis(50),
        });
    }
    stored.ledger.add(Day::of(unix(0)), "acme", picos(100));
    pod.at(110, found(5, 9, 0, stored.clone()));
    let ledger = pod.view().ledger;
    assert_eq!(ledger.by(ledger.day, "acme"), picos(113));
}

#[test]
fn a_publication_whose_answer_was_lost_counts_once() {
    let mut pod = Pod::probing_with(priced);
    pod.at(90, answered(1, Healthy, 7));
    let commands = pod.at(90, answered(2, Healthy, 6));
    let landed = published(&commands);
    pod.at(590, Event::Published(Op(4), Err(unknown(StoreOp::Publish))));
    let again = published(&pod.until(1_200));
    assert_eq!(spent(&again), 13);
    // The lease is gone by then; what is read has these findings, so the money is in its ledger.
    pod.at(1_300, fenced(5, 9));
    pod.at(1_310, found(6, 7, 1_200, Report::clone(&landed)));
    let ledger = pod.view().ledger;
    assert_eq!(ledger.by(ledger.day, "acme"), picos(13));
}

#[test]
fn an_accepted_publication_is_not_owed_again() {
    let mut pod = Pod::probing_with(priced);
    pod.at(90, answered(1, Healthy, 7));
    let commands = pod.at(90, answered(2, Healthy, 6));
    let landed = published(&commands);
    pod.at(100, done(4));
    pod.at(200, Event::Noticed(Hint::Report));
    pod.at(210, found(5, 7, 110, Report::clone(&landed)));
    let ledger = pod.view().ledger;
    assert_eq!(ledger.by(ledger.day, "acme"), picos(13));
}

#[test]
fn a_probe_that_is_given_up_counts_with_the_most_that_it_can_cost() {
    let mut pod = Pod::probing_with(priced);
    pod.at(90, answered(1, Healthy, 7));
    let commands = pod.at(95, Event::Drain);
    assert_eq!(commands, []);
    // What is finished goes out with the renewal.
    assert_eq!(spent(&published(&pod.until(1_100))), 7);
    pod.at(1_110, done(4));
    pod.until(2_080);
    let commands = pod.at(2_095, Event::Woke);
    assert!(commands.contains(&cancel(2)), "{commands:?}");
    assert!(commands.contains(&tell(Happening::Spent {
        provider: Arc::from("acme"),
        cost: picos(10),
    })));
    assert_eq!(spent(&published(&commands)), 17);
}

#[test]
fn what_others_paid_is_saved_by_check_and_told_by_provider() {
    let mut pod = Pod::with(priced);
    let mut stored = others(0);
    stored.entries[0].entry.verdict.cost = Some(picos(9));
    pod.at(0, Event::Started);
    let commands = pod.at(10, found(1, 7, 0, stored.clone()));
    let saved = BTreeMap::from([(Arc::from("acme"), picos(9))]);
    assert_eq!(
        commands,
        [tell(Happening::Adopted {
            by: pod_id("other"),
            token: Token(7),
            entries: 2,
            saved,
        })]
    );
    assert_eq!(*pod.view().saved, BTreeMap::from([(check("a"), picos(9))]));
}
