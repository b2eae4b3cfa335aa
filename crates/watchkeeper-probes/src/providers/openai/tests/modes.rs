//! The exact request of each mode, as OpenAI itself takes it.

use serde_json::{Value, json};
use watchkeeper_core::probe::{Effort, ProbeKind, Tier};

use super::{body, env, headers, target};
use crate::options::ProviderKeys;
use crate::promise::Promise;
use crate::request::ProbeRequest;
use crate::resolve::resolve;

/// The request like those of users, also in modes that are free by default.
fn inference(entry: &Value) -> ProbeRequest {
    let mut target = target(entry.clone());
    target.health.kind = ProbeKind::Inference;
    resolve(&target, &ProviderKeys::default(), Effort::Full)
        .unwrap()
        .request
}

#[test]
fn each_mode_is_a_post_of_its_own() {
    let root = "https://api.openai.com/v1";
    #[rustfmt::skip]
    let rows = [
        (json!({"mode": "completion", "model": "openai/gpt-3.5-turbo-instruct", "temperature": 0}), "/completions", true,
            json!({"model": "gpt-3.5-turbo-instruct", "prompt": "Say ok.", "max_tokens": 16, "temperature": 0})),
        (json!({"mode": "responses"}), "/responses", true,
            json!({"model": "gpt-4o", "input": "Say ok.", "max_output_tokens": 16})),
        (json!({"mode": "responses", "model": "openai/gpt-5", "health_check_max_tokens": 9}), "/responses", true,
            json!({"model": "gpt-5", "input": "Say ok.", "max_output_tokens": 16, "reasoning": {"effort": "minimal"}})),
        (json!({"mode": "responses", "model": "openai/gpt-5", "health_check_max_tokens": 90, "reasoning_effort": "high"}), "/responses", true,
            json!({"model": "gpt-5", "input": "Say ok.", "max_output_tokens": 90, "reasoning": {"effort": "high"}})),
        (json!({"mode": "responses", "model": "openai/gpt-5", "reasoning": {"effort": "high", "summary": "auto"}}), "/responses", true,
            json!({"model": "gpt-5", "input": "Say ok.", "max_output_tokens": 16, "reasoning": {"effort": "high", "summary": "auto"}})),
        (json!({"model": "openai/responses/o3"}), "/responses", true,
            json!({"model": "o3", "input": "Say ok.", "max_output_tokens": 16, "reasoning": {"effort": "low"}})),
        (json!({"mode": "chat", "model": "openai/responses/gpt-4o"}), "/responses", true,
            json!({"model": "gpt-4o", "input": "Say ok.", "max_output_tokens": 16})),
        (json!({"mode": "chat", "model": "openai/gpt-5-pro"}), "/responses", true,
            json!({"model": "gpt-5-pro", "input": "Say ok.", "max_output_tokens": 16, "reasoning": {"effort": "high"}})),
        (json!({"mode": "anthropic_messages"}), "/chat/completions", true,
            json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "Say ok."}], "max_tokens": 16})),
        (json!({"mode": "moderation", "model": "openai/omni-moderation-latest"}), "/moderations", false,
            json!({"model": "omni-moderation-latest", "input": "Say ok."})),
        (json!({"mode": "image_generation", "model": "openai/dall-e-3", "size": "1792x1024", "n": 4}), "/images/generations", true,
            json!({"model": "dall-e-3", "prompt": "Say ok.", "size": "1792x1024"})),
        (json!({"model": "openai/gpt-image-1", "quality": "medium"}), "/images/generations", true,
            json!({"model": "gpt-image-1", "prompt": "Say ok.", "quality": "medium", "size": "1024x1024", "output_format": "jpeg", "output_compression": 50})),
        (json!({"model": "openai/dall-e-2"}), "/images/generations", true,
            json!({"model": "dall-e-2", "prompt": "Say ok.", "size": "256x256"})),
        (json!({"model": "openai/tts-1"}), "/audio/speech", true,
            json!({"model": "tts-1", "input": "Say ok.", "voice": "alloy"})),
        (json!({"model": "openai/tts-1", "voice": "echo", "health_check_voice": "nova", "speed": 2}), "/audio/speech", true,
            json!({"model": "tts-1", "input": "Say ok.", "voice": "nova", "speed": 2})),
    ];
    for (mut entry, path, billed, want) in rows {
        entry["api_key"] = "sk-1".into();
        let request = inference(&entry);
        assert_eq!(request.method, "POST", "{entry}");
        assert_eq!(request.url.as_str(), format!("{root}{path}"), "{entry}");
        assert_eq!(body(&request), want, "{entry}");
        assert_eq!(
            Value::Object(headers(&request)),
            json!({"accept": "application/json", "content-type": "application/json", "authorization": "Bearer sk-1"}),
            "{entry}"
        );
        assert_eq!(request.billed, billed, "{entry}");
        assert_eq!(request.tier, Tier::Inference, "{entry}");
        assert!(!request.http1);
    }
}

