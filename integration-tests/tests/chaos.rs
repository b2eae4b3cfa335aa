//! Two minutes of faults on real processes. Longer runs: `just chaos MINUTES`.
//!
//! It needs the machine for itself. `WATCHKEEPER_CHAOS_SEED` chooses another plan than the one that always runs.

use std::time::Duration;

use watchkeeper_integration_tests::chaos::{Options, run};

/// Its plan strikes with twelve kinds of faults, leaders among them, and takes Redis away for longer than FB-1 allows.
const SEED: u64 = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_minutes_of_faults_break_no_promise() {
    let seed = std::env::var("WATCHKEEPER_CHAOS_SEED").map_or(SEED, |seed| {
        seed.parse().expect("WATCHKEEPER_CHAOS_SEED is a number")
    });
    let outcome = run(&Options {
        seed,
        length: Duration::from_secs(120),
        pods: 4,
        logs: None,
    })
    .await;
    let report = outcome.report();
    println!("{report}");
    assert!(outcome.passed(), "a promise was broken:\n{report}");
    let untested = outcome.untested();
    assert!(
        untested.is_empty(),
        "{untested:?} were not put to the test:\n{report}"
    );
}
