use super::*;

#[test]
fn the_provider_is_litellms() {
    for (model, provider) in [
        ("openai/gpt-4", Some("openai")),
        ("azure/my/deployment", Some("azure")),
        ("azure/mistral-large-latest", Some("openai")),
        ("azure/mistral-large", Some("azure")),
        ("bedrock/us.anthropic.claude-3", Some("bedrock")),
        ("gpt-4o", Some("openai")),
        ("gpt-99-turbo", None),
        ("o3-mini", Some("openai")),
        ("ft:gpt-4o-mini-2024-07-18:org::id", Some("openai")),
        ("*", Some("openai")),
        ("dall-e-3", Some("openai")),
        ("gpt-image-9", Some("openai")),
        ("claude-opus-5", Some("anthropic")),
        ("anthropic/claude-2", Some("anthropic_text")),
        ("anthropic/claude-2.1", Some("anthropic")),
        ("gemini-2.5-pro", Some("vertex_ai")),
        ("us.amazon.nova-pro-v1:0", Some("bedrock")),
        ("cohere/command-r-08-2024", Some("cohere_chat")),
        ("cohere/command-a-vision-07-2025", Some("cohere")),
        ("ai21/jamba-1.5", Some("ai21_chat")),
        ("ai21/j2-mid", Some("ai21")),
        ("ragflow/chat/x/y", Some("ragflow")),
        ("ragflow/chat", None),
        ("palm/chat-bison", None),
        ("OpenAI/gpt-4o", None),
        ("mistral", None),
        ("meta-llama/Llama-3", None),
        ("nothing-known", None),
        ("", None),
    ] {
        assert_eq!(resolve(model, None, None).as_deref(), provider, "{model}");
    }
}

#[test]
fn a_named_provider_goes_before_everything_else_even_if_litellm_has_none_such() {
    let named = |model: &str, custom: &str| resolve(model, Some(custom), None).unwrap();
    assert_eq!(named("meta-llama/Llama-3", "openai"), "openai");
    assert_eq!(named("openai/x", ""), "openai");
    assert_eq!(named("command-r-08-2024", "cohere"), "cohere_chat");
    assert_eq!(named("agno/demo", "agno"), "agno");
    assert!(!supported("agno") && supported("openai"));
}

#[test]
fn a_known_endpoint_speaks_for_a_name_that_does_not() {
    let at = |model: &str, base: &str| resolve(model, None, Some(base));
    let groq = "https://api.groq.com/openai/v1";
    assert_eq!(at("llama-9", groq).as_deref(), Some("groq"));
    assert_eq!(at("gpt-4o", groq).as_deref(), Some("groq"));
    assert_eq!(at("openai/gpt-4o", groq).as_deref(), Some("openai"));
    assert_eq!(at("gpt-4o", "https://api.x.ai/v1"), None);
    assert_eq!(
        at("gpt-4o", "http://localhost/v1").as_deref(),
        Some("openai")
    );
}

#[test]
fn every_listed_name_has_its_provider_and_its_mode() {
    for (name, listed) in names::bare() {
        assert_eq!(
            resolve(name, None, None).as_deref(),
            Some(listed.provider),
            "{name}"
        );
        let mode = mode_of(name, listed.provider);
        if listed.provider != "bedrock_mantle" {
            assert_eq!(mode, Some(listed.mode), "{name}");
        }
    }
}

#[test]
fn the_mode_is_looked_up_behind_the_prefix_too() {
    for (model, provider, mode) in [
        ("openai/text-embedding-3-small", "openai", Some("embedding")),
        ("text-embedding-3-small", "openai", Some("embedding")),
        ("openai/my-model", "openai", None),
        ("groq/text-embedding-3-small", "groq", None),
        ("azure/gpt-5-codex", "azure", Some("responses")),
        ("voyage/voyage-4-large", "voyage", Some("embedding")),
        ("cohere/rerank-v3.5", "cohere", Some("rerank")),
        (
            "elevenlabs/scribe_v1",
            "elevenlabs",
            Some("audio_transcription"),
        ),
        (
            "bedrock/us-east-1/amazon.titan-embed-text-v1",
            "bedrock",
            Some("embedding"),
        ),
        (
            "bedrock_mantle/anthropic.claude-haiku-4-5",
            "bedrock_mantle",
            Some("anthropic_messages"),
        ),
        ("openai/text-embedding-9-huge", "openai", None),
        ("openai/text-embedding-4-small", "openai", Some("embedding")),
    ] {
        assert_eq!(mode_of(model, provider), mode, "{model}");
    }
}

#[test]
fn the_providers_nearest_to_a_slip_are_named_and_none_for_what_is_like_none() {
    assert_eq!(nearest("openruoter").first(), Some(&"openrouter"));
    assert_eq!(nearest("antropic").first(), Some(&"anthropic"));
    assert!(
        nearest("my-company").is_empty(),
        "{:?}",
        nearest("my-company")
    );
}
