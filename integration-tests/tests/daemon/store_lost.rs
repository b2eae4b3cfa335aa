//! Redis dies, stays away for three intervals, and comes back without its data.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::fleet::{Fleet, assert_apart};
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::MockLlm;
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::SOON;

const PODS: usize = 3;
const INTERVAL: Duration = Duration::from_secs(4);
const OUTAGE: Duration = Duration::from_secs(12);
const MODELS: [&str; 2] = ["m1", "m2"];

#[tokio::test]
async fn the_fleet_goes_on_without_redis_and_is_one_again_without_an_extra_probe() {
    let mut redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &MODELS)
        .redis(redis.address())
        .interval("4s");
    let fleet = Fleet::start(PODS, &Setup::new().toml(config.toml())).await;
    mock.wait_for_starts("m2", 2, SOON).await;
    fleet.wait_for_same_report(SOON).await;
    let token = fleet[0].shared_status().await["token"].as_u64();
    assert!(token.is_some());

    redis.kill().await;
    let killed = Instant::now();
    let seen_down = fleet.wait_for_store(false, Duration::from_secs(5)).await;
    let seen_after = seen_down.duration_since(killed);
    assert!(
        seen_after <= Duration::from_secs(2),
        "down was seen after {seen_after:?}"
    );
    while killed.elapsed() < OUTAGE {
        for pod in fleet.pods() {
            let status = pod.shared_status().await;
            // FB-1 with this configuration's own figures: isolated after 2 s, then due within an interval and jitter.
            let age = status["status"]["cache_age_seconds"].as_f64().unwrap();
            assert!(
                age <= 4.0 + 0.2 + 2.5,
                "results {age} s old were shown: {status}\n{}",
                pod.log()
            );
            assert_eq!(status["stale"], false, "{status}");
            assert_eq!(pod.health().await["healthy_count"], 2);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let during = mock.asked().since(killed);
    for model in MODELS {
        // EC-2: at most one per pod and interval; and every pod did check for itself.
        let count = during.count(model);
        assert!(
            (2 * PODS..=PODS * 4).contains(&count),
            "{model} was asked {count} times by {PODS} pods in 3 intervals:\n{}",
            during.table()
        );
    }
    for pod in fleet.pods() {
        assert_eq!(pod.shared_status().await["mode"], "isolated");
        let metrics = pod.metrics().await;
        assert_eq!(metrics.get("watchkeeper_store_up", &[]), Some(0.0));
    }

    redis.start_again().await;
    let started = Instant::now();
    let back = fleet.wait_for_store(true, SOON).await;
    let last = *mock.asked().starts("m1").last().unwrap();
    assert!(
        back.duration_since(started) < INTERVAL,
        "{:?}",
        back.duration_since(started)
    );
    mock.wait_for_starts("m2", mock.asked().count("m2") + 3, SOON)
        .await;
    fleet.wait_for_same_report(SOON).await;
    let seen = mock.asked();
    // Pods that were still alone when the others had Redis again may have asked for themselves: once they all have it,
    // nothing is asked before it is due, and then once per interval by the whole fleet.
    let after = seen.since(back);
    let least = INTERVAL.mul_f64(0.9);
    assert_apart(&after, &MODELS, least);
    let next = after.starts("m1")[0].duration_since(last);
    assert!(
        next >= least,
        "an extra probe {next:?} after the last of the outage:\n{}\n{}",
        seen.table(),
        fleet.logs()
    );
    let first = after.starts("m1")[0].duration_since(back);
    assert!(
        first <= INTERVAL + Duration::from_secs(1),
        "silent for {first:?} after Redis was back"
    );
    for pod in fleet.pods() {
        let newer = pod.shared_status().await["token"].as_u64();
        assert!(newer > token, "the token went from {token:?} to {newer:?}");
        let metrics = pod.metrics().await;
        assert_eq!(metrics.get("watchkeeper_store_up", &[]), Some(1.0));
        // One warning and one info per change, not one per attempt.
        assert_eq!(pod.lines_with("WARN").len(), 1, "{}", pod.log());
    }
}