#[test]
fn a_transcription_uploads_the_same_silence_each_time() {
    let entry = json!({"api_key": "sk-1", "model": "openai/whisper-1"});
    let request = inference(&entry);
    assert_eq!(
        request.url.as_str(),
        "https://api.openai.com/v1/audio/transcriptions"
    );
    let sent = headers(&request);
    let form = sent["content-type"].as_str().unwrap();
    let boundary = form.strip_prefix("multipart/form-data; boundary=").unwrap();
    let body = request.body.clone().unwrap();
    let text = String::from_utf8_lossy(&body).into_owned();
    assert_eq!(text.matches(&format!("--{boundary}\r\n")).count(), 3);
    assert!(text.ends_with(&format!("\r\n--{boundary}--\r\n")));
    assert!(text.contains("name=\"model\"\r\n\r\nwhisper-1\r\n"));
    assert!(text.contains("name=\"response_format\"\r\n\r\njson\r\n"));
    assert!(text.contains(
        "name=\"file\"; filename=\"silence.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF"
    ));
    assert_eq!(inference(&entry).identity(), request.identity());
}

#[test]
fn a_realtime_probe_is_a_handshake_and_a_batch_probe_a_list_and_both_are_free() {
    let entry = json!({"api_key": "sk-1", "model": "openai/gpt-realtime"});
    let request = inference(&entry);
    assert_eq!(request.method, "GET");
    assert_eq!(
        request.url.as_str(),
        "https://api.openai.com/v1/realtime?model=gpt-realtime"
    );
    assert_eq!(
        Value::Object(headers(&request)),
        json!({
            "authorization": "Bearer sk-1", "connection": "Upgrade", "upgrade": "websocket",
            "sec-websocket-version": "13", "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
        })
    );
    assert!(matches!(request.promise, Promise::Handshake { .. }));
    assert!(request.http1 && !request.billed && request.body.is_none());

    let request = inference(&json!({"api_key": "sk-1", "mode": "batch"}));
    assert_eq!(request.method, "GET");
    assert_eq!(
        request.url.as_str(),
        "https://api.openai.com/v1/batches?limit=1"
    );
    assert!(!request.billed && !request.http1);
}

#[test]
fn what_bills_for_real_output_goes_free_unless_it_is_told_otherwise() {
    for (model, free) in [
        (
            "openai/dall-e-3",
            "https://api.openai.com/v1/models/dall-e-3",
        ),
        ("openai/tts-1", "https://api.openai.com/v1/models/tts-1"),
        (
            "openai/whisper-1",
            "https://api.openai.com/v1/models/whisper-1",
        ),
    ] {
        let target = target(json!({"api_key": "sk-1", "model": model}));
        let request = resolve(&target, &ProviderKeys::default(), Effort::Full)
            .unwrap()
            .request;
        assert_eq!(request.url.as_str(), free);
        assert!(!request.billed && request.tier == Tier::Free, "{model}");
    }
}

