//! The exact request per provider and mode, where it goes, what proves it, and what is made of answers.

use serde_json::{Value, json};
use watchkeeper_core::probe::Tier;
use watchkeeper_core::verdict::Outcome;

use crate::providers::fixture::{body, headers, request, resolved, told, verdict};

mod foundry;

const RES: &str = "https://res.openai.azure.com";
const FOUNDRY: &str = "https://res.services.ai.azure.com";

fn chat(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Say ok."}], "max_tokens": 16})
}

fn thinking(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Say ok."}], "max_completion_tokens": 16})
}

fn respond(model: &str) -> Value {
    json!({"model": model, "input": "Say ok.", "max_output_tokens": 16})
}

/// An entry of a resource with a key, and more.
fn entry(model: &str, base: &str, more: &Value) -> Value {
    let mut entry = json!({"model": model, "api_base": base, "api_key": "k"});
    let map = entry.as_object_mut().unwrap();
    map.extend(more.as_object().unwrap().clone());
    entry
}

#[test]
fn the_exact_request_of_each_mode_of_a_deployment() {
    let dep = "/openai/deployments/dep";
    let v = "?api-version=2025-02-01-preview";
    let embed = json!({"model": "dep", "input": ["Say ok."]});
    #[rustfmt::skip]
    let rows = [
        // model, more, path and query, body
        ("azure/dep", json!({}), format!("{dep}/chat/completions{v}"), chat("dep")),
        ("azure/dep", json!({"mode": "completion"}), format!("{dep}/chat/completions{v}"), chat("dep")),
        ("azure/dep", json!({"api_version": "2024-10-21"}), format!("{dep}/chat/completions?api-version=2024-10-21"), chat("dep")),
        ("azure/dep", json!({"base_model": "azure/o1-mini"}), format!("{dep}/chat/completions{v}"), thinking("dep")),
        ("azure/dep", json!({"base_model": "gpt-5.1"}), format!("{dep}/chat/completions{v}"), thinking("dep")),
        ("azure/dep", json!({"base_model": "o3", "mode": "responses", "api_version": "2025-04-01-preview"}), "/openai/responses?api-version=2025-04-01-preview".into(), respond("dep")),
        ("azure/o_series/dep", json!({"temperature": 1}), format!("{dep}/chat/completions{v}"), thinking("dep")),
        ("azure/gpt5_series/dep", json!({}), format!("{dep}/chat/completions{v}"), thinking("dep")),
        ("azure/dep", json!({"mode": "responses"}), "/openai/v1/responses?api-version=preview".into(), respond("dep")),
        ("azure/dep", json!({"mode": "responses", "api_version": "2025-04-01-preview"}), "/openai/responses?api-version=2025-04-01-preview".into(), respond("dep")),
        ("azure/dep", json!({"mode": "embedding", "dimensions": 8}), format!("{dep}/embeddings{v}"), json!({"model": "dep", "input": ["Say ok."], "dimensions": 8})),
        ("azure/dep", json!({"mode": "embedding"}), format!("{dep}/embeddings{v}"), embed),
        ("azure/dep", json!({"mode": "image_generation", "probe": "inference"}), format!("{dep}/images/generations{v}"), json!({"model": "dep", "prompt": "Say ok."})),
        ("azure/dep", json!({"mode": "audio_speech", "probe": "inference"}), format!("{dep}/audio/speech{v}"), json!({"model": "dep", "input": "Say ok.", "voice": "alloy"})),
        ("azure_text/dep", json!({"mode": "completion"}), format!("{dep}/completions{v}"), json!({"model": "dep", "prompt": "Say ok.", "max_tokens": 16})),
        ("azure_text/dep", json!({}), format!("{dep}/completions{v}"), json!({"model": "dep", "prompt": "Say ok.", "max_tokens": 16})),
    ];
    for (model, more, path, want) in rows {
        let entry = entry(model, RES, &more);
        let sent = request(&entry, &[]);
        assert_eq!(sent.method, "POST", "{entry}");
        assert_eq!(sent.url.as_str(), format!("{RES}{path}"), "{entry}");
        assert_eq!(body(&sent), want, "{entry}");
        assert_eq!(
            headers(&sent),
            json!({"accept": "application/json", "content-type": "application/json", "api-key": "k"})
        );
        assert_eq!((sent.auth.as_str(), sent.billed), ("key", true), "{entry}");
    }
}

