use serde_json::{Value, json};
use watchkeeper_core::verdict::Outcome;

use crate::providers::trial::{only, resolved, told, verdict, with_json};

fn post(to: &str, auth: &str, headers: Value, body: Value) -> Value {
    json!({"to": format!("POST {to}"), "auth": auth, "billed": true, "tier": "inference", "headers": headers, "body": body})
}

fn get(to: &str, auth: &str, headers: Value) -> Value {
    json!({"to": format!("GET {to}"), "auth": auth, "billed": false, "tier": "free", "headers": headers, "body": null})
}

#[test]
fn the_exact_request_of_each_provider_mode_and_tier() {
    let bearer = [("authorization", "Bearer k-1")];
    let token = [("authorization", "Token k-1")];
    let xi = [("xi-api-key", "k-1")];
    let chat = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "Say ok."}], "max_tokens": 16});
    let snow = |kind: &'static str| {
        [
            ("authorization", "Bearer k-1"),
            ("x-snowflake-authorization-token-type", kind),
        ]
    };
    #[rustfmt::skip]
    let rows = [
        (json!({"model": "huggingface/org/m", "api_key": "k-1"}),
            post("https://router.huggingface.co/v1/chat/completions", "bearer", with_json(&bearer), chat("org/m"))),
        (json!({"model": "huggingface/together/org/m", "api_key": "k-1"}),
            post("https://router.huggingface.co/v1/chat/completions", "bearer", with_json(&bearer), chat("org/m:together"))),
        (json!({"model": "huggingface/org/m", "api_base": "http://tgi:80/v1/"}),
            post("http://tgi/v1/chat/completions", "none", with_json(&[]), chat("org/m"))),
        (json!({"model": "huggingface/org/e", "mode": "embedding", "api_base": "http://tei:8080/embed"}),
            post("http://tei:8080/embed", "none", with_json(&[]), json!({"inputs": ["Say ok."]}))),
        (json!({"model": "huggingface/org/r", "mode": "rerank", "api_base": "http://tei:8080/"}),
            post("http://tei:8080/rerank", "none", with_json(&[]), json!({"query": "Say ok.", "texts": ["Say ok."]}))),
        (json!({"model": "huggingface/org/m", "probe": "free", "api_base": "http://tgi:8080/v1"}),
            get("http://tgi:8080/health", "none", only(&[]))),
        (json!({"model": "huggingface/*", "api_key": "k-1"}),
            get("https://router.huggingface.co/v1/models", "bearer", only(&bearer))),
        (json!({"model": "replicate/meta/llama", "api_key": "k-1"}),
            post("https://api.replicate.com/v1/models/meta/llama/predictions", "key",
                with_json(&[("authorization", "Token k-1"), ("prefer", "wait")]),
                json!({"input": {"prompt": "Say ok.", "max_new_tokens": 16, "max_tokens": 16}}))),
        (json!({"model": "replicate/meta/llama:0123", "api_key": "k-1"}),
            post("https://api.replicate.com/v1/predictions", "key",
                with_json(&[("authorization", "Token k-1"), ("prefer", "wait")]),
                json!({"version": "0123", "input": {"prompt": "Say ok.", "max_new_tokens": 16, "max_tokens": 16}}))),
        (json!({"model": "replicate/deployments/me/d", "api_key": "k-1", "probe": "free"}),
            get("https://api.replicate.com/v1/deployments/me/d", "key", only(&token))),
        (json!({"model": "replicate/meta/llama", "api_key": "k-1", "probe": "free"}),
            get("https://api.replicate.com/v1/models/meta/llama", "key", only(&token))),
        (json!({"model": "elevenlabs/eleven_v3", "api_key": "k-1"}),
            get("https://api.elevenlabs.io/v1/models", "key", only(&xi))),
        (json!({"model": "elevenlabs/eleven_v3", "api_key": "k-1", "probe": "inference", "health_check_voice": "coral"}),
            post("https://api.elevenlabs.io/v1/text-to-speech/9BWtsMINqrJLrRacOk9x", "key",
                only(&[("content-type", "application/json"), ("xi-api-key", "k-1")]),
                json!({"text": "Say ok.", "model_id": "eleven_v3"}))),
        (json!({"model": "deepgram/nova-3", "api_key": "k-1"}),
            get("https://api.deepgram.com/v1/projects", "key", only(&token))),
        (json!({"model": "deepgram/nova-3", "api_key": "k-1", "probe": "inference"}),
            post("https://api.deepgram.com/v1/listen?model=nova-3", "key",
                only(&[("accept", "application/json"), ("authorization", "Token k-1"), ("content-type", "audio/wav")]),
                json!("8044 bytes"))),
        (json!({"model": "snowflake/llama", "account_id": "acme-eu", "api_key": "k-1"}),
            post("https://acme-eu.snowflakecomputing.com/api/v2/cortex/v1/chat/completions", "bearer",
                with_json(&snow("KEYPAIR_JWT")), chat("llama"))),
        (json!({"model": "snowflake/e", "mode": "embedding", "api_base": "https://x.snowflakecomputing.com/api/v2/", "api_key": "pat/k-1"}),
            post("https://x.snowflakecomputing.com/api/v2/cortex/inference:embed", "bearer",
                with_json(&snow("PROGRAMMATIC_ACCESS_TOKEN")), json!({"model": "e", "text": ["Say ok."]}))),
        (json!({"model": "watsonx/ibm/granite", "api_base": "https://us-south.ml.cloud.ibm.com/", "token": "k-1", "project_id": "p"}),
            post("https://us-south.ml.cloud.ibm.com/ml/v1/text/chat?version=2024-03-13", "bearer", with_json(&bearer),
                json!({"model_id": "ibm/granite", "project_id": "p", "messages": [{"role": "user", "content": "Say ok."}], "max_tokens": 16}))),
        (json!({"model": "watsonx/deployment/d-1", "api_base": "https://h", "zen_api_key": "k-1"}),
            post("https://h/ml/v1/deployments/d-1/text/chat?version=2024-03-13", "bearer",
                with_json(&[("authorization", "ZenApiKey k-1")]),
                json!({"messages": [{"role": "user", "content": "Say ok."}], "max_tokens": 16}))),
        (json!({"model": "watsonx/ibm/granite", "api_base": "https://h", "probe": "free"}),
            get("https://h/ml/v1/foundation_model_specs?version=2024-03-13", "none", only(&[]))),
    ];
    for (entry, want) in rows {
        let request = resolved(&entry, &[]).unwrap().request;
        assert_eq!(told(&request), want, "{entry}");
        assert_eq!(request.unsendable, None, "{entry}");
    }
}

