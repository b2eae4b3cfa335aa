//! Bytes where a report, a pod's facts or a name should be.

use std::time::Duration;

use watchkeeper_core::id::{CheckId, FleetName, GroupId, MAX_NAME_BYTES, PodId};
use watchkeeper_core::lease::Token;
use watchkeeper_core::money::{Day, Ledger, Usd};
use watchkeeper_core::report::{
    Aged, Entry, HISTORY_LENGTH, MAX_TRANSITIONS, Report, Thresholds, Transition, Transitions,
};
use watchkeeper_core::status::PodFacts;
use watchkeeper_core::time::UnixMillis;
use watchkeeper_core::verdict::{Outcome, Verdict, cut};

/// The longest message about a report that cannot be read: it says nothing of the content.
const MAX_MESSAGE: usize = 120;

pub(crate) fn decode(input: &[u8]) {
    match Report::decode(input) {
        Err(error) => assert!(error.to_string().len() <= MAX_MESSAGE, "{error}"),
        Ok(report) => survives(&report),
    }
    if let Ok(facts) = serde_json::from_slice::<PodFacts>(input) {
        let again = serde_json::to_vec(&facts).expect("facts are text and numbers");
        assert_eq!(serde_json::from_slice::<PodFacts>(&again).unwrap(), facts);
    }
    if let Ok(text) = std::str::from_utf8(input) {
        named(text);
    }
}

/// What was read is written and read again without a change: it is passed on from holder to holder.
fn survives(report: &Report) {
    for aged in &report.entries {
        assert!(aged.entry.history.len() <= HISTORY_LENGTH);
    }
    let turns = report.transitions.as_ref().map_or(0, Transitions::len);
    assert!(turns <= MAX_TRANSITIONS);
    let bytes = report.encode();
    let again = Report::decode(&bytes).expect("what is written can be read");
    assert_eq!(&again, report);
    assert_eq!(again.encode(), bytes);
    let (healthy, unhealthy) = report.counts();
    assert_eq!(healthy + unhealthy, report.entries.len());
}

fn named(text: &str) {
    for max in [0, 1, 7, 240] {
        assert!(cut(text, max).len() <= max);
    }
    let key_safe = |name: &str| {
        name.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let pod = PodId::new(text).map(|name| name.to_string());
    let group = GroupId::new(text).map(|name| name.to_string());
    let fleet = FleetName::new(text).map(|name| name.to_string());
    for name in [pod, group, fleet] {
        match name {
            Ok(name) => assert!(key_safe(&name) && name.len() <= 128 && !name.is_empty()),
            Err(error) => assert!(error.value.chars().count() <= 80),
        }
    }
    if let Ok(check) = CheckId::new(text) {
        assert!(check.as_str().len() <= MAX_NAME_BYTES);
        assert!(!check.as_str().chars().any(char::is_control));
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut entry: Option<Entry> = None;
    for outcome in Outcome::ALL {
        let at = UnixMillis(1_795_358_400_000);
        let error = (outcome != Outcome::Healthy).then(|| "answered \"500\"".to_owned());
        let mut verdict = Verdict::new(outcome, Some(500), error, Duration::from_millis(250), at);
        verdict.limits = vec![("x-ratelimit-remaining-tokens".into(), "7".into())];
        entry = Some(Entry::after(
            entry.as_ref(),
            CheckId::new("gpt 4 / größe").unwrap(),
            PodId::new("pod-a").unwrap(),
            Some(Token(7)),
            at,
            verdict,
            Thresholds {
                healthy_after: 1,
                unhealthy_after: 2,
                passes: watchkeeper_core::report::Passes::HEALTHY,
            },
        ));
    }
    let mut ledger = Ledger::of(Day(20_454));
    ledger.add(Day(20_454), "openai", Usd::from_picos(150_000));
    let transitions = [(0, Some(7)), (300_000, None)].map(|(after, token)| Transition {
        check: CheckId::new("gpt 4 / größe").unwrap(),
        healthy: after > 0,
        at: UnixMillis(1_795_358_400_000 + after),
        by: PodId::new("pod-a").unwrap(),
        token: token.map(Token),
        outcome: Outcome::Timeout,
        status: Some(408),
        error: Some("Timeout \"exceeded\"".to_owned()),
    });
    let transitions = Transitions::new(transitions);
    let report = |entries: Vec<Aged>| Report {
        transitions: (!entries.is_empty()).then(|| transitions.clone()),
        entries,
        ledger: ledger.clone(),
        pod: PodId::new("pod-a").unwrap(),
        started: UnixMillis(1_795_358_400_000),
        took: Duration::from_millis(250),
        probes: 1,
    };
    let aged = Aged {
        entry: entry.unwrap(),
        age: Duration::from_millis(300),
    };
    let history = r#"{"v":1,"by":"a","at":0,"took":0,"entries":[{"id":"a","by":"a","at":0,"v":{"o":"x","l":0,"t":0},
        "st":{"h":true,"n":1,"s":0},"p":"-9223372036854775808 hzz,zz ?0,0 h1y2p0ij32e8e7,1","age":18446744073709551615}]}"#;
    vec![
        report(vec![aged]).encode(),
        report(vec![]).encode(),
        br#"{"v":2}"#.to_vec(),
        history.as_bytes().to_vec(),
        serde_json::to_vec(&PodFacts::default()).unwrap(),
        b"pod-a.1_x".to_vec(),
        "a".repeat(300).into_bytes(),
    ]
}
