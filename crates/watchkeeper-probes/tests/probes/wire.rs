//! What leaves, byte for byte as a server sees it.

use std::collections::BTreeMap;

use serde_json::json;
use watchkeeper_core::check::Target;
use watchkeeper_core::money::Usd;
use watchkeeper_core::probe::{Effort, Plan, Prober, Tier};
use watchkeeper_core::verdict::Outcome;

use crate::server::{Seen, Server, json as json_reply};
use crate::support::{
    CHAT, EMBEDDING, KEY, check, http_check, model, model_check, parse, probe, prober, tcp_check,
};

fn headers(seen: &Seen) -> BTreeMap<&str, &str> {
    seen.headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

#[tokio::test]
async fn a_chat_probe_is_one_post_with_the_key() {
    let server = Server::start([json_reply(200, CHAT)]).await;
    let verdict = probe(&model_check(&server.url("/v1/"))).await;
    assert_eq!(verdict.outcome, Outcome::Healthy, "{verdict:?}");
    assert_eq!((verdict.status, verdict.error), (None, None));
    assert_eq!(
        verdict.latency.as_millis(),
        21,
        "four readings of the clock"
    );
    assert_eq!(verdict.headers_after.map(|d| d.as_millis()), Some(7));
    assert_eq!(verdict.at.0, 1_700_000_000_000);
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (seen[0].method.as_str(), seen[0].path.as_str()),
        ("POST", "/v1/chat/completions")
    );
    let body = json!({
        "model": "gpt-4o", "messages": [{"role": "user", "content": "Say ok."}], "max_tokens": 16,
    });
    assert_eq!(parse(&seen[0].body), body);
    let (host, bearer) = (server.addr.to_string(), format!("Bearer {KEY}"));
    let length = seen[0].body.len().to_string();
    let want = BTreeMap::from([
        ("accept", "application/json"),
        ("authorization", bearer.as_str()),
        ("content-length", length.as_str()),
        ("content-type", "application/json"),
        ("host", host.as_str()),
        ("user-agent", "watchkeeper/1.2.3"),
    ]);
    assert_eq!(headers(&seen[0]), want);
}

#[tokio::test]
async fn an_embedding_probe_without_a_key_has_no_auth_header() {
    let server = Server::start([json_reply(200, EMBEDDING)]).await;
    let mut target = model(&server.url(""));
    target.model = "openai/text-embedding-3-small".into();
    target.api_key = None;
    let verdict = probe(&check(Target::Model(Box::new(target)))).await;
    assert_eq!(verdict.outcome, Outcome::Healthy, "{verdict:?}");
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].path, "/embeddings");
    let body = json!({"model": "text-embedding-3-small", "input": ["Say ok."]});
    assert_eq!(parse(&seen[0].body), body);
    assert!(
        !seen[0].headers.contains_key("authorization"),
        "the environment's key is not for private bases: {seen:?}"
    );
}

#[tokio::test]
async fn an_http_check_is_one_get_with_the_login_of_its_url() {
    let server = Server::start([json_reply(204, "")]).await;
    let url = format!("http://me:p%40ss@{}/ready?full=1#x", server.addr);
    let verdict = probe(&http_check(&url)).await;
    assert_eq!(verdict.outcome, Outcome::Healthy, "{verdict:?}");
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (seen[0].method.as_str(), seen[0].path.as_str()),
        ("GET", "/ready?full=1")
    );
    let host = server.addr.to_string();
    let want = BTreeMap::from([
        ("accept", "*/*"),
        ("authorization", "Basic bWU6cEBzcw=="),
        ("host", host.as_str()),
        ("user-agent", "watchkeeper/1.2.3"),
    ]);
    assert_eq!(headers(&seen[0]), want);
}

#[tokio::test]
async fn probes_of_one_round_share_a_connection() {
    let server = Server::start([json_reply(200, CHAT), json_reply(200, CHAT)]).await;
    let prober = prober();
    for _ in 0..2 {
        let verdict = prober
            .probe(&model_check(&server.url("/v1")), Effort::Full)
            .await;
        assert_eq!(verdict.outcome, Outcome::Healthy, "{verdict:?}");
    }
    assert_eq!((server.seen().len(), server.connections()), (2, 1));
}

