//! Any report that pods can make survives its bytes, stays small, and damage to the bytes is never more than an error.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)] // a test may

use std::time::Duration;

use proptest::prelude::*;
use watchkeeper_core::id::{CheckId, PodId};
use watchkeeper_core::lease::Token;
use watchkeeper_core::report::{
    Aged, Entry, HISTORY_LENGTH, MAX_ENTRY_BYTES, Report, Thresholds, Transition, Transitions,
};
use watchkeeper_core::time::UnixMillis;
use watchkeeper_core::verdict::{Outcome, Verdict};

/// The years 1970 to 2286.
const WALL: std::ops::Range<i64> = 0..10_000_000_000_000;
/// The longest time limit of a check that anybody sets.
const SLOWEST_MS: u64 = 600_000;

fn outcome() -> impl Strategy<Value = Outcome> {
    proptest::sample::select(Outcome::ALL.to_vec())
}

/// What upstreams say, and what JSON makes of it.
const WORDS: [&str; 4] = ["\"quoted\" ", "größe ", "answered 500: ", "\\n"];

fn error() -> impl Strategy<Value = Option<String>> {
    let words = (proptest::sample::select(WORDS.to_vec()), 0_usize..60);
    proptest::option::of(words.prop_map(|(word, times)| word.repeat(times)))
}

prop_compose! {
    fn entry()(
        id in "[a-z\"é ]{1,64}",
        pod in "[a-zA-Z0-9._-]{1,63}",
        token in proptest::option::of(any::<u64>()),
        started in WALL,
        every_ms in 1_000..200_000_000_i64,
        results in proptest::collection::vec((outcome(), 0..SLOWEST_MS), 1..2 * HISTORY_LENGTH),
        error in error(),
        limits in 0_usize..3,
        thresholds in (1_u32..5, 1_u32..5),
    ) -> Entry {
        let (check, pod) = (CheckId::new(id).unwrap(), PodId::new(pod).unwrap());
        let thresholds = Thresholds { healthy_after: thresholds.0, unhealthy_after: thresholds.1, passes: watchkeeper_core::report::Passes::HEALTHY };
        let mut entry: Option<Entry> = None;
        let mut at = started;
        for (outcome, latency) in results {
            at += every_ms;
            let latency = Duration::from_millis(latency);
            let mut verdict = Verdict::new(outcome, Some(500), error.clone(), latency, UnixMillis(at));
            verdict.limits = vec![("x-ratelimit-remaining-tokens".to_owned(), "1".repeat(20)); limits];
            entry = Some(Entry::after(
                entry.as_ref(), check.clone(), pod.clone(), token.map(Token), UnixMillis(started), verdict, thresholds,
            ));
        }
        entry.unwrap()
    }
}

prop_compose! {
    fn report()(
        pod in "[a-zA-Z0-9._-]{1,63}",
        started in any::<i64>(),
        took in any::<u64>(),
        probes in any::<u32>(),
        entries in proptest::collection::vec((entry(), any::<u64>()), 0..4),
        turns in proptest::option::of(proptest::collection::vec(entry(), 0..6)),
    ) -> Report {
        let aged = |(entry, age)| Aged { entry, age: Duration::from_millis(age) };
        Report {
            pod: PodId::new(pod).unwrap(),
            started: UnixMillis(started),
            took: Duration::from_millis(took),
            probes,
            entries: entries.into_iter().map(aged).collect(),
            ledger: watchkeeper_core::money::Ledger::default(),
            transitions: turns.map(|turns| Transitions::new(turns.iter().map(|entry| Transition {
                token: entry.token,
                ..Transition::of(entry)
            }))),
        }
    }
}

/// What a history keeps: latencies in whole milliseconds, times in whole seconds.
fn shown(entry: &Entry) -> Vec<(Outcome, Duration, i64)> {
    let past = entry.history.iter();
    past.map(|p| (p.outcome, p.latency, p.at.0)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn any_report_survives_its_bytes(report in report()) {
        let bytes = report.encode();
        let read = Report::decode(&bytes).unwrap();
        prop_assert_eq!(&read, &report);
        for (read, made) in read.entries.iter().zip(&report.entries) {
            prop_assert_eq!(shown(&read.entry), shown(&made.entry));
        }
        prop_assert_eq!(read.encode(), bytes);
    }

    #[test]
    fn no_entry_that_a_pod_can_make_is_large(entry in entry()) {
        prop_assert!(entry.history.len() <= HISTORY_LENGTH);
        let aged = Aged { entry: entry.clone(), age: Duration::from_secs(10_000_000) };
        let mut report = Report {
            pod: entry.checked_by,
            started: entry.started,
            took: Duration::ZERO,
            probes: 1,
            entries: vec![aged],
            ledger: watchkeeper_core::money::Ledger::default(),
            transitions: None,
        };
        let whole = report.encode().len();
        report.entries.clear();
        let bytes = whole - report.encode().len();
        prop_assert!(bytes <= MAX_ENTRY_BYTES, "{bytes} bytes");
    }

    #[test]
    fn damaged_bytes_are_an_error_or_a_report_that_can_be_passed_on(
        report in report(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..3, any::<u8>()), 1..6),
    ) {
        let mut bytes = report.encode();
        for (index, how, byte) in edits {
            let at = index.index(bytes.len() + 1);
            match (how, bytes.get_mut(at)) {
                (0, Some(place)) => *place = byte,
                (1, Some(_)) => bytes.truncate(at),
                _ => bytes.insert(at, byte),
            }
        }
        match Report::decode(&bytes) {
            Err(error) => prop_assert!(error.to_string().len() < 120, "{error}"),
            Ok(read) => prop_assert_eq!(Report::decode(&read.encode()).unwrap(), read),
        }
    }

    #[test]
    fn any_text_is_a_history_or_none(text in "(-?[0-9]{1,20})?( [a-z?]?[0-9a-z]{0,14},[0-9a-z]{0,14}){0,70}") {
        let mut value = serde_json::json!({
            "id": "a", "by": "p", "at": 0, "v": {"o": "healthy", "l": 0, "t": 0}, "st": {"h": true, "n": 1, "s": 0},
        });
        value["p"] = text.into();
        let read: Entry = serde_json::from_value(value).unwrap();
        prop_assert!(read.history.len() <= HISTORY_LENGTH);
        let again: Entry = serde_json::from_slice(&serde_json::to_vec(&read).unwrap()).unwrap();
        prop_assert_eq!(again.history, read.history);
    }
}

#[test]
fn a_result_at_a_time_that_no_clock_shows_is_passed_on_as_it_came() {
    for text in [
        "1795358400 h6y,0 s6y,0unautheoizrd o6y,0",
        "1795358400 h6y,0 s6y,1y2p0ij32e8e7",
        "9223372036854775807 h1,0",
        "-9223372036854775808 h1,0 h1,3r8kt4bekf8",
    ] {
        let json = format!(
            r#"{{"id":"a","by":"p","at":0,"v":{{"o":"healthy","l":0,"t":0}},"st":{{"h":true,"n":1,"s":0}},"p":"{text}"}}"#
        );
        let read: Entry = serde_json::from_str(&json).unwrap();
        let again: Entry = serde_json::from_slice(&serde_json::to_vec(&read).unwrap()).unwrap();
        assert_eq!(again, read, "{text}");
        assert_eq!(shown(&again), shown(&read), "{text}");
    }
}
