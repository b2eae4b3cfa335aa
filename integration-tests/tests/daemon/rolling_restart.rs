//! Pods come and go while the fleet works: no probe is made for it.

use std::time::Duration;

use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::fleet::{Fleet, assert_rounds};
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::MockLlm;
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::SOON;

#[tokio::test]
async fn replacing_every_pod_costs_no_probe_and_a_new_pod_has_the_report_at_once() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &["m1", "m2"])
        .redis(redis.address())
        .interval("3s");
    let setup = Setup::new().toml(config.toml());
    let mut fleet = Fleet::start(3, &setup).await;
    fleet.wait_for_same_report(SOON).await;
    let mut fresh = Vec::new();
    for _ in 0..3 {
        let pod = setup.clone().start().await;
        eventually(
            "a new pod shows the fleet's report",
            Duration::from_secs(1),
            async || pod.health().await["healthy_count"] == 2,
        )
        .await;
        fresh.push(pod);
        let mut old = fleet.remove(0);
        old.terminate();
        let status = old.wait_for_end(SOON).await;
        assert_eq!(status.code(), Some(0), "{}", old.log());
    }
    mock.wait_for_rounds(&["m1", "m2"], 5, Duration::from_secs(20))
        .await;
    let gap = Duration::from_millis(2900)..=Duration::from_millis(3900);
    assert_rounds(&mock.asked(), &["m1", "m2"], 5, gap);
}
