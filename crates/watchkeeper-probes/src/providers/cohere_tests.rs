use serde_json::{Value, json};
use watchkeeper_core::verdict::Outcome;

use crate::providers::trial::{only, resolved, told, verdict, with_json};

const HOST: &str = "https://api.cohere.com";

#[test]
fn the_exact_request_of_each_mode_and_tier() {
    let bearer = [("authorization", "Bearer k-1")];
    let post = |path: &str, body: Value| json!({"to": format!("POST {path}"), "auth": "bearer", "billed": true, "tier": "inference", "headers": with_json(&bearer), "body": body});
    let get = |url: &str| json!({"to": format!("GET {url}"), "auth": "bearer", "billed": false, "tier": "free", "headers": only(&bearer), "body": null});
    let chat = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "Say ok."}], "max_tokens": 16});
    let thinking = json!({"model": "command-a-reasoning-08-2025", "messages": [{"role": "user", "content": "Say ok."}], "max_tokens": 16, "thinking": {"type": "disabled"}});
    #[rustfmt::skip]
    let rows = [
        (json!({"model": "cohere/command-r"}), post(&format!("{HOST}/v2/chat"), chat("command-r"))),
        (json!({"model": "cohere_chat/command-r", "mode": "completion"}), post(&format!("{HOST}/v2/chat"), chat("command-r"))),
        (json!({"model": "cohere/command-a-reasoning-08-2025"}), post(&format!("{HOST}/v2/chat"), thinking)),
        (json!({"model": "cohere/c", "temperature": 0.1, "top_p": 0.5, "thinking": {"type": "enabled"}, "stop": "x"}), post(&format!("{HOST}/v2/chat"),
            json!({"model": "c", "messages": [{"role": "user", "content": "Say ok."}], "max_tokens": 16, "temperature": 0.1, "p": 0.5, "thinking": {"type": "enabled"}}))),
        (json!({"model": "cohere/embed-english-v3.0", "input_type": "search_query", "dimensions": 256}), post(&format!("{HOST}/v2/embed"),
            json!({"model": "embed-english-v3.0", "texts": ["Say ok."], "input_type": "search_query", "output_dimension": 256}))),
        (json!({"model": "cohere/m", "mode": "embedding"}), post(&format!("{HOST}/v2/embed"),
            json!({"model": "m", "texts": ["Say ok."], "input_type": "search_document"}))),
        (json!({"model": "cohere/rerank-v3.5"}), post(&format!("{HOST}/v2/rerank"),
            json!({"model": "rerank-v3.5", "query": "Say ok.", "documents": ["Say ok."]}))),
        (json!({"model": "cohere/command-r", "probe": "free"}), get(&format!("{HOST}/v1/models/command-r"))),
        (json!({"model": "cohere/*"}), get(&format!("{HOST}/v1/models"))),
    ];
    for (entry, want) in rows {
        for vars in [
            [("COHERE_API_KEY", "k-1"), ("CO_API_KEY", "k-2")],
            [("CO_API_KEY", "k-1"), ("OPENAI_API_KEY", "k-2")],
        ] {
            let request = resolved(&entry, &vars).unwrap().request;
            assert_eq!(told(&request), want, "{entry}");
        }
    }
}

#[test]
fn a_base_and_a_complete_url_both_lead_to_the_call() {
    for (base, chat) in [
        ("https://api.cohere.com", "https://api.cohere.com/v2/chat"),
        (
            "https://api.cohere.com/v1/",
            "https://api.cohere.com/v2/chat",
        ),
        (
            "https://api.cohere.com/v2/chat",
            "https://api.cohere.com/v2/chat",
        ),
        (
            "https://api.cohere.ai/v1/chat",
            "https://api.cohere.ai/v2/chat",
        ),
        ("https://gw/cohere/v2/embed", "https://gw/cohere/v2/chat"),
        ("https://gw/x/chat/", "https://gw/x/chat"),
        ("https://gw/webchat", "https://gw/webchat/v2/chat"),
    ] {
        let entry = json!({"model": "cohere/c", "api_base": base, "api_key": "k"});
        let request = resolved(&entry, &[]).unwrap().request;
        assert_eq!(request.url.as_str(), chat, "{base}");
    }
}

