//! Garbage, nulls, huge and foreign values under every key of ours: a warning, no crash, and the next publish heals it.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::daemon::{Daemon, Setup};
use watchkeeper_integration_tests::eventually;
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
    for key in &keys {
        assert_warned_once_per_pod(&fleet, key);
    }
    assert!(
        fleet.count_lines("WARN") <= 20,
        "a warning per attempt is a flood\n{}",
        fleet.logs()
    );
    assert!(!fleet.logs().contains("panicked"), "{}", fleet.logs());
    // A new pod reads what the healed store says, and asks nothing itself at once.
    let before = mock.asked().count("m1");
    let fresh = Setup::new().toml(config.toml()).start().await;
    eventually("a new pod joins", SOON, async || {
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

/// Fails unless what stood under `key` was said in a warning that tells which key is meant, at most once by each pod.
fn assert_warned_once_per_pod(fleet: &Fleet, key: &str) {
    // Of lock and report the coordinator speaks, and names their group; of the others the store, and names the key.
    let parts = if key.contains(":lock:") {
        ["a lock that", "not one of ours", group_of(key)]
    } else if key.contains(":report:") {
        ["unreadable report", "replaces it", group_of(key)]
    } else {
        ["that no pod wrote", "replaced", key]
    };
    let said = |pod: &Daemon| {
        let lines = pod.lines_with("WARN");
        lines
            .iter()
            .filter(|line| parts.iter().all(|part| line.text.contains(part)))
            .count()
    };
    let said: Vec<usize> = fleet.pods().map(said).collect();
    assert!(
        said.iter().sum::<usize>() >= 1,
        "no warning about {key}\n{}",
        fleet.logs()
    );
    assert!(
        said.iter().all(|count| *count <= 1),
        "a pod repeats itself about {key}: {said:?}\n{}",
        fleet.logs()
    );
}

fn group_of(key: &str) -> &str {
    key.rsplit(':').next().unwrap()
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

/// Ten days, as a lock of ours would ask for them.
const TEN_DAYS_MS: &str = "864000000";

#[tokio::test]
async fn a_foreign_lock_that_looks_like_ours_and_lasts_for_days_does_not_end_the_checks() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    let models = ["m1", "m2"];
    let config = NativeConfig::new(&mock.api_base(), &models)
        .redis(redis.address())
        .interval("1s")
        .lock_ttl("3s")
        .probe("timeout = \"2s\"");
    let fleet = Fleet::start(2, &Setup::new().toml(config.toml())).await;
    mock.wait_for_starts("m2", 2, SOON).await;
    fleet.wait_for_same_report(SOON).await;
    let token = fleet[0].shared_status().await["token"].as_u64();

    let keys = our_keys(&redis).await;
    let lock = keys.iter().find(|key| key.contains(":lock:")).unwrap();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_micros();
    let value = format!("wk1|{now}|1|{TEN_DAYS_MS}|evil-pod");
    // Between two rounds: no probe that starts later belongs to one that began before.
    eventually("the lock was free to be taken", SOON, async || {
        let set = ["SET", lock, &value, "NX", "PX", TEN_DAYS_MS];
        redis.run::<Option<String>>(&set).await.is_some()
    })
    .await;
    let put_at = Instant::now();

    // Results may be as old as interval, jitter, `lock_ttl`, a round and 5 s together: some 12 s here.
    mock.wait_for("pods ask for themselves", Duration::from_secs(20), |seen| {
        models
            .iter()
            .all(|model| seen.since(put_at).count(model) >= 1)
    })
    .await;
    let seen = mock.asked();
    for model in models {
        let first = seen.since(put_at).starts(model)[0].duration_since(put_at);
        assert!(
            first > Duration::from_secs(6),
            "{model} was asked {first:?} after another took the lock, who may still have been at work:\n{}\n{}",
            seen.table(),
            fleet.logs()
        );
    }
    let silent = "publishes nothing";
    eventually("a pod says why", SOON, async || {
        fleet.count_lines(silent) >= 1
    })
    .await;
    for line in fleet.pods().flat_map(|pod| pod.lines_with(silent)) {
        assert!(
            line.text.contains("WARN") && line.text.contains("evil-pod"),
            "{}",
            line.text
        );
    }
    assert_eq!(redis.run::<String>(&["GET", lock]).await, value);

    redis.run::<()>(&["DEL", lock]).await;
    eventually("a pod leads again", SOON, async || {
        fleet[0].shared_status().await["token"].as_u64() > token
    })
    .await;
    fleet.wait_for_same_report(SOON).await;
    assert!(!fleet.logs().contains("panicked"), "{}", fleet.logs());
}
