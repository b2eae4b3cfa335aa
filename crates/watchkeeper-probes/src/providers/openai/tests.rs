//! The exact request per mode and setting, without sending it.

use serde_json::{Map, Value, json};
use watchkeeper_core::check::{HealthParams, ModelTarget};
use watchkeeper_core::secret::Secret;

use crate::options::ProviderKeys;
use crate::request::ProbeRequest;
use crate::resolve::resolve;
use watchkeeper_core::probe::Effort;

mod free;
mod modes;
mod vendors;
mod verdicts;

/// An entry like one of a LiteLLM file: `litellm_params`, with `mode` and `health_check_*` beside them, and the prompt of
/// the environment.
fn target(entry: Value) -> ModelTarget {
    let mut params = entry.as_object().unwrap().clone();
    let max_tokens = params.shift_remove("health_check_max_tokens");
    let sends_max_tokens = params.shift_remove("health_check_supports_max_tokens");
    let mut take = |name: &str| {
        params
            .shift_remove(name)
            .map(|value| value.as_str().unwrap().to_owned())
    };
    let model = take("model").unwrap_or_else(|| "openai/gpt-4o".into());
    let (mode, base, key) = (take("mode"), take("api_base"), take("api_key"));
    let health_model = take("health_check_model");
    let (reasoning_effort, prompt) = (take("health_check_reasoning_effort"), take("PROMPT"));
    let voice = take("health_check_voice");
    let base_model = take("base_model");
    let provider = take("PROVIDER").unwrap_or_else(|| "openai".into());
    ModelTarget {
        model,
        provider: Some(provider),
        mode,
        api_base: base.map(Secret::new),
        api_key: key.map(Secret::new),
        params,
        health: HealthParams {
            model: health_model,
            max_tokens: max_tokens.map(|n| n.as_u64().unwrap() as u32),
            sends_max_tokens: sends_max_tokens.map(|yes| yes.as_bool().unwrap()),
            reasoning_effort,
            prompt,
            voice,
            base_model,
            ..HealthParams::default()
        },
    }
}

fn env(vars: &[(&str, &str)]) -> ProviderKeys {
    ProviderKeys::from_vars(vars.iter().copied())
}

fn request(entry: Value, keys: &ProviderKeys) -> ProbeRequest {
    resolve(&target(entry), keys, Effort::Full).unwrap().request
}

fn refusal(entry: Value) -> String {
    resolve(&target(entry), &ProviderKeys::default(), Effort::Full)
        .err()
        .unwrap()
}

fn body(request: &ProbeRequest) -> Value {
    serde_json::from_slice(request.body.as_ref().unwrap()).unwrap()
}

fn headers(request: &ProbeRequest) -> Map<String, Value> {
    let pairs = request.headers.iter();
    pairs
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()))
        .collect()
}

fn chat(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Say ok."}], "max_tokens": 16})
}

#[test]
fn the_exact_request_of_each_mode_and_setting() {
    let json_headers = json!({"accept": "application/json", "content-type": "application/json"});
    let with = |extra: Value| {
        let mut all = json_headers.as_object().unwrap().clone();
        all.extend(extra.as_object().unwrap().clone());
        Value::Object(all)
    };
    let bearer = with(json!({"authorization": "Bearer sk-1"}));
    let reasoning = |model: &str, effort: &str| json!({"model": model, "messages": [{"role": "user", "content": "Say ok."}], "max_completion_tokens": 16, "reasoning_effort": effort});
    let openai = "https://api.openai.com/v1/chat/completions";
    #[rustfmt::skip]
    let rows = [
        // entry, URL, auth, headers, body
        (json!({"api_key": "sk-1"}), openai, "bearer", bearer.clone(), chat("gpt-4o")),
        (json!({"model": "gpt-4o", "api_key": " sk-1\n"}), openai, "bearer", bearer.clone(), chat("gpt-4o")),
        (json!({"model": "openai/org/m", "api_base": "http://h:8000/v1/"}),
            "http://h:8000/v1/chat/completions", "none", json_headers.clone(), chat("org/m")),
        (json!({"model": "openai/m", "base_url": "http://h/api", "api_key": "sk-1"}),
            "http://h/api/chat/completions", "bearer", bearer.clone(), chat("m")),
        (json!({"model": "openai/m", "api_base": "http://h", "api_key": ""}),
            "http://h/chat/completions", "none", json_headers.clone(), chat("m")),
        (json!({"model": "openai/m", "api_base": "https://me:pw@h/v1", "api_key": "sk-1"}),
            "https://h/v1/chat/completions", "basic", with(json!({"authorization": "Basic bWU6cHc="})), chat("m")),
        (json!({"api_key": "sk-1", "mode": "chat", "organization": "org-7"}),
            openai, "bearer", with(json!({"authorization": "Bearer sk-1", "openai-organization": "org-7"})), chat("gpt-4o")),
        (json!({"api_key": "sk-1", "extra_headers": {"X-Tenant": "t", "Authorization": "Token z", "Content-Length": "9"}}),
            openai, "header", with(json!({"authorization": "Token z", "x-tenant": "t"})), chat("gpt-4o")),
        (json!({"api_key": "sk-1", "headers": {"x-a": 1, "x-b": "b"}, "extra_headers": {"x-a": "2", "x-c": null}}),
            openai, "bearer", with(json!({"authorization": "Bearer sk-1", "x-a": "2", "x-b": "b"})), chat("gpt-4o")),
        (json!({"api_key": "sk-1", "model": "openai/*", "health_check_model": "openai/gpt-4o-mini"}),
            openai, "bearer", bearer.clone(), chat("gpt-4o-mini")),
        (json!({"api_key": "sk-1", "model": "openai/o3"}), openai, "bearer", bearer.clone(), reasoning("o3", "low")),
        (json!({"api_key": "sk-1", "model": "gpt-5.1-mini", "temperature": 0.2, "top_p": 1}),
            openai, "bearer", bearer.clone(), reasoning("gpt-5.1-mini", "none")),
        (json!({"api_key": "sk-1", "model": "text-embedding-3-small", "dimensions": 8, "temperature": 1}),
            "https://api.openai.com/v1/embeddings", "bearer", bearer.clone(),
            json!({"model": "text-embedding-3-small", "input": ["Say ok."], "dimensions": 8})),
        (json!({"model": "openai/bge", "mode": "embedding", "api_base": "http://h/v1", "extra_body": {"truncate_prompt_tokens": 1, "input": "x"}}),
            "http://h/v1/embeddings", "none", json_headers.clone(),
            json!({"model": "bge", "input": ["Say ok."], "truncate_prompt_tokens": 1})),
    ];
    for (entry, url, auth, want_headers, want_body) in rows {
        let request = request(entry.clone(), &ProviderKeys::default());
        assert_eq!(request.method, "POST", "{entry}");
        assert_eq!(request.url.as_str(), url, "{entry}");
        assert_eq!(request.auth.as_str(), auth, "{entry}");
        assert_eq!(Value::Object(headers(&request)), want_headers, "{entry}");
        assert_eq!(body(&request), want_body, "{entry}");
        assert!(request.billed && request.unsendable.is_none(), "{entry}");
    }
}

