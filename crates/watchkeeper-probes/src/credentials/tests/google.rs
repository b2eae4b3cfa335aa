use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use watchkeeper_core::verdict::Outcome;

use super::server::{Server, json as reply, reply as any};
use super::*;
use crate::credentials::google::Source;

pub(super) const TOKEN: &str =
    r#"{"access_token":"ya29.first","expires_in":3599,"token_type":"Bearer"}"#;

/// The key in PEM.
fn pem() -> String {
    let text: String = include_str!("rsa-key.b64").lines().collect();
    format!(
        "-----BEGIN {0}-----\n{text}\n-----END {0}-----\n",
        "PRIVATE KEY"
    )
}

pub(super) fn account(server: &Server) -> Value {
    json!({
        "type": "service_account",
        "project_id": "proj-1",
        "private_key_id": "key-1",
        "private_key": pem(),
        "client_email": "probe@proj-1.iam.gserviceaccount.com",
        "token_uri": server.url("/token"),
    })
}

pub(super) fn signing(json: &Value) -> Signing {
    Signing::Google(Source::from_param(Some(json)))
}

#[tokio::test]
async fn a_service_account_signs_its_statement_and_gets_one_token() {
    let second = TOKEN.replace("first", "second");
    let server = Server::start([reply(200, TOKEN), reply(200, &second)]).await;
    let fixture = Fixture::new(&[]);
    let signing = signing(&account(&server));
    for _ in 0..3 {
        assert_eq!(fixture.sign(&signing).await.unwrap().bearer(), "ya29.first");
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    let form = form(&seen[0].body);
    assert_eq!(
        field(&form, "grant_type"),
        "urn:ietf:params:oauth:grant-type:jwt-bearer"
    );
    let assertion = field(&form, "assertion");
    let (text, signature) = assertion.rsplit_once('.').unwrap();
    let (head, claims) = text.split_once('.').unwrap();
    let part = |text: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    };
    assert_eq!(
        part(head),
        json!({"alg": "RS256", "typ": "JWT", "kid": "key-1"})
    );
    assert_eq!(
        part(claims),
        json!({
            "iss": "probe@proj-1.iam.gserviceaccount.com",
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "aud": server.url("/token"),
            "iat": START,
            "exp": START + 3600,
        })
    );
    let public: String = include_str!("rsa-public.b64").lines().collect();
    let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
    let rsa = algorithms
        .mapping
        .iter()
        .find(|(scheme, _)| *scheme == rustls::SignatureScheme::RSA_PKCS1_SHA256)
        .unwrap()
        .1[0];
    rsa.verify_signature(
        &STANDARD.decode(public).unwrap(),
        text.as_bytes(),
        &URL_SAFE_NO_PAD.decode(signature).unwrap(),
    )
    .unwrap();
    fixture.pass(3300);
    assert_eq!(
        fixture.sign(&signing).await.unwrap().bearer(),
        "ya29.second"
    );
}

#[tokio::test]
async fn a_project_that_is_left_open_is_the_credentials_own() {
    let server = Server::start([reply(200, TOKEN)]).await;
    let fixture = Fixture::new(&[]);
    let url = "https://us-central1-aiplatform.googleapis.com/v1/projects/{project}/locations/l";
    let time = Duration::from_secs(20);
    let signed = fixture
        .sign_within(&signing(&account(&server)), url, time)
        .await;
    assert_eq!(
        signed.unwrap().url.path(),
        "/v1/projects/proj-1/locations/l"
    );
    let other = Server::start([reply(200, TOKEN)]).await;
    let mut nameless = account(&other);
    nameless.as_object_mut().unwrap().remove("project_id");
    let refused = fixture.sign_within(&signing(&nameless), url, time).await;
    let refused = refused.err().unwrap();
    assert_eq!(refused.outcome, Outcome::ConfigError);
    assert!(
        refused.text.contains("set `vertex_project`"),
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn a_refused_account_is_unauthorized_and_its_key_is_not_told() {
    let said = r#"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#;
    let server = Server::start([reply(400, said)]).await;
    let refused = Fixture::new(&[]).sign(&signing(&account(&server))).await;
    let refused = refused.err().unwrap();
    assert_eq!(refused.outcome, Outcome::Unauthorized);
    assert!(
        refused
            .text
            .contains("(400: invalid_grant: Invalid JWT Signature.); check that the key")
    );
}

#[tokio::test]
async fn the_metadata_server_is_asked_when_nothing_else_is_there() {
    let server = Server::start([reply(200, TOKEN), any(200, "text/plain", "proj-2")]).await;
    let home = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(&[
        ("GCE_METADATA_HOST", &server.addr.to_string()),
        ("HOME", home.path().to_str().unwrap()),
    ]);
    let signing = Signing::Google(Source::default());
    let url = "https://upstream.test/projects/{project}";
    let signed = fixture
        .sign_within(&signing, url, Duration::from_secs(20))
        .await;
    let signed = signed.unwrap();
    assert_eq!(signed.bearer(), "ya29.first");
    assert_eq!(signed.url.path(), "/projects/proj-2");
    let seen = server.seen();
    assert_eq!(seen[0].headers["metadata-flavor"], "Google");
    assert_eq!(
        seen[0].path,
        "/computeMetadata/v1/instance/service-accounts/default/token?scopes=https://www.googleapis.com/auth/cloud-platform"
    );
}

#[tokio::test]
async fn a_machine_without_an_account_is_a_config_error() {
    let server = Server::start([reply(404, "{}")]).await;
    let fixture = Fixture::new(&[("GCE_METADATA_HOST", &server.addr.to_string())]);
    let refused = fixture.sign(&Signing::Google(Source::default())).await;
    let refused = refused.err().unwrap();
    assert_eq!(refused.outcome, Outcome::ConfigError);
    assert!(refused.text.contains("attach one"), "{}", refused.text);
}