#[test]
fn the_environments_key_goes_to_cohere_and_nowhere_else() {
    let vars = [("COHERE_API_KEY", "k-env")];
    for (base, want) in [
        ("https://api.cohere.com/v2/chat", "bearer"),
        ("https://api.cohere.ai/v1", "bearer"),
        ("https://api.cohere.ai.evil.example/v1", "none"),
        ("https://gw/v2/chat", "none"),
    ] {
        let entry = json!({"model": "cohere/c", "api_base": base});
        let request = resolved(&entry, &vars).unwrap().request;
        assert_eq!(request.auth.as_str(), want, "{base}");
        let sent = request.headers.contains_key("authorization");
        assert_eq!(sent, want == "bearer", "{base}");
    }
    let keyless = resolved(&json!({"model": "cohere/c"}), &[])
        .unwrap()
        .request;
    assert!(keyless.unsendable.unwrap().contains("`COHERE_API_KEY`"));
}

#[test]
fn answers_have_their_verdicts() {
    use Outcome::{BadAnswer, Forbidden, Healthy, NotFound, RateLimited, Unauthorized};
    let chat = json!({"model": "cohere/c"});
    let embed = json!({"model": "cohere/c", "mode": "embedding"});
    let rerank = json!({"model": "cohere/c", "mode": "rerank"});
    let free = json!({"model": "cohere/c", "probe": "free"});
    #[rustfmt::skip]
    let rows = [
        (&chat, 200, r#"{"id":"1","finish_reason":"COMPLETE","message":{"role":"assistant","content":[{"type":"text","text":"ok"}]},"usage":{"billed_units":{"input_tokens":3,"output_tokens":2},"tokens":{"input_tokens":69,"output_tokens":4}}}"#, Healthy, Some((3, 2))),
        (&chat, 200, r#"{"id":"1","finish_reason":"MAX_TOKENS","message":{"role":"assistant","content":[]},"usage":{"billed_units":{"input_tokens":3,"output_tokens":16}}}"#, Healthy, Some((3, 16))),
        (&chat, 200, r#"{"message":"not an answer but a refusal"}"#, BadAnswer, None),
        (&chat, 401, r#"{"message":"invalid api token"}"#, Unauthorized, None),
        (&chat, 403, r#"{"message":"no"}"#, Forbidden, None),
        (&chat, 404, r#"{"message":"model 'c' not found"}"#, NotFound, None),
        (&chat, 429, r#"{"message":"You are using a Trial key"}"#, RateLimited, None),
        (&chat, 422, r#"{"message":"unprocessable"}"#, BadAnswer, None),
        (&embed, 200, r#"{"embeddings":{"float":[[0.1]]},"meta":{"billed_units":{"input_tokens":3}}}"#, Healthy, Some((3, 0))),
        (&embed, 200, r#"{"embeddings":[[0.1]]}"#, Healthy, None),
        (&embed, 200, "{}", BadAnswer, None),
        (&rerank, 200, r#"{"results":[{"index":0,"relevance_score":0.9}],"meta":{"billed_units":{"search_units":1}}}"#, Healthy, None),
        (&rerank, 200, r#"{"results":[]}"#, BadAnswer, None),
        (&free, 200, r#"{"name":"c","endpoints":["chat"]}"#, Healthy, None),
        (&free, 404, r#"{"message":"model not found"}"#, NotFound, None),
    ];
    for (entry, status, body, outcome, usage) in rows {
        let finding = verdict(entry, &[], status, body);
        assert_eq!(finding.outcome, outcome, "{body}");
        assert_eq!(
            finding.usage.map(|usage| (usage.input, usage.output)),
            usage,
            "{body}"
        );
    }
}
