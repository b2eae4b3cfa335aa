//! The exact requests to Anthropic, and what its answers come to.

use serde_json::{Value, json};
use watchkeeper_core::probe::{Effort, Tier};
use watchkeeper_core::verdict::Outcome;

use crate::options::ProviderKeys;
use crate::providers::fixture::{body, headers, request, resolved, target, told, verdict};
use crate::resolve::resolve;

const MODEL: &str = "anthropic/claude-sonnet-4-5";
const KEYS: [(&str, &str); 1] = [("ANTHROPIC_API_KEY", "sk-ant-env")];

fn message(model: &str, limit: u32) -> Value {
    json!({
        "model": model, "max_tokens": limit,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Say ok."}]}],
    })
}

fn with(extra: &Value) -> Value {
    let mut all = json!({
        "accept": "application/json", "content-type": "application/json",
        "anthropic-version": "2023-06-01",
    });
    all.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    all
}

fn entry(extra: &Value) -> Value {
    let mut entry = json!({"model": MODEL});
    entry
        .as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    entry
}

#[test]
fn every_chat_like_mode_comes_down_to_one_small_message() {
    for mode in [
        "chat",
        "completion",
        "responses",
        "anthropic_messages",
        "batch",
    ] {
        let request = request(
            &entry(&json!({"api_key": " sk-ant-1\n", "mode": mode})),
            &[],
        );
        assert_eq!(request.method, "POST", "{mode}");
        assert_eq!(
            request.url.as_str(),
            "https://api.anthropic.com/v1/messages"
        );
        assert_eq!(headers(&request), with(&json!({"x-api-key": "sk-ant-1"})));
        assert_eq!(body(&request), message("claude-sonnet-4-5", 16), "{mode}");
        assert_eq!(request.auth.as_str(), "key");
        assert!(request.billed && request.unsendable.is_none(), "{mode}");
        assert_eq!(request.tier, Tier::Inference, "{mode}");
    }
}

#[test]
fn a_batch_costs_what_a_chat_costs_so_a_cheap_round_does_not_make_it() {
    let keys = ProviderKeys::from_vars(KEYS);
    let target = target(&entry(&json!({"mode": "batch"})));
    let resolved = resolve(&target, &keys, Effort::Cheap).unwrap();
    assert_eq!(resolved.request.tier, Tier::Free);
    assert_eq!(resolved.plan().mode, "batch");
}

#[test]
fn only_what_costs_nothing_more_travels() {
    let full = json!({
        "api_key": "k", "temperature": 0.2, "top_p": 0.9, "top_k": 5, "max_tokens": 4096,
        "thinking": {"type": "enabled", "budget_tokens": 1024}, "reasoning_effort": "high",
        "health_check_reasoning_effort": "low", "stream": true, "tools": [{}],
        "extra_body": {"thinking": {"type": "enabled"}, "service_tier": "auto", "max_tokens": 9},
    });
    let mut want = message("claude-sonnet-4-5", 16);
    for (name, value) in [
        ("temperature", json!(0.2)),
        ("top_p", json!(0.9)),
        ("top_k", json!(5)),
        ("service_tier", json!("auto")),
    ] {
        want[name] = value;
    }
    assert_eq!(body(&request(&entry(&full), &[])), want);
    let newer = json!({"model": "anthropic/claude-opus-4-7", "api_key": "k", "temperature": 0.2});
    assert_eq!(body(&request(&newer, &[])), message("claude-opus-4-7", 16));
    for (key, value, limit) in [
        ("health_check_max_tokens", json!(50), 50),
        // the API refuses a message without a limit
        ("health_check_supports_max_tokens", json!(false), 16),
    ] {
        let request = request(&entry(&json!({"api_key": "k", key: value})), &[]);
        assert_eq!(body(&request), message("claude-sonnet-4-5", limit), "{key}");
    }
}