#[test]
fn the_api_without_versions_takes_the_model_in_the_body_and_the_key_as_bearer() {
    for version in ["v1", "latest", "preview"] {
        for (mode, path, want) in [
            ("", "/chat/completions", chat("dep")),
            (
                "embedding",
                "/embeddings",
                json!({"model": "dep", "input": ["Say ok."]}),
            ),
        ] {
            let entry = entry(
                "azure/dep",
                RES,
                &json!({"api_version": version, "mode": mode}),
            );
            let sent = request(&entry, &[]);
            assert_eq!(
                sent.url.as_str(),
                format!("{RES}/openai/v1{path}"),
                "{entry}"
            );
            assert_eq!(body(&sent), want, "{entry}");
            assert_eq!(sent.headers["authorization"], "Bearer k");
            assert!(sent.headers.get("api-key").is_none());
        }
    }
    let told = entry(
        "azure/dep",
        RES,
        &json!({"api_version": "v1", "base_model": "gpt-5.1"}),
    );
    assert_eq!(body(&request(&told, &[]))["reasoning_effort"], "none");
    let responses = entry(
        "azure/dep",
        RES,
        &json!({"api_version": "v1", "mode": "responses"}),
    );
    let sent = request(&responses, &[]);
    assert_eq!(
        sent.url.as_str(),
        format!("{RES}/openai/v1/responses?api-version=v1")
    );
    assert_eq!(sent.auth.as_str(), "key");
}

#[test]
fn what_bills_nothing_is_told_as_such() {
    let v = "api-version=2025-02-01-preview";
    for (model, more, url) in [
        (
            "azure/dep",
            json!({"probe": "free"}),
            format!("{RES}/openai/models?{v}"),
        ),
        ("azure/*", json!({}), format!("{RES}/openai/models?{v}")),
        (
            "azure/dep",
            json!({"mode": "image_generation"}),
            format!("{RES}/openai/models?{v}"),
        ),
        (
            "azure/dep",
            json!({"probe": "free", "api_version": "v1"}),
            format!("{RES}/openai/v1/models"),
        ),
        (
            "azure/dep",
            json!({"mode": "batch"}),
            format!("{RES}/openai/batches?{v}&limit=1"),
        ),
        (
            "azure/dep",
            json!({"mode": "batch", "api_version": "v1"}),
            format!("{RES}/openai/v1/batches?limit=1"),
        ),
        (
            "azure_ai/m",
            json!({"probe": "free"}),
            format!("{RES}/openai/v1/models"),
        ),
    ] {
        let entry = entry(model, RES, &more);
        let sent = request(&entry, &[]);
        assert_eq!(
            (sent.method.as_str(), sent.url.as_str()),
            ("GET", url.as_str()),
            "{entry}"
        );
        assert!(!sent.billed && sent.unsendable.is_none(), "{entry}");
    }
    let reach = request(
        &entry("azure/dep", RES, &json!({"probe": "reachability"})),
        &[],
    );
    assert_eq!(
        (reach.url.as_str(), headers(&reach)),
        ("https://res.openai.azure.com/", json!({}))
    );
    let gateway = "https://gateway.ai.cloudflare.com/v1/acc/gw/azure-openai/res";
    let free = request(&entry("azure/dep", gateway, &json!({"probe": "free"})), &[]);
    assert_eq!(free.tier, Tier::Reachability);
}

#[test]
fn realtime_is_a_handshake_at_the_path_of_its_protocol() {
    for (more, query) in [
        (json!({}), "/openai/v1/realtime?model=dep"),
        (
            json!({"realtime_protocol": "GA"}),
            "/openai/v1/realtime?model=dep",
        ),
        (
            json!({"realtime_protocol": "beta"}),
            "/openai/realtime?api-version=2024-10-01-preview&deployment=dep",
        ),
        (
            json!({"realtime_protocol": "beta", "api_version": "2025-04-01-preview"}),
            "/openai/realtime?api-version=2025-04-01-preview&deployment=dep",
        ),
    ] {
        let mut entry = entry("azure/dep", RES, &more);
        entry["mode"] = "realtime".into();
        let sent = request(&entry, &[]);
        assert_eq!(sent.url.as_str(), format!("{RES}{query}"));
        assert!(sent.http1 && !sent.billed && sent.tier == Tier::Inference);
        assert_eq!(sent.headers["api-key"], "k");
        assert_eq!(sent.headers["upgrade"], "websocket");
    }
}

