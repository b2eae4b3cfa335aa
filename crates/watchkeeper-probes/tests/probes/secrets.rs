//! No secret of a check in any verdict, however hard the upstream tries.

use serde_json::json;
use watchkeeper_core::check::Target;
use watchkeeper_core::secret::Secret;
use watchkeeper_core::verdict::Verdict;

use crate::server::{Reply, Server, reply};
use crate::support::{KEY, check, http_check, model, model_check, probe};

/// Fails if the verdict, printed or encoded, holds eight characters in a row of any secret.
fn holds_none(verdict: &Verdict, secrets: &[&str]) {
    let texts = [
        format!("{verdict:?}"),
        serde_json::to_string(verdict).unwrap(),
    ];
    for secret in secrets {
        for piece in secret.as_bytes().windows(8) {
            let piece = std::str::from_utf8(piece).unwrap();
            for text in &texts {
                assert!(!text.contains(piece), "{piece} of {secret} in {text}");
            }
        }
    }
}

#[tokio::test]
async fn an_upstream_that_echoes_the_request_reveals_nothing() {
    for status in [200, 302, 400, 401, 403, 404, 429, 500, 503] {
        let server = Server::start([Reply::Echo(status)]).await;
        let mut target = model(&server.url("/v1?sig=signature-0815"));
        target.params = json!({
            "organization": "org-1",
            "extra_headers": {"x-tenant-token": "tenant-token-4711", "cookie": "session=opensesame"},
            "extra_body": {"api_key": "nested-key-99", "note": "sk-under-another-name"},
        })
        .as_object()
        .unwrap()
        .clone();
        let verdict = probe(&check(Target::Model(Box::new(target)))).await;
        holds_none(
            &verdict,
            &[
                KEY,
                "signature-0815",
                "tenant-token-4711",
                "opensesame",
                "nested-key-99",
                "sk-under-another-name",
                "sk-environment-key",
            ],
        );
        let text = verdict.error.unwrap();
        assert!(text.len() <= 240);
        if status != 302 {
            assert!(
                text.contains("cannot: POST /v1/chat/completions?sig=***"),
                "{text}"
            );
        }
        assert!(verdict.limits.is_empty());
    }
}

#[tokio::test]
async fn an_echoed_key_is_blanked_whole_cut_and_at_the_edge_of_the_kept_text() {
    let edge = format!("{}{KEY} and more", "x".repeat(220));
    for text in [
        format!("bad key {KEY}"),
        format!("bad key {}...", &KEY[..12]),
        format!("bad key ...{}", &KEY[6..]),
        KEY.repeat(50),
        edge,
    ] {
        let server = Server::start([reply(401, "text/plain", text)]).await;
        let verdict = probe(&model_check(&server.url("/v1"))).await;
        holds_none(&verdict, &[KEY]);
        assert!(verdict.error.unwrap().contains("***"));
    }
}

#[tokio::test]
async fn the_login_of_a_url_is_never_shown() {
    let basic = "bWU6aHVudGVyMjItbG9uZw==";
    let server = Server::start([Reply::Echo(401), Reply::Echo(401)]).await;
    let url = format!("http://me:hunter22-long@{}/v1", server.addr);
    for check in [http_check(&url), model_check(&url)] {
        let verdict = probe(&check).await;
        holds_none(&verdict, &["hunter22-long", basic, KEY]);
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    for request in seen {
        assert_eq!(request.headers["authorization"], format!("Basic {basic}"));
    }
}

#[tokio::test]
async fn failures_without_an_answer_do_not_quote_the_url() {
    for base in [
        "http://me:hunter22-long@watchkeeper-test.invalid/v1?sig=signature-0815",
        "http://me:hunter22-long@127.0.0.1:1/v1?sig=signature-0815",
        "me:hunter22-long@h",
        "http://me:hunter22-long@",
    ] {
        let mut target = model(base);
        target.api_base = Some(Secret::new(base));
        for check in [check(Target::Model(Box::new(target))), http_check(base)] {
            let verdict = probe(&check).await;
            assert!(!verdict.outcome.is_healthy());
            holds_none(&verdict, &["hunter22-long", "signature-0815"]);
        }
    }
}
