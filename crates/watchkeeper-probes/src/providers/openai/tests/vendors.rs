//! What is special about one vendor or another, and the rules that hold for every row.

use serde_json::{Value, json};
use watchkeeper_core::probe::{Effort, ProbeKind};

use super::{body, env, headers, target};
use crate::options::ProviderKeys;
use crate::providers::{self, Provider};
use crate::request::ProbeRequest;
use crate::resolve::resolve;

fn ask(provider: &str, mut entry: Value, keys: &ProviderKeys) -> Result<ProbeRequest, String> {
    entry["PROVIDER"] = provider.into();
    let mut target = target(entry);
    target.health.kind = ProbeKind::Inference;
    resolve(&target, keys, Effort::Full).map(|resolved| resolved.request)
}

fn table() -> impl Iterator<Item = &'static Provider> {
    use crate::providers::table::{self, declared, servers, vendors};
    let rows: [&'static [Provider]; 4] = [
        &table::ROWS,
        &servers::ROWS,
        &vendors::ROWS,
        &declared::ROWS,
    ];
    rows.into_iter().flatten()
}

#[test]
fn the_exact_url_and_body_of_what_differs() {
    let said = json!([{"role": "user", "content": "Say ok."}]);
    let chat = |model: &str| json!({"model": model, "messages": said, "max_tokens": 16});
    let with = |mut body: Value, name: &str, value: Value| {
        body[name] = value;
        body
    };
    let ranked =
        |model: &str| json!({"model": model, "query": "Say ok.", "documents": ["Say ok."]});
    let message = json!([{"role": "user", "content": [{"type": "text", "text": "Say ok."}]}]);
    #[rustfmt::skip]
    let rows = [
        ("openrouter", json!({"model": "openrouter/auto"}), "https://openrouter.ai/api/v1/chat/completions",
            with(chat("openrouter/auto"), "usage", json!({"include": true}))),
        ("openrouter", json!({"model": "openrouter/deepseek/deepseek-r1"}), "https://openrouter.ai/api/v1/chat/completions",
            with(chat("deepseek/deepseek-r1"), "usage", json!({"include": true}))),
        ("openrouter", json!({"model": "openrouter/openai/gpt-5"}), "https://openrouter.ai/api/v1/chat/completions",
            with(with(chat("openai/gpt-5"), "reasoning", json!({"effort": "minimal"})), "usage", json!({"include": true}))),
        ("openrouter", json!({"model": "openrouter/openai/gpt-5", "extra_body": {"reasoning": {"max_tokens": 0}}}), "https://openrouter.ai/api/v1/chat/completions",
            with(with(chat("openai/gpt-5"), "usage", json!({"include": true})), "reasoning", json!({"max_tokens": 0}))),
        ("openrouter", json!({"model": "openrouter/google/gemini-2.5-flash-image", "mode": "image_generation"}), "https://openrouter.ai/api/v1/chat/completions",
            json!({"model": "google/gemini-2.5-flash-image", "messages": said, "usage": {"include": true}, "modalities": ["image", "text"]})),
        ("groq", json!({"model": "groq/openai/gpt-oss-20b"}), "https://api.groq.com/openai/v1/chat/completions",
            with(chat("openai/gpt-oss-20b"), "reasoning_effort", json!("low"))),
        ("groq", json!({"model": "groq/qwen/qwen3-32b"}), "https://api.groq.com/openai/v1/chat/completions",
            with(chat("qwen/qwen3-32b"), "reasoning_effort", json!("none"))),
        ("groq", json!({"model": "groq/m", "mode": "completion"}), "https://api.groq.com/openai/v1/chat/completions", chat("m")),
        ("groq", json!({"model": "groq/m", "mode": "responses"}), "https://api.groq.com/openai/v1/chat/completions", chat("m")),
        ("mistral", json!({"model": "mistral/m", "api_base": "http://h/"}), "http://h/v1/chat/completions", chat("m")),
        ("mistral", json!({"model": "mistral/m", "api_base": "http://h/v1/"}), "http://h/v1/chat/completions", chat("m")),
        ("github", json!({"model": "github/o3-mini"}), "https://models.inference.ai.azure.com/chat/completions",
            json!({"model": "o3-mini", "messages": said, "max_completion_tokens": 16})),
        ("cloudflare", json!({"model": "cloudflare/@cf/meta/llama-3.1-8b-instruct"}), "https://api.cloudflare.com/client/v4/accounts/acc%2F1/ai/v1/chat/completions",
            chat("@cf/meta/llama-3.1-8b-instruct")),
        ("cloudflare", json!({"model": "cloudflare/m", "api_base": "https://api.cloudflare.com/client/v4/accounts/x/ai/run"}), "https://api.cloudflare.com/client/v4/accounts/x/ai/v1/chat/completions", chat("m")),
        ("xai", json!({"model": "xai/grok-3-mini"}), "https://api.x.ai/v1/chat/completions", with(chat("grok-3-mini"), "reasoning_effort", json!("low"))),
        ("xai", json!({"model": "xai/grok-4"}), "https://api.x.ai/v1/chat/completions", chat("grok-4")),
        ("perplexity", json!({"model": "perplexity/sonar", "mode": "responses"}), "https://api.perplexity.ai/v1/responses",
            json!({"model": "sonar", "input": "Say ok.", "max_output_tokens": 16})),
        ("together_ai", json!({"model": "together_ai/m", "mode": "completion"}), "https://api.together.ai/v1/completions",
            json!({"model": "m", "prompt": "Say ok.", "max_tokens": 16})),
        ("databricks", json!({"model": "databricks/m", "api_base": "https://w.cloud.databricks.com"}), "https://w.cloud.databricks.com/serving-endpoints/chat/completions", chat("m")),
        ("nvidia_nim", json!({"model": "nvidia_nim/nvidia/rerank-qa", "mode": "rerank"}), "https://ai.api.nvidia.com/v1/retrieval/nvidia/rerank-qa/reranking",
            json!({"model": "nvidia/rerank-qa", "query": {"text": "Say ok."}, "passages": [{"text": "Say ok."}]})),
        ("nvidia_nim", json!({"model": "nvidia_nim/n/m", "mode": "rerank", "api_base": "http://h/v1"}), "http://h/v1/retrieval/n/m/reranking",
            json!({"model": "n/m", "query": {"text": "Say ok."}, "passages": [{"text": "Say ok."}]})),
        ("deepinfra", json!({"model": "deepinfra/Qwen/Qwen3-Reranker-0.6B"}), "https://api.deepinfra.com/v1/inference/Qwen/Qwen3-Reranker-0.6B",
            json!({"queries": ["Say ok."], "documents": ["Say ok."]})),
        ("hosted_vllm", json!({"model": "hosted_vllm/BAAI/bge-reranker-v2-m3", "api_base": "http://h/v1"}), "http://h/v1/rerank", ranked("BAAI/bge-reranker-v2-m3")),
        ("hosted_vllm", json!({"model": "hosted_vllm/r", "mode": "rerank", "api_base": "http://h/v1/rerank"}), "http://h/v1/rerank", ranked("r")),
        ("voyage", json!({"model": "voyage/rerank-2.5"}), "https://api.voyageai.com/v1/rerank", ranked("rerank-2.5")),
        ("voyage", json!({"model": "voyage/voyage-3-large"}), "https://api.voyageai.com/v1/embeddings", json!({"model": "voyage-3-large", "input": ["Say ok."]})),
        ("jina_ai", json!({"model": "jina_ai/jina-reranker-v2"}), "https://api.jina.ai/v1/rerank", ranked("jina-reranker-v2")),
        ("infinity", json!({"model": "infinity/BAAI/bge-small", "api_base": "http://h:7997"}), "http://h:7997/embeddings", json!({"model": "BAAI/bge-small", "input": ["Say ok."]})),
        ("litellm_proxy", json!({"model": "litellm_proxy/claude", "mode": "anthropic_messages", "api_base": "http://h:4000"}), "http://h:4000/v1/messages",
            json!({"model": "claude", "max_tokens": 16, "messages": message})),
        ("litellm_proxy", json!({"model": "litellm_proxy/gpt-5", "api_base": "http://h:4000"}), "http://h:4000/chat/completions", chat("gpt-5")),
        ("cortecs", json!({"model": "cortecs/m", "mode": "anthropic_messages"}), "https://api.cortecs.ai/v1/messages",
            json!({"model": "m", "max_tokens": 16, "messages": message})),
        ("docker_model_runner", json!({"model": "docker_model_runner/ai/smollm2"}), "http://localhost:22088/engines/llama.cpp/v1/chat/completions", chat("ai/smollm2")),
        ("gradient_ai", json!({"model": "gradient_ai/m", "api_base": "https://a.agents.do-ai.run"}), "https://a.agents.do-ai.run/api/v1/chat/completions", chat("m")),
        ("poe", json!({"model": "poe/gpt-5"}), "https://api.poe.com/v1/chat/completions", chat("gpt-5")),
    ];
    let keys = env(&[("CLOUDFLARE_ACCOUNT_ID", "acc/1")]);
    for (provider, mut entry, url, want) in rows {
        entry["api_key"] = "sk-1".into();
        let request = ask(provider, entry.clone(), &keys).unwrap();
        assert_eq!(request.method, "POST");
        assert_eq!(request.url.as_str(), url, "{entry}");
        assert_eq!(body(&request), want, "{entry}");
        assert_eq!(request.headers["authorization"], "Bearer sk-1", "{entry}");
        assert!(request.billed);
    }
}