#[test]
fn a_base_leads_where_it_was_meant_to() {
    let dated = "/openai/deployments/dep/chat/completions?api-version=2025-02-01-preview";
    let seven = "/openai/deployments/dep/chat/completions?api-version=7";
    let v1 = "/openai/v1/chat/completions";
    #[rustfmt::skip]
    let rows = [
        ("https://res.openai.azure.com/", json!({}), RES.to_owned() + dated),
        ("https://res.openai.azure.com/openai", json!({}), RES.to_owned() + dated),
        ("https://res.openai.azure.com/openai/", json!({}), RES.to_owned() + dated),
        ("https://res.openai.azure.com/openai/v1/", json!({}), RES.to_owned() + v1),
        ("https://res.openai.azure.com/openai/v1/chat/completions", json!({}), RES.to_owned() + v1),
        ("https://res.openai.azure.com/openai/v1", json!({"api_version": "7"}), RES.to_owned() + seven),
        ("https://res.openai.azure.com/?api-version=7", json!({}), RES.to_owned() + seven),
        ("https://res.openai.azure.com/openai/deployments/other/chat/completions?api-version=7", json!({}), RES.to_owned() + seven),
        ("https://res.openai.azure.com/openai/deployments/dep?api-version=9", json!({"api_version": "7"}), RES.to_owned() + seven),
        ("https://res.cognitiveservices.azure.com", json!({}), "https://res.cognitiveservices.azure.com".to_owned() + dated),
        ("https://gw.example/x", json!({}), "https://gw.example/x".to_owned() + dated),
        ("https://gw.example/openai?k=1", json!({}), "https://gw.example/openai/openai/deployments/dep/chat/completions?k=1&api-version=2025-02-01-preview".into()),
        ("https://gw.example/x/openai/deployments/dep/", json!({}), "https://gw.example/x".to_owned() + dated),
        ("https://gateway.ai.cloudflare.com/v1/a/g/azure-openai/res", json!({}),
            "https://gateway.ai.cloudflare.com/v1/a/g/azure-openai/res/dep/chat/completions?api-version=2025-02-01-preview".into()),
        ("https://gateway.ai.cloudflare.com/v1/a/g/azure-openai/res/dep/", json!({}),
            "https://gateway.ai.cloudflare.com/v1/a/g/azure-openai/res/dep/chat/completions?api-version=2025-02-01-preview".into()),
    ];
    for (base, more, url) in rows {
        let sent = request(&entry("azure/dep", base, &more), &[]);
        assert_eq!(sent.url.as_str(), url, "{base}");
    }
    let env = [
        ("AZURE_API_BASE", RES),
        ("AZURE_API_VERSION", "7"),
        ("AZURE_API_KEY", "env"),
    ];
    let sent = request(&json!({"model": "azure/dep"}), &env);
    assert_eq!(sent.url.as_str(), RES.to_owned() + seven);
    assert_eq!(sent.headers["api-key"], "env");
    let odd = request(&entry("azure/a b/c", RES, &json!({})), &[]);
    assert_eq!(
        odd.url.path(),
        "/openai/deployments/a%20b%2Fc/chat/completions"
    );
}

#[test]
fn keys_tokens_and_apps_go_where_they_belong() {
    let env = [
        ("AZURE_API_KEY", "second"),
        ("AZURE_OPENAI_API_KEY", "first"),
        ("OPENAI_API_KEY", "openai"),
    ];
    let of = |base: &str, more: Value| {
        let mut entry = json!({"model": "azure/dep", "api_base": base});
        entry
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        entry
    };
    let app = json!({"tenant_id": "t", "client_id": "c", "client_secret": "s"});
    #[rustfmt::skip]
    let rows = [
        (of(RES, json!({})), &env[..], "key", Some(("api-key", "first"))),
        (of(RES, json!({})), &env[..1], "key", Some(("api-key", "second"))),
        (of(RES, json!({"api_key": "own"})), &env[..], "key", Some(("api-key", "own"))),
        (of("https://gw.example", json!({"api_key": "own"})), &env[..], "key", Some(("api-key", "own"))),
        (of("https://me:pw@gw.example", json!({})), &env[..], "basic", Some(("authorization", "Basic bWU6cHc="))),
        (of(RES, json!({"azure_ad_token": "eyJ"})), &env[..0], "bearer", Some(("authorization", "Bearer eyJ"))),
        (of(RES, json!({"extra_headers": {"Api-Key": "h"}})), &env[..0], "header", Some(("api-key", "h"))),
        (of("https://gw.example", json!({"extra_headers": {"Authorization": "h"}})), &env[..], "header", Some(("authorization", "h"))),
        (of(RES, app.clone()), &env[..0], "oauth", None),
        (of("https://gw.example", app), &env[..], "oauth", None),
    ];
    for (entry, env, auth, header) in rows {
        let sent = request(&entry, env);
        assert_eq!(sent.auth.as_str(), auth, "{entry}");
        assert!(sent.unsendable.is_none(), "{entry}");
        if let Some((name, value)) = header {
            assert_eq!(sent.headers[name], value, "{entry}");
        }
        let all = headers(&sent).to_string();
        assert!(!all.contains("openai\""), "{all}");
    }
    for (base, part) in [
        ("http://res.openai.azure.com", "`AZURE_OPENAI_API_KEY` goes"),
        ("https://gw.example", "`AZURE_OPENAI_API_KEY` goes"),
        (
            "https://openai.azure.com.example",
            "`AZURE_OPENAI_API_KEY` goes",
        ),
        (
            "https://ml.eastus.inference.ml.azure.com",
            "`AZURE_OPENAI_API_KEY` goes",
        ),
        ("https://gw.azure-api.net", "`client_secret`"),
    ] {
        let sent = request(&of(base, json!({})), &env);
        assert!(sent.unsendable.unwrap().contains(part), "{base}");
        assert!(sent.headers.get("api-key").is_none(), "{base}");
    }
    let sent = request(&of(RES, json!({"azure_ad_token": "oidc/x"})), &[]);
    assert!(sent.unsendable.unwrap().contains("`azure_ad_token`"));
}