#[test]
fn keys_go_as_their_kind_wants_and_to_their_own_endpoint_only() {
    let env = [
        ("ANTHROPIC_API_KEY", "sk-ant-env"),
        ("ANTHROPIC_AUTH_TOKEN", "token-env"),
    ];
    let key = json!({"x-api-key": "sk-ant-env"});
    let beta = "oauth-2025-04-20";
    let private = json!({"api_base": "http://h"});
    #[rustfmt::skip]
    let rows = [
        // entry, environment, auth, headers of its own
        (json!({}), &env[..], "key", key.clone()),
        (json!({}), &env[1..], "bearer", json!({"authorization": "Bearer token-env"})),
        (json!({"api_key": "sk-ant-own"}), &env[..], "key", json!({"x-api-key": "sk-ant-own"})),
        (json!({"api_key": "sk-ant-oat01-x"}), &env[..], "bearer",
            json!({"authorization": "Bearer sk-ant-oat01-x", "anthropic-beta": beta})),
        (json!({}), &[("ANTHROPIC_API_KEY", "sk-ant-oat01-x")][..], "bearer",
            json!({"authorization": "Bearer sk-ant-oat01-x", "anthropic-beta": beta})),
        (json!({"api_key": "sk-ant-oat01-x", "extra_headers": {"anthropic-beta": "a,b"}}), &[][..], "bearer",
            json!({"authorization": "Bearer sk-ant-oat01-x", "anthropic-beta": "oauth-2025-04-20,a,b"})),
        (json!({"api_base": "https://api.anthropic.com/v1"}), &env[..], "key", key),
        (private.clone(), &env[..], "none", json!({})),
        (json!({"api_base": "https://api.anthropic.com.example"}), &env[..], "none", json!({})),
        (json!({"api_base": "http://h", "api_key": "own"}), &env[..], "key", json!({"x-api-key": "own"})),
        (json!({"api_base": "http://h", "api_key": "own", "use_bearer_for_custom_base": true}), &[][..], "bearer",
            json!({"authorization": "Bearer own"})),
        (json!({"api_base": "http://me:pw@h", "api_key": "own"}), &[][..], "basic",
            json!({"authorization": "Basic bWU6cHc="})),
        (json!({"extra_headers": {"Authorization": "Bearer z"}}), &env[..], "header", json!({"authorization": "Bearer z"})),
        (json!({"extra_headers": {"X-Api-Key": "z"}}), &[][..], "header", json!({"x-api-key": "z"})),
    ];
    for (extra, env, auth, want) in rows {
        for probe in ["inference", "free"] {
            let mut entry = entry(&extra);
            entry["probe"] = probe.into();
            let request = request(&entry, env);
            assert_eq!(request.auth.as_str(), auth, "{entry}");
            assert!(request.unsendable.is_none(), "{entry}");
            let mut want = with(&want);
            if probe == "free" {
                want.as_object_mut().unwrap().remove("accept");
                want.as_object_mut().unwrap().remove("content-type");
            }
            assert_eq!(headers(&request), want, "{entry} {env:?}");
        }
    }
    let nothing = request(&entry(&json!({})), &[]);
    assert!(nothing.unsendable.unwrap().contains("`ANTHROPIC_API_KEY`"));
    let reach = request(&entry(&json!({"probe": "reachability"})), &env);
    assert!(reach.headers.is_empty());
    assert_eq!(reach.url.as_str(), "https://api.anthropic.com/");
}

#[test]
fn a_base_leads_to_the_url_that_was_meant() {
    for (base, want) in [
        ("http://h", "http://h/v1/messages"),
        ("http://h/", "http://h/v1/messages"),
        ("http://h/v1", "http://h/v1/messages"),
        ("http://h/v1/", "http://h/v1/messages"),
        ("http://h/v1/messages", "http://h/v1/messages"),
        ("http://h/v1/messages/", "http://h/v1/messages"),
        ("http://h/anthropic", "http://h/anthropic/v1/messages"),
        ("http://h/gateway/messages", "http://h/gateway/messages"),
        ("http://h/v1?tenant=a", "http://h/v1/messages?tenant=a"),
    ] {
        let given = request(&entry(&json!({"api_base": base})), &[]);
        assert_eq!(given.url.as_str(), want, "{base}");
        let named = request(&entry(&json!({})), &[("ANTHROPIC_BASE_URL", base), KEYS[0]]);
        assert_eq!(named.url.as_str(), want, "{base}");
        assert_eq!(named.headers["x-api-key"], "sk-ant-env");
        let free = json!({"api_base": base, "probe": "free"});
        let free = request(&entry(&free), &[]);
        assert_eq!(free.url.as_str(), want.replace("messages", "models"));
    }
}

