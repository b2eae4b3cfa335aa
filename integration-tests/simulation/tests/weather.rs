//! Fleets in virtual time over the in-memory store. A failure names its seed: set `WATCHKEEPER_SIMULATION_SEED` to run
//! only that one.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use watchkeeper_memory::{Corruption, MemoryStore};
use watchkeeper_simulation::{Damage, Subject, Tally, Weather, run};
use watchkeeper_testkit::clock::ManualClock;

/// Seeds of each weather. A thousand take about ten seconds; `WATCHKEEPER_SIMULATION_SEEDS` says how many instead.
const SEEDS: u64 = 40;

fn subject() -> Subject {
    let clock = Arc::new(ManualClock::new());
    let store = Arc::new(MemoryStore::new(clock.clone()));
    let damaged = Arc::clone(&store);
    Subject {
        store,
        clock,
        damage: Box::new(move |group, damage| match damage {
            Damage::Wipe => damaged.wipe(),
            Damage::Lock => damaged.corrupt(group, Corruption::Lock(b"garbage".to_vec())),
            Damage::Report => damaged.corrupt(group, Corruption::Report(b"garbage".to_vec())),
        }),
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Runs all seeds of a weather; what happened in all of them together, by name.
fn all(weather: Weather) -> Tally {
    let seeds = match number("WATCHKEEPER_SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("WATCHKEEPER_SIMULATION_SEEDS").unwrap_or(SEEDS),
    };
    let mut all = Tally::new();
    for seed in seeds {
        let tally = run(seed, weather, &subject).unwrap_or_else(|why| panic!("{why}"));
        for (what, times) in tally {
            *all.entry(what).or_default() += times;
        }
    }
    all
}

/// A run in which these never happened would prove nothing.
fn assert_happened(tally: &Tally, what: &[&str]) {
    if number("WATCHKEEPER_SIMULATION_SEED").is_none() {
        for what in what {
            assert!(tally.contains_key(what), "no `{what}` in {tally:?}");
        }
    }
}

fn assert_never(tally: &Tally, what: &[&str]) {
    for what in what {
        assert!(!tally.contains_key(what), "`{what}` in {tally:?}");
    }
}

#[test]
fn in_calm_weather_each_check_is_asked_once_per_round() {
    let tally = all(Weather::Calm);
    assert_happened(&tally, &["adopted", "renew", "nothing due"]);
    assert_never(
        &tally,
        &[
            "isolated",
            "lost",
            "fenced",
            "failed",
            "cancelled",
            "tokens reset",
            "silent holders",
        ],
    );
}

#[test]
fn pods_that_come_and_go_cost_no_probe() {
    let tally = all(Weather::Rolling);
    assert_happened(&tally, &["stopped", "cancelled"]);
    assert_never(
        &tally,
        &["isolated", "lost", "fenced", "failed", "silent holders"],
    );
}

#[test]
fn forced_runs_are_answered_by_probes_of_their_own_time() {
    let tally = all(Weather::Forced);
    assert_happened(&tally, &["answered"]);
    assert_never(&tally, &["isolated", "lost", "turned away"]);
}

#[test]
fn without_a_store_each_pod_asks_once_per_interval() {
    let tally = all(Weather::Outage);
    assert_happened(&tally, &["isolated", "rejoined", "failed"]);
    assert_never(&tally, &["tokens reset"]);
}

#[test]
fn in_a_storm_no_rule_is_broken_and_all_recover() {
    let tally = all(Weather::Storm);
    let rare = [
        "lost",
        "fenced",
        "unreadable",
        "took dead lock",
        "publish refused",
        "cancelled",
    ];
    assert_happened(&tally, &rare);
}
