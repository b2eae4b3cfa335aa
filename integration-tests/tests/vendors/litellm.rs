//! A LiteLLM proxy as the target: it reads what we send by its own rules, and asks the mock upstream, which counts.

use serde_json::{Value, json};
use watchkeeper_integration_tests::daemon::{Daemon, Setup};
use watchkeeper_integration_tests::litellm::{self, KEY};
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};

use crate::ask::check;

/// What the proxy serves: name, and the mode that it is asked in.
const MODELS: [(&str, &str); 12] = [
    ("good", "chat"),
    ("limited", "chat"),
    ("broken", "chat"),
    ("locked", "chat"),
    ("completes", "completion"),
    ("responds", "responses"),
    ("embeds", "embedding"),
    ("moderates", "moderation"),
    ("draws", "image_generation"),
    ("speaks", "audio_speech"),
    ("hears", "audio_transcription"),
    ("messages", "anthropic_messages"),
];

/// The proxy's own file: each model at the mock, asked once and not again.
fn proxy_config(mock: &MockLlm) -> String {
    let base = mock.api_base();
    let deployments: Vec<Value> = MODELS
        .iter()
        .map(|(name, _)| {
            json!({
                "model_name": name,
                "litellm_params": {"model": format!("openai/{name}"), "api_base": base, "api_key": "sk-mock", "max_retries": 0}
            })
        })
        .collect();
    json!({
        "model_list": deployments,
        "router_settings": {"num_retries": 0, "disable_cooldowns": true},
        "litellm_settings": {"num_retries": 0},
        "general_settings": {"master_key": KEY}
    })
    .to_string()
}

struct Stage {
    mock: MockLlm,
    proxy: Daemon,
}

impl Stage {
    async fn set() -> Self {
        let mock = MockLlm::start().await;
        mock.set("limited", Behaviour::Status(429));
        mock.set("broken", Behaviour::Status(500));
        mock.set("locked", Behaviour::Status(401));
        let proxy = litellm::pod("proxy", proxy_config(&mock)).start().await;
        Self { mock, proxy }
    }

    /// Our check of a model behind the proxy under this prefix.
    fn entry(&self, prefix: &str, model: &str, info: &Value) -> Value {
        let base = format!("http://{}", self.proxy.address());
        json!({
            "model_name": format!("{prefix} {model}"),
            "litellm_params": {"model": format!("{prefix}/{model}"), "api_base": base, "api_key": KEY},
            "model_info": info
        })
    }

    async fn check(&self, entries: &[Value]) -> Vec<Value> {
        check(&Setup::new().litellm(json!({ "model_list": entries }).to_string())).await
    }
}

/// Each row's outcome, by name.
fn outcomes(rows: &[Value]) -> Vec<(&str, &str)> {
    rows.iter()
        .map(|row| {
            (
                row["name"].as_str().unwrap(),
                row["outcome"].as_str().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_proxys_models_are_found_as_they_are_and_each_probe_reaches_the_upstream_once() {
    let stage = Stage::set().await;
    let mut entries = Vec::new();
    let mut wanted = Vec::new();
    for prefix in ["litellm_proxy", "openai", "anthropic"] {
        for (model, outcome) in [
            ("good", "healthy"),
            ("limited", "rate_limited"),
            ("broken", "bad_answer"),
            ("locked", "unauthorized"),
        ] {
            entries.push(stage.entry(prefix, model, &json!({"mode": "chat"})));
            wanted.push((format!("{prefix} {model}"), outcome));
        }
    }
    let rows = stage.check(&entries).await;
    let wanted: Vec<_> = wanted
        .iter()
        .map(|(name, outcome)| (name.as_str(), *outcome))
        .collect();
    assert_eq!(outcomes(&rows), wanted, "{rows:#?}");
    let seen = stage.mock.asked();
    for model in ["good", "limited", "broken", "locked"] {
        assert_eq!(seen.count(model), 3, "{}", seen.table());
    }

    // Every mode that the proxy serves, and what costs by its free call.
    stage.mock.forget();
    let modes = &MODELS[4..];
    let inference = |mode: &str| json!({"mode": mode, "health_check_probe": "inference"});
    let mut entries: Vec<Value> = modes
        .iter()
        .map(|(model, mode)| stage.entry("litellm_proxy", model, &inference(mode)))
        .collect();
    let billed = entries.len();
    for mode in ["image_generation", "audio_speech", "audio_transcription"] {
        entries.push(stage.entry("litellm_proxy", "draws", &json!({"mode": mode})));
    }
    entries.push(stage.entry("litellm_proxy", "*", &json!({})));
    let rows = stage.check(&entries).await;
    for row in &rows {
        assert_eq!(row["outcome"], "healthy", "{rows:#?}");
    }
    let seen = stage.mock.asked();
    for (model, mode) in modes {
        assert_eq!(seen.count(model), 1, "{mode}: {}", seen.table());
    }
    assert_eq!(seen.all().len(), billed, "{}", seen.table());

    // Without a key the proxy itself refuses.
    stage.mock.forget();
    let mut entry = stage.entry("litellm_proxy", "good", &json!({}));
    entry["litellm_params"]
        .as_object_mut()
        .unwrap()
        .remove("api_key");
    let rows = stage.check(&[entry]).await;
    assert_eq!(rows[0]["outcome"], "unauthorized", "{rows:#?}");
    assert!(stage.mock.asked().all().is_empty());
}
