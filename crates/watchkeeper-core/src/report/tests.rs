use std::time::Duration;

use super::*;
use crate::id::CheckId;
use crate::lease::Token;
use crate::verdict::{Outcome, Verdict};

const ONE: Thresholds = Thresholds {
    healthy_after: 1,
    unhealthy_after: 1,
    passes: crate::report::Passes::HEALTHY,
};

fn verdict(outcome: Outcome, at: i64) -> Verdict {
    let (status, error) = if outcome.is_healthy() {
        (None, None)
    } else {
        (Some(500), Some("x".repeat(240)))
    };
    Verdict::new(
        outcome,
        status,
        error,
        Duration::from_millis(1234),
        UnixMillis(at),
    )
}

fn entry(before: Option<&Entry>, outcome: Outcome, at: i64, thresholds: Thresholds) -> Entry {
    let check = CheckId::new("a".repeat(64)).unwrap();
    let pod = PodId::new("litellm-proxy-7d9f8b6c5d-x2x4z-1a2b3c4d").unwrap();
    Entry::after(
        before,
        check,
        pod,
        Some(Token(1_795_358_411_941_123)),
        UnixMillis(at),
        verdict(outcome, at),
        thresholds,
    )
}

#[test]
fn standing_changes_only_after_enough_results_in_a_row() {
    let t = Thresholds {
        healthy_after: 2,
        unhealthy_after: 3,
        passes: crate::report::Passes::HEALTHY,
    };
    let mut e = entry(None, Outcome::Healthy, 0, t);
    let mut seen = Vec::new();
    for (i, o) in [
        Outcome::Timeout,
        Outcome::Connect,
        Outcome::Healthy,
        Outcome::Timeout,
        Outcome::Timeout,
        Outcome::Timeout,
        Outcome::Healthy,
        Outcome::Healthy,
    ]
    .into_iter()
    .enumerate()
    {
        e = entry(Some(&e), o, i64::try_from(i).unwrap() + 1, t);
        seen.push((e.standing.healthy, e.standing.streak, e.standing.since.0));
    }
    assert_eq!(
        seen,
        [
            (true, 1, 0),
            (true, 2, 0),
            (true, 1, 0),
            (true, 1, 0),
            (true, 2, 0),
            (false, 3, 6),
            (false, 1, 6),
            (true, 2, 8)
        ]
    );
}

#[test]
fn a_report_survives_its_bytes_and_a_full_entry_stays_within_one_kib() {
    let mut e = entry(None, Outcome::BadAnswer, 1_795_358_411_941, ONE);
    for i in 1..100 {
        let outcome = if i % 7 == 0 {
            Outcome::Healthy
        } else {
            Outcome::BadAnswer
        };
        e = entry(Some(&e), outcome, 1_795_358_411_941 + i * 300_000, ONE);
    }
    assert_eq!(e.history.len(), HISTORY_LENGTH);
    let report = Report {
        pod: e.checked_by.clone(),
        started: e.started,
        took: Duration::from_millis(1300),
        probes: 1,
        entries: vec![Aged {
            entry: e,
            age: Duration::from_millis(17),
        }],
        ledger: Ledger::default(),
        transitions: None,
    };
    let bytes = report.encode();
    assert_eq!(Report::decode(&bytes).unwrap(), report);
    let frame = Report {
        entries: vec![],
        ..report
    }
    .encode()
    .len();
    assert!(
        bytes.len() - frame <= 1000,
        "an entry with the longest error takes {} bytes",
        bytes.len() - frame
    );
}

#[test]
fn a_report_without_a_list_of_changes_reads_as_one_and_with_an_empty_list_as_the_other() {
    let e = entry(None, Outcome::Timeout, 5, ONE);
    let report = |transitions| Report {
        pod: e.checked_by.clone(),
        started: e.started,
        took: Duration::ZERO,
        probes: 1,
        entries: vec![],
        ledger: Ledger::default(),
        transitions,
    };
    let full = Transitions::new([Transition::of(&e)]);
    for transitions in [None, Some(Transitions::default()), Some(full)] {
        let report = report(transitions);
        assert_eq!(Report::decode(&report.encode()), Ok(report));
    }
    // As every version so far wrote it.
    let old = br#"{"v":1,"by":"a","at":0,"took":0,"probes":1,"entries":[]}"#;
    assert_eq!(Report::decode(old).unwrap().transitions, None);
}

#[test]
fn a_healthy_entry_with_a_full_history_stays_within_one_kib() {
    let mut e = entry(None, Outcome::Healthy, 1_795_358_411_941, ONE);
    for i in 1..100 {
        e = entry(
            Some(&e),
            Outcome::Healthy,
            1_795_358_411_941 + i * 300_000,
            ONE,
        );
    }
    assert!(serde_json::to_vec(&e).unwrap().len() <= 1024);
}