#[test]
fn headers_of_one_vendor_alone() {
    let plain = json!({"accept": "application/json", "content-type": "application/json", "authorization": "Bearer sk-1"});
    let with = |extra: Value| {
        let mut all = plain.as_object().unwrap().clone();
        all.extend(extra.as_object().unwrap().clone());
        Value::Object(all)
    };
    let named = env(&[("OR_SITE_URL", "https://me"), ("OR_APP_NAME", "mine")]);
    let unnamed = ProviderKeys::default();
    for (provider, mode, keys, want) in [
        ("openrouter", "chat", &unnamed, plain.clone()),
        (
            "openrouter",
            "chat",
            &named,
            with(json!({"http-referer": "https://me", "x-title": "mine"})),
        ),
        ("groq", "chat", &named, plain.clone()),
        (
            "sarvam",
            "chat",
            &unnamed,
            with(json!({"api-subscription-key": "sk-1"})),
        ),
        (
            "cortecs",
            "anthropic_messages",
            &unnamed,
            with(json!({"anthropic-version": "2023-06-01"})),
        ),
    ] {
        let entry = json!({"model": format!("{provider}/m"), "mode": mode, "api_key": "sk-1"});
        let request = ask(provider, entry, keys).unwrap();
        assert_eq!(Value::Object(headers(&request)), want, "{provider}");
    }
}

