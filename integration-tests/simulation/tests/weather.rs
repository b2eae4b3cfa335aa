//! Fleets in virtual time over the in-memory store. A failure names its seed and the command that repeats it.

#![allow(clippy::unwrap_used, clippy::panic)]

use watchkeeper_simulation::{Tally, Weather, run, trace};

/// Seeds of each weather, of a storm this many times [`STORMS`]. `WATCHKEEPER_SIMULATION_SEEDS` says how many instead.
const SEEDS: u64 = 200;

/// A storm may be anything, so more of them are looked at.
const STORMS: u64 = 5;

fn seeds(weather: Weather) -> u64 {
    let seeds = std::env::var("WATCHKEEPER_SIMULATION_SEEDS");
    let seeds = seeds.map_or(SEEDS, |text| text.parse().unwrap());
    if weather == Weather::Storm {
        STORMS * seeds
    } else {
        seeds
    }
}

/// Runs all seeds of a weather, on two threads; what happened in all of them together, by name.
fn all(weather: Weather) -> Tally {
    let half = |first: u64| {
        let mut half = Tally::new();
        for seed in (first..seeds(weather)).step_by(2) {
            let tally = run(seed, weather).unwrap_or_else(|why| panic!("{why}"));
            add(&mut half, tally);
        }
        half
    };
    std::thread::scope(|scope| {
        let odd = scope.spawn(|| half(1));
        let mut all = half(0);
        add(&mut all, odd.join().unwrap());
        all
    })
}

fn add(all: &mut Tally, tally: Tally) {
    for (what, times) in tally {
        *all.entry(what).or_default() += times;
    }
}

/// A run in which these never happened would prove nothing.
fn assert_happened(tally: &Tally, what: &[&str]) {
    for what in what {
        assert!(tally.contains_key(what), "no `{what}` in {tally:?}");
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
fn what_comes_too_late_breaks_nothing() {
    let tally = all(Weather::Late);
    assert_happened(
        &tally,
        &[
            "fault: held up",
            "fault: pause while asking",
            "fenced",
            "lost",
        ],
    );
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
        "silent holders",
        "hanging probes",
    ];
    assert_happened(&tally, &rare);
    let faults = tally.keys().filter(|what| what.starts_with("fault: "));
    assert_eq!(faults.count(), 24, "{tally:?}");
}

#[test]
fn a_fleet_may_change_its_configuration_pod_by_pod() {
    let tally = all(Weather::Change);
    assert_happened(&tally, &["stopped", "adopted"]);
    assert_never(&tally, &["isolated", "lost", "fenced", "failed"]);
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_seed_another() {
    for seed in 0..6 {
        let first = trace(seed, Weather::Storm);
        assert_eq!(first, trace(seed, Weather::Storm), "seed {seed}");
        assert_ne!(first, trace(seed + 1_000_000, Weather::Storm));
    }
}