#[test]
fn fields_and_outcomes_of_a_newer_version_are_taken_as_far_as_they_are_known() {
    let e = entry(None, Outcome::Timeout, 5, ONE);
    let report = Report {
        pod: e.checked_by.clone(),
        started: e.started,
        took: Duration::ZERO,
        probes: 1,
        entries: vec![Aged {
            entry: e,
            age: Duration::ZERO,
        }],
        ledger: Ledger::default(),
        transitions: None,
    };
    let text = String::from_utf8(report.encode()).unwrap();
    let newer = text
        .replace("\"timeout\"", "\"quota_gone\"")
        .replacen('{', "{\"new\":[1],", 1);
    let read = Report::decode(newer.as_bytes()).unwrap();
    assert_eq!(
        read.entries.first().unwrap().entry.verdict.outcome,
        Outcome::BadAnswer
    );
}

#[test]
fn words_of_a_newer_version_cost_no_report_and_claim_as_little_as_they_can() {
    use crate::probe::Tier;
    use crate::verdict::Spared;
    let mut e = entry(None, Outcome::Healthy, 5, ONE);
    e.verdict.tier = Tier::Free;
    e.verdict.spared = Some(Spared::Budget);
    let text = serde_json::to_string(&e).unwrap();
    let newer = text
        .replace("\"k\":\"f\"", "\"k\":\"new\"")
        .replace("\"y\":\"b\"", "\"y\":\"new\"");
    assert_ne!(newer, text);
    let read: Entry = serde_json::from_str(&newer).unwrap();
    assert_eq!(read.verdict.tier, Tier::Reachability);
    // Whatever spared it: it was not a full one.
    assert_eq!(read.verdict.spared, Some(Spared::Interval));
}

#[test]
fn what_is_no_report_is_refused_without_repeating_it() {
    for bad in [
        "",
        "null",
        "[]",
        "{\"v\":1}",
        "{\"v\":1,\"by\":\"secret stuff\",\"at\":0,\"took\":0,\"entries\":[]}",
        "{\"v\":null}",
    ] {
        let error = Report::decode(bad.as_bytes()).unwrap_err();
        assert!(
            matches!(error, UnreadableReport::Malformed { .. }),
            "{bad}: {error}"
        );
        assert!(!error.to_string().contains("secret"));
    }
    assert_eq!(
        Report::decode(b"{\"v\":2}"),
        Err(UnreadableReport::Version(2))
    );
    assert_eq!(
        Report::decode(&vec![b' '; MAX_REPORT_BYTES + 1]),
        Err(UnreadableReport::TooLarge(MAX_REPORT_BYTES + 1))
    );
}

#[test]
fn a_damaged_history_does_not_cost_the_entry() {
    let e = entry(None, Outcome::Healthy, 5, ONE);
    let mut value = serde_json::to_value(&e).unwrap();
    for bad in [
        "",
        "x",
        "5 h",
        "5 h1,zzzzzzzzzzzzzzzzz",
        "5 é,1",
        "99999999999999999999 h1,0",
    ] {
        value["p"] = bad.into();
        let read: Entry = serde_json::from_value(value.clone()).unwrap();
        assert!(read.history.is_empty(), "{bad}");
    }
}

fn with(outcome: Outcome, change: impl FnOnce(&mut Verdict)) -> Verdict {
    let mut found = verdict(outcome, 7_000);
    change(&mut found);
    found
}

fn follow(before: &Entry, gap: u64, verdict: Verdict) -> Entry {
    let before = Before {
        entry: before,
        gap: Duration::from_secs(gap),
    };
    Entry::following(
        Some(before),
        before.entry.check.clone(),
        before.entry.checked_by.clone(),
        None,
        UnixMillis(9),
        verdict,
        ONE,
    )
}

#[test]
fn a_free_probe_does_not_vouch_for_a_model_that_failed() {
    use crate::verdict::Spared;
    let cheap = |outcome| with(outcome, |v| v.spared = Some(Spared::Budget));
    let good = entry(None, Outcome::Healthy, 0, ONE);
    let bad = entry(Some(&good), Outcome::Timeout, 1, ONE);
    // After a full probe that passed, a cheap one counts as any other.
    assert!(follow(&good, 60, cheap(Outcome::Healthy)).standing.healthy);
    assert!(!follow(&good, 60, cheap(Outcome::Connect)).standing.healthy);
    // After one that failed, it changes nothing, whichever way it is asked again.
    let spared = follow(&bad, 60, cheap(Outcome::Healthy));
    assert_eq!(spared.standing, bad.standing);
    let full = spared.full.unwrap();
    assert_eq!((full.before, full.passed), (Duration::from_secs(60), false));
    let again = follow(&spared, 40, cheap(Outcome::Healthy));
    assert_eq!(again.standing, bad.standing);
    assert_eq!(again.full.unwrap().before, Duration::from_secs(100));
    let healed = follow(&again, 60, with(Outcome::Healthy, |_| {}));
    assert!(healed.standing.healthy);
    assert_eq!((healed.standing.streak, healed.full), (1, None));
    // One that was never asked in full is known by what is free.
    let first = follow(&healed, 1, cheap(Outcome::Healthy));
    assert!(first.standing.healthy);
}

