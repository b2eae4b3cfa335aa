//! Redis through a unix socket, and by TLS to servers that go by another name than their address.

use watchkeeper_core::error::StoreErrorKind;
use watchkeeper_core::lease::LeaseStore;
use watchkeeper_integration_tests::redis_process::RedisProcess;
use watchkeeper_redis::{RedisOptions, RedisStore};

use crate::support::{acquire, fresh_fleet};

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