#[test]
fn what_cannot_be_asked_is_named_with_its_remedy() {
    for (entry, part) in [
        (json!({"model": "azure/dep"}), "`AZURE_API_BASE`"),
        (json!({"model": "azure_ai/m"}), "`AZURE_AI_API_BASE`"),
        (
            json!({"model": "azure/dep", "api_base": "res"}),
            "`api_base`",
        ),
        (
            json!({"model": "azure/dep", "api_base": RES, "mode": "rerank"}),
            "`rerank`",
        ),
        (
            json!({"model": "azure/sora-2", "api_base": RES}),
            "`video_generation`",
        ),
        (
            json!({"model": "azure_ai/doc-intelligence/prebuilt-layout", "api_base": FOUNDRY}),
            "`ocr`",
        ),
        (
            json!({"model": "azure_ai/agents/a", "api_base": FOUNDRY}),
            "`azure_ai/agents/`",
        ),
    ] {
        let why = resolved(&entry, &[]).err().unwrap();
        assert!(why.contains(part), "{entry}: {why}");
    }
}

#[test]
fn answers_are_judged_by_what_azure_promises() {
    let azure = entry("azure/dep", RES, &json!({}));
    let claude = entry("azure_ai/claude-opus-4-8", FOUNDRY, &json!({}));
    let filtered = r#"{"error":{"message":"filtered","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#;
    #[rustfmt::skip]
    let rows = [
        (&azure, 200, r#"{"model":"gpt-4o","choices":[{"finish_reason":"length","message":{"content":""}}],"usage":{"prompt_tokens":9,"completion_tokens":16}}"#, (Outcome::Healthy, None, Some((9, 16)))),
        (&azure, 200, r#"{"error":{"message":"x"}}"#, (Outcome::BadAnswer, Some(400), None)),
        (&azure, 200, "{}", (Outcome::BadAnswer, Some(500), None)),
        (&azure, 400, filtered, (Outcome::ContentFilter, Some(400), None)),
        (&azure, 401, r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key"}}"#, (Outcome::Unauthorized, Some(401), None)),
        (&azure, 401, r#"{"statusCode":401,"message":"Unauthorized"}"#, (Outcome::Unauthorized, Some(401), None)),
        (&azure, 403, r#"{"error":{"code":"403","message":"Public access is disabled."}}"#, (Outcome::Forbidden, Some(403), None)),
        (&azure, 404, r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#, (Outcome::NotFound, Some(404), None)),
        (&azure, 429, r#"{"error":{"code":"429","message":"exceeded call rate limit"}}"#, (Outcome::RateLimited, Some(429), None)),
        (&claude, 200, r#"{"model":"claude-opus-4-8","content":[],"stop_reason":"max_tokens","usage":{"input_tokens":9,"output_tokens":16}}"#, (Outcome::Healthy, None, Some((9, 16)))),
        (&claude, 529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, (Outcome::Overloaded, Some(529), None)),
    ];
    for (entry, status, answer, want) in rows {
        let finding = verdict(entry, &[], status, answer);
        assert_eq!(told(&finding), want, "{status} {answer}");
    }
}
