//! A pod that is frozen in its round past the end of its lease, and woken.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::fleet::Fleet;
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::SOON;

#[tokio::test]
async fn a_pod_frozen_past_its_lease_publishes_nothing_old_and_starts_no_second_round() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    mock.set("m", Behaviour::Hold);
    let config = NativeConfig::new(&mock.api_base(), &["m"])
        .redis(redis.address())
        .interval("60s")
        .lock_ttl("3s")
        .probe("timeout = \"30s\"");
    let fleet = Fleet::start(3, &Setup::new().toml(config.toml())).await;
    mock.wait_for_starts("m", 1, SOON).await;
    let frozen = fleet.wait_for_holder(SOON).await;
    let others: Vec<usize> = (0..fleet.len()).filter(|index| *index != frozen).collect();
    fleet[frozen].freeze();

    // The first probe stays held: only the second is answered, and badly. What the frozen pod finds will differ.
    mock.wait_for_starts("m", 2, SOON).await;
    mock.set("m", Behaviour::Status(500));
    for &index in &others {
        eventually("the next holder's finding is shown", SOON, async || {
            fleet[index].health().await["unhealthy_count"] == 1
        })
        .await;
    }
    let token = fleet[others[0]].shared_status().await["token"].as_u64();
    let checked_by = fleet[others[0]].shared_status().await["status"]["last_checked_by"].clone();
    assert_ne!(checked_by, fleet.id(frozen));

    let woken = Instant::now();
    fleet[frozen].wake();
    eventually(
        "the woken pod's metrics show what it lost",
        SOON,
        async || {
            let metrics = fleet[frozen].metrics().await;
            metrics.count("watchkeeper_lease_lost_total", &[])
                + metrics.count("watchkeeper_publishes_fenced_total", &[])
                >= 1.0
        },
    )
    .await;
    eventually(
        "the woken pod shows the fleet's finding",
        SOON,
        async || {
            let status = fleet[frozen].shared_status().await;
            status["status"]["last_checked_by"] == checked_by
                && fleet[frozen].health().await["unhealthy_count"] == 1
        },
    )
    .await;
    // It keeps to that for longer than a lease lasts.
    while woken.elapsed() < Duration::from_secs(4) {
        for pod in fleet.pods() {
            let status = pod.shared_status().await;
            if pod.address() != fleet[frozen].address() {
                assert_eq!(
                    status["status"]["last_checked_by"],
                    checked_by,
                    "{status}\n{}",
                    fleet.logs()
                );
                assert!(status["token"].as_u64() >= token, "{status}");
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        mock.asked().count("m"),
        2,
        "{}\n{}",
        mock.asked().table(),
        fleet.logs()
    );
}
