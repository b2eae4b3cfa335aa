//! Certificates that do not fit, and TLS on one side only.

use std::net::SocketAddr;
use std::path::PathBuf;

use watchkeeper_integration_tests::certificates::Certificates;
use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::redis_process::{ClientCertificate, RedisProcess};

use super::harness::{Trouble, case, side_by_side};
use crate::SOON;

/// Lets a server that is down show what another authority issued.
pub(super) fn replace(files: &Certificates, by: &Certificates) {
    for (to, from) in [
        (files.certificate_file(), by.certificate_file()),
        (files.key_file(), by.key_file()),
    ] {
        std::fs::copy(from, to).unwrap();
    }
}

async fn wrong_ca() {
    let (trusted, other) = (Certificates::issue(), Certificates::issue());
    let mut redis = RedisProcess::start_tls(&other, ClientCertificate::Unasked).await;
    let lines = format!(
        "url = \"rediss://{}/\"\ntls = {{ ca = \"ca.pem\" }}",
        redis.tls_address()
    );
    let says = &[
        "is signed by no authority that we know",
        "give it as `tls.ca`",
    ];
    Trouble::redis(lines, says)
        .file("ca.pem", &trusted.ca)
        .mended_by(async || {
            redis.kill().await;
            replace(&other, &trusted);
            redis.start_again().await;
        })
        .await;
}

async fn wrong_name() {
    let files = Certificates::issue();
    let mut redis = RedisProcess::start_tls(&files, ClientCertificate::Unasked).await;
    let lines = format!(
        "url = \"rediss://{}/\"\ntls = {{ ca = \"ca.pem\", server_name = \"redis.internal\" }}",
        redis.tls_address()
    );
    let says = &[
        "does not hold for this name",
        "give the name that it carries as `tls.server_name`",
    ];
    Trouble::redis(lines, says)
        .file("ca.pem", &files.ca)
        .mended_by(async || {
            redis.kill().await;
            files.reissue(&["redis.internal"]);
            redis.start_again().await;
        })
        .await;
}

async fn no_client_certificate() {
    let files = Certificates::issue();
    let mut redis = RedisProcess::start_tls(&files, ClientCertificate::Required).await;
    let door = redis.tls_address();
    let mut open = open_door(&files, door);
    let lines = format!("url = \"rediss://{door}/\"\ntls = {{ ca = \"ca.pem\" }}");
    let says = &[
        "client certificate, or wants one",
        "see `tls.cert` and `tls.key`",
    ];
    Trouble::redis(lines, says)
        .file("ca.pem", &files.ca)
        .mended_by(async || {
            redis.kill().await;
            open.start_again().await;
        })
        .await;
}

/// TLS is spoken there and not by us.
async fn plain_to_tls() {
    let files = Certificates::issue();
    let mut redis = RedisProcess::start_tls(&files, ClientCertificate::Unasked).await;
    let door = redis.tls_address();
    let mut plain = RedisProcess::not_started(&[]).listening_at(door);
    let says = &[
        "closed the connection",
        "does it speak TLS where we do not, or the reverse",
    ];
    Trouble::redis(format!("url = \"redis://{door}/\""), says)
        .mended_by(async || {
            redis.kill().await;
            plain.start_again().await;
        })
        .await;
}

/// TLS is spoken by us and not there.
async fn tls_to_plain() {
    let files = Certificates::issue();
    let mut redis = RedisProcess::start().await;
    let door = redis.address();
    let mut encrypted = open_door(&files, door);
    let lines = format!("url = \"rediss://{door}/\"\ntls = {{ ca = \"ca.pem\" }}");
    let says = &[
        "does it speak TLS there",
        "use `redis://`, or the server's TLS port",
    ];
    Trouble::redis(lines, says)
        .file("ca.pem", &files.ca)
        .mended_by(async || {
            redis.kill().await;
            encrypted.start_again().await;
        })
        .await;
}

/// A server, not started, whose door with TLS is there and asks for no certificate.
fn open_door(files: &Certificates, door: SocketAddr) -> RedisProcess {
    let file = |path: PathBuf| path.display().to_string();
    RedisProcess::not_started(&[
        "--tls-port",
        &door.port().to_string(),
        "--tls-cert-file",
        &file(files.certificate_file()),
        "--tls-key-file",
        &file(files.key_file()),
        "--tls-ca-cert-file",
        &file(files.ca_file()),
        "--tls-auth-clients",
        "no",
    ])
}

#[tokio::test]
async fn a_redis_behind_the_wrong_tls_is_told_once_and_used_again_when_mended() {
    side_by_side([
        case("wrong ca", wrong_ca()),
        case("wrong name", wrong_name()),
        case("no client certificate", no_client_certificate()),
        case("plain spoken to tls", plain_to_tls()),
        case("tls spoken to plain", tls_to_plain()),
    ])
    .await;
}

#[tokio::test]
async fn a_file_of_tls_that_is_missing_or_no_pem_is_refused_with_its_key() {
    let redis = "kind = \"redis\"\n[backend.redis]\nurl = \"rediss://127.0.0.1:1/\"\n";
    let etcd = "kind = \"etcd\"\n[backend.etcd]\nendpoints = [\"https://127.0.0.1:1\"]\n";
    for (table, backend) in [("backend.redis.tls", redis), ("backend.etcd.tls", etcd)] {
        for (tls, key, why) in [
            ("ca = \"gone.pem\"", "ca", "cannot be read"),
            ("ca = \"text.pem\"", "ca", "is no PEM file"),
            (
                "ca = \"ca.pem\"\ncert = \"text.pem\"\nkey = \"text.pem\"",
                "cert",
                "is no PEM file",
            ),
            (
                "ca = \"ca.pem\"\ncert = \"ca.pem\"\nkey = \"gone.pem\"",
                "key",
                "cannot be read",
            ),
        ] {
            let config = NativeConfig::new("http://127.0.0.1:1/v1", &["m"])
                .toml()
                .replace(
                    "kind = \"memory\"\n",
                    &format!("{backend}[{table}]\n{tls}\n"),
                );
            let setup = Setup::new()
                .toml(config)
                .file("text.pem", "hello")
                .file("ca.pem", Certificates::issue().ca);
            let ended = setup.run(&["run"], SOON).await;
            assert_eq!(ended.code, Some(2), "{table} {tls}: {}", ended.stderr);
            for part in [&format!("`{table}.{key}`"), why] {
                assert!(
                    ended.stderr.contains(part),
                    "no `{part}` in {}",
                    ended.stderr
                );
            }
        }
    }
}