#[test]
fn every_row_asks_its_own_vendor_with_its_own_key_and_nobody_elses() {
    let account = ("CLOUDFLARE_ACCOUNT_ID", "acc");
    for provider in table() {
        let entry = || {
            json!({
                "model": format!("{}/m", provider.name),
                "mode": provider.modes[0].as_str(),
            })
        };
        let mut private = entry();
        private["api_base"] = "https://private.example/v1".into();
        let foreign = env(&[
            ("OPENAI_API_KEY", "sk-openai"),
            ("GROQ_API_KEY", "sk-groq"),
            account,
        ]);
        let own = env(&[
            (
                provider.key_vars.first().copied().unwrap_or("NONE"),
                "sk-own",
            ),
            account,
        ]);
        let is_foreign = provider
            .key_vars
            .iter()
            .any(|v| ["OPENAI_API_KEY", "GROQ_API_KEY"].contains(v));
        for (entry, keys, may) in [
            (private.clone(), &own, false),
            (entry(), &foreign, is_foreign),
            (
                entry(),
                &own,
                !provider.base.is_empty() && !provider.key_vars.is_empty(),
            ),
        ] {
            match ask(provider.name, entry.clone(), keys) {
                Ok(request) => {
                    let sent = request.headers.contains_key("authorization");
                    assert_eq!(sent, may, "{entry}");
                }
                Err(error) => {
                    assert!(provider.base.is_empty(), "{error}");
                    assert!(error.contains("`api_base`"), "{error}");
                }
            }
        }
        if !provider.base.is_empty() && provider.needs_key {
            let none = env(&[account]);
            let request = ask(provider.name, entry(), &none).unwrap();
            let reason = request.unsendable.unwrap();
            assert!(reason.contains(provider.key_vars[0]), "{reason}");
            assert!(provider.base.starts_with("https://"), "{}", provider.name);
        }
    }
}

