//! The way in. Users, rights, TLS, what is not etcd at all, and servers that let us in but take no writes.

use std::time::Duration;

use watchkeeper_core::error::{StoreError, StoreErrorKind};
use watchkeeper_core::lease::LeaseStore;
use watchkeeper_core::secret::Secret;
use watchkeeper_etcd::{EtcdOptions, EtcdStore, TlsOptions};
use watchkeeper_integration_tests::certificates::Certificates;
use watchkeeper_integration_tests::etcd_process::EtcdProcess;
use watchkeeper_integration_tests::process::free_address;
use watchkeeper_integration_tests::redis_process::RedisProcess;

use super::support::store;
use crate::support::fresh_fleet;

const SECRET: &str = "p@ss/w:rd#1";

/// A fleet of its own. The limit is longer than the default: these tests share a busy machine, and etcd takes its time
/// over passwords.
fn options(endpoint: impl Into<String>) -> EtcdOptions {
    let mut options = EtcdOptions::new(fresh_fleet(), vec![endpoint.into()]);
    options.timeout = Duration::from_secs(3);
    options
}

fn user(mut options: EtcdOptions, name: &str, password: &str) -> EtcdOptions {
    options.username = Some(name.to_owned());
    options.password = Some(Secret::new(password));
    options
}

fn connect(options: EtcdOptions) -> EtcdStore {
    store(&options)
}

async fn refused(options: EtcdOptions, kind: StoreErrorKind, words: &str) -> StoreError {
    let error = connect(options).ping().await.unwrap_err();
    assert_eq!(error.kind, kind, "{error}");
    assert!(error.message.contains(words), "`{words}`: {error}");
    assert!(!error.may_have_landed, "{error}");
    assert!(!error.to_string().contains(SECRET), "{error}");
    error
}

/// With a user `app` who may do everything with the fleet's keys and nothing else.
async fn with_user(etcd: &mut EtcdProcess, options: &EtcdOptions) {
    etcd.enable_auth("root's").await;
    let prefix = format!("watchkeeper/{}/", options.fleet);
    etcd.add_user("app", SECRET, &prefix).await;
}

#[tokio::test]
async fn a_password_opens_and_a_wrong_or_missing_one_is_told() {
    let mut etcd = EtcdProcess::start().await;
    let options = options(etcd.endpoint());
    with_user(&mut etcd, &options).await;
    connect(user(options.clone(), "app", SECRET))
        .ping()
        .await
        .unwrap();
    for (name, password) in [("app", "wrong"), ("nobody", SECRET)] {
        let wrong = user(options.clone(), name, password);
        refused(wrong, StoreErrorKind::Auth, "`password`").await;
    }
    refused(options, StoreErrorKind::Auth, "set `username`").await;
}

#[tokio::test]
async fn a_user_where_there_are_none_is_told() {
    let etcd = EtcdProcess::start().await;
    let options = user(options(etcd.endpoint()), "app", SECRET);
    refused(options, StoreErrorKind::Auth, "remove `username`").await;
}

#[tokio::test]
async fn a_missing_right_is_told_with_the_command_that_gives_it() {
    let mut etcd = EtcdProcess::start().await;
    let ours = options(etcd.endpoint());
    with_user(&mut etcd, &options("http://another:1")).await;
    let grant = format!(
        "etcdctl role grant-permission ROLE readwrite --prefix watchkeeper/{}/",
        ours.fleet
    );
    let ours = user(ours, "app", SECRET);
    let error = refused(ours, StoreErrorKind::Denied, &grant).await;
    assert!(!error.may_retry());
}

#[tokio::test]
async fn a_token_that_etcd_forgot_is_replaced_within_the_operation() {
    let mut etcd = EtcdProcess::start().await;
    let options = options(etcd.endpoint());
    with_user(&mut etcd, &options).await;
    let store = connect(user(options, "app", SECRET));
    store.ping().await.unwrap();
    // A changed password ends all tokens of a user; here it becomes what it was.
    let mut root = etcd.connect().await;
    root.user_change_password("app", SECRET).await.unwrap();
    store.ping().await.unwrap();
    // So does a restart.
    etcd.kill().await;
    etcd.start_again().await;
    store.ping().await.unwrap();
    // Rights that changed age the token as well.
    let mut root = etcd.connect().await;
    root.role_add("new").await.unwrap();
    store.ping().await.unwrap();
    root.user_change_password("app", "another").await.unwrap();
    let error = store.ping().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Auth, "{error}");
    root.user_change_password("app", SECRET).await.unwrap();
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_full_quota_is_unwritable_and_heals() {
    let etcd = EtcdProcess::start_small(1 << 20).await;
    let store = connect(options(etcd.endpoint()));
    store.ping().await.unwrap();
    let mut client = etcd.connect().await;
    while client
        .put("filler", vec![b'x'; 100_000], None)
        .await
        .is_ok()
    {}
    let error = store.ping().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unwritable, "{error}");
    assert!(error.message.contains("NOSPACE"), "{error}");
    assert!(error.may_retry() && !error.may_have_landed, "{error}");
    etcd.compact(etcd.revision().await).await;
    etcd.defrag().await;
    etcd.disarm().await;
    store.ping().await.unwrap();
}

fn with_tls(mut options: EtcdOptions, tls: TlsOptions) -> EtcdOptions {
    options.tls = Some(tls);
    options
}

