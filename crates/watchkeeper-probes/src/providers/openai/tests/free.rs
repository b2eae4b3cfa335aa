//! Free calls, and where something is to answer if nothing but that is asked.

use serde_json::{Value, json};
use watchkeeper_core::probe::{Effort, ProbeKind, Tier};

use super::{env, target};
use crate::promise::Promise;
use crate::request::ProbeRequest;
use crate::resolve::resolve;

fn asked(
    provider: &str,
    model: &str,
    extra: Value,
    kind: ProbeKind,
) -> Result<ProbeRequest, String> {
    let mut entry = json!({"PROVIDER": provider, "model": format!("{provider}/{model}"), "api_key": "sk-1", "mode": "chat"});
    for (name, value) in extra.as_object().unwrap() {
        entry[name] = value.clone();
    }
    let mut target = target(entry);
    target.health.kind = kind;
    let keys = env(&[("CLOUDFLARE_ACCOUNT_ID", "acc")]);
    resolve(&target, &keys, Effort::Full).map(|resolved| resolved.request)
}

/// What an answer is to hold, in a word; what a complete list is to name.
fn promised(request: &ProbeRequest) -> (&'static str, Option<&str>) {
    match &request.promise {
        Promise::Success => ("success", None),
        Promise::Models(models) => ("list", models.wanted.as_deref()),
        Promise::Reachable => ("reachable", None),
        _ => ("other", None),
    }
}

#[test]
fn the_free_call_of_each_kind_of_row() {
    let nothing = json!({});
    let private = json!({"api_base": "http://h:1/x/v1"});
    #[rustfmt::skip]
    let rows = [
        ("openai", "gpt-4o", &nothing, "https://api.openai.com/v1/models/gpt-4o", ("success", None)),
        ("openai", "ft:gpt-4o:a/b c", &nothing, "https://api.openai.com/v1/models/ft:gpt-4o:a%2Fb%20c", ("success", None)),
        ("openai", "responses/gpt-4o", &nothing, "https://api.openai.com/v1/models/gpt-4o", ("success", None)),
        ("openai", "gpt-4*", &nothing, "https://api.openai.com/v1/models", ("list", None)),
        ("openai", "m", &private, "http://h:1/x/v1/models", ("list", None)),
        ("groq", "m", &nothing, "https://api.groq.com/openai/v1/models", ("list", None)),
        ("groq", "*", &nothing, "https://api.groq.com/openai/v1/models", ("list", None)),
        ("deepseek", "m", &nothing, "https://api.deepseek.com/models", ("list", None)),
        ("deepseek", "m", &private, "http://h:1/x/v1/models", ("list", None)),
        ("openrouter", "openai/gpt-4o", &nothing, "https://openrouter.ai/api/v1/key", ("success", None)),
        ("openrouter", "*", &nothing, "https://openrouter.ai/api/v1/key", ("success", None)),
        ("openrouter", "m", &private, "http://h:1/x/v1/models", ("list", None)),
        ("mistral", "m", &json!({"api_base": "http://h:1"}), "http://h:1/v1/models", ("list", None)),
        ("cloudflare", "@cf/meta/m", &nothing, "https://api.cloudflare.com/client/v4/accounts/acc/ai/models/search", ("success", None)),
        ("databricks", "m", &json!({"api_base": "https://w/serving-endpoints"}), "https://w/api/2.0/serving-endpoints/m", ("success", None)),
        ("databricks", "*", &json!({"api_base": "https://w/serving-endpoints"}), "https://w/api/2.0/serving-endpoints", ("success", None)),
        ("hosted_vllm", "org/m", &private, "http://h:1/x/v1/models", ("list", Some("org/m"))),
        ("hosted_vllm", "*", &private, "http://h:1/x/v1/models", ("list", None)),
        ("litellm_proxy", "m", &private, "http://h:1/x/v1/models", ("list", None)),
        ("litellm_proxy", "m", &json!({"api_base": "http://h:1"}), "http://h:1/v1/models", ("list", None)),
        ("infinity", "m", &json!({"api_base": "http://h:1/x", "mode": "embedding"}), "http://h:1/health", ("success", None)),
        ("docker_model_runner", "m", &nothing, "http://localhost:22088/engines/llama.cpp/v1/models", ("list", None)),
    ];
    for (provider, model, extra, url, want) in rows {
        let request = asked(provider, model, extra.clone(), ProbeKind::Free).unwrap();
        assert_eq!(request.method, "GET");
        assert_eq!(request.url.as_str(), url, "{provider}/{model}");
        assert_eq!(promised(&request), want, "{provider}/{model}");
        assert_eq!(
            request.headers["authorization"], "Bearer sk-1",
            "{provider}"
        );
        assert!(!request.billed && request.tier == Tier::Free && request.body.is_none());
    }
}

#[test]
fn where_there_is_no_free_call_the_endpoint_is_only_reached_and_a_wildcard_refused() {
    let request = asked("perplexity", "sonar", json!({}), ProbeKind::Free).unwrap();
    assert_eq!(request.url.as_str(), "https://api.perplexity.ai/");
    assert_eq!(promised(&request), ("reachable", None));
    assert!(request.headers.is_empty(), "no key goes there");
    let error = asked("perplexity", "*", json!({}), ProbeKind::Free)
        .err()
        .unwrap();
    assert!(error.contains("`model_info.health_check_model`"), "{error}");
    let request = asked("groq", "m", json!({}), ProbeKind::Reachability).unwrap();
    assert_eq!(request.url.as_str(), "https://api.groq.com/openai/v1");
    assert_eq!(request.tier, Tier::Reachability);
    assert!(request.headers.is_empty());
}

#[test]
fn the_environments_base_stands_for_a_gateway_which_is_asked_for_its_list() {
    let keys = env(&[
        ("OPENAI_BASE_URL", "http://gate/v1"),
        ("OPENAI_API_KEY", "sk-env"),
    ]);
    let mut target = target(json!({}));
    target.health.kind = ProbeKind::Free;
    let request = resolve(&target, &keys, Effort::Full).unwrap().request;
    assert_eq!(request.url.as_str(), "http://gate/v1/models");
    assert_eq!(request.headers["authorization"], "Bearer sk-env");
}
