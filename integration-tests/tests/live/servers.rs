//! The servers that the other tests rely on: each starts, answers, and does to itself what it promises to.

use std::time::Duration;

use etcd_client::{AlarmType, Client, ConnectOptions};
use watchkeeper_integration_tests::certificates::Certificates;
use watchkeeper_integration_tests::etcd_cluster::EtcdCluster;
use watchkeeper_integration_tests::etcd_process::EtcdProcess;
use watchkeeper_integration_tests::etcd_server::EtcdServer;
use watchkeeper_integration_tests::redis_cluster::RedisCluster;
use watchkeeper_integration_tests::redis_process::{ClientCertificate, RedisProcess};
use watchkeeper_integration_tests::sentinel::{Passwords, Sentinels};

#[tokio::test]
async fn sentinels_replace_a_killed_master_and_one_that_is_well() {
    let passwords = Passwords {
        data: Some("data"),
        sentinels: Some("watch"),
    };
    let mut redis = Sentinels::start_with(passwords).await;
    let first = redis.failover().await;
    assert_eq!(redis.master().await, first);
    let old = redis.kill_master().await;
    assert_eq!(old, first);
    // The one that stepped down may be in step only now.
    let new = redis.wait_for_new_master(old).await;
    assert_eq!(redis.master().await, new);
    redis.start_again(old).await;
}

#[tokio::test]
async fn sentinels_replace_a_frozen_master() {
    let redis = Sentinels::start().await;
    let old = redis.freeze_master().await;
    let new = redis.wait_for_new_master(old).await;
    assert_ne!(new, old);
    redis.wake(old);
}

#[tokio::test]
async fn a_cluster_moves_slots_and_replaces_primaries() {
    let mut redis = RedisCluster::start().await;
    let (key, other) = ("{tag}:a", "{tag}:b");
    let from = redis.primary_of(key).await;
    let to = (from + 1) % 3;
    let _: String = redis.nodes()[from].run(&["SET", key, "value"]).await;
    let step = redis.begin_move(key, to).await;
    let asked: Result<String, String> = redis.nodes()[from].try_run(&["GET", other]).await;
    assert!(asked.is_err_and(|error| error.contains("ASK") || error.contains("Ask")));
    redis.move_keys(step).await;
    redis.end_move(step).await;
    assert_eq!(redis.primary_of(key).await, to);
    let value: String = redis.node_for(key).await.run(&["GET", key]).await;
    assert_eq!(value, "value");
    redis.until_healthy().await;
    let old = redis.kill_primary_of(key).await;
    let new = redis.wait_for_new_primary(key, old).await;
    let value: String = redis.nodes()[new].run(&["GET", key]).await;
    assert_eq!((old, value.as_str()), (to, "value"));
    redis.start_again(old).await;
    redis.until_healthy().await;
}

#[tokio::test]
async fn a_cluster_speaks_tls() {
    let files = Certificates::issue();
    let redis = RedisCluster::start_tls(&files, ClientCertificate::Optional).await;
    let key = "{tag}:a";
    let from = redis.primary_of(key).await;
    let _: String = redis.nodes()[from].run(&["SET", key, "value"]).await;
    redis.move_slot(key, (from + 1) % 3).await;
    let value: String = redis.node_for(key).await.run(&["GET", key]).await;
    assert_eq!(value, "value");
    assert_eq!(redis.tls_addresses().len(), 6);
}

#[tokio::test]
async fn a_redis_has_a_socket_users_and_a_replica() {
    let redis = RedisProcess::start().await;
    redis.set_user("app", "secret", &["~app:*", "+get"]).await;
    let url = format!(
        "redis+unix://{}?user=app&pass=secret",
        redis.socket().display()
    );
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut get = async |key: &str| {
        let mut command = redis::cmd("GET");
        command.arg(key);
        command.query_async::<Option<String>>(&mut connection).await
    };
    assert_eq!(get("app:a").await.unwrap(), None);
    get("other").await.unwrap_err();
    let replica = RedisProcess::start().await;
    let _: String = redis.run(&["SET", "a", "b"]).await;
    replica.replicate(redis.address()).await;
    let value: String = replica.run(&["GET", "a"]).await;
    assert_eq!(value, "b");
    redis.set_max_memory(1).await;
    let refused: Result<String, String> = redis.try_run(&["SET", "a", "c"]).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn an_etcd_keeps_its_data_and_its_users_apart() {
    let mut etcd = EtcdProcess::start().await;
    let mut root = etcd.connect().await;
    root.put("a", "1", None).await.unwrap();
    etcd.kill().await;
    etcd.start_again().await;
    let mut root = etcd.connect().await;
    let found = root.get("a", None).await.unwrap();
    assert_eq!(found.kvs().len(), 1);
    etcd.compact(etcd.revision().await).await;
    etcd.enable_auth("secret").await;
    etcd.add_user("app", "word", "app/").await;
    let options = ConnectOptions::new().with_user("app", "word");
    let client = Client::connect([etcd.endpoint()], Some(options)).await;
    let mut client = client.unwrap();
    client.put("app/a", "1", None).await.unwrap();
    client.put("b", "1", None).await.unwrap_err();
    // Users do not keep it from starting again.
    etcd.kill().await;
    etcd.start_again().await;
    assert!(etcd.revision().await > 1);
}

#[tokio::test]
async fn a_full_etcd_raises_its_alarm_and_is_emptied() {
    let etcd = EtcdProcess::start_small(1024 * 1024).await;
    let mut client = etcd.connect().await;
    let value = vec![b'x'; 100 * 1024];
    let mut tries = 0;
    while client.put("a", value.clone(), None).await.is_ok() {
        tries += 1;
        assert!(tries < 100, "it never fills");
    }
    assert_eq!(etcd.alarms().await, [AlarmType::Nospace]);
    etcd.compact(etcd.revision().await).await;
    etcd.defrag().await;
    etcd.disarm().await;
    assert_eq!(etcd.alarms().await, []);
    client.put("a", value, None).await.unwrap();
}

#[tokio::test]
async fn an_etcd_with_tls_listens_at_both_doors() {
    let files = Certificates::issue();
    let etcd = EtcdProcess::start_tls(&files, true).await;
    etcd.connect().await.put("a", "1", None).await.unwrap();
    let options = ConnectOptions::new()
        .with_connect_timeout(Duration::from_secs(5))
        .with_tls(
            etcd_client::TlsOptions::new()
                .ca_certificate(etcd_client::Certificate::from_pem(&files.ca))
                .identity(etcd_client::Identity::from_pem(
                    &files.client.0,
                    &files.client.1,
                )),
        );
    let url = format!("https://{}", etcd.tls_address());
    let mut client = Client::connect([url], Some(options)).await.unwrap();
    let found = client.get("a", None).await.unwrap();
    assert_eq!(found.kvs().len(), 1);
}

#[tokio::test]
async fn an_etcd_cluster_elects_another_leader() {
    let mut etcd = EtcdCluster::start().await;
    let old = etcd.leader().await;
    etcd.kill(old).await;
    let next = etcd.new_leader(old).await;
    etcd.start_again(old).await;
    etcd.freeze(next);
    let third = etcd.new_leader(next).await;
    etcd.wake(next);
    assert_ne!(third, next);
    assert_eq!(etcd.endpoints().len(), 3);
}

#[tokio::test]
async fn the_shared_etcd_answers() {
    let etcd = EtcdServer::shared().await;
    let mut client = Client::connect([etcd.endpoint()], None).await.unwrap();
    client.put("servers/a", "1", None).await.unwrap();
}
