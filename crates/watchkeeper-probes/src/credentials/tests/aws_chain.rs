//! AWS's official chain reads the process's own variables, so each case is a process of its own: this test binary
//! again, told to run the one test that says what the chain finds.

use std::process::Stdio;

use serde_json::json;
use tokio::process::Command;

use super::server::{Reply, Server, json as reply, reply as any};
use super::*;
use crate::credentials::aws::Source;

/// Set in the children only.
const CHILD: &str = "WATCHKEEPER_TEST_AWS_CHAIN";

#[tokio::test]
async fn what_the_chain_finds_in_this_process() {
    let Ok(profile) = std::env::var(CHILD) else {
        return;
    };
    let entry = match profile.as_str() {
        "" => json!({}),
        name => json!({"aws_profile_name": name}),
    };
    let signing = Signing::Aws(Source::from_params("bedrock", "eu-west-1", &params(&entry)));
    match Fixture::new(&[]).sign(&signing).await {
        Ok(signed) => println!("FOUND {}", signed.header("authorization")),
        Err(refusal) => println!("FOUND {}: {}", refusal.outcome.as_str(), refusal.text),
    }
}

/// What the chain finds in a process that has these variables and no others of AWS.
async fn found(profile: &str, vars: &[(&str, &str)]) -> String {
    let home = tempfile::tempdir().unwrap();
    let test = "credentials::tests::aws_chain::what_the_chain_finds_in_this_process";
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env_clear()
        .env("HOME", home.path())
        .env(CHILD, profile)
        .envs(vars.iter().copied())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let at = text.find("FOUND ").unwrap_or_else(|| panic!("{text}"));
    text[at + 6..].lines().next().unwrap().to_owned()
}

fn container_keys(id: &str) -> Reply {
    let keys = json!({
        "AccessKeyId": id,
        "SecretAccessKey": "s",
        "Token": "t",
        "Expiration": "2025-10-09T18:26:40Z",
    });
    reply(200, &keys.to_string())
}

#[tokio::test]
async fn a_containers_keys_are_fetched_with_its_token() {
    let server = Server::start([container_keys("ASIAPOD")]).await;
    let found = found(
        "",
        &[
            (
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                &server.url("/v1/credentials"),
            ),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "pod-token"),
        ],
    )
    .await;
    assert!(found.contains("Credential=ASIAPOD/"), "{found}");
    assert_eq!(server.seen()[0].headers["authorization"], "pod-token");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_machines_keys_are_fetched_by_the_second_version_of_its_service() {
    let mut token = any(200, "text/plain", "imds-token");
    if let Reply::Send(bytes) = &mut token {
        let head = b"HTTP/1.1 200 OK\r\nx-aws-ec2-metadata-token-ttl-seconds: 21600\r\n";
        let rest = bytes.split_off(bytes.windows(2).position(|w| w == b"\r\n").unwrap() + 2);
        *bytes = [&head[..], &rest].concat();
    }
    let keys = json!({
        "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2025-10-09T12:00:00Z",
        "AccessKeyId": "ASIAEC2", "SecretAccessKey": "s", "Token": "t",
        "Expiration": "2025-10-09T18:26:40Z",
    });
    let role = any(200, "text/plain", "role-1");
    let server = Server::start([token, role, reply(200, &keys.to_string())]).await;
    let found = found(
        "",
        &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &server.url(""))],
    )
    .await;
    assert!(found.contains("Credential=ASIAEC2/"), "{found}");
    let seen = server.seen();
    assert_eq!(
        (&*seen[0].method, &*seen[0].path),
        ("PUT", "/latest/api/token")
    );
    assert_eq!(seen[1].headers["x-aws-ec2-metadata-token"], "imds-token");
}

#[tokio::test]
async fn a_pods_role_comes_for_the_token_that_the_cluster_mounts() {
    let body = r#"<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAIRSA</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2025-10-09T13:26:40Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"#;
    let server = Server::start([any(200, "text/xml", body)]).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, "eyJ-pod").unwrap();
    let found = found(
        "",
        &[
            ("AWS_WEB_IDENTITY_TOKEN_FILE", path.to_str().unwrap()),
            ("AWS_ROLE_ARN", "arn:aws:iam::1:role/pod"),
            ("AWS_ENDPOINT_URL_STS", &server.url("")),
            ("AWS_ENDPOINT_URL", &server.url("")),
        ],
    )
    .await;
    assert!(found.contains("Credential=ASIAIRSA/"), "{found}");
    assert_eq!(
        field(&form(&server.seen()[0].body), "WebIdentityToken"),
        "eyJ-pod"
    );
}

#[tokio::test]
async fn a_profile_is_read_from_the_shared_files_and_a_wrong_one_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("credentials");
    let text = "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = s\n[program]\ncredential_process = /bin/true\n[other]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = s\n";
    std::fs::write(&path, text).unwrap();
    let file = [("AWS_SHARED_CREDENTIALS_FILE", path.to_str().unwrap())];
    for (profile, words) in [
        ("", "Credential=AKIADEFAULT/"),
        ("other", "Credential=AKIAOTHER/"),
        (
            "program",
            "config_error: no credentials from the AWS profile `program`: it uses `sso` or `credential_process`",
        ),
        (
            "nobody",
            "config_error: no credentials from the AWS profile `nobody`",
        ),
    ] {
        let found = found(profile, &file).await;
        assert!(found.contains(words), "{found}");
    }
}

#[tokio::test]
async fn where_nothing_is_configured_the_text_says_what_to_set() {
    let silent = Server::start([Reply::Stall(Vec::new())]).await;
    let endpoint = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
    for var in [
        ("AWS_EC2_METADATA_DISABLED", "true"),
        (endpoint, "http://127.0.0.1:1"),
        (endpoint, &silent.url("")),
    ] {
        let found = found("", &[var]).await;
        let words = "config_error: no AWS credentials: none in the entry";
        assert!(found.starts_with(words), "{var:?}: {found}");
    }
}

#[tokio::test]
async fn a_service_that_refuses_the_container_is_unauthorized() {
    let server = Server::start([reply(401, r#"{"code":"denied","message":"no"}"#)]).await;
    let uri = (
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        &*server.url("/v1/credentials"),
    );
    let found = found("", &[uri]).await;
    assert!(
        found.starts_with("unauthorized: no AWS credentials: "),
        "{found}"
    );
    assert_eq!(server.seen().len(), 1);
}
