//! The ways in which a Redis is named and asks who we are.

use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::fleet::Fleet;
use watchkeeper_integration_tests::litellm_config::{LitellmConfig, NativeConfig};
use watchkeeper_integration_tests::mock_llm::MockLlm;
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::SOON;

/// Two pods make one probe, and the keys are where they should be.
async fn is_one_fleet(setup: Setup, mock: &MockLlm) {
    let fleet = Fleet::start(2, &setup).await;
    fleet.wait_for_same_report(SOON).await;
    assert_eq!(
        mock.asked().count("m"),
        1,
        "{}\n{}",
        mock.asked().table(),
        fleet.logs()
    );
    let status = fleet[0].shared_status().await;
    assert_eq!(status["status"]["redis_available"], true, "{status}");
    assert!(!fleet.logs().contains("hunter22"), "{}", fleet.logs());
}

#[tokio::test]
async fn password_and_database_of_a_litellm_file() {
    let redis = RedisProcess::start_with(&["--requirepass", "hunter22"]).await;
    let mock = MockLlm::start().await;
    // LiteLLM hands every argument of redis-py through; the file's own lines come before the variables.
    let config = LitellmConfig::new(&mock.api_base(), &["m"])
        .redis(redis.address())
        .interval(60)
        .yaml()
        + "    password: os.environ/MY_REDIS_PASSWORD\n    db: 3\n";
    let setup = Setup::new()
        .litellm(config)
        .env("MY_REDIS_PASSWORD", "hunter22");
    is_one_fleet(setup, &mock).await;
}

#[tokio::test]
async fn an_acl_user_that_may_only_touch_our_keys() {
    let rule = "--user keeper on >hunter22 ~watchkeeper:* &watchkeeper:* +@all -@dangerous";
    let words: Vec<&str> = rule.split(' ').collect();
    let redis = RedisProcess::start_with(&words).await;
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &["m"])
        .redis(redis.address())
        .interval("60s")
        .toml()
        .replace("redis://", "redis://keeper:hunter22@");
    is_one_fleet(Setup::new().toml(config), &mock).await;
}

#[tokio::test]
async fn the_seeds_variables_alone() {
    let redis = RedisProcess::start_with(&["--requirepass", "hunter22"]).await;
    let mock = MockLlm::start().await;
    let yaml = LitellmConfig::new(&mock.api_base(), &["m"])
        .interval(60)
        .yaml();
    let yaml = yaml.replace("drop_params: true", "cache: true");
    let setup = Setup::new()
        .litellm(yaml)
        .env("REDIS_HOST", redis.address().ip().to_string())
        .env("REDIS_PORT", redis.address().port().to_string())
        .env("REDIS_PASSWORD", "hunter22");
    is_one_fleet(setup, &mock).await;
}

#[tokio::test]
async fn a_wrong_password_is_said_once_and_the_pod_checks_for_itself() {
    let redis = RedisProcess::start_with(&["--requirepass", "hunter22"]).await;
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &["m"])
        .redis(redis.address())
        .toml()
        .replace("redis://", "redis://:wrongpass@");
    let pod = Setup::new().toml(config).start().await;
    mock.wait_for_starts("m", 2, SOON).await;
    let status = pod.shared_status().await;
    assert_eq!(status["status"]["redis_available"], false, "{status}");
    assert_eq!(status["mode"], "isolated", "{status}");
    let down = pod.lines_with("store is not reachable");
    assert_eq!(down.len(), 1, "{}", pod.log());
    assert!(pod.lines_with("WARN").len() <= 2, "{}", pod.log());
    assert!(!pod.log().contains("wrongpass"), "{}", pod.log());
}
