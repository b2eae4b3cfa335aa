//! A model that takes longer than the lease lasts.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::fleet::{Fleet, assert_rounds};
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::SOON;

#[tokio::test]
async fn a_model_slower_than_the_lease_is_still_asked_once_per_round_and_the_lease_is_renewed() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    mock.set("slow", Behaviour::Delay(Duration::from_millis(4500)));
    let config = NativeConfig::new(&mock.api_base(), &["quick", "slow"])
        .redis(redis.address())
        .interval("6s")
        .lock_ttl("3s")
        .probe("timeout = \"10s\"");
    let fleet = Fleet::start(3, &Setup::new().toml(config.toml())).await;

    let seen = mock.wait_for_starts("slow", 1, SOON).await;
    let began = seen.starts("slow")[0];
    let holder = fleet.wait_for_holder(SOON).await;
    let token = fleet[holder].shared_status().await["token"].clone();
    assert!(token.is_u64(), "{token}");
    // The lease stands without a gap for longer than one lease lasts, and everybody knows whose it is.
    while began.elapsed() < Duration::from_millis(4200) {
        assert_eq!(redis.keys("watchkeeper:*:lock:*").await.len(), 1);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for pod in fleet.pods() {
        let status = pod.shared_status().await;
        assert_eq!(status["status"]["lock_owner"], fleet.id(holder), "{status}");
        assert_eq!(status["status"]["lock_in_progress"], true, "{status}");
        assert_eq!(status["token"], token, "{status}");
    }

    fleet.wait_for_same_report(SOON).await;
    mock.wait_for_starts("slow", 2, SOON).await;
    let shown = Instant::now();
    // While the second round runs, the last report is shown and is not called stale.
    for pod in fleet.pods() {
        let health = pod.health().await;
        assert_eq!(health["healthy_count"], 2, "{health}");
        let status = pod.shared_status().await;
        assert_eq!(status["stale"], false, "{status}");
    }
    mock.wait_for("the second round to end", SOON, |seen| {
        seen.of("slow")
            .filter(|asked| asked.ended.is_some())
            .count()
            == 2
    })
    .await;
    assert!(shown.elapsed() < SOON);
    let gap = Duration::from_millis(5950)..=Duration::from_millis(7000);
    assert_rounds(&mock.asked(), &["quick", "slow"], 2, gap);
    for pod in fleet.pods() {
        let metrics = pod.metrics().await;
        assert_eq!(
            metrics.count("watchkeeper_lease_lost_total", &[]),
            0.0,
            "{}",
            pod.log()
        );
    }
}