#[test]
fn the_free_call_asks_for_the_model_and_a_wildcard_for_the_list() {
    for (entry, url) in [
        (
            json!({"model": "anthropic/claude-3-7-sonnet-latest", "probe": "free"}),
            "https://api.anthropic.com/v1/models/claude-3-7-sonnet-latest",
        ),
        (
            json!({"model": "anthropic/a/b", "probe": "free"}),
            "https://api.anthropic.com/v1/models/a%2Fb",
        ),
        (
            json!({"model": "anthropic/*"}),
            "https://api.anthropic.com/v1/models",
        ),
    ] {
        let request = request(&entry, &KEYS);
        assert_eq!(request.method, "GET", "{entry}");
        assert_eq!(request.url.as_str(), url, "{entry}");
        assert!(!request.billed && request.body.is_none());
        assert_eq!(request.tier, Tier::Free);
    }
}

#[test]
fn older_completions_keep_their_own_words() {
    let entry = json!({"model": "anthropic_text/claude-2.1", "api_key": "k", "temperature": 0});
    let request = request(&entry, &[]);
    assert_eq!(
        request.url.as_str(),
        "https://api.anthropic.com/v1/complete"
    );
    assert_eq!(
        body(&request),
        json!({
            "model": "claude-2.1", "prompt": "\n\nHuman: Say ok.\n\nAssistant:",
            "max_tokens_to_sample": 16, "temperature": 0,
        })
    );
    let good = verdict(
        &entry,
        &[],
        200,
        r#"{"completion":"","model":"claude-2.1"}"#,
    );
    assert_eq!(good.outcome, Outcome::Healthy);
}

#[test]
fn what_cannot_be_asked_is_named_with_its_remedy() {
    for (extra, part) in [
        (json!({"mode": "embedding"}), "`chat`, `completion`"),
        (json!({"mode": "realtime"}), "`anthropic`"),
        (json!({"api_base": "h:1"}), "`https://`"),
        (
            json!({"extra_headers": {"anthropic-beta": ["a"]}}),
            "`anthropic-beta`",
        ),
    ] {
        let text = resolved(&entry(&extra), &KEYS).err().unwrap();
        assert!(text.contains(part), "{extra}: {text}");
    }
}

#[test]
fn what_anthropic_answers_is_judged_by_its_meaning() {
    let error = |kind: &str| json!({"type": "error", "error": {"type": kind, "message": "m"}});
    let good = |content: Value, stop: &str| {
        json!({
            "type": "message", "model": "claude-sonnet-4-5-20250929", "content": content,
            "stop_reason": stop, "usage": {"input_tokens": 10, "output_tokens": 16},
        })
    };
    let text = json!([{"type": "text", "text": "ok"}]);
    let used = Some((10, 16));
    #[rustfmt::skip]
    let rows = [
        (200, good(text, "end_turn"), Outcome::Healthy, None, used),
        (200, good(json!([]), "max_tokens"), Outcome::Healthy, None, used),
        (200, good(json!([]), "refusal"), Outcome::ContentFilter, Some(400), used),
        (200, error("api_error"), Outcome::BadAnswer, Some(500), None),
        (200, json!({}), Outcome::BadAnswer, Some(500), None),
        (400, error("invalid_request_error"), Outcome::BadAnswer, Some(400), None),
        (401, error("authentication_error"), Outcome::Unauthorized, Some(401), None),
        (403, error("permission_error"), Outcome::Forbidden, Some(403), None),
        (404, error("not_found_error"), Outcome::NotFound, Some(404), None),
        (413, error("request_too_large"), Outcome::BadAnswer, Some(413), None),
        (429, error("rate_limit_error"), Outcome::RateLimited, Some(429), None),
        (529, error("overloaded_error"), Outcome::Overloaded, Some(529), None),
    ];
    for (status, answer, outcome, number, usage) in rows {
        let finding = verdict(&entry(&json!({})), &KEYS, status, &answer.to_string());
        assert_eq!(
            told(&finding),
            (outcome, number, usage),
            "{status} {answer}"
        );
        if status != 200 {
            assert_eq!(finding.error.unwrap(), format!("answered {status}: m"));
        } else if usage.is_some() {
            assert_eq!(finding.model.unwrap(), "claude-sonnet-4-5-20250929");
        }
    }
    let free = entry(&json!({"probe": "free"}));
    let alias = verdict(&free, &KEYS, 200, r#"{"type":"model","id":"claude-x-1"}"#);
    assert_eq!(alias.model.as_deref(), Some("claude-x-1"));
    let gone = verdict(&free, &KEYS, 404, &error("not_found_error").to_string());
    assert_eq!(gone.outcome, Outcome::NotFound);
}
