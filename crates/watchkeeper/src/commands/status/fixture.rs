//! A pod's answers, for tests.

use serde_json::{Value, json};

use super::ask::Picture;

fn totals(probes: u64) -> Value {
    json!({"led": 1, "followed": 2, "isolated": 0, "probes": probes, "saved": 4})
}

fn check(name: &str, healthy: Option<bool>, outcome: Option<&str>) -> Value {
    let known = healthy.is_some();
    json!({
        "id": name, "name": name, "provider": "openai", "model": null, "background": true, "healthy": healthy,
        "outcome": outcome, "status": null,
        "error": outcome.filter(|word| *word != "healthy").map(|_| "Rate limit reached"),
        "latency_ms": known.then_some(42), "checked_by": known.then_some("pod-2"), "checked_at": null,
        "token": null, "age_seconds": known.then_some(3.21), "freshness": known.then_some("fresh"),
        "since": null, "streak": null, "next_due_seconds": 1.8,
    })
}

/// Three checks, two pods, and these leases.
pub(super) fn picture(leases: &Value) -> Picture {
    let status = json!({
        "pod_id": "pod-1", "fleet": "prod", "version": "0.1.0", "mode": "following", "backend": "redis",
        "store_address": "redis:6379", "guarantee": "single-primary", "store_up": true, "store_error": null, "ready": true, "draining": false,
        "now": null, "started_at": null, "uptime_seconds": 7300.0,
        "checks": {"total": 3, "healthy": 1, "unhealthy": 1, "unknown": 1, "stale": 0},
        "groups": [{"group": "g", "mode": "following", "lease": null, "highest_token": 7, "checked_by": "pod-2",
            "results": 2, "age_seconds": 3.2, "stale": false, "next_due_seconds": 1.8}],
        "totals": totals(0),
        "settings": {"enabled": true, "background": true, "interval_seconds": 300.0, "lock_ttl_seconds": 60.0,
            "cache_ttl_seconds": 300.0, "lock_scope": "fleet", "fresh_for_seconds": 316.0},
    });
    let pod = |name: &str, this: bool, probes| {
        let mut pod = totals(probes);
        let row = json!({"pod_id": name, "this_pod": this, "mode": "following", "version": "0.1.0",
            "started_at": null, "age_seconds": 2.0, "leases": 0});
        pod.as_object_mut()
            .unwrap()
            .extend(row.as_object().unwrap().clone());
        pod
    };
    let fleet = json!({"fleet": "prod", "leases": leases, "totals": totals(6),
        "pods": [pod("pod-1", true, 0), pod("pod-2", false, 6)]});
    let checks = json!({
        "counts": {"total": 3, "healthy": 1, "unhealthy": 1, "unknown": 1, "stale": 0},
        "checks": [check("gpt-4", Some(true), Some("healthy")),
            check("busy", Some(false), Some("rate_limited")), check("new", None, None)],
    });
    Picture {
        status: serde_json::from_value(status).unwrap(),
        fleet: serde_json::from_value(fleet).unwrap(),
        checks: serde_json::from_value(checks).unwrap(),
    }
}
