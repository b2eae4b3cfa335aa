use serde_json::json;
use watchkeeper_core::check::{HealthParams, ModelTarget, Target};
use watchkeeper_core::secret::Secret;

use super::*;

const TTL: Duration = Duration::from_secs(300);
const NOW: UnixMillis = UnixMillis(1_795_000_000_000);

fn check(id: &str, background: bool) -> Check {
    let mut shown = Map::new();
    shown.insert("model".into(), Value::from(format!("openai/{id}")));
    shown.insert("api_base".into(), Value::from("http://h/v1"));
    Check {
        id: CheckId::new(id).unwrap(),
        name: id.to_owned(),
        target: Target::Model(Box::new(ModelTarget {
            model: format!("openai/{id}"),
            provider: Some("openai".into()),
            mode: None,
            api_base: Some(Secret::new("http://h/v1")),
            api_key: Some(Secret::new("sk-very-secret")),
            params: Map::new(),
            health: HealthParams::default(),
        })),
        timeout: Duration::from_secs(60),
        shown,
        background,
        full_every: None,
    }
}

fn codec(details: bool) -> Codec {
    let checks = [
        check("b", true),
        check("a", true),
        check("broken", true),
        check("opted-out", false),
    ];
    Codec::new(
        GroupId::new("all-1").unwrap(),
        &checks,
        |check| check.name != "broken",
        details,
        TTL,
        TTL,
    )
}

fn aged(id: &str, outcome: Outcome, status: Option<u16>, age: u64) -> Aged {
    let error = status.map(|status| format!("answered {status}"));
    let verdict = Verdict::new(outcome, status, error, Duration::ZERO, NOW);
    Aged {
        entry: Entry::after(
            None,
            CheckId::new(id).unwrap(),
            PodId::new("pod-1").unwrap(),
            None,
            NOW,
            verdict,
            watchkeeper_core::report::Thresholds {
                healthy_after: 1,
                unhealthy_after: 1,
                passes: watchkeeper_core::report::Passes::HEALTHY,
            },
        ),
        age: Duration::from_secs(age),
    }
}

fn report(entries: Vec<Aged>) -> Report {
    Report {
        pod: PodId::new("pod-1").unwrap(),
        started: NOW,
        took: Duration::ZERO,
        probes: 2,
        entries,
        ledger: watchkeeper_core::money::Ledger::default(),
        transitions: None,
    }
}

fn whole() -> Report {
    report(vec![
        aged("a", Outcome::Healthy, None, 7),
        aged("b", Outcome::RateLimited, Some(429), 3),
        aged("broken", Outcome::ConfigError, Some(500), 90),
        aged("opted-out", Outcome::Healthy, None, 90),
    ])
}

/// The bytes as they stand in Redis, with a time put in.
fn stored(report: &CompanionReport) -> Vec<u8> {
    [&*report.head, b"1795000000.5", &*report.tail].concat()
}

#[test]
fn a_report_is_json_inside_a_json_string_with_litellms_fields() {
    let written = codec(true).encode(&whole()).unwrap();
    assert_eq!(
        (written.age, written.ttl),
        (Duration::from_secs(7), TTL),
        "the oldest entry that is written counts"
    );
    let text = stored(&written);
    let inner: String = serde_json::from_slice(&text).unwrap();
    assert!(
        inner.starts_with("{\"healthy_endpoints\": [{\"model\": \"openai/a\", "),
        "{inner}"
    );
    let inner: Value = serde_json::from_str(&inner).unwrap();
    assert_eq!(
        inner,
        json!({
            "healthy_endpoints": [{"model": "openai/a", "api_base": "http://h/v1", "model_id": "a"}],
            "unhealthy_endpoints": [{
                "model": "openai/b", "api_base": "http://h/v1", "error": "answered 429", "model_id": "b",
                "exception_status": 429,
            }],
            "healthy_count": 1,
            "unhealthy_count": 1,
            "timestamp": 1_795_000_000.5,
            "checked_by": "pod-1",
            "watchkeeper": "all-1",
        })
    );
}

#[test]
fn without_details_an_entry_has_three_fields_at_most() {
    let text = stored(&codec(false).encode(&whole()).unwrap());
    let inner: String = serde_json::from_slice(&text).unwrap();
    let inner: Value = serde_json::from_str(&inner).unwrap();
    assert_eq!(
        inner["unhealthy_endpoints"],
        json!([{"model": "openai/b", "model_id": "b", "exception_status": 429}])
    );
}

#[test]
fn an_error_that_is_no_kind_is_not_repeated() {
    for (error, kind) in [
        ("Timeout exceeded", "Timeout exceeded"),
        ("litellm.RateLimitError: sk-1", "litellm.RateLimitError"),
        ("sk-proj/1: x", "the check of a LiteLLM pod failed"),
        ("", "the check of a LiteLLM pod failed"),
    ] {
        assert_eq!(kind_of(error), kind);
    }
}

#[test]
fn a_report_of_nothing_is_not_written() {
    let nothing = Codec::new(
        GroupId::new("all-1").unwrap(),
        &[check("a", true)],
        |_| false,
        true,
        TTL,
        TTL,
    );
    assert_eq!(nothing.encode(&whole()), None);
}