#[test]
fn what_is_missing_is_named_with_its_remedy() {
    for (entry, part) in [
        (
            json!({"model": "huggingface/e", "mode": "embedding"}),
            "`api_base`",
        ),
        (json!({"model": "snowflake/m"}), "`api_base`"),
        (
            json!({"model": "snowflake/m", "account_id": "evil.example/"}),
            "`account_id`",
        ),
        (json!({"model": "watsonx/m"}), "`WATSONX_API_BASE`"),
        (
            json!({"model": "watsonx/m", "api_base": "https://h", "token": "t"}),
            "`project_id`",
        ),
    ] {
        let text = resolved(&entry, &[]).err().unwrap();
        assert!(text.contains(part), "{entry}: {text}");
    }
    let entry = json!({"model": "watsonx/m", "api_base": "https://h", "api_key": "ibm-key", "project_id": "p"});
    let request = resolved(&entry, &[]).unwrap().request;
    assert!(request.unsendable.unwrap().contains("`WATSONX_TOKEN`"));
    assert!(!request.headers.contains_key("authorization"));
}

#[test]
fn the_environments_keys_stay_away_from_a_base_of_the_entry() {
    let vars = [
        ("HF_TOKEN", "k-env"),
        ("DEEPGRAM_API_KEY", "k-env"),
        ("REPLICATE_API_KEY", "k-env"),
        ("WATSONX_TOKEN", "k-env"),
        ("SNOWFLAKE_JWT", "k-env"),
    ];
    for model in [
        "huggingface/m",
        "deepgram/m",
        "replicate/o/m",
        "watsonx/m",
        "snowflake/m",
    ] {
        let entry = json!({"model": model, "api_base": "https://gw.example", "project_id": "p", "probe": "inference"});
        let request = resolved(&entry, &vars).unwrap().request;
        assert!(
            !request.headers.contains_key("authorization"),
            "{model}: {:?}",
            request.headers
        );
    }
}

#[test]
fn answers_have_their_verdicts() {
    use Outcome::{BadAnswer, Healthy, NotFound, Unauthorized};
    let key = |model: &str, probe: &str| json!({"model": model, "api_key": "k", "probe": probe});
    let embed = json!({"model": "huggingface/e", "mode": "embedding", "api_base": "http://h"});
    #[rustfmt::skip]
    let rows = [
        (embed.clone(), 200, "[[0.1,0.2]]", Healthy),
        (embed, 200, "[]", BadAnswer),
        (key("replicate/o/m", "inference"), 201, r#"{"id":"x","status":"starting","error":null,"output":null}"#, Healthy),
        (key("replicate/o/m", "inference"), 201, r#"{"id":"x","status":"failed","error":"CUDA out of memory"}"#, BadAnswer),
        (key("replicate/o/m", "free"), 404, r#"{"detail":"Not found"}"#, NotFound),
        (key("elevenlabs/v3", "free"), 200, r#"[{"model_id":"v3"}]"#, Healthy),
        (key("elevenlabs/v3", "free"), 200, r#"[{"model_id":"v2"}]"#, NotFound),
        (key("elevenlabs/v3", "free"), 401, r#"{"detail":{"status":"invalid_api_key","message":"Invalid"}}"#, Unauthorized),
        (key("deepgram/nova", "inference"), 200, r#"{"results":{"channels":[{"alternatives":[]}]}}"#, Healthy),
        (key("deepgram/nova", "free"), 401, r#"{"err_code":"INVALID_AUTH","err_msg":"Invalid credentials."}"#, Unauthorized),
    ];
    for (entry, status, body, want) in rows {
        assert_eq!(verdict(&entry, &[], status, body).outcome, want, "{body}");
    }
}
