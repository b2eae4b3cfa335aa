use serde_json::{Value, json};
use watchkeeper_core::verdict::Outcome;

use crate::providers::trial::{only, resolved, told, verdict, with_json};

const LOCAL: &str = "http://localhost:11434";

#[test]
fn no_option_takes_the_place_of_the_limit() {
    for model in ["ollama/m", "ollama_chat/m"] {
        let entry =
            json!({"model": model, "extra_body": {"options": {"num_predict": -1, "num_ctx": 512}}});
        let told = told(&resolved(&entry, &[]).unwrap().request);
        let want = json!({"num_predict": 16, "num_ctx": 512});
        assert_eq!(told["body"]["options"], want, "{model}");
    }
}

#[test]
fn what_it_has_no_way_of_its_own_for_is_asked_as_a_chat() {
    for mode in ["responses", "anthropic_messages"] {
        let entry = json!({"model": "ollama_chat/m", "mode": mode});
        let told = told(&resolved(&entry, &[]).unwrap().request);
        assert_eq!(told["to"], format!("POST {LOCAL}/api/chat"), "{mode}");
        assert_eq!(told["body"]["options"]["num_predict"], 16, "{mode}");
    }
    let spoken = json!({"model": "ollama_chat/m", "mode": "audio_speech"});
    assert!(resolved(&spoken, &[]).is_err());
}

#[test]
fn the_exact_request_of_each_mode_and_tier() {
    let generate = |model: &str| json!({"model": model, "prompt": "Say ok.", "options": {"num_predict": 16}, "stream": false, "images": []});
    let chat = json!({"model": "m", "messages": [{"role": "user", "content": "Say ok."}], "options": {"num_predict": 16}, "stream": false});
    let bearer = [("authorization", "Bearer k-1")];
    #[rustfmt::skip]
    let rows = [
        (json!({"model": "ollama/llama3:8b"}), &[][..], json!({
            "to": format!("POST {LOCAL}/api/generate"), "auth": "none", "billed": true, "tier": "inference",
            "headers": with_json(&[]), "body": generate("llama3:8b")})),
        (json!({"model": "ollama/m", "mode": "completion"}), &[("OLLAMA_API_BASE", "http://gpu:1/")], json!({
            "to": "POST http://gpu:1/api/generate", "auth": "none", "billed": true, "tier": "inference",
            "headers": with_json(&[]), "body": generate("m")})),
        (json!({"model": "ollama_chat/m", "api_base": "http://h/api/chat", "api_key": "k-1"}), &[], json!({
            "to": "POST http://h/api/chat", "auth": "bearer", "billed": true, "tier": "inference",
            "headers": with_json(&bearer), "body": chat})),
        (json!({"model": "ollama/nomic-embed-text", "api_base": "http://h/api/generate/", "api_key": "k-1"}), &[], json!({
            "to": "POST http://h/api/embed", "auth": "bearer", "billed": true, "tier": "inference",
            "headers": with_json(&bearer), "body": {"model": "nomic-embed-text", "input": ["Say ok."]}})),
        (json!({"model": "ollama_chat/m", "mode": "embedding", "dimensions": 8, "num_ctx": 512}), &[], json!({
            "to": format!("POST {LOCAL}/api/embed"), "auth": "none", "billed": true, "tier": "inference", "headers": with_json(&[]),
            "body": {"model": "m", "input": ["Say ok."], "options": {"num_ctx": 512}, "dimensions": 8}})),
        (json!({"model": "ollama/m", "probe": "free", "api_base": "http://h/ollama/"}), &[], json!({
            "to": "GET http://h/ollama/api/tags", "auth": "none", "billed": false, "tier": "free", "headers": {}, "body": null})),
        (json!({"model": "ollama/*"}), &[("OLLAMA_API_KEY", "k-1")], json!({
            "to": format!("GET {LOCAL}/api/tags"), "auth": "bearer", "billed": false, "tier": "free", "headers": only(&bearer), "body": null})),
        (json!({"model": "ollama/m", "probe": "reachability", "api_base": "http://h:1/", "api_key": "k-1"}), &[], json!({
            "to": "GET http://h:1/", "auth": "none", "billed": false, "tier": "reachability", "headers": {}, "body": null})),
    ];
    for (entry, vars, want) in rows {
        let request = resolved(&entry, vars).unwrap().request;
        assert_eq!(told(&request), want, "{entry}");
        assert_eq!(request.unsendable, None, "{entry}");
    }
}

#[test]
fn the_environments_key_stays_away_from_a_base_of_the_entry() {
    let vars = [("OLLAMA_API_KEY", "k-env")];
    let entry = json!({"model": "ollama/m", "api_base": "http://elsewhere:11434"});
    let request = resolved(&entry, &vars).unwrap().request;
    assert_eq!(told(&request)["headers"], with_json(&[]));
}