#[test]
fn every_mode_of_every_row_and_its_free_call_can_be_built() {
    let keys = env(&[("CLOUDFLARE_ACCOUNT_ID", "acc")]);
    for provider in table() {
        for mode in provider.modes {
            for base in [None, Some("http://h:1/v1")] {
                let mut entry = json!({"model": format!("{}/m", provider.name), "mode": mode.as_str(), "api_key": "sk-1"});
                match base {
                    Some(base) => entry["api_base"] = base.into(),
                    None if provider.base.is_empty() => continue,
                    None => {}
                }
                entry["PROVIDER"] = provider.name.into();
                for kind in [
                    ProbeKind::Inference,
                    ProbeKind::Free,
                    ProbeKind::Reachability,
                ] {
                    let mut target = target(entry.clone());
                    target.health.kind = kind;
                    let request = resolve(&target, &keys, Effort::Full).unwrap().request;
                    let path = request.url.path();
                    assert!(!path.contains("//"), "{}", request.url);
                    if kind != ProbeKind::Inference {
                        assert!(!request.billed && request.method == "GET", "{entry}");
                    }
                }
            }
        }
    }
}

#[test]
fn another_region_of_a_vendor_takes_its_key_and_a_stranger_does_not() {
    for (provider, var, base, want) in [
        (
            "moonshot",
            "MOONSHOT_API_KEY",
            "https://api.moonshot.cn/v1",
            true,
        ),
        (
            "moonshot",
            "MOONSHOT_API_KEY",
            "https://api.moonshot.cn.example/v1",
            false,
        ),
        (
            "together_ai",
            "TOGETHER_API_KEY",
            "https://api.together.xyz/v1",
            true,
        ),
        ("groq", "GROQ_API_KEY", "https://api.moonshot.cn/v1", false),
    ] {
        let entry = json!({"model": format!("{provider}/m"), "api_base": base});
        let request = ask(provider, entry, &env(&[(var, "sk-env")])).unwrap();
        let sent = request.headers.contains_key("authorization");
        assert_eq!(sent, want, "{provider} {base}");
    }
}

#[test]
fn what_is_missing_is_named_with_its_remedy() {
    let none = ProviderKeys::default();
    let machine = env(&[
        ("DATABRICKS_CLIENT_ID", "id"),
        ("DATABRICKS_CLIENT_SECRET", "secret"),
    ]);
    for (provider, model, parts) in [
        ("hosted_vllm", "m", ["`api_base`", "`HOSTED_VLLM_API_BASE`"]),
        ("lm_studio", "m", ["`api_base`", "`LM_STUDIO_API_BASE`"]),
        ("cloudflare", "m", ["`CLOUDFLARE_ACCOUNT_ID`", "`api_base`"]),
        ("voyage", "chatty", ["`chat`", "`embedding`, `rerank`"]),
    ] {
        let entry = json!({"model": format!("{provider}/{model}"), "api_key": "sk-1"});
        let error = ask(provider, entry, &none).err().unwrap();
        for part in parts {
            assert!(error.contains(part), "{error}");
        }
    }
    let entry = json!({"model": "databricks/m", "api_base": "https://w/serving-endpoints"});
    let request = ask("databricks", entry.clone(), &machine).unwrap();
    let reason = request.unsendable.unwrap();
    assert!(
        reason.contains("`DATABRICKS_CLIENT_ID`") && reason.contains("`api_key`"),
        "{reason}"
    );
    let mut keyed = entry;
    keyed["api_key"] = "sk-1".into();
    assert!(
        ask("databricks", keyed, &machine)
            .unwrap()
            .unsendable
            .is_none()
    );
}

#[test]
fn the_names_that_litellm_knows_as_openais_kin_are_all_there() {
    for name in [
        "openai",
        "custom_openai",
        "openai_like",
        "text-completion-openai",
        "openrouter",
        "nano-gpt",
        "scx-ai",
        "reka",
        "vercel_ai_gateway",
        "featherless_ai",
        "galadriel",
        "sarvam",
        "meta_llama",
        "wandb",
    ] {
        assert!(providers::find(name).is_some(), "{name}");
    }
}