#[test]
fn output_is_limited_by_the_health_checks_keys_and_by_nothing_else_in_the_entry() {
    let big = json!({
        "api_key": "sk-1", "max_tokens": 4096, "max_completion_tokens": 4096, "n": 5,
        "extra_body": {"max_tokens": 4096, "max_completion_tokens": 4096, "n": 5, "best_of": 5},
    });
    let with = |keys: Value| {
        let mut entry = big.clone();
        entry
            .as_object_mut()
            .unwrap()
            .extend(keys.as_object().unwrap().clone());
        body(&request(entry, &ProviderKeys::default()))
    };
    let limits = |body: Value| {
        (
            body.get("max_tokens").cloned(),
            body.get("max_completion_tokens").cloned(),
        )
    };
    assert_eq!(with(json!({})), chat("gpt-4o"));
    for (keys, want) in [
        (json!({}), (Some(16.into()), None)),
        (
            json!({"health_check_max_tokens": 50}),
            (Some(50.into()), None),
        ),
        (
            json!({"health_check_max_tokens": 50, "model": "openai/o3"}),
            (None, Some(50.into())),
        ),
        (
            json!({"health_check_supports_max_tokens": false}),
            (None, None),
        ),
        (json!({"mode": "embedding"}), (None, None)),
        (
            json!({"mode": "embedding", "health_check_supports_max_tokens": true}),
            (Some(16.into()), None),
        ),
    ] {
        assert_eq!(limits(with(keys.clone())), want, "{keys}");
    }
}

#[test]
fn the_probes_own_effort_and_words_go_before_the_entrys() {
    let entry = json!({
        "api_key": "sk-1", "model": "openai/o3", "reasoning_effort": "high",
        "health_check_reasoning_effort": "low", "PROMPT": "ping",
    });
    assert_eq!(
        body(&request(entry, &ProviderKeys::default())),
        json!({
            "model": "o3", "messages": [{"role": "user", "content": "ping"}],
            "max_completion_tokens": 16, "reasoning_effort": "low",
        })
    );
    let entry = json!({
        "api_key": "sk-1", "mode": "embedding", "model": "openai/e",
        "health_check_reasoning_effort": "low", "PROMPT": "ping",
    });
    assert_eq!(
        body(&request(entry, &ProviderKeys::default())),
        json!({"model": "e", "input": ["ping"]})
    );
}

#[test]
fn only_allowed_parameters_travel() {
    let entry = json!({
        "api_key": "sk-1",
        "temperature": 0.5, "seed": 7, "user": "probe", "reasoning_effort": "low",
        "top_p": [1], "frequency_penalty": null,
        "thinking": {"type": "disabled"}, "reasoning": "no mapping",
        "stream": true, "tools": [{}], "response_format": {"type": "json_object"}, "rpm": 5, "timeout": 9,
        "aws_secret_access_key": "hunter22", "vertex_credentials": "hunter22", "custom": "hunter22",
        "extra_body": {"chat_template_kwargs": {"enable_thinking": false}, "stream": true, "messages": []},
    });
    let mut expected = chat("gpt-4o");
    for (name, value) in [
        ("temperature", json!(0.5)),
        ("seed", json!(7)),
        ("reasoning_effort", json!("low")),
        ("user", json!("probe")),
        ("thinking", json!({"type": "disabled"})),
        ("chat_template_kwargs", json!({"enable_thinking": false})),
    ] {
        expected[name] = value;
    }
    assert_eq!(body(&request(entry, &ProviderKeys::default())), expected);
}

