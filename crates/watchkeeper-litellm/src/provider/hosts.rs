//! Endpoints by which LiteLLM 1.106.2 tells the provider of a model whose name does not say it.

use url::Url;

/// Host, beginning of the path, and the provider. LiteLLM knows some endpoints without a provider for them; it drops a
/// deployment there.
const HOSTS: &[(&str, &str, Option<&str>)] = &[
    ("api.perplexity.ai", "", Some("perplexity")),
    ("api.endpoints.anyscale.com", "/v1", Some("anyscale")),
    ("api.deepinfra.com", "/v1/openai", Some("deepinfra")),
    ("api.mistral.ai", "/v1", Some("mistral")),
    (
        "codestral.mistral.ai",
        "/v1/chat/completions",
        Some("codestral"),
    ),
    (
        "codestral.mistral.ai",
        "/v1/fim/completions",
        Some("text-completion-codestral"),
    ),
    ("api.groq.com", "/openai/v1", Some("groq")),
    ("integrate.api.nvidia.com", "/v1", Some("nvidia_nim")),
    ("api.getnadir.com", "/v1", Some("nadir")),
    ("api.deepseek.com", "/v1", Some("deepseek")),
    ("api.together.ai", "/v1", Some("together_ai")),
    ("api.together.xyz", "/v1", Some("together_ai")),
    ("app.empower.dev", "/api/v1", Some("empower")),
    ("api.friendli.ai", "/serverless/v1", Some("friendliai")),
    ("api.sambanova.ai", "/v1", None),
    ("api.x.ai", "/v1", None),
    ("ollama.com", "", Some("ollama")),
    ("api.galadriel.ai", "/v1", None),
    ("api.llama.com", "/compat/v1", None),
    ("api.featherless.ai", "/v1", None),
    ("inference.api.nscale.com", "/v1", None),
    ("api.studio.nebius.ai", "/v1", None),
    ("dashscope-intl.aliyuncs.com", "/compatible-mode/v1", None),
    ("dashscope.aliyuncs.com", "/compatible-mode/v1", None),
    ("api-inference.modelscope.cn", "/v1", Some("modelscope")),
    ("api.moonshot.ai", "/v1", None),
    ("api.publicai.co", "/v1", Some("publicai")),
    ("api.synthetic.new", "/openai/v1", Some("synthetic")),
    ("serverless.tensormesh.ai", "/v1", Some("tensormesh")),
    ("api.stima.tech", "/v1", Some("apertis")),
    ("nano-gpt.com", "/api/v1", Some("nano-gpt")),
    ("api.poe.com", "/v1", Some("poe")),
    ("llm.chutes.ai", "/v1", Some("chutes")),
    ("api.v0.dev", "/v1", Some("v0")),
    ("api.morphllm.com", "/v1", None),
    ("api.lambda.ai", "/v1", Some("lambda_ai")),
    ("api.inceptionlabs.ai", "/v1", Some("inception")),
    ("api.hyperbolic.xyz", "/v1", Some("hyperbolic")),
    ("ai-gateway.helicone.ai", "", Some("helicone")),
    ("ai-gateway.vercel.sh", "/v1", Some("vercel_ai_gateway")),
    ("api.edenai.run", "/v3", Some("edenai")),
    ("api.inference.wandb.ai", "/v1", Some("wandb")),
    ("api.clarifai.com", "/v2/ext/openai/v1", None),
    ("api.libertai.io", "/v1", Some("libertai")),
    ("pinstripes.io", "/v1", Some("pinstripes")),
    ("api.meta.ai", "/v1", Some("meta")),
    ("api.sailresearch.com", "/v1", Some("sail")),
    ("api.cognition.ai", "/v1", Some("cognition")),
    ("api.cortecs.ai", "/v1", Some("cortecs")),
    ("api.scx.ai", "/v1", Some("scx-ai")),
    ("api.prisminference.com", "/v1", Some("prism")),
    ("api.reka.ai", "/v1", Some("reka")),
    ("gigachat.devices.sberbank.ru", "/api/v1", Some("gigachat")),
];

/// The provider of an `api_base`: none where the endpoint is not known, an inner none where LiteLLM knows it but has no
/// provider for it.
pub(super) fn provider(api_base: &str) -> Option<Option<&'static str>> {
    let url = match Url::parse(api_base) {
        Ok(url) if url.has_host() => url,
        // A scheme may be missing: `api.groq.com/openai/v1`, and `host:443/v1` reads like a scheme.
        _ => Url::parse(&format!("https://{api_base}")).ok()?,
    };
    let host = url.host_str()?;
    let path = url.path().trim_end_matches('/');
    HOSTS
        .iter()
        .find(|(name, start, _)| {
            name.eq_ignore_ascii_case(host)
                && path
                    .strip_prefix(start)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
        .map(|(_, _, provider)| *provider)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_known_by_host_and_beginning_of_the_path() {
        for (base, expected) in [
            ("https://api.groq.com/openai/v1", Some(Some("groq"))),
            ("API.GROQ.com/openai/v1/", Some(Some("groq"))),
            ("https://api.groq.com/openai/v1/chat", Some(Some("groq"))),
            ("https://api.groq.com/openai/v10", None),
            ("https://api.groq.com", None),
            ("https://evil.example/api.groq.com/openai/v1", None),
            ("https://api.perplexity.ai", Some(Some("perplexity"))),
            (
                "https://integrate.api.nvidia.com/v1",
                Some(Some("nvidia_nim")),
            ),
            ("https://api.deepseek.com/v1", Some(Some("deepseek"))),
            ("https://api.mistral.ai/v1", Some(Some("mistral"))),
            ("https://api.x.ai/v1", Some(None)),
            ("http://localhost:8000/v1", None),
            ("", None),
        ] {
            assert_eq!(provider(base), expected, "{base}");
        }
    }
}
