//! A Redis that one pod reaches and another does not.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::fleet::{Fleet, assert_apart};
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::MockLlm;
use watchkeeper_integration_tests::proxy::{Mode, Proxy};
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::SOON;

const INTERVAL: Duration = Duration::from_secs(3);

/// One pod is cut off by `fault` for three intervals: each side asks once per interval, and then they are one again.
async fn comes_back_together(fault: Mode) {
    let redis = RedisProcess::start().await;
    let proxy = Proxy::start(redis.address()).await;
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &["m"]).interval("3s");
    let near = config.clone().redis(redis.address()).toml();
    let far = config.redis(proxy.address()).toml();
    let fleet = Fleet::of([Setup::new().toml(near), Setup::new().toml(far)]).await;
    fleet.wait_for_same_report(SOON).await;

    proxy.set(fault);
    let cut = Instant::now();
    mock.wait_for("three intervals of each side", 2 * SOON, |seen| {
        seen.since(cut).count("m") >= 6
    })
    .await;
    let far = fleet[1].shared_status().await;
    assert_eq!(far["mode"], "isolated", "{far}\n{}", fleet.logs());
    assert_eq!(far["status"]["redis_available"], false, "{far}");
    let near = fleet[0].shared_status().await;
    assert_eq!(near["status"]["redis_available"], true, "{near}");
    // EC-2: at most one per pod and interval.
    let during = mock.asked().since(cut);
    let intervals = cut.elapsed().as_secs_f64() / INTERVAL.as_secs_f64();
    assert!(
        during.count("m") as f64 <= 2.0 * (intervals + 1.0),
        "{}",
        during.table()
    );

    proxy.set(Mode::Pass);
    let back = fleet.wait_for_store(true, SOON).await;
    let last = *mock.asked().starts("m").last().unwrap();
    mock.wait_for("two more rounds", SOON, |seen| {
        seen.since(back).count("m") >= 3
    })
    .await;
    let seen = mock.asked();
    let after = seen.since(back);
    assert_apart(&after, &["m"], INTERVAL.mul_f64(0.9));
    let next = after.starts("m")[0].saturating_duration_since(last);
    assert!(
        next >= INTERVAL.mul_f64(0.9) || after.starts("m")[0] <= last,
        "an extra probe {next:?} later:\n{}\n{}",
        seen.table(),
        fleet.logs()
    );
    fleet.wait_for_same_report(SOON).await;
}

#[tokio::test]
async fn a_pod_whose_network_is_silent() {
    comes_back_together(Mode::Drop).await;
}

#[tokio::test]
async fn a_pod_whose_requests_arrive_and_whose_answers_do_not() {
    comes_back_together(Mode::LoseReplies).await;
}

#[tokio::test]
async fn a_pod_whose_connections_are_cut() {
    comes_back_together(Mode::Cut).await;
}

/// Each answer takes 300 of the 500 ms that `backend.timeout` allows: slow, but the fleet is one.
#[tokio::test]
async fn a_store_that_answers_just_in_time_serves() {
    let redis = RedisProcess::start().await;
    let proxy = Proxy::start(redis.address()).await;
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &["m"])
        .redis(proxy.address())
        .interval("3s");
    let fleet = Fleet::start(2, &Setup::new().toml(config.toml())).await;
    fleet.wait_for_same_report(SOON).await;
    proxy.set(Mode::Delay {
        to_server: Duration::from_millis(150),
        to_client: Duration::from_millis(150),
    });
    mock.wait_for_starts("m", 4, SOON).await;
    fleet.wait_for_same_report(SOON).await;
    let seen = mock.asked();
    assert_apart(&seen, &["m"], INTERVAL.mul_f64(0.9));
    for pod in fleet.pods() {
        let status = pod.shared_status().await;
        assert_eq!(status["status"]["redis_available"], true, "{status}");
        assert!(pod.lines_with("WARN").is_empty(), "{}", pod.log());
    }
}
