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
#[must_use]
pub fn resolve(model: &str, custom: Option<&str>) -> Option<String> {
    if let Some(custom) = custom.filter(|custom| !custom.is_empty()) {
        return Some(custom.to_owned());
    }
    match model.split_once('/') {
        // Cohere's chat models have a provider of their own behind the shared prefix.
        Some(("cohere", rest)) if bare(rest) == Some("cohere_chat") => Some("cohere_chat".into()),
        Some((prefix, _)) if PREFIXES.binary_search(&prefix).is_ok() => Some(prefix.to_owned()),
        _ => bare(model).map(str::to_owned),
    }
}

/// Only names that LiteLLM knows: it drops a deployment of any other, and a guess would ask, and pay, somebody else.
fn bare(model: &str) -> Option<&'static str> {
    static NAMES: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        include_str!("bare-names.tsv")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('\t'))
            .collect()
    });
    let fine_tuned = ["ft:gpt-3.5-turbo", "ft:gpt-4"];
    if matches!(model, "*" | "dall-e-2" | "dall-e-3")
        || fine_tuned.iter().any(|name| model.starts_with(name))
    {
        return Some("openai");
    }
    names.get(model).copied()
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
            ("gpt-99-turbo", None),
            ("o3-mini", Some("openai")),
            ("ft:gpt-4o-mini-2024-07-18:org::id", Some("openai")),
            ("*", Some("openai")),
            ("dall-e-3", Some("openai")),
            ("claude-opus-5", Some("anthropic")),
            ("gemini-2.5-pro", Some("vertex_ai")),
            ("us.amazon.nova-pro-v1:0", Some("bedrock")),
            ("cohere/command-r-08-2024", Some("cohere_chat")),
            ("cohere/command-a-vision-07-2025", Some("cohere")),
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
