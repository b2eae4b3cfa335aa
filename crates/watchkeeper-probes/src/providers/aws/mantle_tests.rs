//! The exact request per mode and model, and where it goes.

use serde_json::{Value, json};

use crate::providers::fixture::{body, headers, request, resolved};

const HOST: &str = "https://bedrock-mantle.us-east-1.api.aws";

#[test]
fn the_exact_request_of_each_mode_and_model() {
    let chat = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "Say ok."}], "max_tokens": 16});
    let respond =
        |model: &str| json!({"model": model, "input": "Say ok.", "max_output_tokens": 16});
    let message = json!({"model": "anthropic.claude-opus-5-5", "max_tokens": 16,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Say ok."}]}]});
    let plain = json!({"accept": "application/json", "content-type": "application/json"});
    let mut versioned = plain.clone();
    versioned["anthropic-version"] = "2023-06-01".into();
    #[rustfmt::skip]
    let rows: [(&str, &str, &str, Value, &Value); 9] = [
        ("openai.gpt-oss-120b", "", "/v1/chat/completions", chat("openai.gpt-oss-120b"), &plain),
        ("openai.gpt-oss-120b", "responses", "/v1/responses", respond("openai.gpt-oss-120b"), &plain),
        ("google.gemma-4-31b", "", "/openai/v1/chat/completions", chat("google.gemma-4-31b"), &plain),
        ("xai.grok-4.6", "chat", "/openai/v1/chat/completions", chat("xai.grok-4.6"), &plain),
        ("openai.gpt-5.6-sol", "", "/openai/v1/responses", respond("openai.gpt-5.6-sol"), &plain),
        ("openai.gpt-5.6-sol", "chat", "/openai/v1/chat/completions", json!({"model": "openai.gpt-5.6-sol",
            "messages": [{"role": "user", "content": "Say ok."}], "max_completion_tokens": 16}), &plain),
        ("anthropic.claude-opus-5-5", "", "/anthropic/v1/messages", message.clone(), &versioned),
        ("anthropic.claude-opus-5-5", "chat", "/anthropic/v1/messages", message.clone(), &versioned),
        ("qwen.qwen3-32b", "", "/v1/chat/completions", chat("qwen.qwen3-32b"), &plain),
    ];
    for (model, mode, path, want, want_headers) in rows {
        let entry = json!({"model": format!("bedrock_mantle/{model}"), "mode": mode});
        let sent = request(&entry, &[]);
        assert_eq!(sent.url.as_str(), format!("{HOST}{path}"), "{entry}");
        assert_eq!(body(&sent), want, "{entry}");
        assert_eq!(&headers(&sent), want_headers, "{entry}");
        assert_eq!(sent.auth.as_str(), "sigv4", "{entry}");
        assert!(sent.billed, "{entry}");
    }
    let entry = json!({"model": "bedrock/mantle/anthropic.claude-opus-5-5", "aws_region_name": "us-east-1"});
    let sent = request(&entry, &[]);
    assert_eq!(sent.url.as_str(), format!("{HOST}/anthropic/v1/messages"));
    assert_eq!(body(&sent), message);
}

#[test]
fn regions_bases_and_keys_are_found_in_their_order() {
    let env = [
        ("BEDROCK_MANTLE_API_KEY", "env-key"),
        ("AWS_REGION", "eu-west-1"),
        ("BEDROCK_MANTLE_REGION", "eu-west-2"),
    ];
    let model = "bedrock_mantle/qwen.qwen3-32b";
    for (entry, env, url, auth) in [
        (
            json!({"model": model}),
            &env[..0],
            "https://bedrock-mantle.us-east-1.api.aws/v1/chat/completions",
            "sigv4",
        ),
        (
            json!({"model": model}),
            &env[..2],
            "https://bedrock-mantle.eu-west-1.api.aws/v1/chat/completions",
            "bearer",
        ),
        (
            json!({"model": model}),
            &env[..],
            "https://bedrock-mantle.eu-west-2.api.aws/v1/chat/completions",
            "bearer",
        ),
        (
            json!({"model": "bedrock_mantle/us-gov-west-1/qwen.qwen3-32b"}),
            &env[..],
            "https://bedrock-mantle.us-gov-west-1.api.aws/v1/chat/completions",
            "bearer",
        ),
        (
            json!({"model": model, "api_base": "http://gw/v1/"}),
            &env[..],
            "http://gw/v1/chat/completions",
            "none",
        ),
        (
            json!({"model": model, "api_base": "http://gw/v1/chat/completions", "api_key": "k"}),
            &env[..],
            "http://gw/v1/chat/completions",
            "bearer",
        ),
        (
            json!({"model": model, "api_base": "http://gw"}),
            &env[..],
            "http://gw/v1/chat/completions",
            "none",
        ),
    ] {
        let sent = request(&entry, env);
        assert_eq!(
            (sent.url.as_str(), sent.auth.as_str()),
            (url, auth),
            "{entry}"
        );
    }
    let entry = json!({"model": model, "aws_bedrock_project_id": "p-1"});
    assert_eq!(request(&entry, &[]).headers["openai-project"], "p-1");
    let free = json!({"model": "bedrock_mantle/*"});
    let sent = request(&free, &env);
    assert_eq!(
        sent.url.as_str(),
        "https://bedrock-mantle.eu-west-2.api.aws/v1/models"
    );
    assert!(!sent.billed);
    let why = resolved(&json!({"model": model, "mode": "embedding"}), &[])
        .err()
        .unwrap();
    assert!(why.contains("`embedding`"), "{why}");
}
