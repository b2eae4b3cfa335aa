//! Every target, on its seeds and on a fixed number of their mutations: so that none rots, on any toolchain.
//!
//! `WATCHKEEPER_FUZZ_CASES` multiplies the number, `PROPTEST_RNG_SEED` chooses others.

// A test fails by panicking, and these measure real time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use watchkeeper_fuzz_targets::{TARGETS, find};

/// No input of these few thousand bytes may take longer, on the slowest machine.
const LONGEST: Duration = Duration::from_secs(10);

/// One change of an input.
#[derive(Clone, Debug)]
enum Edit {
    Put(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, u8),
    Repeat(Index, u8, u8),
    Cut(Index),
    /// What another seed has from there on.
    Cross(Index, Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let byte = prop_oneof![
        any::<u8>(),
        proptest::sample::select(b"0123456789{}[]\",:.=-\r\n %&*<".to_vec())
    ];
    let bytes = proptest::collection::vec(byte.clone(), 1..8);
    prop_oneof![
        (any::<Index>(), byte).prop_map(|(at, byte)| Edit::Put(at, byte)),
        (any::<Index>(), bytes).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, count)| Edit::Remove(at, count)),
        (any::<Index>(), 1_u8..32, any::<u8>())
            .prop_map(|(at, length, times)| Edit::Repeat(at, length, times)),
        any::<Index>().prop_map(Edit::Cut),
        (any::<Index>(), any::<Index>()).prop_map(|(seed, at)| Edit::Cross(seed, at)),
    ]
}

fn apply(edit: &Edit, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    let at = |at: &Index, input: &[u8]| at.index(input.len() + 1);
    match edit {
        Edit::Put(index, byte) => {
            let at = at(index, input);
            if let Some(place) = input.get_mut(at) {
                *place = *byte;
            }
        }
        Edit::Insert(index, bytes) => {
            let at = at(index, input);
            input.splice(at..at, bytes.iter().copied());
        }
        Edit::Remove(index, count) => {
            let at = at(index, input);
            let end = (at + usize::from(*count)).min(input.len());
            input.drain(at..end);
        }
        Edit::Repeat(index, length, times) => {
            let at = at(index, input);
            let end = (at + usize::from(*length)).min(input.len());
            let piece = input[at..end].repeat(usize::from(*times));
            input.splice(end..end, piece);
        }
        Edit::Cut(index) => input.truncate(at(index, input)),
        Edit::Cross(seed, index) => {
            let other = seed.get(seeds);
            let from = index.index(other.len() + 1);
            input.truncate(from);
            input.extend_from_slice(&other[from..]);
        }
    }
}

fn holds(name: &str) {
    let target = find(name).expect("a target");
    let seeds = (target.seeds)();
    for seed in &seeds {
        timed(target.run, seed);
    }
    let times: u32 =
        std::env::var("WATCHKEEPER_FUZZ_CASES").map_or(1, |text| text.parse().expect("a number"));
    let mut config = Config::with_cases(target.smoke.saturating_mul(times));
    config.failure_persistence = None;
    if let RngSeed::Random = config.rng_seed {
        config.rng_seed = RngSeed::Fixed(1);
    }
    let edits = proptest::collection::vec(edit(), 1..12);
    let inputs = (proptest::sample::select(seeds.clone()), edits);
    let result = TestRunner::new(config).run(&inputs, |(mut input, edits)| {
        for edit in &edits {
            apply(edit, &mut input, &seeds);
        }
        timed(target.run, &input);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{name}: {error}");
    }
}

fn timed(run: fn(&[u8]), input: &[u8]) {
    let begun = Instant::now();
    run(input);
    let took = begun.elapsed();
    assert!(
        took < LONGEST,
        "{took:?} for {:?}",
        input.escape_ascii().to_string()
    );
}

#[test]
fn any_litellm_file_is_a_configuration_or_an_error_in_one_line() {
    holds("config_litellm");
}

#[test]
fn any_toml_file_is_a_configuration_or_an_error_in_one_line() {
    holds("config_toml");
}

#[test]
fn any_bytes_are_a_report_that_can_be_passed_on_or_none() {
    holds("report_decode");
}

#[test]
fn any_bytes_are_a_report_of_litellms_that_means_the_same_when_written_or_none() {
    holds("litellm_report");
}

#[test]
fn any_order_of_events_keeps_the_coordinators_rules() {
    holds("coordinator_events");
}

#[test]
fn any_request_gets_an_answer_or_a_closed_connection() {
    holds("http_request");
}

#[test]
fn any_answer_of_an_upstream_is_a_verdict_without_a_secret() {
    holds("upstream_answer");
}

#[test]
fn any_answer_in_the_stores_name_is_taken_or_a_typed_error() {
    holds("store_values");
}

#[test]
fn every_target_is_run_here() {
    let here = include_str!("smoke.rs");
    for target in TARGETS {
        assert!(
            here.contains(&format!("holds(\"{}\")", target.name)),
            "{}",
            target.name
        );
    }
}
