//! Bytes where a report of LiteLLM's own pods should be.

use std::time::Duration;

use serde_json::{Map, Value, json};
use watchkeeper_core::check::{Check, HealthParams, ModelTarget, Target};
use watchkeeper_core::companion::CompanionCodec;
use watchkeeper_core::id::{CheckId, GroupId, PodId};
use watchkeeper_core::report::Report;
use watchkeeper_core::secret::Secret;
use watchkeeper_core::time::UnixMillis;
use watchkeeper_core::verdict::MAX_ERROR_BYTES;
use watchkeeper_litellm::wire::Codec;

const TTL: Duration = Duration::from_secs(300);
const LEFT: Duration = Duration::from_secs(290);
const NOW: UnixMillis = UnixMillis(1_795_358_400_000);
/// May never be seen again.
const SECRET: &str = "sk-fuzzed-secret";
/// The longest message about a report that cannot be read: it says nothing of the content.
const MAX_MESSAGE: usize = 120;

fn codec() -> Codec {
    let check = |id: &str| Check {
        id: CheckId::new(id).unwrap(),
        name: id.to_owned(),
        target: Target::Model(Box::new(ModelTarget {
            model: format!("openai/{id}"),
            provider: Some("openai".into()),
            mode: None,
            api_base: None,
            api_key: Some(Secret::new(SECRET)),
            params: Map::new(),
            health: HealthParams::default(),
        })),
        timeout: Duration::from_secs(1),
        shown: Map::new(),
        background: true,
        full_every: None,
    };
    let checks = [check("a"), check("b")];
    Codec::new(
        GroupId::new("all-1").unwrap(),
        &checks,
        |_| true,
        true,
        TTL,
        TTL,
    )
}

pub(crate) fn decode(input: &[u8]) {
    let codec = codec();
    let findings = match codec.decode(input, LEFT, NOW) {
        Err(why) => {
            assert!(why.len() <= MAX_MESSAGE, "{why}");
            return;
        }
        Ok(findings) => findings,
    };
    assert_eq!(findings.age, Duration::from_secs(10));
    for aged in &findings.entries {
        let verdict = &aged.entry.verdict;
        assert!(matches!(aged.entry.check.as_str(), "a" | "b"));
        assert_eq!(verdict.outcome.is_healthy(), aged.entry.standing.healthy);
        let error = verdict.error.as_deref().unwrap_or_default();
        assert!(
            error.len() <= MAX_ERROR_BYTES && !error.contains(SECRET),
            "{error}"
        );
    }
    assert!(findings.entries.len() <= 2, "one per check");
    // What was read is written for LiteLLM's readers and means the same.
    let report = Report {
        pod: PodId::new("pod-a").unwrap(),
        started: NOW,
        took: Duration::ZERO,
        probes: 0,
        entries: findings.entries.clone(),
        ledger: watchkeeper_core::money::Ledger::default(),
        transitions: None,
    };
    let written = codec.encode(&report);
    assert_eq!(written.is_some(), findings.entries.len() == 2);
    if let Some(written) = written {
        let text = [&*written.head, b"1795358400.5", &*written.tail].concat();
        assert!(text.is_ascii());
        let again = codec
            .decode(&text, LEFT, NOW)
            .expect("what is written can be read");
        for (one, other) in findings.entries.iter().zip(&again.entries) {
            assert_eq!(one.entry.standing, other.entry.standing);
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let whole = json!({
        "healthy_endpoints": [{"model": "openai/a", "model_id": "a"}],
        "unhealthy_endpoints": [{
            "model_id": "b", "exception_status": 429,
            "error": format!("litellm.RateLimitError: {SECRET} at https://u:p@h/?key=k\nstack trace: x"),
        }],
        "healthy_count": 1, "unhealthy_count": 1, "timestamp": 1_795_358_400.25, "checked_by": "pod_1795358411941",
    });
    let poison = [
        json!({"healthy_endpoints": null, "timestamp": 1}),
        json!({"timestamp": "2026"}),
        json!({"healthy_endpoints": [{"model_id": "a"}, {"model_id": "a"}, 7], "timestamp": -1e300}),
        json!({"timestamp": 1, "watchkeeper": "all-2"}),
    ];
    let mut seeds = vec![
        whole.to_string().into_bytes(),
        Value::from(whole.to_string()).to_string().into_bytes(),
    ];
    seeds.extend(poison.iter().map(|value| value.to_string().into_bytes()));
    seeds
}
