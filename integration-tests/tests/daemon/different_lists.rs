//! Two pods with other model lists in one namespace of one Redis.

use std::time::Duration;

use serde_json::Value;
use watchkeeper_integration_tests::daemon::{Daemon, Setup};
use watchkeeper_integration_tests::fleet::{Fleet, assert_apart};
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::SOON;

#[tokio::test]
async fn each_shows_its_own_models_and_none_of_the_others() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    mock.set("only-b", Behaviour::Status(500));
    let setup = |models: &[&str]| {
        let config = NativeConfig::new(&mock.api_base(), models).redis(redis.address());
        Setup::new().toml(config.toml())
    };
    let fleet = Fleet::of([
        setup(&["both", "only-a"]),
        setup(&["both", "only-b"]),
        setup(&["both", "only-a"]),
    ])
    .await;

    mock.wait_for("three rounds of all", SOON, |seen| {
        seen.count("only-a") >= 3 && seen.count("only-b") >= 3
    })
    .await;
    fleet.wait_for_reports(SOON).await;
    for _ in 0..20 {
        for (pod, own) in fleet.pods().zip(["only-a", "only-b", "only-a"]) {
            assert_eq!(
                models(pod).await,
                ["openai/both".to_owned(), format!("openai/{own}")]
            );
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let seen = mock.asked();
    assert_apart(&seen, &["only-a", "only-b"], Duration::from_millis(1800));
    // `both` is asked by each of the two fleets.
    let both = seen.count("both");
    let sum = seen.count("only-a") + seen.count("only-b");
    assert!(both.abs_diff(sum) <= 2, "{}", seen.table());
}

async fn models(pod: &Daemon) -> Vec<String> {
    let health = pod.health().await;
    let mut models: Vec<String> = ["healthy_endpoints", "unhealthy_endpoints"]
        .iter()
        .flat_map(|list| {
            health[list]
                .as_array()
                .unwrap_or_else(|| panic!("{health}"))
        })
        .map(|entry| {
            entry["model"]
                .as_str()
                .map(str::to_owned)
                .unwrap_or_else(|| panic!("{entry}"))
        })
        .collect();
    models.sort();
    let count = |key: &str| {
        health[key]
            .as_u64()
            .unwrap_or_else(|| panic!("{}", Value::clone(&health)))
    };
    assert_eq!(
        count("healthy_count") + count("unhealthy_count"),
        models.len() as u64
    );
    models
}
