//! Garbage, nulls, huge and foreign values under every key of ours: a warning, no crash, and the next publish heals it.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::fleet::Fleet;
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::MockLlm;
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::SOON;

/// What stands where our value should.
enum Foreign {
    Bytes(Vec<u8>),
    List,
    Hash,
}

/// Puts `value` under every key of ours, waits until the fleet is whole again, and returns the logs.
async fn heals(value: Foreign) {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &["m1", "m2"]).redis(redis.address());
    let mut fleet = Fleet::start(2, &Setup::new().toml(config.toml())).await;
    mock.wait_for_starts("m2", 2, SOON).await;
    fleet.wait_for_same_report(SOON).await;
    let token = fleet[0].shared_status().await["token"].as_u64();

    let keys = our_keys(&redis).await;
    for key in &keys {
        put(&redis, key, &value).await;
    }
    let put_at = Instant::now();

    // A lock that has no end is taken once it was seen unchanged for `lock_ttl` (3 s); then rounds go on as before.
    mock.wait_for("rounds go on", SOON, |seen| {
        seen.since(put_at).count("m2") >= 3
    })
    .await;
    fleet.wait_for_same_report(SOON).await;
    let seen = mock.asked();
    let first = seen.since(put_at).starts("m1")[0].duration_since(put_at);
    assert!(
        first <= Duration::from_millis(2000 + 3000 + 1500),
        "the first round came {first:?} after the damage:\n{}\n{}",
        seen.table(),
        fleet.logs()
    );
    let status = fleet[0].shared_status().await;
    assert!(status["token"].as_u64() > token, "{token:?}: {status}");
    for pod in fleet.pods() {
        assert_eq!(pod.health().await["healthy_count"], 2);
        let status = pod.shared_status().await;
        assert_eq!(
            status["status"]["redis_available"],
            true,
            "{status}\n{}",
            pod.log()
        );
        let pods = pod.json("/v1/fleet").await.to_string();
        assert!(
            pods.contains(fleet.id(0)) && pods.contains(fleet.id(1)),
            "{pods}"
        );
    }
    assert!(
        fleet.count_lines("WARN") >= 1,
        "no warning about what was found\n{}",
        fleet.logs()
    );
    assert!(
        fleet.count_lines("WARN") <= 20,
        "a warning per attempt is a flood\n{}",
        fleet.logs()
    );
    assert!(!fleet.logs().contains("panicked"), "{}", fleet.logs());
    // A new pod reads what the healed store says, and asks nothing itself at once.
    let before = mock.asked().count("m1");
    let fresh = Setup::new().toml(config.toml()).start().await;
    watchkeeper_integration_tests::eventually("a new pod joins", SOON, async || {
        fresh.health().await["healthy_count"] == 2
    })
    .await;
    assert!(
        mock.asked().count("m1") <= before + 1,
        "{}",
        mock.asked().table()
    );
    while !fleet.is_empty() {
        assert!(fleet.remove(0).runs());
    }
}

async fn our_keys(redis: &RedisProcess) -> Vec<String> {
    let mut keys = redis.keys("watchkeeper:*").await;
    for part in [":report:", ":token:"] {
        assert!(keys.iter().any(|key| key.contains(part)), "{keys:?}");
    }
    assert!(keys.iter().any(|key| key.ends_with(":pods")), "{keys:?}");
    // The lock is free between rounds.
    let lock = keys
        .iter()
        .find(|key| key.contains(":report:"))
        .unwrap()
        .replace(":report:", ":lock:");
    if !keys.contains(&lock) {
        keys.push(lock);
    }
    keys
}

async fn put(redis: &RedisProcess, key: &str, value: &Foreign) {
    redis.run::<()>(&["DEL", key]).await;
    match value {
        Foreign::Bytes(bytes) => {
            redis
                .run_bytes::<()>(&[b"SET", key.as_bytes(), bytes])
                .await
        }
        Foreign::List => redis.run::<()>(&["RPUSH", key, "a", "b"]).await,
        Foreign::Hash => {
            redis
                .run::<()>(&["HSET", key, "pod", "x", "token", "zzz"])
                .await
        }
    }
}

#[tokio::test]
async fn garbage_heals() {
    heals(Foreign::Bytes(b"\xff\xfe{not json \0\x80".to_vec())).await;
}

#[tokio::test]
async fn an_empty_value_heals() {
    heals(Foreign::Bytes(Vec::new())).await;
}

#[tokio::test]
async fn a_json_null_heals() {
    heals(Foreign::Bytes(b"null".to_vec())).await;
}

#[tokio::test]
async fn a_number_far_too_large_heals() {
    heals(Foreign::Bytes(b"99999999999999999999999999".to_vec())).await;
}

#[tokio::test]
async fn a_number_that_looks_like_a_token_a_day_ahead_heals() {
    let ahead = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        + Duration::from_secs(10 * 24 * 3600);
    heals(Foreign::Bytes(ahead.as_micros().to_string().into_bytes())).await;
}

#[tokio::test]
async fn a_huge_value_heals() {
    heals(Foreign::Bytes(vec![b'x'; 24 << 20])).await;
}

#[tokio::test]
async fn a_list_heals() {
    heals(Foreign::List).await;
}

#[tokio::test]
async fn a_foreign_hash_heals() {
    heals(Foreign::Hash).await;
}
