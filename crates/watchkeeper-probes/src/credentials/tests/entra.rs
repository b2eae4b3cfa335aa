use serde_json::json;
use watchkeeper_core::verdict::Outcome;

use super::server::{Server, json as reply};
use super::*;
use crate::credentials::entra::Source;

const TOKEN: &str = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"entra-token-1"}"#;
const SECRET: &str = "Xq8~entra-client-secret";

fn app() -> Signing {
    Signing::Entra(Source::from_params(&params(&json!({
        "tenant_id": "tenant-1",
        "client_id": "client-1",
        "client_secret": SECRET,
    }))))
}

#[tokio::test]
async fn one_form_brings_one_token_for_many_probes_and_a_new_one_before_its_end() {
    let second = TOKEN.replace("token-1", "token-2");
    let server = Server::start([reply(200, TOKEN), reply(200, &second)]).await;
    let fixture = Fixture::new(&[("AZURE_AUTHORITY_HOST", &server.url("/"))]);
    let app = app();
    let all = futures(&fixture, &app).await;
    assert!(all.iter().all(|s| s.bearer() == "entra-token-1"));
    assert_eq!(all[0].added, [Secret::new("entra-token-1")]);
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (&*seen[0].method, &*seen[0].path),
        ("POST", "/tenant-1/oauth2/v2.0/token")
    );
    assert_eq!(
        seen[0].headers["content-type"],
        "application/x-www-form-urlencoded"
    );
    let pairs = [
        ("grant_type", "client_credentials"),
        ("client_id", "client-1"),
        ("scope", "https://cognitiveservices.azure.com/.default"),
        ("client_secret", SECRET),
    ];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(form(&seen[0].body), pairs);
    fixture.pass(3298);
    assert_eq!(fixture.sign(&app).await.unwrap().bearer(), "entra-token-1");
    fixture.pass(2);
    assert_eq!(fixture.sign(&app).await.unwrap().bearer(), "entra-token-2");
    assert_eq!(server.seen().len(), 2);
}

async fn futures(fixture: &Fixture, app: &Signing) -> Vec<Signed> {
    let all = (0..20).map(|_| fixture.sign(app));
    let all = futures_util::future::join_all(all).await;
    all.into_iter().map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_refused_secret_is_unauthorized_with_the_remedy_and_asked_once() {
    let said = format!(
        r#"{{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided: {SECRET}.\r\nTrace ID: 1"}}"#
    );
    let server = Server::start([reply(401, &said)]).await;
    let fixture = Fixture::new(&[("AZURE_AUTHORITY_HOST", &server.url(""))]);
    for _ in 0..3 {
        let refusal = fixture.sign(&app()).await.err().unwrap();
        assert_eq!(refusal.outcome, Outcome::Unauthorized);
        let host = server.addr;
        assert_eq!(
            refusal.text,
            format!(
                "`{host}` gave no credentials (401: invalid_client: AADSTS7000215: Invalid client secret provided: ***.); check tenant, client id and client secret (or federation) of the app and its role on the resource"
            )
        );
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_workloads_token_is_read_from_its_file_each_time() {
    let server = Server::start([reply(200, TOKEN), reply(200, TOKEN)]).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    let fixture = Fixture::new(&[
        ("AZURE_AUTHORITY_HOST", &server.url("/")),
        ("AZURE_FEDERATED_TOKEN_FILE", path.to_str().unwrap()),
        ("AZURE_TENANT_ID", "t"),
        ("AZURE_CLIENT_ID", "c"),
    ]);
    let app = Signing::Entra(Source::default());
    for token in ["assertion-1", "assertion-2"] {
        std::fs::write(&path, format!("{token}\n")).unwrap();
        fixture.sign(&app).await.unwrap();
        fixture.pass(3600);
        let form = form(&server.seen().last().unwrap().body);
        assert_eq!(field(&form, "client_assertion"), token);
        assert_eq!(
            field(&form, "client_assertion_type"),
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        );
        assert!(form.iter().all(|(name, _)| name != "client_secret"));
    }
}

#[tokio::test]
async fn what_is_missing_is_named_and_nothing_is_sent() {
    for (vars, words) in [
        (
            &[][..],
            "`tenant_id` (or AZURE_TENANT_ID), `client_id` (or AZURE_CLIENT_ID), `client_secret`",
        ),
        (
            &[("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c")],
            "no Azure credentials: `client_secret` (or AZURE_CLIENT_SECRET) missing",
        ),
        (
            &[
                ("AZURE_TENANT_ID", "t"),
                ("AZURE_CLIENT_ID", "c"),
                ("AZURE_FEDERATED_TOKEN_FILE", "/does/not/exist"),
            ],
            "the file `/does/not/exist` of `AZURE_FEDERATED_TOKEN_FILE` does not exist",
        ),
        (
            &[
                ("AZURE_TENANT_ID", "t"),
                ("AZURE_CLIENT_ID", "c"),
                ("AZURE_CLIENT_SECRET", SECRET),
                ("AZURE_AUTHORITY_HOST", "http://login.example.com"),
            ],
            "`AZURE_AUTHORITY_HOST` must be a URL that starts with `https://`",
        ),
    ] {
        let refusal = Fixture::new(vars)
            .sign(&Signing::Entra(Source::default()))
            .await;
        let refusal = refusal.err().unwrap();
        assert_eq!(refusal.outcome, Outcome::ConfigError);
        assert!(refusal.text.contains(words), "{}", refusal.text);
    }
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", app());
    assert!(!shown.contains(SECRET), "{shown}");
}
