//! Limits per provider, twins that one probe speaks for, and upstreams that ask to be left alone.

use super::*;
use crate::money::Usd;
use crate::probe::Identity;

/// Checks `a` to `d`, those of `slow` with a limit of one at once.
fn lanes(slow: &'static [&str]) -> impl FnOnce(&mut Settings) {
    move |settings| {
        settings.checks = ["a", "b", "c", "d"]
            .map(|name| {
                let provider = if slow.contains(&name) { "slow" } else { "fast" };
                GroupCheck {
                    provider: Arc::from(provider),
                    ..GroupCheck::new(check(name), millis(ROUND))
                }
            })
            .into();
        settings.lanes = BTreeMap::from([(Arc::from("slow"), 1)]);
        settings.concurrency = 3;
    }
}

fn asked(commands: &[Command]) -> Vec<&str> {
    let asked = commands.iter().filter_map(|command| match command {
        Command::Probe(_, check, _) => Some(check.as_str()),
        _ => None,
    });
    asked.collect()
}

fn first_round(change: impl FnOnce(&mut Settings)) -> (Pod, Vec<Command>) {
    let mut pod = Pod::with(change);
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    pod.at(60, Event::Woke);
    pod.at(70, held(2, 7));
    let commands = pod.at(80, nothing(3, 7));
    (pod, commands)
}

#[test]
fn a_providers_queue_does_not_hold_up_the_others() {
    let (mut pod, commands) = first_round(lanes(&["a", "b"]));
    assert_eq!(asked(&commands), ["a", "c", "d"]);
    assert_eq!(asked(&pod.at(90, probed(2))), Vec::<&str>::new());
    assert_eq!(asked(&pod.at(95, probed(1))), ["b"]);
}

#[test]
fn a_round_lasts_as_long_as_the_slowest_providers_queue_may() {
    let (pod, _) = first_round(lanes(&["a", "b", "c", "d"]));
    assert_eq!(pod.coordinator.settings().round_limit(), millis(5 * ROUND));
    let (pod, _) = first_round(lanes(&[]));
    assert_eq!(pod.coordinator.settings().round_limit(), millis(2 * ROUND));
}

/// `a` and `b` are asked by the same probe.
fn twins(settings: &mut Settings) {
    for check in &mut settings.checks {
        check.identity = Some(Identity([1; 16]));
    }
}

#[test]
fn twins_are_asked_once_and_the_first_bears_the_cost() {
    let (mut pod, commands) = first_round(twins);
    assert_eq!(asked(&commands), ["a"]);
    let mut verdict = healthy();
    verdict.cost = Some(Usd::from_picos(5));
    pod.at(90, Event::Probed(ProbeId(1), verdict));
    pod.at(100, done(4));
    let entries = pod.view().entries;
    let costs = ["a", "b"].map(|name| entries[&check(name)].entry.verdict.cost);
    assert_eq!(costs, [Some(Usd::from_picos(5)), Some(Usd::ZERO)]);
    let ledger = pod.view().ledger;
    assert_eq!(ledger.total(ledger.day), Usd::from_picos(5));
}

#[test]
fn checks_that_differ_in_anything_are_asked_each() {
    let changes: [fn(&mut GroupCheck); 4] = [
        |check| check.identity = Some(Identity([2; 16])),
        |check| check.provider = Arc::from("another"),
        |check| check.timeout = millis(2 * ROUND),
        |check| check.has_cheap = true,
    ];
    for change in changes {
        let (_, commands) = first_round(|settings| {
            twins(settings);
            change(&mut settings.checks[1]);
        });
        assert_eq!(asked(&commands), ["a", "b"]);
    }
}

#[test]
fn a_call_for_a_twin_is_answered_by_the_probe_of_the_other_and_a_later_one_is_not() {
    let mut pod = Pod::with(|settings| {
        twins(settings);
        settings.background = false;
    });
    pod.at(0, Event::Started);
    pod.at(10, nothing(1, 0));
    pod.at(200, force(1, &["a", "b"]));
    pod.until(300);
    pod.at(300, held(2, 8));
    assert_eq!(asked(&pod.at(310, nothing(3, 8))), ["a"]);
    // Its probe has started: this call has one of its own, in the next round.
    let later = pod.at(320, force(2, &["b"]));
    assert_eq!(later, []);
    let commands = pod.at(330, probed(1));
    let answered =
        |commands: &[Command], ticket| commands.contains(&Command::Answer(Ticket(ticket), Ok(())));
    assert!(answered(&commands, 1) && !answered(&commands, 2));
}

fn resting(seconds: u64) -> Event {
    let mut verdict = Verdict::new(Outcome::RateLimited, None, None, millis(5), unix(0));
    verdict.retry_after = Some(Duration::from_secs(seconds));
    Event::Probed(ProbeId(1), verdict)
}

/// One check, whose first answer asks for so many seconds of rest.
fn rests(honours: bool, seconds: u64) -> Pod {
    let (mut pod, _) = first_round(|settings| {
        settings.checks.truncate(1);
        settings.honours_retry_after = honours;
    });
    pod.at(90, resting(seconds));
    pod.at(100, done(4));
    pod
}

#[test]
fn an_upstream_that_asks_to_be_left_alone_is_asked_later_but_within_an_hour() {
    for (honours, seconds, due) in [
        (true, 3, 80 + INTERVAL),
        (true, 60, 80 + 5 + 60_000),
        (true, 1_000_000, 80 + 5 + 3_600_000),
        (false, 60, 80 + INTERVAL),
    ] {
        let pod = rests(honours, seconds);
        assert_eq!(pod.wants(), Some(due), "{honours} {seconds}");
    }
}

#[test]
fn a_forced_run_does_not_wait_for_an_upstream_that_rests() {
    let mut pod = rests(true, 60);
    pod.at(200, force(1, &["a"]));
    pod.until(300);
    pod.at(300, held(5, 8));
    assert_eq!(asked(&pod.at(310, nothing(6, 8))), ["a"]);
}

#[test]
fn a_round_that_starts_for_another_check_leaves_one_that_rests_alone() {
    let (mut pod, _) = first_round(|_| {});
    // Due within the merge slack of the other's round, and not rested.
    pod.at(90, resting(11));
    pod.at(90, probed(2));
    pod.at(100, done(4));
    pod.until(2 * INTERVAL);
    let at = pod.now();
    assert!(at < 80 + INTERVAL + 60, "{at}");
    pod.at(at, held(5, 8));
    assert_eq!(asked(&pod.at(at, nothing(6, 8))), ["b"]);
}
