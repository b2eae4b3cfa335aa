//! Redis through a unix socket, and by TLS to servers that go by another name than their address.

use watchkeeper_core::error::StoreErrorKind;
use watchkeeper_core::lease::LeaseStore;
use watchkeeper_integration_tests::certificates::Certificates;
use watchkeeper_integration_tests::redis_cluster::RedisCluster;
use watchkeeper_integration_tests::redis_process::{ClientCertificate, RedisProcess};
use watchkeeper_redis::{RedisOptions, RedisStore, TlsOptions, Topology};

use crate::sentinel::node;
use crate::support::{acquire, fresh_fleet, options};

fn tls(files: &Certificates, server_name: Option<&str>) -> TlsOptions {
    TlsOptions {
        ca: Some(files.ca.clone().into_bytes()),
        server_name: server_name.map(str::to_owned),
        ..TlsOptions::default()
    }
}

#[tokio::test]
async fn a_certificate_is_checked_against_the_name_that_is_given() {
    let files = Certificates::issue();
    let redis = RedisProcess::start_tls(&files, ClientCertificate::Unasked).await;
    // Its certificate holds `localhost` and 127.0.0.1.
    let url = format!("rediss://127.0.0.2:{}/", redis.tls_address().port());
    for (name, good) in [
        (None, false),
        (Some("localhost"), true),
        (Some("127.0.0.1"), true),
        (Some("other.example"), false),
    ] {
        let mut options = options(&url);
        options.tls = Some(tls(&files, name));
        let answer = RedisStore::connect(options).unwrap().ping().await;
        match answer {
            Ok(()) => assert!(good, "{name:?}"),
            Err(error) => {
                assert!(!good, "{name:?}: {error}");
                assert_eq!(error.kind, StoreErrorKind::Config, "{error}");
                assert!(error.message.contains("`tls.server_name`"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn the_nodes_of_a_cluster_are_checked_by_the_host_that_they_announce() {
    let files = Certificates::issue();
    let redis = RedisCluster::start_tls(&files, ClientCertificate::Unasked).await;
    let fleet = fresh_fleet();
    let owner = redis.primary_of(&format!("watchkeeper:{{{fleet}}}:")).await;
    let seed = redis.tls_addresses()[(owner + 1) % 3];
    for (name, good) in [
        (None, true),
        (Some("localhost"), true),
        (Some("other.example"), false),
    ] {
        let mut options = RedisOptions::new(fleet.clone(), "", 0);
        options.topology = Topology::Cluster {
            nodes: vec![node(seed)],
        };
        options.tls = Some(tls(&files, name));
        options.timeout = std::time::Duration::from_secs(3);
        let answer = RedisStore::connect(options).unwrap().ping().await;
        assert_eq!(answer.is_ok(), good, "{name:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_socket_is_a_way_in_like_any_other() {
    let mut redis = RedisProcess::start_with(&["--requirepass", "hunter2"]).await;
    let socket = redis.socket().display().to_string();
    let connect = |url: &str| {
        let options = RedisOptions::from_url(fresh_fleet(), url).unwrap();
        RedisStore::connect(options).unwrap()
    };
    for url in [
        format!("unix://:hunter2@{socket}?db=3"),
        format!("redis+unix://{socket}?db=3&password=hunter2"),
    ] {
        acquire(&connect(&url), "a", 1).await.unwrap();
    }
    let error = connect(&format!("unix://{socket}"))
        .ping()
        .await
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Auth, "{error}");
    assert!(error.message.contains(&socket), "{error}");
    let store = connect(&format!("unix://:hunter2@{socket}"));
    let before = acquire(&store, "a", 1).await.unwrap();
    redis.kill().await;
    let error = store.ping().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unreachable, "{error}");
    redis.start_again().await;
    assert!(acquire(&store, "a", 2).await.unwrap() > before);
    let gone = connect("unix:///nowhere/redis.sock");
    let error = gone.ping().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unreachable, "{error}");
    assert!(error.message.contains("`unixsocket`"), "{error}");
}
