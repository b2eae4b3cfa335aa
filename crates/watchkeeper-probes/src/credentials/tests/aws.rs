use serde_json::json;
use watchkeeper_core::verdict::Outcome;

use super::server::{Server, reply as any};
use super::*;
use crate::credentials::aws::Source;

const ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn keys(more: &Value) -> Value {
    let mut entry = json!({"aws_access_key_id": ID, "aws_secret_access_key": SECRET});
    let more = params(more);
    entry.as_object_mut().unwrap().extend(more);
    entry
}

fn signing(service: &'static str, region: &str, entry: &Value) -> Signing {
    Signing::Aws(Source::from_params(service, region, &params(entry)))
}

/// An answer of the token service; its keys end `left` seconds after the clock's start.
fn assumed(operation: &str, id: &str, end: &str) -> super::server::Reply {
    let body = format!(
        r#"<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{operation}Result><Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token</SessionToken><Expiration>{end}</Expiration></Credentials></{operation}Result></{operation}Response>"#
    );
    any(200, "text/xml", body)
}

/// The signatures that botocore 1.44.8 (`SigV4Auth`) makes for the same requests at the same time.
#[tokio::test]
async fn signatures_are_those_of_botocore() {
    let fixture = Fixture::new(&[]);
    for (service, region, token, url, headers, signature) in [
        (
            "bedrock",
            "eu-west-1",
            None,
            "https://bedrock-runtime.eu-west-1.amazonaws.com/model/anthropic.claude-3-5-sonnet-20240620-v1%3A0/converse",
            "content-type;host;x-amz-date",
            "1c52b386d37ade2fd9ae8fcf84805cfa6b6c61526da9ae5e192460826138ec89",
        ),
        (
            "sagemaker",
            "eu-central-1",
            None,
            "https://runtime.sagemaker.eu-central-1.amazonaws.com/endpoints/my-endpoint/invocations",
            "content-type;host;x-amz-date",
            "d1e0a47b181f3e37d3e88ac9a56fdcefe2ed05eb16d08c8b9ac97a40b02aa85a",
        ),
        (
            "bedrock-mantle",
            "us-west-2",
            Some("session-token-1"),
            "https://bedrock-mantle.us-west-2.api.aws/v1/chat/completions",
            "content-type;host;x-amz-date;x-amz-security-token",
            "0b239d005de284164d17a5dc318384ba18e6ed444bff009121cd3c9b800cd393",
        ),
    ] {
        let entry = keys(&json!({"aws_session_token": token}));
        let signing = signing(service, region, &entry);
        let signed = fixture
            .sign_within(&signing, url, Duration::from_secs(20))
            .await;
        let signed = signed.unwrap();
        assert_eq!(
            signed.header("authorization"),
            format!(
                "AWS4-HMAC-SHA256 Credential={ID}/20251009/{region}/{service}/aws4_request, SignedHeaders={headers}, Signature={signature}"
            )
        );
        assert_eq!(signed.header("x-amz-date"), "20251009T122640Z");
        let sent = signed.headers.get("x-amz-security-token");
        assert_eq!(sent.map(|value| value.to_str().unwrap()), token);
        assert!(signed.headers["authorization"].is_sensitive());
        assert!(signed.added.contains(&Secret::new(SECRET)));
        assert!(signed.added.contains(&Secret::new(signature)));
    }
}

#[tokio::test]
async fn extra_headers_queries_and_escaped_arns_are_signed_as_botocore_signs_them() {
    let fixture = Fixture::new(&[]);
    for (region, token, url, header, signature) in [
        (
            "us-east-1",
            Some("session-token-1"),
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.x/invoke",
            ("x-amzn-bedrock-accept", "*/*"),
            "f256b78012da0edbd64b48d2370f20ddfe080b9ad7f6ab211d29956997fe09a7",
        ),
        (
            "us-west-2",
            None,
            "https://vpce-1.example.com:8443/a%20b/x~y?z=1&b=two%20words&a=",
            ("x-custom", "  two   spaces "),
            "f1edc0bd91b2354da4e3275518e9f3b121f3705f6829f6cb5d33cb5df7351382",
        ),
    ] {
        let entry = keys(&json!({"aws_session_token": token}));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header.0, HeaderValue::from_static(header.1));
        let mut url = Url::parse(url).unwrap();
        let parts = Parts {
            method: &Method::POST,
            url: &mut url,
            headers: &mut headers,
            body: br#"{"a":1}"#,
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        let signing = signing("bedrock", region, &entry);
        fixture
            .credentials
            .sign(&signing, parts, deadline)
            .await
            .unwrap();
        let value = headers[AUTHORIZATION].to_str().unwrap();
        assert!(value.ends_with(signature), "{url}: {value}");
    }
}

