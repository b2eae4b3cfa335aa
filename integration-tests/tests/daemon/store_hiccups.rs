//! Short troubles of Redis that must cost nothing: lost scripts, lost data, lost connections, a quick restart; and a
//! Redis that answers but takes no writes.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::fleet::{Fleet, assert_rounds};
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::MockLlm;
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::SOON;

const MODELS: [&str; 2] = ["m1", "m2"];
const ROUNDS: usize = 5;

/// Runs a fleet of three for five rounds, 3 s apart, with `trouble` after the second: no round is lost, none is doubled,
/// tokens rise, and a report is shown by all within a second of its publication.
async fn costs_nothing(trouble: impl AsyncFn(&mut RedisProcess)) {
    let mut redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &MODELS)
        .redis(redis.address())
        .interval("3s");
    let fleet = Fleet::start(3, &Setup::new().toml(config.toml())).await;
    mock.wait_for_rounds(&MODELS, 2, SOON).await;
    fleet.wait_for_same_report(SOON).await;
    let token = fleet[0].shared_status().await["token"].as_u64();
    trouble(&mut redis).await;
    for round in 3..=ROUNDS {
        mock.wait_for_rounds(&MODELS, round, SOON).await;
        let shown = eventually(
            "the new report is shown",
            Duration::from_secs(1),
            async || {
                for pod in fleet.pods() {
                    let status = pod.shared_status().await;
                    if status["status"]["cache_age_seconds"].as_f64() > Some(2.0) {
                        return false;
                    }
                }
                true
            },
        );
        shown.await;
    }
    let gap = Duration::from_millis(2900)..=Duration::from_millis(3900);
    assert_rounds(&mock.asked(), &MODELS, ROUNDS, gap);
    for pod in fleet.pods() {
        let newer = pod.shared_status().await["token"].as_u64();
        assert!(newer > token, "the token went from {token:?} to {newer:?}");
    }
    let isolated = fleet
        .sum("watchkeeper_rounds_total", &[("how", "isolated")])
        .await;
    assert_eq!(isolated, 0.0, "{}", fleet.logs());
}

#[tokio::test]
async fn scripts_that_redis_forgot_are_loaded_again() {
    costs_nothing(async |redis| redis.run::<()>(&["SCRIPT", "FLUSH"]).await).await;
}

#[tokio::test]
async fn data_that_redis_forgot_costs_no_probe() {
    costs_nothing(async |redis| redis.run::<()>(&["FLUSHALL"]).await).await;
}

#[tokio::test]
async fn connections_that_redis_closed_are_made_again() {
    costs_nothing(async |redis| {
        for kind in ["normal", "pubsub"] {
            redis
                .run::<i64>(&["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"])
                .await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_quick_restart_without_data_goes_unnoticed() {
    costs_nothing(async |redis| {
        redis.kill().await;
        redis.start_again().await;
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_takes_no_writes_counts_as_away_and_serves_again_when_it_does() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &MODELS)
        .redis(redis.address())
        .interval("3s");
    let fleet = Fleet::start(2, &Setup::new().toml(config.toml())).await;
    fleet.wait_for_same_report(SOON).await;
    redis
        .run::<()>(&["CONFIG", "SET", "min-replicas-to-write", "1"])
        .await;
    fleet.wait_for_store(false, SOON).await;
    let refused = Instant::now();
    mock.wait_for("each pod checks for itself", SOON, |seen| {
        MODELS
            .iter()
            .all(|model| seen.since(refused).count(model) >= 4)
    })
    .await;
    for pod in fleet.pods() {
        let status = pod.shared_status().await;
        assert_eq!(status["mode"], "isolated", "{status}\n{}", pod.log());
        assert_eq!(pod.lines_with("WARN").len(), 1, "{}", pod.log());
    }
    redis
        .run::<()>(&["CONFIG", "SET", "min-replicas-to-write", "0"])
        .await;
    let back = fleet.wait_for_store(true, SOON).await;
    mock.wait_for("two rounds", SOON, |seen| {
        MODELS
            .iter()
            .all(|model| seen.since(back).count(model) >= 3)
    })
    .await;
    let gap = Duration::from_millis(2700)..=Duration::from_millis(3900);
    assert_rounds(&mock.asked().since(back), &MODELS, 3, gap);
    fleet.wait_for_same_report(SOON).await;
}