#[test]
fn half_a_report_is_not_written() {
    let half = report(vec![aged("a", Outcome::Healthy, None, 0)]);
    assert_eq!(codec(true).encode(&half), None);
}

#[test]
fn what_is_written_reads_back() {
    let codec = codec(true);
    let text = stored(&codec.encode(&whole()).unwrap());
    let left = TTL.checked_sub(Duration::from_secs(7)).unwrap();
    let findings = codec.decode(&text, left, NOW).unwrap();
    assert_eq!(findings.age, Duration::from_secs(7));
    let found: Vec<_> = findings
        .entries
        .iter()
        .map(|aged| {
            let entry = &aged.entry;
            (
                entry.check.as_str(),
                entry.verdict.outcome,
                entry.verdict.status,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("a", Outcome::Healthy, None),
            ("b", Outcome::RateLimited, Some(429)),
        ]
    );
    assert_eq!(findings.unknown, None);
    assert!(findings.ours, "it carries our mark");
}

fn theirs(value: &Value) -> Result<ForeignFindings, String> {
    codec(true).decode(&serde_json::to_vec(value).unwrap(), TTL, NOW)
}

#[test]
fn a_report_of_litellms_is_read_with_age_by_the_store_and_words_without_secrets() {
    let value = json!({
        "healthy_endpoints": [{"model": "openai/a", "model_id": "a"}, {"model_id": "x"}, {"model_id": 5}, 7],
        "unhealthy_endpoints": [{
            "model_id": "b", "exception_status": 401,
            "error": "litellm.AuthenticationError: bad key sk-very-secret at https://u:p@h/\nstack trace: Traceback",
        }],
        // An hour ahead: not believed.
        "timestamp": 1_795_003_600.25,
        "checked_by": "pod_1795358411941",
    });
    let left = Duration::from_secs(290);
    let findings = codec(true)
        .decode(&serde_json::to_vec(&value).unwrap(), left, NOW)
        .unwrap();
    assert_eq!(findings.age, Duration::from_secs(10));
    assert_eq!(findings.unknown, Some((1, "x".to_owned())));
    let [a, b] = &findings.entries[..] else {
        panic!("{findings:?}")
    };
    assert_eq!(a.entry.checked_by.as_str(), "pod_1795358411941");
    assert_eq!(a.entry.verdict.at, UnixMillis(NOW.0 - 10_000));
    assert_eq!(b.entry.verdict.outcome, Outcome::Unauthorized);
    assert_eq!(
        b.entry.verdict.error.as_deref(),
        Some("litellm.AuthenticationError")
    );
    // Twice encoded, as LiteLLM's pods write it.
    let twice = serde_json::to_vec(&value.to_string()).unwrap();
    assert_eq!(codec(true).decode(&twice, left, NOW), Ok(findings));
}

#[test]
fn a_missing_list_is_empty_and_a_failure_without_status_is_a_500() {
    let findings = theirs(&json!({
        "unhealthy_endpoints": [{"model_id": "a", "exception_status": "x"}], "timestamp": 5,
    }))
    .unwrap();
    let entry = &findings.entries[0].entry;
    assert_eq!(entry.verdict.status, Some(500));
    assert_eq!(entry.checked_by.as_str(), "litellm");
}

#[test]
fn poison_is_named_and_never_taken() {
    for (value, why) in [
        (
            json!({"healthy_endpoints": null, "timestamp": 1}),
            "no list",
        ),
        (
            json!({"unhealthy_endpoints": {}, "timestamp": 1}),
            "no list",
        ),
        (json!({"healthy_endpoints": []}), "time"),
        (
            json!({"healthy_endpoints": [], "timestamp": "2026"}),
            "time",
        ),
        (json!([1]), "no object"),
        (json!("\"\\\"{}\\\"\""), "no object"),
        (json!({"timestamp": 1, "watchkeeper": "all-2"}), "another"),
        (json!({"timestamp": 1, "watchkeeper": 7}), "another"),
    ] {
        let error = theirs(&value).unwrap_err();
        assert!(error.contains(why), "{value}: {error}");
    }
    for bytes in [
        &b""[..],
        b"\xff\xfe",
        b"{\"timestamp\": NaN}",
        b"{'timestamp': 1}",
        &b"[".repeat(100_000),
    ] {
        assert!(codec(true).decode(bytes, TTL, NOW).is_err());
    }
}

#[test]
fn times_beyond_all_clocks_are_taken_without_a_panic() {
    for timestamp in [json!(1e300), json!(-1e300), json!(i64::MAX)] {
        let value = json!({"healthy_endpoints": [{"model_id": "a"}], "timestamp": timestamp});
        let bytes = serde_json::to_vec(&value).unwrap();
        codec(true)
            .decode(&bytes, Duration::ZERO, UnixMillis(i64::MIN))
            .unwrap();
        // Kept for longer than they keep any: its age is not known.
        for left in [TTL + Duration::from_millis(1), Duration::MAX] {
            let error = codec(true).decode(&bytes, left, NOW).unwrap_err();
            assert!(error.contains("kept for longer"), "{error}");
        }
    }
}