#[tokio::test]
async fn a_role_is_taken_on_once_for_many_probes_and_anew_before_its_keys_end() {
    let server = Server::start([
        assumed("AssumeRole", "ASIA1", "2025-10-09T13:26:40Z"),
        assumed("AssumeRole", "ASIA2", "2025-10-09T14:26:40Z"),
    ])
    .await;
    let fixture = Fixture::new(&[("AWS_STS_ENDPOINT", &server.url(""))]);
    let entry = keys(&json!({
        "aws_role_name": "arn:aws:iam::1:role/r",
        "aws_session_name": "probe-1",
        "aws_external_id": "ext-1",
    }));
    let signing = signing("bedrock", "eu-west-1", &entry);
    for _ in 0..3 {
        let signed = fixture.sign(&signing).await.unwrap();
        assert!(
            signed
                .header("authorization")
                .contains("Credential=ASIA1/20251009/eu-west-1")
        );
        assert_eq!(signed.header("x-amz-security-token"), "role-token");
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    let form = form(&seen[0].body);
    for (name, value) in [
        ("Action", "AssumeRole"),
        ("RoleArn", "arn:aws:iam::1:role/r"),
        ("RoleSessionName", "probe-1"),
        ("ExternalId", "ext-1"),
    ] {
        assert_eq!(field(&form, name), value);
    }
    let by = &seen[0].headers["authorization"];
    assert!(
        by.contains(&format!("Credential={ID}/20251009/eu-west-1/sts/")),
        "{by}"
    );
    fixture.pass(3301);
    let signed = fixture.sign(&signing).await.unwrap();
    assert!(signed.header("authorization").contains("Credential=ASIA2/"));
}

#[tokio::test]
async fn a_web_identity_is_read_from_its_file_and_needs_no_keys() {
    let server = Server::start([assumed(
        "AssumeRoleWithWebIdentity",
        "ASIA1",
        "2025-10-09T13:26:40Z",
    )])
    .await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, "eyJ-web-identity\n").unwrap();
    let entry = json!({
        "aws_role_name": "arn:aws:iam::1:role/r",
        "aws_web_identity_token": format!("oidc/file/{}", path.display()),
        "aws_sts_endpoint": server.url(""),
    });
    let signed = Fixture::new(&[])
        .sign(&signing("bedrock", "eu-west-1", &entry))
        .await;
    assert!(
        signed
            .unwrap()
            .header("authorization")
            .contains("Credential=ASIA1/")
    );
    let form = form(&server.seen()[0].body);
    assert_eq!(field(&form, "WebIdentityToken"), "eyJ-web-identity");
    assert!(!server.seen()[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_refused_role_is_told_with_the_remedy_and_asked_for_once() {
    for (status, body, outcome, words) in [
        (
            403,
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not allowed {SECRET}</Message></Error></ErrorResponse>"
            ),
            Outcome::Unauthorized,
            "AWS gave no keys for the role `arn:r` (`AccessDenied`: not allowed ***); check its trust policy",
        ),
        (200, "{}".into(), Outcome::BadAnswer, "AWS's token service"),
        (
            200,
            "x".repeat(10 << 20),
            Outcome::BadAnswer,
            "more than 64 KiB",
        ),
        (503, "busy".into(), Outcome::Overloaded, "with 503"),
    ] {
        let server = Server::start([any(status, "text/xml", body)]).await;
        let fixture = Fixture::new(&[("AWS_STS_ENDPOINT", &server.url(""))]);
        let signing = signing(
            "bedrock",
            "eu-west-1",
            &keys(&json!({"aws_role_name": "arn:r"})),
        );
        for _ in 0..2 {
            let refused = fixture.sign(&signing).await.err().unwrap();
            assert_eq!(refused.outcome, outcome, "{}", refused.text);
            assert!(refused.text.contains(words), "{}", refused.text);
            assert!(!refused.text.contains(SECRET), "{}", refused.text);
        }
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_token_service_that_hangs_is_left_at_the_deadline() {
    let server = Server::start([super::server::Reply::Stall(Vec::new())]).await;
    let fixture = Fixture::new(&[("AWS_STS_ENDPOINT", &server.url(""))]);
    let signing = signing(
        "bedrock",
        "eu-west-1",
        &keys(&json!({"aws_role_name": "arn:r"})),
    );
    let time = Duration::from_millis(300);
    let refused = fixture
        .sign_within(&signing, "https://upstream.test/", time)
        .await;
    assert_eq!(refused.err().unwrap().outcome, Outcome::Timeout);
}

#[tokio::test]
async fn half_a_pair_of_keys_is_a_config_error() {
    let entry = json!({"aws_access_key_id": ID});
    let refused = Fixture::new(&[])
        .sign(&signing("bedrock", "eu-west-1", &entry))
        .await;
    let refused = refused.err().unwrap();
    assert_eq!(refused.outcome, Outcome::ConfigError);
    assert!(refused.text.contains("are needed both"), "{}", refused.text);
}