#[test]
fn a_model_is_loaded_as_users_calls_load_it() {
    let entry = json!({
        "model": "ollama_chat/m", "num_ctx": 8192, "num_gpu": 1, "temperature": 0.2, "keep_alive": "24h",
        "num_predict": 9000, "max_tokens": 9000, "tools": [{}], "format": "json", "rpm": 5,
    });
    let request = resolved(&entry, &[]).unwrap().request;
    assert_eq!(
        told(&request)["body"],
        json!({
            "model": "m", "messages": [{"role": "user", "content": "Say ok."}],
            "options": {"num_ctx": 8192, "num_gpu": 1, "temperature": 0.2, "num_predict": 16},
            "stream": false, "keep_alive": "24h",
        })
    );
}

#[test]
fn thinking_is_spoken_of_only_where_the_entry_does() {
    for (more, want) in [
        (json!({}), Value::Null),
        (json!({"think": false}), json!(false)),
        (json!({"think": "low"}), json!("low")),
        (json!({"reasoning_effort": "low"}), json!(true)),
        (json!({"reasoning_effort": "none"}), json!(false)),
        (
            json!({"reasoning_effort": "high", "health_check_reasoning_effort": "none"}),
            json!(false),
        ),
        (
            json!({"model": "ollama/gpt-oss:20b", "reasoning_effort": "low"}),
            json!("low"),
        ),
    ] {
        let mut entry = json!({"model": "ollama/qwen3"});
        for (name, value) in more.as_object().unwrap() {
            entry[name] = value.clone();
        }
        let body = told(&resolved(&entry, &[]).unwrap().request)["body"].clone();
        assert_eq!(
            body.get("think").cloned().unwrap_or_default(),
            want,
            "{entry}"
        );
    }
}

#[test]
fn answers_have_their_verdicts() {
    use Outcome::{BadAnswer, Healthy, NotFound, Overloaded};
    let generate = json!({"model": "ollama/m"});
    let chat = json!({"model": "ollama_chat/m"});
    let embed = json!({"model": "ollama/m", "mode": "embedding"});
    let tags = json!({"model": "ollama/llama3", "probe": "free"});
    #[rustfmt::skip]
    let rows = [
        (&generate, 200, r#"{"model":"m","response":"ok","done":true,"prompt_eval_count":11,"eval_count":3}"#, Healthy, Some((11, 3))),
        (&generate, 200, r#"{"model":"m","response":"","thinking":"The user","done_reason":"length","prompt_eval_count":11,"eval_count":16}"#, Healthy, Some((11, 16))),
        (&generate, 200, r#"{"model":"m","message":{}}"#, BadAnswer, None),
        (&generate, 200, r#"{"error":"llama runner process has terminated"}"#, BadAnswer, None),
        (&generate, 404, r#"{"error":"model 'm' not found"}"#, NotFound, None),
        (&generate, 500, r#"{"error":"model requires more system memory"}"#, BadAnswer, None),
        (&generate, 503, r#"{"error":"server busy, please try again"}"#, Overloaded, None),
        (&generate, 400, r#"{"error":"\"m\" does not support thinking"}"#, BadAnswer, None),
        (&chat, 200, r#"{"model":"m","message":{"role":"assistant","content":""},"done_reason":"length","eval_count":16}"#, Healthy, Some((0, 16))),
        (&chat, 200, r#"{"model":"m","response":"ok"}"#, BadAnswer, None),
        (&chat, 200, "Ollama is running", BadAnswer, None),
        (&embed, 200, r#"{"model":"m","embeddings":[[0.1,0.2]],"prompt_eval_count":4}"#, Healthy, Some((4, 0))),
        (&embed, 200, r#"{"model":"m","embeddings":[]}"#, BadAnswer, None),
        (&tags, 200, r#"{"models":[{"name":"llama3:latest","model":"llama3:latest"}]}"#, Healthy, None),
        (&tags, 200, r#"{"models":[{"name":"llama3:70b"}]}"#, NotFound, None),
        (&tags, 200, r#"{"models":[]}"#, NotFound, None),
        (&tags, 200, "{}", BadAnswer, None),
    ];
    for (entry, status, body, outcome, usage) in rows {
        let finding = verdict(entry, &[], status, body);
        assert_eq!(finding.outcome, outcome, "{body}");
        assert_eq!(
            finding.usage.map(|usage| (usage.input, usage.output)),
            usage,
            "{body}"
        );
        let named = outcome == Healthy && body.contains(r#""model":"m""#);
        assert_eq!(finding.model.as_deref(), named.then_some("m"), "{body}");
    }
}