#[test]
fn thinking_is_told_once_and_the_probes_own_word_comes_first() {
    let at = |entry: Value| {
        let body = body(&inference(&entry));
        ["reasoning_effort", "reasoning", "thinking"]
            .map(|name| body.get(name).cloned().unwrap_or(Value::Null))
    };
    let none = Value::Null;
    for (entry, want) in [
        (
            json!({"model": "openai/gpt-4o"}),
            [none.clone(), none.clone(), none.clone()],
        ),
        (
            json!({"model": "openai/gpt-5"}),
            [json!("minimal"), none.clone(), none.clone()],
        ),
        (
            json!({"model": "openai/gpt-5.1", "api_base": "https://gate/v1"}),
            [none.clone(), none.clone(), none.clone()],
        ),
        (
            json!({"model": "openai/gpt-5.1", "api_base": "https://gate/v1", "health_check_reasoning_effort": "low"}),
            [json!("low"), none.clone(), none.clone()],
        ),
        (
            json!({"model": "openai/gpt-5", "reasoning_effort": "high"}),
            [json!("high"), none.clone(), none.clone()],
        ),
        (
            json!({"model": "openai/gpt-5", "reasoning_effort": "high", "health_check_reasoning_effort": "low"}),
            [json!("low"), none.clone(), none.clone()],
        ),
        (
            json!({"model": "openai/gpt-5", "extra_body": {"reasoning": {"effort": "low"}}}),
            [none.clone(), json!({"effort": "low"}), none.clone()],
        ),
        (
            json!({"model": "openai/gpt-5", "thinking": {"type": "disabled"}}),
            [none.clone(), none.clone(), json!({"type": "disabled"})],
        ),
        (
            json!({"model": "openai/my-deployment", "base_model": "gpt-5"}),
            [json!("minimal"), none.clone(), none.clone()],
        ),
        (
            json!({"model": "openai/my-deployment", "base_model": "gpt-5", "health_check_model": "openai/gpt-4o"}),
            [none.clone(), none.clone(), none.clone()],
        ),
    ] {
        let mut entry = entry;
        entry["api_key"] = "sk-1".into();
        entry["mode"] = "chat".into();
        assert_eq!(at(entry.clone()), want, "{entry}");
    }
}

#[test]
fn no_more_tokens_are_set_aside_for_thinking_than_the_answer_may_have() {
    let budget = |tokens: u32| json!({"type": "enabled", "budget_tokens": tokens});
    let none = Value::Null;
    for (entry, thinking, reasoning) in [
        (
            json!({"thinking": budget(1024)}),
            none.clone(),
            none.clone(),
        ),
        (
            json!({"extra_body": {"thinking": budget(1024)}}),
            none.clone(),
            none.clone(),
        ),
        (
            json!({"reasoning": {"max_tokens": 2000}}),
            none.clone(),
            none.clone(),
        ),
        (
            json!({"thinking": {"type": "enabled"}}),
            json!({"type": "enabled"}),
            none.clone(),
        ),
        (
            json!({"thinking": budget(1024), "health_check_max_tokens": 2048}),
            budget(1024),
            none.clone(),
        ),
        (
            json!({"thinking": budget(1024), "health_check_supports_max_tokens": false}),
            budget(1024),
            none.clone(),
        ),
        (
            json!({"reasoning": {"effort": "low"}}),
            none.clone(),
            json!({"effort": "low"}),
        ),
    ] {
        let mut entry = entry;
        entry["model"] = "openai/claude-sonnet-4-5".into();
        entry["api_base"] = "http://gate/v1".into();
        let body = body(&inference(&entry));
        assert_eq!(body.get("thinking").unwrap_or(&none), &thinking, "{entry}");
        assert_eq!(
            body.get("reasoning").unwrap_or(&none),
            &reasoning,
            "{entry}"
        );
    }
    let entry = json!({
        "PROVIDER": "litellm_proxy", "model": "litellm_proxy/claude-opus-4-7", "mode": "anthropic_messages",
        "api_base": "http://gate", "thinking": budget(1024), "temperature": 0.5,
    });
    let message = json!([{"role": "user", "content": [{"type": "text", "text": "Say ok."}]}]);
    assert_eq!(
        body(&inference(&entry)),
        json!({"model": "claude-opus-4-7", "max_tokens": 16, "messages": message})
    );
}

