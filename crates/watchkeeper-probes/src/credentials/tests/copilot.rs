use serde_json::json;
use watchkeeper_core::verdict::Outcome;

use super::server::{Server, json as reply};
use super::*;
use crate::credentials::copilot::Source;

const ACCESS: &str = "ghu_access-token-of-a-person";

fn key(token: &str, left: i64) -> String {
    json!({
        "token": token,
        "expires_at": START + left,
        "refresh_in": left - 300,
        "endpoints": {"api": "https://api.business.githubcopilot.com"},
    })
    .to_string()
}

fn login() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("access-token"), format!("{ACCESS}\n")).unwrap();
    dir
}

fn fixture(dir: &std::path::Path, server: &Server) -> Fixture {
    Fixture::new(&[
        ("GITHUB_COPILOT_TOKEN_DIR", dir.to_str().unwrap()),
        (
            "GITHUB_COPILOT_API_KEY_URL",
            &server.url("/copilot_internal/v2/token"),
        ),
    ])
}

const SIGNING: Signing = Signing::Copilot(Source {
    endpoint_from_key: true,
});

#[tokio::test]
async fn the_login_of_a_person_brings_a_key_and_the_endpoint_that_it_names() {
    let server = Server::start([
        reply(200, &key("tid=1;exp=2", 1500)),
        reply(200, &key("tid=2;exp=3", 3000)),
    ])
    .await;
    let dir = login();
    let fixture = fixture(dir.path(), &server);
    for _ in 0..3 {
        let signed = fixture.sign(&SIGNING).await.unwrap();
        assert_eq!(signed.bearer(), "tid=1;exp=2");
        assert_eq!(
            signed.url.as_str(),
            "https://api.business.githubcopilot.com/v1/x"
        );
        assert_eq!(signed.added, [Secret::new("tid=1;exp=2")]);
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (&*seen[0].method, &*seen[0].path),
        ("GET", "/copilot_internal/v2/token")
    );
    assert_eq!(seen[0].headers["authorization"], format!("token {ACCESS}"));
    assert_eq!(seen[0].headers["editor-version"], "vscode/1.85.1");
    assert_eq!(seen[0].headers["user-agent"], "GithubCopilot/1.155.0");
    fixture.pass(1201);
    assert_eq!(
        fixture.sign(&SIGNING).await.unwrap().bearer(),
        "tid=2;exp=3"
    );
    let own_base = Signing::Copilot(Source::default());
    let server_side = fixture.sign(&own_base).await;
    assert_eq!(server.seen().len(), 3, "a source of its own");
    assert!(server_side.is_err());
}

#[tokio::test]
async fn a_stored_key_is_used_while_it_is_good() {
    let server = Server::start([reply(200, &key("fetched", 1500))]).await;
    let dir = login();
    let stored = dir.path().join("api-key.json");
    for (text, token, asked) in [
        (key("stored", 600), "stored", 0),
        (key("stored", 30), "fetched", 1),
        ("{".to_owned(), "fetched", 2),
        ("x".repeat(1 << 20), "fetched", 3),
    ] {
        std::fs::write(&stored, text).unwrap();
        let server = Server::start([reply(200, &key("fetched", 1500))]).await;
        let signed = fixture(dir.path(), &server).sign(&SIGNING).await.unwrap();
        assert_eq!(signed.bearer(), token);
        assert_eq!(server.seen().len(), usize::from(asked > 0));
    }
    drop(server);
}

#[tokio::test]
async fn without_a_login_the_check_cannot_be_asked_and_the_text_says_how_to_log_in() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start([]).await;
    for fixture in [fixture(dir.path(), &server), Fixture::new(&[])] {
        let refusal = fixture.sign(&SIGNING).await.err().unwrap();
        assert_eq!(refusal.outcome, Outcome::ConfigError);
        assert!(
            refusal.text.contains("needs a login by a person"),
            "{}",
            refusal.text
        );
        assert!(
            refusal.text.contains("log in once through LiteLLM"),
            "{}",
            refusal.text
        );
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_refused_login_and_an_account_without_copilot_are_told_apart() {
    for (status, outcome, words) in [
        (
            401,
            Outcome::Unauthorized,
            "its access token is no longer good",
        ),
        (404, Outcome::Forbidden, "no Copilot subscription"),
    ] {
        let said = format!(r#"{{"message":"Bad credentials {ACCESS}"}}"#);
        let server = Server::start([reply(status, &said)]).await;
        let dir = login();
        let refusal = fixture(dir.path(), &server)
            .sign(&SIGNING)
            .await
            .err()
            .unwrap();
        assert_eq!(refusal.outcome, outcome);
        assert!(refusal.text.contains(words), "{}", refusal.text);
        assert!(!refusal.text.contains("ghu_"), "{}", refusal.text);
    }
}

#[tokio::test]
async fn a_key_is_not_sent_to_an_endpoint_without_tls() {
    let told = key("tid=1", 1500).replace("https://api.business", "http://api.business");
    let server = Server::start([reply(200, &told)]).await;
    let dir = login();
    let signed = fixture(dir.path(), &server).sign(&SIGNING).await.unwrap();
    assert_eq!(signed.url.as_str(), "https://upstream.test/v1/x");
}
