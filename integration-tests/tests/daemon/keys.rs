//! Who may ask what.

use hyper::Method;
use serde_json::Value;
use watchkeeper_integration_tests::daemon::{Daemon, Setup};
use watchkeeper_integration_tests::litellm_config::{LitellmConfig, NativeConfig};
use watchkeeper_integration_tests::mock_llm::MockLlm;

const GUARDED: [&str; 10] = [
    "/health",
    "/health?model=m1",
    "/health/shared-status",
    "/health/latest",
    "/health/history",
    "/health/readiness/details",
    "/v1/checks",
    "/v1/checks/m1",
    "/v1/fleet",
    "/v1/status",
];
const OPEN: [&str; 3] = [
    "/health/liveliness",
    "/health/liveness",
    "/health/readiness",
];

async fn status(pod: &Daemon, path: &str, key: Option<&str>) -> u16 {
    pod.request(Method::GET, path, key).await.status.as_u16()
}

#[tokio::test]
async fn litellms_master_key_guards_everything_but_liveness_readiness_and_metrics() {
    let mock = MockLlm::start().await;
    let config = LitellmConfig::new(&mock.api_base(), &["m1"]).general("master_key: sk-master");
    let pod = Setup::new()
        .litellm(config.yaml())
        .key("sk-master")
        .start()
        .await;
    let fixture: Value = serde_json::from_str(include_str!(
        "../../../crates/watchkeeper-api/tests/fixtures/no_key.json"
    ))
    .unwrap();
    for path in GUARDED {
        let answer = pod.request(Method::GET, path, None).await;
        assert_eq!(answer.status.as_u16(), fixture["status"], "{path}");
        assert_eq!(answer.json(), fixture["body"], "{path}");
        for wrong in ["sk-wrong", "", "sk-maste", "sk-master1", "SK-MASTER"] {
            let answer = pod.request(Method::GET, path, Some(wrong)).await;
            assert_eq!(answer.status.as_u16(), 401, "{path} with `{wrong}`");
            let error = &answer.json()["error"];
            assert_eq!(error["type"], "auth_error", "{error}");
            assert_eq!(error["code"], "401", "{error}");
            assert!(
                !answer.text().contains("sk-"),
                "the answer repeats a key: {}",
                answer.text()
            );
        }
        assert_ne!(status(&pod, path, Some("sk-master")).await, 401, "{path}");
    }
    for path in OPEN.into_iter().chain(["/metrics"]) {
        assert_ne!(status(&pod, path, None).await, 401, "{path}");
    }
    assert!(
        !pod.log().contains("sk-master") && !pod.log().contains("sk-wrong"),
        "{}",
        pod.log()
    );
}

#[tokio::test]
async fn each_configured_key_opens_and_metrics_may_be_guarded_too() {
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &["m1"])
        .http("api_keys = [\"env:KEY_ONE\", \"sk-two\"]")
        .http("metrics_auth = true");
    let pod = Setup::new()
        .toml(config.toml())
        .env("KEY_ONE", "sk-one")
        .start()
        .await;
    for path in ["/health", "/metrics"] {
        assert_eq!(status(&pod, path, None).await, 401, "{path}");
        assert_eq!(status(&pod, path, Some("sk-three")).await, 401, "{path}");
        for key in ["sk-one", "sk-two"] {
            assert_eq!(status(&pod, path, Some(key)).await, 200, "{path}");
        }
    }
}

#[tokio::test]
async fn without_a_key_on_loopback_everything_is_open() {
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &["m1"]);
    let pod = Setup::new().toml(config.toml()).start().await;
    for path in GUARDED.into_iter().chain(OPEN).chain(["/metrics"]) {
        assert_ne!(status(&pod, path, None).await, 401, "{path}");
    }
}