#[test]
fn what_wants_sound_or_tools_or_bills_for_a_search_is_asked_by_its_free_call() {
    for (model, is_free) in [
        ("gpt-4o-audio-preview", true),
        ("gpt-4o-mini-audio-preview-2024-12-17", true),
        ("gpt-audio", true),
        ("gpt-audio-mini", true),
        ("o3-deep-research", true),
        ("o4-mini-deep-research-2025-06-26", true),
        ("computer-use-preview", true),
        ("gpt-4o-search-preview", true),
        ("gpt-5-search-api", true),
        ("gpt-4o", false),
        ("o3", false),
        ("my-audio-preview", false),
    ] {
        let entry = target(json!({"api_key": "sk-1", "model": format!("openai/{model}")}));
        let request = resolve(&entry, &ProviderKeys::default(), Effort::Full)
            .unwrap()
            .request;
        assert_eq!(request.tier == Tier::Free, is_free, "{model}");
        assert_eq!(request.billed, !is_free, "{model}");
        let told = inference(&json!({"api_key": "sk-1", "model": format!("openai/{model}")}));
        assert!(
            told.billed,
            "{model}: an inference is one where it is wanted"
        );
    }
}

#[test]
fn a_picture_fits_into_the_answer() {
    for (provider, model) in [
        ("openai", "gpt-image-1"),
        ("openrouter", "google/gemini-2.5-flash-image"),
        ("xinference", "sdxl"),
    ] {
        let entry = json!({"PROVIDER": provider, "model": format!("{provider}/{model}"), "mode": "image_generation", "api_key": "k"});
        assert!(inference(&entry).most_answer >= 16 << 20, "{provider}");
    }
}

#[test]
fn a_header_without_a_value_takes_no_keys_place() {
    let entry = json!({"model": "openai/m", "extra_headers": {"Authorization": null}});
    let request = inference(&entry);
    assert_eq!(request.auth.as_str(), "bearer");
    assert!(request.unsendable.is_some(), "there is no key");
}

#[test]
fn a_complete_url_as_base_is_asked_as_it_stands() {
    for (base, mode, want) in [
        (
            "http://h/v1/chat/completions",
            "chat",
            "http://h/v1/chat/completions",
        ),
        (
            "http://h/v1/chat/completions",
            "embedding",
            "http://h/v1/embeddings",
        ),
        (
            "http://h/v1/embeddings/",
            "embedding",
            "http://h/v1/embeddings",
        ),
        ("http://h//", "chat", "http://h/chat/completions"),
        ("http://h", "realtime", "http://h/v1/realtime?model=m"),
        ("http://h/v1", "realtime", "http://h/v1/realtime?model=m"),
        (
            "http://h/v1?api-version=7",
            "batch",
            "http://h/v1/batches?api-version=7&limit=1",
        ),
    ] {
        let request = inference(&json!({"model": "openai/m", "mode": mode, "api_base": base}));
        assert_eq!(request.url.as_str(), want, "{base} {mode}");
    }
}

#[test]
fn an_open_models_name_tells_its_mode_behind_a_private_base() {
    let keys = env(&[]);
    for (model, want) in [
        ("openai/BAAI/bge-m3", "http://h/v1/embeddings"),
        ("openai/nomic-embed-text", "http://h/v1/embeddings"),
        ("openai/qwen3", "http://h/v1/chat/completions"),
    ] {
        let target = target(json!({"model": model, "api_base": "http://h/v1"}));
        let request = resolve(&target, &keys, Effort::Full).unwrap().request;
        assert_eq!(request.url.as_str(), want);
    }
}
