//! Which provider a model belongs to, by LiteLLM's spelling.

use std::collections::HashMap;
use std::sync::OnceLock;

/// Prefixes that LiteLLM 1.106.2 takes for a provider. Anything else before a slash is part of the model's name.
const PREFIXES: &[&str] = &[
    "a2a",
    "abliteration",
    "agno",
    "ai21",
    "ai21_chat",
    "aihubmix",
    "aiml",
    "aiohttp_openai",
    "aleph_alpha",
    "amazon_nova",
    "anthropic",
    "anthropic_text",
    "anyscale",
    "apertis",
    "assemblyai",
    "auto_router",
    "aws_polly",
    "azure",
    "azure_ai",
    "azure_text",
    "baseten",
    "bedrock",
    "bedrock_mantle",
    "black_forest_labs",
    "bytez",
    "cerebras",
    "charity_engine",
    "chatgpt",
    "chutes",
    "clarifai",
    "cloudflare",
    "codestral",
    "cohere",
    "cohere_chat",
    "cometapi",
    "compactifai",
    "cursor",
    "custom",
    "custom_openai",
    "dashscope",
    "databricks",
    "datarobot",
    "deepgram",
    "deepinfra",
    "deepseek",
    "docker_model_runner",
    "dotprompt",
    "elevenlabs",
    "empower",
    "fal_ai",
    "featherless_ai",
    "fireworks_ai",
    "friendliai",
    "galadriel",
    "gemini",
    "gigachat",
    "github",
    "github_copilot",
    "gmi",
    "gradient_ai",
    "groq",
    "helicone",
    "heroku",
    "hosted_vllm",
    "huggingface",
    "humanloop",
    "hyperbolic",
    "infinity",
    "jina_ai",
    "lambda_ai",
    "langflow",
    "langfuse",
    "langgraph",
    "lemonade",
    "litellm_agent",
    "litellm_proxy",
    "llamafile",
    "llamagate",
    "lm_studio",
    "manus",
    "maritalk",
    "meta",
    "meta_llama",
    "milvus",
    "minimax",
    "mistral",
    "moonshot",
    "morph",
    "nano-gpt",
    "nebius",
    "nlp_cloud",
    "novita",
    "nscale",
    "nvidia_nim",
    "oci",
    "ollama",
    "ollama_chat",
    "oobabooga",
    "openai",
    "openai_like",
    "openrouter",
    "ovhcloud",
    "palm",
    "perplexity",
    "petals",
    "pg_vector",
    "poe",
    "predibase",
    "publicai",
    "pydantic_ai_agents",
    "ragflow",
    "recraft",
    "replicate",
    "runwayml",
    "s3_vectors",
    "sagemaker",
    "sagemaker_chat",
    "sagemaker_nova",
    "sambanova",
    "sap",
    "sarvam",
    "scaleway",
    "searxng",
    "snowflake",
    "soniox",
    "stability",
    "synthetic",
    "tars",
    "text-completion-codestral",
    "text-completion-openai",
    "together_ai",
    "topaz",
    "triton",
    "v0",
    "veniceai",
    "vercel_ai_gateway",
    "vertex_ai",
    "vertex_ai_beta",
    "vllm",
    "volcengine",
    "voyage",
    "wandb",
    "watsonx",
    "watsonx_text",
    "xai",
    "xiaomi_mimo",
    "xinference",
    "zai",
];

/// The provider, if LiteLLM would find one: `custom_llm_provider` first, then the prefix, then the bare name.
pub(crate) fn resolve(model: &str, custom: Option<&str>) -> Option<String> {
    if let Some(custom) = custom.filter(|custom| !custom.is_empty()) {
        return Some(custom.to_owned());
    }
    match model.split_once('/') {
        // Cohere's chat models have a provider of their own behind the shared prefix.
        Some(("cohere", rest)) if rest.starts_with("command") => Some("cohere_chat".into()),
        Some((prefix, _)) if PREFIXES.binary_search(&prefix).is_ok() => Some(prefix.to_owned()),
        _ => bare(model).map(str::to_owned),
    }
}

fn bare(model: &str) -> Option<&'static str> {
    static NAMES: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        include_str!("bare-names.tsv")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('\t'))
            .collect()
    });
    if let Some(provider) = names.get(model) {
        return Some(provider);
    }
    // Names younger than the list. A slash stands for a provider that is not known.
    let openai = [
        "gpt-",
        "chatgpt-",
        "o1",
        "o3",
        "o4",
        "text-embedding-3",
        "text-embedding-ada",
        "dall-e-",
        "whisper-",
        "tts-",
        "omni-moderation-",
        "ft:gpt-",
    ];
    if model == "*" || (!model.contains('/') && openai.iter().any(|p| model.starts_with(p))) {
        Some("openai")
    } else if model.contains('/') {
        None
    } else if model.starts_with("claude-") {
        Some("anthropic")
    } else if model.starts_with("gemini-") {
        Some("vertex_ai")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefixes_are_sorted() {
        assert!(PREFIXES.is_sorted());
    }

    #[test]
    fn the_provider_is_litellms() {
        for (model, provider) in [
            ("openai/gpt-4", Some("openai")),
            ("azure/my/deployment", Some("azure")),
            ("bedrock/us.anthropic.claude-3", Some("bedrock")),
            ("gpt-4o", Some("openai")),
            ("gpt-99-turbo", Some("openai")),
            ("o3-mini", Some("openai")),
            ("*", Some("openai")),
            ("claude-opus-5", Some("anthropic")),
            ("gemini-99", Some("vertex_ai")),
            ("cohere/command-r", Some("cohere_chat")),
            ("cohere/embed-v4", Some("cohere")),
            ("meta-llama/Llama-3", None),
            ("nothing-known", None),
            ("", None),
        ] {
            assert_eq!(resolve(model, None).as_deref(), provider, "{model}");
        }
        assert_eq!(
            resolve("meta-llama/Llama-3", Some("openai")).as_deref(),
            Some("openai")
        );
        assert_eq!(resolve("openai/x", Some("")).as_deref(), Some("openai"));
    }
}