#[tokio::test]
async fn what_cannot_be_asked_sends_nothing() {
    let server = Server::start([]).await;
    let mut completion = model(&server.url("/v1"));
    completion.mode = Some("rerank".into());
    let mut anthropic = model(&server.url("/v1"));
    anthropic.provider = Some("vapor".into());
    let mut line_break = model(&server.url("/v1"));
    line_break.api_key = Some(watchkeeper_core::secret::Secret::new("sk-with\nbreak"));
    for (target, part) in [
        (completion, "`rerank`"),
        (anthropic, "`vapor`"),
        (line_break, "API key"),
    ] {
        let verdict = probe(&check(Target::Model(Box::new(target)))).await;
        assert_eq!(verdict.outcome, Outcome::ConfigError);
        assert_eq!(verdict.status, Some(500));
        assert!(verdict.error.unwrap().contains(part), "{part}");
    }
    let invalid = check(Target::Invalid {
        reason: "why".into(),
        provider: None,
    });
    let verdict = probe(&invalid).await;
    assert_eq!(verdict.outcome, Outcome::ConfigError);
    assert_eq!(verdict.error.as_deref(), Some("why"));
    assert_eq!((server.seen().len(), server.connections()), (0, 0));
}

#[tokio::test]
async fn an_entry_that_litellm_answers_itself_is_not_asked() {
    let server = Server::start([]).await;
    for (value, outcome, status) in [
        (json!("hello"), Outcome::Healthy, None),
        (json!({"choices": []}), Outcome::Healthy, None),
        (json!([0.1]), Outcome::Healthy, None),
        (
            json!("litellm.RateLimitError"),
            Outcome::RateLimited,
            Some(429),
        ),
        (
            json!("litellm.ContextWindowExceededError"),
            Outcome::BadAnswer,
            Some(400),
        ),
        (
            json!("litellm.InternalServerError"),
            Outcome::BadAnswer,
            Some(500),
        ),
        (
            json!("Exception: content_filter_policy"),
            Outcome::ContentFilter,
            Some(400),
        ),
    ] {
        let mut target = model(&server.url("/v1"));
        // LiteLLM looks at the value before it looks at the provider
        target.provider = Some("anthropic".into());
        target.params.insert("mock_response".into(), value.clone());
        let check = check(Target::Model(Box::new(target)));
        let verdict = probe(&check).await;
        assert_eq!(
            (verdict.outcome, verdict.status),
            (outcome, status),
            "{value}"
        );
        let plan = prober().plan(&check, Effort::Full).unwrap();
        assert_eq!(plan.provider, "anthropic");
        assert!(plan.method.is_empty() && plan.url.is_empty() && !plan.billed);
    }
    assert_eq!((server.seen().len(), server.connections()), (0, 0));
}

#[tokio::test]
async fn an_empty_mock_response_is_none() {
    for value in [json!(null), json!(""), json!(false)] {
        let server = Server::start([json_reply(200, CHAT)]).await;
        let mut target = model(&server.url("/v1"));
        target.params.insert("mock_response".into(), value);
        let verdict = probe(&check(Target::Model(Box::new(target)))).await;
        assert_eq!(verdict.outcome, Outcome::Healthy);
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn plans_show_where_and_how_and_no_secret() {
    let plan = |provider: &str, mode: &str, method: &str, url: &str, auth: &str, billed| Plan {
        provider: provider.into(),
        mode: mode.into(),
        method: method.into(),
        url: url.into(),
        auth: auth.into(),
        billed,
        tier: match mode {
            "" => Tier::Reachability,
            _ => Tier::Inference,
        },
        most_cost: (!billed).then_some(Usd::ZERO),
        identity: None,
    };
    let prober = prober();
    let mut own = model("");
    own.api_base = None;
    own.api_key = None;
    let mut image = model("http://h/v1");
    image.model = "openai/dall-e-3".into();
    for (check, want) in [
        (
            model_check("https://me:hunter22@h/v1?sig=hunter22"),
            plan(
                "openai",
                "chat",
                "POST",
                "https://h/v1/chat/completions?sig=***",
                "basic",
                true,
            ),
        ),
        (
            check(Target::Model(Box::new(own))),
            plan(
                "openai",
                "chat",
                "POST",
                "https://api.openai.com/v1/chat/completions",
                "bearer",
                true,
            ),
        ),
        (
            http_check("https://me:hunter22@h/x"),
            plan("http", "", "GET", "https://h/x", "basic", false),
        ),
        (
            http_check("http://h"),
            plan("http", "", "GET", "http://h/", "none", false),
        ),
        (
            tcp_check("db", 5432),
            plan("tcp", "", "CONNECT", "tcp://db:5432", "none", false),
        ),
    ] {
        let got = prober.plan(&check, Effort::Full).unwrap();
        assert_eq!(got.identity.is_some(), got.provider != "tcp");
        assert_eq!(
            Plan {
                identity: None,
                ..got
            },
            want
        );
    }
    let image = prober
        .plan(&check(Target::Model(Box::new(image))), Effort::Full)
        .unwrap();
    assert_eq!((image.tier, image.billed), (Tier::Free, false), "{image:?}");
    let refused = prober
        .plan(&http_check("me:hunter22@h"), Effort::Full)
        .unwrap_err();
    assert!(!refused.contains("hunter22"), "{refused}");
}