#[test]
fn a_failed_full_probe_that_no_other_ever_follows_is_forgotten_after_two_days() {
    use crate::verdict::Spared;
    const HOUR: u64 = 3600;
    let cheap = || with(Outcome::Healthy, |v| v.spared = Some(Spared::Budget));
    let bad = entry(None, Outcome::Timeout, 1, ONE);
    let day = follow(&bad, 47 * HOUR, cheap());
    assert!(!day.standing.healthy);
    let later = follow(&day, 2 * HOUR, cheap());
    assert!(later.standing.healthy);
    assert!(!later.full.unwrap().passed, "a full one is still wanted");
    // From then on cheap ones are counted as any others.
    let next = follow(&later, HOUR, cheap());
    assert_eq!((next.standing.healthy, next.standing.streak), (true, 2));
}

#[test]
fn the_longest_names_leave_less_room_for_an_entrys_words() {
    let check = CheckId::new("\"".repeat(256)).unwrap();
    let pod = PodId::new("p".repeat(128)).unwrap();
    let mut found = with(Outcome::BadAnswer, |v| {
        v.error = Some("\"".repeat(240));
        v.limits = vec![("x-ratelimit-remaining-requests-day".into(), "9".repeat(20)); 4];
        v.model = Some("\"".repeat(64));
        v.cost = Some(crate::money::Usd::from_picos(u64::MAX));
    });
    found.headers_after = Some(Duration::from_secs(3600));
    let mut known: Option<Entry> = None;
    for at in 0..3 {
        let e = Entry::after(
            known.as_ref(),
            check.clone(),
            pod.clone(),
            Some(Token(u64::MAX)),
            UnixMillis(at),
            found.clone(),
            ONE,
        );
        let size = serde_json::to_vec(&e).unwrap().len();
        assert!(size <= MAX_ENTRY_BYTES - 32, "{size} bytes");
        assert!(
            e.verdict
                .error
                .as_ref()
                .is_some_and(|text| !text.is_empty())
        );
        known = Some(e);
    }
}

#[test]
fn outcomes_that_are_put_beside_healthy_count_as_passes() {
    let lenient = Thresholds {
        passes: Passes::HEALTHY.with(Outcome::RateLimited),
        ..ONE
    };
    let good = entry(None, Outcome::Healthy, 0, lenient);
    let limited = entry(Some(&good), Outcome::RateLimited, 1, lenient);
    assert!(limited.standing.healthy);
    assert_eq!(limited.standing.streak, 2);
    assert!(limited.last_full(lenient).unwrap().passed);
    assert!(
        !entry(Some(&good), Outcome::RateLimited, 1, ONE)
            .standing
            .healthy
    );
}

#[test]
fn an_entry_with_every_field_at_its_longest_stays_within_one_kib_and_survives_its_bytes() {
    use crate::verdict::{MAX_MODEL_BYTES, MAX_RETRY_AFTER, Spared};
    let everything = || {
        with(Outcome::BadAnswer, |v| {
            v.limits = ["requests", "tokens"]
                .map(|what| (format!("x-ratelimit-remaining-{what}"), "9".repeat(16)))
                .into();
            v.headers_after = Some(Duration::from_secs(3600));
            v.model = Some("m".repeat(MAX_MODEL_BYTES));
            v.usage = Some((1_000_000, 1_000_000).into());
            v.cost = Some(crate::money::Usd::from_picos(u64::MAX));
            v.tier = crate::probe::Tier::Reachability;
            v.spared = Some(Spared::Interval);
            v.retry_after = Some(MAX_RETRY_AFTER);
        })
    };
    let mut e = entry(None, Outcome::Healthy, 0, ONE);
    for _ in 0..70 {
        e = follow(&e, 30 * 24 * 3600, everything());
    }
    let size = serde_json::to_vec(&e).unwrap().len();
    assert!(size <= MAX_ENTRY_BYTES - 32, "{size} bytes");
    assert!(e.history.len() > 1, "no past is left");
    assert_eq!(e.spent.as_picos(), u64::MAX);
    let mut ledger = Ledger::default();
    ledger.add(crate::money::Day(20_454), "openai", e.spent);
    let report = Report {
        pod: e.checked_by.clone(),
        started: e.started,
        took: Duration::ZERO,
        probes: 1,
        entries: vec![Aged {
            entry: e,
            age: Duration::ZERO,
        }],
        ledger,
        transitions: None,
    };
    assert_eq!(Report::decode(&report.encode()).unwrap(), report);
}
