//! One pod alone, with the in-memory store and no other service.

use std::time::Duration;

use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::fleet::assert_rounds;
use watchkeeper_integration_tests::litellm_config::{LitellmConfig, NativeConfig};
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};
use watchkeeper_integration_tests::process::free_address;

use crate::SOON;

#[tokio::test]
async fn a_single_pod_asks_each_model_once_per_interval_and_shows_what_changes() {
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &["m1", "m2"]);
    let pod = Setup::new().toml(config.toml()).start().await;
    mock.wait_for_starts("m2", 2, SOON).await;
    mock.set("m2", Behaviour::Status(429));
    mock.wait_for_rounds(&["m1", "m2"], 4, SOON).await;
    let gap = Duration::from_millis(1950)..=Duration::from_millis(2900);
    assert_rounds(&mock.asked(), &["m1", "m2"], 4, gap);
    let health = pod.health().await;
    assert_eq!(
        health["healthy_endpoints"][0]["model"], "openai/m1",
        "{health}"
    );
    assert_eq!(
        health["unhealthy_endpoints"][0]["exception_status"], 429,
        "{health}"
    );
    let status = pod.shared_status().await;
    assert_eq!(status["backend"], "memory", "{status}");
}

#[tokio::test]
async fn a_probe_is_one_small_request_with_the_key_of_its_endpoint() {
    let mock = MockLlm::start().await;
    let base = mock.api_base();
    let config = NativeConfig::new(&base, &["chat"]).check(&format!(
        "name = \"vectors\"\nmodel = \"openai/vectors\"\nmode = \"embedding\"\napi_base = \"{base}\"\napi_key = \
         \"env:OTHER_KEY\""
    ));
    let _pod = Setup::new()
        .toml(config.toml())
        .env("OTHER_KEY", "sk-other")
        .start()
        .await;
    let seen = mock
        .wait_for("both", SOON, |seen| {
            seen.count("chat") == 1 && seen.count("vectors") == 1
        })
        .await;
    let chat = seen.of("chat").next().unwrap();
    assert_eq!(chat.path, "/v1/chat/completions");
    assert_eq!(chat.key.as_deref(), Some("sk-mock"));
    let most = ["max_tokens", "max_completion_tokens"]
        .iter()
        .find_map(|key| chat.body[key].as_u64());
    assert!(most.is_some_and(|tokens| tokens <= 16), "{}", chat.body);
    let vectors = seen.of("vectors").next().unwrap();
    assert_eq!(vectors.path, "/v1/embeddings");
    assert_eq!(vectors.key.as_deref(), Some("sk-other"));
}

#[tokio::test]
async fn http_and_tcp_checks_and_failures_of_all_kinds_are_told_apart() {
    let mock = MockLlm::start().await;
    let base = mock.api_base();
    mock.set("hangs", Behaviour::Hold);
    mock.set("odd", Behaviour::Garbage);
    mock.set("gone", Behaviour::Close);
    mock.set("denied", Behaviour::Status(401));
    let nobody = free_address();
    let config = NativeConfig::new(&base, &["fine", "hangs", "odd", "gone", "denied"])
        .interval("60s")
        .probe("timeout = \"1s\"")
        .check(&format!(
            "name = \"page\"\nhttp = \"http://{}/nothing\"",
            mock.address()
        ))
        .check(&format!("name = \"port\"\ntcp = \"{}\"", mock.address()))
        .check(&format!("name = \"closed\"\ntcp = \"{nobody}\""))
        .check("name = \"strange\"\nmodel = \"nosuchprovider/x\"\napi_key = \"k\"");
    let pod = Setup::new().toml(config.toml()).start().await;
    eventually("the round's end", SOON, async || {
        pod.json("/v1/checks").await["counts"]["unknown"] == 0
    })
    .await;
    let checks = pod.json("/v1/checks").await;
    let text = checks.to_string();
    for word in [
        "timeout",
        "bad_answer",
        "connect",
        "unauthorized",
        "not_found",
        "config_error",
        "healthy",
    ] {
        assert!(text.contains(word), "no `{word}` in {checks}");
    }
    let health = pod.health().await;
    assert_eq!(health["healthy_count"], 2, "{health}");
    assert_eq!(health["unhealthy_count"], 7, "{health}");
    // No hidden retries, also where the connection broke.
    let seen = mock.asked();
    for model in ["fine", "hangs", "odd", "gone", "denied"] {
        assert_eq!(seen.count(model), 1, "{}", seen.table());
    }
    assert_eq!(seen.count("x"), 0);
    for secret in ["sk-mock"] {
        for path in [
            "/health",
            "/v1/checks",
            "/v1/status",
            "/metrics",
            "/health/latest",
            "/health/history",
        ] {
            let answer = pod.get(path).await;
            assert!(!answer.text().contains(secret), "{path} shows a key");
        }
        assert!(!pod.log().contains(secret), "the log shows a key");
    }
}

#[tokio::test]
async fn a_litellm_file_without_a_cache_runs_on_the_in_memory_store_and_says_so() {
    let mock = MockLlm::start().await;
    let config = LitellmConfig::new(&mock.api_base(), &["m1"])
        .interval(2)
        .yaml();
    let pod = Setup::new().litellm(config).start().await;
    mock.wait_for_starts("m1", 3, SOON).await;
    let gap = Duration::from_millis(1950)..=Duration::from_millis(2900);
    assert_rounds(&mock.asked(), &["m1"], 3, gap);
    assert!(
        pod.lines_with("WARN")
            .iter()
            .any(|line| line.text.contains("memory")),
        "coordination was asked for and there is no store: that deserves a warning\n{}",
        pod.log()
    );
}

#[tokio::test]
async fn coordination_switched_off_makes_every_pod_check_for_itself() {
    let mock = MockLlm::start().await;
    let config = LitellmConfig::new(&mock.api_base(), &["m1"])
        .interval(60)
        .yaml();
    let setup = Setup::new()
        .litellm(config)
        .env("WATCHKEEPER__COORDINATION__ENABLED", "false");
    let first = setup.clone().start().await;
    let second = setup.start().await;
    mock.wait_for_starts("m1", 2, SOON).await;
    for pod in [&first, &second] {
        let status = pod.shared_status().await;
        assert_eq!(status["shared_health_check_enabled"], false, "{status}");
    }
}