fn trusting(files: &Certificates) -> TlsOptions {
    TlsOptions {
        ca: Some(files.ca.clone().into_bytes()),
        ..TlsOptions::default()
    }
}

fn proving(files: &Certificates) -> TlsOptions {
    TlsOptions {
        cert: Some(files.client.0.clone().into_bytes()),
        key: Some(Secret::new(files.client.1.clone())),
        ..trusting(files)
    }
}

#[tokio::test]
async fn https_trusts_its_own_authority_and_no_other() {
    let files = Certificates::issue();
    let etcd = EtcdProcess::start_tls(&files, false).await;
    let address = etcd.tls_address();
    let port = address.port();
    for endpoint in [
        format!("https://{address}"),
        format!("https://localhost:{port}"),
        address.to_string(),
    ] {
        let store = connect(with_tls(options(endpoint), trusting(&files)));
        store.ping().await.unwrap();
    }
    let https = format!("https://{address}");
    refused(options(&https), StoreErrorKind::Config, "`tls.ca`").await;
    let others = trusting(&Certificates::issue());
    let others = with_tls(options(&https), others);
    refused(others, StoreErrorKind::Config, "`tls.ca`").await;
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_unless_the_name_is_given() {
    let files = Certificates::issue();
    let etcd = EtcdProcess::start_tls(&files, false).await;
    let elsewhere = |name: &str| TlsOptions {
        server_name: Some(name.to_owned()),
        ..trusting(&files)
    };
    let https = format!("https://{}", etcd.tls_address());
    let wrong = with_tls(options(&https), elsewhere("etcd.example"));
    refused(wrong, StoreErrorKind::Config, "`tls.server_name`").await;
    let right = with_tls(options(&https), elsewhere("localhost"));
    connect(right).ping().await.unwrap();
}

#[tokio::test]
async fn a_door_of_the_wrong_kind_is_told_either_way_round() {
    let files = Certificates::issue();
    let etcd = EtcdProcess::start_tls(&files, false).await;
    let plain = format!("https://{}", etcd.address());
    let plain = with_tls(options(plain), trusting(&files));
    let error = connect(plain).ping().await.unwrap_err();
    // It hangs up, with or without words.
    assert!(
        matches!(
            error.kind,
            StoreErrorKind::Unreachable | StoreErrorKind::Config
        ),
        "{error}"
    );
    assert!(error.message.contains("TLS"), "{error}");
    let encrypted = format!("http://{}", etcd.tls_address());
    let error = connect(options(encrypted)).ping().await.unwrap_err();
    assert!(
        matches!(
            error.kind,
            StoreErrorKind::Unreachable | StoreErrorKind::Protocol
        ),
        "{error}"
    );
    assert!(error.message.contains("TLS"), "{error}");
}

#[tokio::test]
async fn a_password_and_a_client_certificate_open_together() {
    let files = Certificates::issue();
    let mut etcd = EtcdProcess::start_tls(&files, true).await;
    let plain = options(format!("https://{}", etcd.tls_address()));
    with_user(&mut etcd, &plain).await;
    let both = user(with_tls(plain.clone(), proving(&files)), "app", SECRET);
    connect(both).ping().await.unwrap();
    let without = user(with_tls(plain.clone(), trusting(&files)), "app", SECRET);
    refused(without, StoreErrorKind::Auth, "`tls.cert`").await;
    let others = TlsOptions {
        ca: Some(files.ca.clone().into_bytes()),
        ..proving(&Certificates::issue())
    };
    let others = user(with_tls(plain, others), "app", SECRET);
    refused(others, StoreErrorKind::Auth, "`tls.cert`").await;
}

#[tokio::test]
async fn a_certificate_can_stand_for_the_user() {
    let files = Certificates::issue();
    let mut etcd = EtcdProcess::start_tls(&files, true).await;
    let options = options(format!("https://{}", etcd.tls_address()));
    etcd.enable_auth("root's").await;
    let prefix = format!("watchkeeper/{}/", options.fleet);
    // The name in the certificate.
    etcd.add_user("watchkeeper", SECRET, &prefix).await;
    connect(with_tls(options, proving(&files)))
        .ping()
        .await
        .unwrap();
}

#[tokio::test]
async fn what_has_to_be_mended_is_told_before_what_is_only_away() {
    let files = Certificates::issue();
    let etcd = EtcdProcess::start_tls(&files, false).await;
    // Connections are made and nobody speaks.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = options(format!("https://{}", silent.local_addr().unwrap()));
    options.timeout = Duration::from_secs(1);
    options
        .endpoints
        .push(format!("https://{}", etcd.tls_address()));
    for _ in 0..4 {
        let error = refused(options.clone(), StoreErrorKind::Config, "`tls.ca`").await;
        assert!(error.message.contains("none of the 2"), "{error}");
    }
}

#[tokio::test]
async fn what_is_not_etcd_is_told() {
    let redis = RedisProcess::start().await;
    let error = connect(options(format!("http://{}", redis.address())))
        .ping()
        .await
        .unwrap_err();
    assert!(
        matches!(
            error.kind,
            StoreErrorKind::Unreachable | StoreErrorKind::Protocol
        ),
        "{error}"
    );
    assert!(error.message.contains("etcd"), "{error}");
    let nobody = format!("http://{}", free_address());
    refused(
        options(nobody),
        StoreErrorKind::Unreachable,
        "nothing listens",
    )
    .await;
}