#[test]
fn the_environments_key_goes_to_openai_and_to_no_private_base() {
    let keys = env(&[("OPENAI_API_KEY", "sk-env")]);
    for (entry, want) in [
        (json!({}), "bearer"),
        (json!({"api_base": "https://api.openai.com/v1"}), "bearer"),
        (
            json!({"api_base": "https://eu.api.openai.com/v1"}),
            "bearer",
        ),
        (json!({"api_base": "http://api.openai.com/v1"}), "none"),
        (
            json!({"api_base": "https://evil-api.openai.com.example/v1"}),
            "none",
        ),
        (json!({"api_base": "https://xapi.openai.com/v1"}), "none"),
        (json!({"api_base": "http://vllm:8000/v1"}), "none"),
        (json!({"base_url": "http://vllm:8000/v1"}), "none"),
    ] {
        let request = request(entry.clone(), &keys);
        assert_eq!(request.auth.as_str(), want, "{entry}");
        let sent = request.headers.get("authorization").is_some();
        assert_eq!(sent, want == "bearer", "{entry}");
    }
}

#[test]
fn an_entrys_own_key_wins_over_the_environments() {
    let keys = env(&[("OPENAI_API_KEY", "sk-env")]);
    let request = request(json!({"api_key": "sk-own"}), &keys);
    assert_eq!(request.headers["authorization"], "Bearer sk-own");
    assert!(request.headers["authorization"].is_sensitive());
}

#[test]
fn the_environments_base_takes_the_environments_key_with_it() {
    let keys = env(&[
        ("OPENAI_API_KEY", "sk-env"),
        ("OPENAI_API_BASE", "https://second/v1"),
        ("OPENAI_BASE_URL", "https://first/v1"),
    ]);
    let plain = request(json!({}), &keys);
    assert_eq!(plain.url.as_str(), "https://first/v1/chat/completions");
    assert_eq!(plain.headers["authorization"], "Bearer sk-env");
    let private = request(json!({"api_base": "http://h/v1"}), &keys);
    assert_eq!(private.url.as_str(), "http://h/v1/chat/completions");
    assert!(private.headers.get("authorization").is_none());
}

#[test]
fn without_a_key_openai_can_be_planned_and_not_asked() {
    let nothing = request(json!({}), &ProviderKeys::default());
    assert_eq!(nothing.auth.as_str(), "bearer");
    assert!(nothing.unsendable.unwrap().contains("`OPENAI_API_KEY`"));
    let bad = request(json!({"api_key": "sk\n1"}), &ProviderKeys::default());
    assert!(bad.unsendable.unwrap().contains("line break"));
    assert!(bad.headers.get("authorization").is_none());
}

#[test]
fn what_cannot_be_asked_is_named_with_its_remedy() {
    for (entry, parts) in [
        (
            json!({"mode": "rerank"}),
            ["`rerank`", "`chat`, `completion`"],
        ),
        (
            json!({"mode": "embeddings"}),
            ["`embeddings`", "`embedding`"],
        ),
        (json!({"mode": "tts"}), ["`tts`", "`chat`"]),
        (
            json!({"model": "openai/sora-2"}),
            ["`video_generation`", "name"],
        ),
        (json!({"model": "openai/"}), ["`openai/`", "no model"]),
        (json!({"api_base": "h:8000"}), ["`api_base`", "`https://`"]),
        (
            json!({"organization": ["a", "b"]}),
            ["`OpenAI-Organization`", "plain text"],
        ),
        (
            json!({"extra_headers": "x: y"}),
            ["`extra_headers`", "mapping"],
        ),
        (
            json!({"extra_headers": {"x y": "hunter22"}}),
            ["`x y`", "header"],
        ),
        (
            json!({"extra_headers": {"x-key": "hunter22\nx"}}),
            ["`x-key`", "line breaks"],
        ),
    ] {
        let text = refusal(entry.clone());
        for part in parts {
            assert!(text.contains(part), "{entry}: {text}");
        }
        assert!(!text.contains("hunter22"), "{text}");
    }
    let mut other = target(json!({}));
    other.provider = Some("opnai".into());
    let text = resolve(&other, &ProviderKeys::default(), Effort::Full)
        .err()
        .unwrap();
    let start = "provider `opnai` cannot be asked; the nearest that are: `openai`";
    assert!(text.starts_with(start), "{text}");
    other.provider = None;
    let text = resolve(&other, &ProviderKeys::default(), Effort::Full)
        .err()
        .unwrap();
    assert!(
        text.starts_with("no provider is known for model `openai/gpt-4o`"),
        "{text}"
    );
}
