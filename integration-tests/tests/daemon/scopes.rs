//! `lock_scope = "check"`: one lease and one report per check, so that the probes spread over the fleet.

use std::time::Duration;

use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::fleet::{Fleet, assert_apart};
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::SOON;

const MODELS: [&str; 6] = ["m1", "m2", "m3", "m4", "m5", "m6"];

#[tokio::test]
async fn with_a_lock_per_check_each_check_is_asked_once_per_interval_and_several_pods_probe() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    mock.set_default(Behaviour::Delay(Duration::from_millis(100)));
    let config = NativeConfig::new(&mock.api_base(), &MODELS)
        .redis(redis.address())
        .coordination("lock_scope", "\"check\"");
    let fleet = Fleet::start(3, &Setup::new().toml(config.toml())).await;
    mock.wait_for("four rounds", SOON, |seen| {
        MODELS.iter().all(|model| seen.count(model) >= 4)
    })
    .await;
    assert_apart(&mock.asked(), &MODELS, Duration::from_millis(1800));
    assert_eq!(
        redis.keys("watchkeeper:*:report:*").await.len(),
        MODELS.len()
    );

    let mut probers = 0;
    for pod in fleet.pods() {
        assert_eq!(pod.health().await["healthy_count"], MODELS.len());
        let made = pod.metrics().await.count("watchkeeper_probes_total", &[]);
        probers += usize::from(made > 0.0);
    }
    assert!(probers >= 2, "one pod made all probes\n{}", fleet.logs());
}
