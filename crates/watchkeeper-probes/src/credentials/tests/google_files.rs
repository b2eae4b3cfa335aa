//! Google's other kinds of credential files.

use serde_json::json;
use watchkeeper_core::verdict::Outcome;

use super::google::{TOKEN, account, signing};
use super::server::{Server, json as reply, reply as any};
use super::*;
use crate::credentials::google::Source;

#[tokio::test]
async fn a_persons_login_is_refreshed_from_a_path_or_gclouds_own_file() {
    let server = Server::start([reply(200, TOKEN), reply(200, TOKEN)]).await;
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join(".config/gcloud");
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("application_default_credentials.json");
    let user = json!({
        "type": "authorized_user", "client_id": "id-1", "client_secret": "GOCSPX-1",
        "refresh_token": "1//refresh", "token_uri": server.url("/token"),
    });
    std::fs::write(&path, user.to_string()).unwrap();
    let by_path = signing(&json!(path.to_str().unwrap()));
    let by_home = Signing::Google(Source::default());
    let fixture = Fixture::new(&[("HOME", home.path().to_str().unwrap())]);
    for signing in [by_path, by_home] {
        fixture.sign(&signing).await.unwrap();
        let form = form(&server.seen().last().unwrap().body);
        assert_eq!(field(&form, "grant_type"), "refresh_token");
        assert_eq!(field(&form, "refresh_token"), "1//refresh");
        assert_eq!(field(&form, "client_secret"), "GOCSPX-1");
    }
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn another_issuers_token_is_exchanged_and_another_account_impersonated() {
    let server = Server::start([
        any(200, "application/json", r#"{"value":"oidc-token"}"#),
        reply(200, TOKEN),
        reply(
            200,
            r#"{"accessToken":"ya29.other","expireTime":"2030-01-01T00:00:00Z"}"#,
        ),
    ])
    .await;
    let fixture = Fixture::new(&[]);
    let federated = json!({
        "type": "external_account",
        "audience": "//iam.googleapis.com/pool",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": server.url("/sts"),
        "service_account_impersonation_url": server.url("/sa:generateAccessToken"),
        "credential_source": {
            "url": server.url("/oidc"),
            "headers": {"x-flavor": "f"},
            "format": {"type": "json", "subject_token_field_name": "value"},
        },
    });
    assert_eq!(
        fixture.sign(&signing(&federated)).await.unwrap().bearer(),
        "ya29.other"
    );
    let seen = server.seen();
    assert_eq!(seen[0].headers["x-flavor"], "f");
    let exchange = form(&seen[1].body);
    assert_eq!(field(&exchange, "subject_token"), "oidc-token");
    assert_eq!(field(&exchange, "audience"), "//iam.googleapis.com/pool");
    assert_eq!(
        field(&exchange, "grant_type"),
        "urn:ietf:params:oauth:grant-type:token-exchange"
    );
    assert_eq!(seen[2].path, "/sa:generateAccessToken");
    assert_eq!(seen[2].headers["authorization"], "Bearer ya29.first");
    let body: Value = serde_json::from_slice(&seen[2].body).unwrap();
    assert_eq!(
        body["scope"],
        json!(["https://www.googleapis.com/auth/cloud-platform"])
    );
}

#[tokio::test]
async fn a_workloads_token_may_come_from_a_file() {
    let server = Server::start([reply(200, TOKEN)]).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, "file-token\n").unwrap();
    let federated = json!({
        "type": "external_account", "audience": "a", "subject_token_type": "t",
        "token_url": server.url("/sts"), "credential_source": {"file": path},
    });
    let signed = Fixture::new(&[]).sign(&signing(&federated)).await.unwrap();
    assert_eq!(signed.bearer(), "ya29.first");
    assert_eq!(
        field(&form(&server.seen()[0].body), "subject_token"),
        "file-token"
    );
}

#[tokio::test]
async fn what_cannot_be_used_is_told_without_a_secret_and_nothing_is_sent() {
    let server = Server::start([]).await;
    let mut no_rsa = account(&server);
    no_rsa["private_key"] = json!("hunter2-hunter2");
    let mut plain = account(&server);
    plain["token_uri"] = json!("http://oauth2.example.com/token");
    let program = json!({
        "type": "external_account", "audience": "a", "subject_token_type": "t",
        "credential_source": {"executable": {"command": "hunter2-hunter2"}},
    });
    let nested = json!({
        "type": "impersonated_service_account",
        "service_account_impersonation_url": "https://x.test/",
        "source_credentials": {"type": "impersonated_service_account"},
    });
    for (given, words) in [
        (json!("{not json hunter2-hunter2"), "holds no JSON object"),
        (
            json!("/does/not/exist"),
            "the file `/does/not/exist` of `vertex_credentials` does not exist",
        ),
        (json!({"private_key": "hunter2-hunter2"}), "has no `type`"),
        (
            json!({"type": "service_account", "private_key": "hunter2-hunter2"}),
            "has no `client_email`",
        ),
        (
            json!({"type": "gdch_service_account"}),
            "`gdch_service_account`, which is not supported",
        ),
        (no_rsa, "is no RSA key in PEM"),
        (
            plain,
            "`token_uri` must be a URL that starts with `https://`",
        ),
        (program, "takes its token from a program"),
        (
            nested,
            "`impersonated_service_account`, which is not supported",
        ),
    ] {
        let refused = Fixture::new(&[])
            .sign(&signing(&given))
            .await
            .err()
            .unwrap();
        assert_eq!(refused.outcome, Outcome::ConfigError, "{words}");
        assert!(refused.text.contains(words), "{}", refused.text);
        assert!(!refused.text.contains("hunter2"), "{}", refused.text);
        assert!(!format!("{:?}", signing(&given)).contains("hunter2"));
    }
    assert!(server.seen().is_empty());
}
