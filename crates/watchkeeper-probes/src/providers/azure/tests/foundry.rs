//! Models of Foundry.

use super::*;

#[test]
fn the_exact_request_of_each_mode_of_foundry() {
    let models = "https://res.services.ai.azure.com/models";
    let v = "?api-version=2024-05-01-preview";
    let message = json!({"model": "claude-opus-4-8", "max_tokens": 16,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Say ok."}]}]});
    let rank = json!({"model": "Cohere-rerank-v3.5", "query": "Say ok.", "documents": ["Say ok."]});
    #[rustfmt::skip]
    let rows = [
        // model, base, more, URL, body, headers that hold the key
        ("DeepSeek-R1", FOUNDRY, json!({}), format!("{models}/chat/completions{v}"), chat("DeepSeek-R1"), &["api-key"][..]),
        ("DeepSeek-R1", models, json!({}), format!("{models}/chat/completions{v}"), chat("DeepSeek-R1"), &["api-key"]),
        ("m", "https://res.services.ai.azure.com/models/chat/completions?api-version=7", json!({}), format!("{models}/chat/completions?api-version=7"), chat("m"), &["api-key"]),
        ("gpt-5", FOUNDRY, json!({}), format!("{models}/chat/completions{v}"), thinking("gpt-5"), &["api-key"]),
        ("m", FOUNDRY, json!({"api_version": "7"}), format!("{models}/chat/completions?api-version=7"), chat("m"), &["api-key"]),
        ("m", "https://res.services.ai.azure.com/openai/v1/", json!({}), format!("{FOUNDRY}/openai/v1/chat/completions"), chat("m"), &["api-key"]),
        ("m", RES, json!({}), format!("{RES}/openai/v1/chat/completions"), chat("m"), &["api-key"]),
        ("m", "https://res.openai.azure.com/openai/v1/", json!({}), format!("{RES}/openai/v1/chat/completions"), chat("m"), &["api-key"]),
        ("m", "https://m.eastus.models.ai.azure.com", json!({}), "https://m.eastus.models.ai.azure.com/chat/completions".into(), chat("m"), &["authorization"]),
        ("m", "https://gw.example/v1/", json!({}), "https://gw.example/v1/chat/completions".into(), chat("m"), &["authorization"]),
        ("m", "https://gw.example/v1/chat/completions", json!({}), "https://gw.example/v1/chat/completions".into(), chat("m"), &["authorization"]),
        ("claude-opus-4-8", FOUNDRY, json!({}), format!("{FOUNDRY}/anthropic/v1/messages"), message.clone(), &["api-key", "x-api-key"]),
        ("claude-opus-4-8", "https://res.services.ai.azure.com/anthropic", json!({"mode": "anthropic_messages"}), format!("{FOUNDRY}/anthropic/v1/messages"), message.clone(), &["api-key", "x-api-key"]),
        ("claude-opus-4-8", "https://res.services.ai.azure.com/anthropic/v1/messages", json!({"mode": "responses"}), format!("{FOUNDRY}/anthropic/v1/messages"), message, &["api-key", "x-api-key"]),
        ("responses/gpt-4o", FOUNDRY, json!({}), format!("{FOUNDRY}/openai/v1/responses"), respond("gpt-4o"), &["api-key"]),
        ("gpt-4o", "https://res.services.ai.azure.com/api/projects/p/openai/v1", json!({"mode": "responses"}), format!("{FOUNDRY}/api/projects/p/openai/v1/responses"), respond("gpt-4o"), &["api-key"]),
        ("embed-v-4-0", FOUNDRY, json!({}), format!("{models}/embeddings{v}"), json!({"model": "embed-v-4-0", "input": ["Say ok."]}), &["api-key"]),
        ("Cohere-rerank-v3.5", FOUNDRY, json!({}), format!("{FOUNDRY}/v1/rerank"), rank.clone(), &["api-key"]),
        ("Cohere-rerank-v3.5", "https://res.services.ai.azure.com/providers/cohere/v2", json!({}), format!("{FOUNDRY}/providers/cohere/v2/rerank"), rank.clone(), &["api-key"]),
        ("Cohere-rerank-v3.5", "https://m.eastus.models.ai.azure.com/v1/rerank", json!({}), "https://m.eastus.models.ai.azure.com/v1/rerank".into(), rank, &["authorization"]),
        ("FLUX-1.1-pro", FOUNDRY, json!({"probe": "inference"}), format!("{FOUNDRY}/openai/deployments/FLUX-1.1-pro/images/generations?api-version=2025-04-01-preview"),
            json!({"model": "FLUX-1.1-pro", "prompt": "Say ok."}), &["api-key"]),
    ];
    for (model, base, more, url, want, keys) in rows {
        let entry = entry(&format!("azure_ai/{model}"), base, &more);
        let sent = request(&entry, &[("AZURE_OPENAI_API_KEY", "env")]);
        assert_eq!(sent.url.as_str(), url, "{entry}");
        assert_eq!(body(&sent), want, "{entry}");
        for name in ["api-key", "x-api-key", "authorization"] {
            assert_eq!(
                sent.headers.contains_key(name),
                keys.contains(&name),
                "{entry} {name}"
            );
        }
        assert!(sent.billed && sent.unsendable.is_none(), "{entry}");
    }
    for (base, url) in [
        (
            FOUNDRY,
            "https://res.services.ai.azure.com/openai/v1/models",
        ),
        (
            "https://m.eastus.models.ai.azure.com/v1",
            "https://m.eastus.models.ai.azure.com/info",
        ),
        ("https://gw.example/v1", "https://gw.example/v1/models"),
    ] {
        let entry = entry("azure_ai/m", base, &json!({"probe": "free"}));
        assert_eq!(request(&entry, &[]).url.as_str(), url);
    }
}
