//! The check at the door: what a user lacks is named at once and in full, what is documented is enough, and rights
//! that are given later need no restart.

use std::time::Duration;

use watchkeeper_core::cache::{Presence, ReportCache};
use watchkeeper_core::error::{StoreError, StoreErrorKind};
use watchkeeper_core::id::PodId;
use watchkeeper_core::lease::{LeaseStore, Token};
use watchkeeper_core::secret::Secret;
use watchkeeper_integration_tests::redis_cluster::RedisCluster;
use watchkeeper_integration_tests::redis_process::{RedisProcess, documented_rights as documented};
use watchkeeper_integration_tests::sentinel::{MASTER_NAME, Sentinels};
use watchkeeper_redis::{RedisOptions, RedisStore, SentinelOptions, Topology};

use crate::sentinel::{heard, node, resumed};
use crate::support::{LONG, acquire, fresh_fleet, group, publish};

const PASSWORD: &str = "hunter2";

async fn allow(redis: &RedisProcess, rights: &[String]) {
    let mut words = vec!["ACL", "SETUSER", "app", "reset", "on", ">hunter2"];
    words.extend(
        rights
            .iter()
            .map(String::as_str)
            .filter(|word| !["reset", "on"].contains(word)),
    );
    let _: String = redis.run(&words).await;
}

fn options(topology: Topology) -> RedisOptions {
    let mut options = RedisOptions::new(fresh_fleet(), "", 0);
    options.topology = topology;
    options.username = Some("app".into());
    options.password = Some(Secret::new(PASSWORD));
    options.timeout = Duration::from_secs(2);
    options
}

fn connect(options: RedisOptions) -> RedisStore {
    RedisStore::connect(options).unwrap()
}

/// All that a store can be asked for, each way of it that uses other commands, and a notice.
async fn everything(store: &RedisStore) {
    let mut notices = store.watch();
    resumed(&mut notices).await;
    store.ping().await.unwrap();
    let presence = Presence {
        pod: PodId::new("a").unwrap(),
        info: std::sync::Arc::from(&b"here"[..]),
        ttl: LONG,
    };
    store.announce(&presence).await.unwrap();
    assert_eq!(store.pods().await.unwrap().len(), 1);
    let token = acquire(store, "a", 1).await.unwrap();
    store.inspect(&group()).await.unwrap();
    let report = publish("a", token, b"found");
    store.renew(&report.lease, LONG).await.unwrap();
    store.publish(&report).await.unwrap();
    store.read(&group(), Token(token.0 + 1_000)).await.unwrap();
    heard(store, &mut notices).await;
    store.leave(&PodId::new("a").unwrap()).await.unwrap();
}

/// What the server noted of refusals to the user. Before 7.0 the check looks whether it may learn the version.
async fn refusals(redis: &RedisProcess) -> Vec<String> {
    let log: Vec<redis::Value> = redis.run(&["ACL", "LOG"]).await;
    let entries = log.into_iter().map(|entry| format!("{entry:?}"));
    entries
        .filter(|entry| !entry.contains("\"info\""))
        .collect()
}

async fn refused(options: RedisOptions) -> StoreError {
    let error = connect(options).ping().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Denied, "{error}");
    assert!(!error.to_string().contains(PASSWORD), "{error}");
    error
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_rights_are_enough_and_each_of_them_is_missed_by_name() {
    let redis = RedisProcess::start().await;
    let options = options(Topology::Standalone(node(redis.address())));
    let all = documented(options.fleet.as_str());
    allow(&redis, &all).await;
    everything(&connect(options.clone())).await;
    let refused_since = refusals(&redis).await;
    assert!(
        refused_since.is_empty(),
        "more was used than is documented: {refused_since:?}"
    );
    // Tolerated without, or told by those who need them.
    let elsewhere = ["+ping", "+select", "+subscribe"];
    let commands = all.iter().filter(|word| word.starts_with('+'));
    for right in commands.filter(|word| !elsewhere.contains(&word.as_str())) {
        let rest: Vec<String> = all.iter().filter(|word| *word != right).cloned().collect();
        allow(&redis, &rest).await;
        let error = refused(options.clone()).await;
        let named = format!("`{}`", right.trim_start_matches('+'));
        assert!(error.message.contains(&named), "{named}: {error}");
        assert!(error.message.contains("ACL SETUSER app on"), "{error}");
    }
    let left = redis.keys("*:check").await;
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_is_missing_is_named_at_once_and_what_is_given_helps_without_a_restart() {
    let redis = RedisProcess::start().await;
    let options = options(Topology::Standalone(node(redis.address())));
    let fleet = options.fleet.to_string();
    let all = documented(&fleet);
    let closed = |word: &&String| {
        !["+hget", "+set"].contains(&word.as_str())
            && !word.starts_with('~')
            && !word.starts_with('&')
    };
    let narrow: Vec<String> = all.iter().filter(closed).cloned().collect();
    allow(&redis, &narrow).await;
    let store = connect(options);
    let error = store.ping().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Denied);
    let keys = format!("the keys `watchkeeper:{{{fleet}}}:*`");
    let channel = format!("the channel `watchkeeper:{{{fleet}}}:*`");
    for word in [
        "`hget`",
        "`set`",
        &keys,
        &channel,
        "`app`",
        &redis.address().to_string(),
    ] {
        assert!(error.message.contains(word), "{word}: {error}");
    }
    assert!(!error.message.contains("`hset`"), "{error}");
    allow(&redis, &all).await;
    acquire(&store, "a", 1).await.unwrap();
    // And taken again, while the connection stands.
    allow(&redis, &narrow).await;
    acquire(&store, "a", 2).await.unwrap_err();
    let error = acquire(&store, "a", 2).await.unwrap_err();
    assert!(
        error.message.contains("`hget`") && error.message.contains("`set`"),
        "{error}"
    );
    allow(&redis, &all).await;
    acquire(&store, "a", 3).await.unwrap();
}

#[tokio::test]
async fn a_user_who_may_run_no_script_is_told_so() {
    let redis = RedisProcess::start().await;
    let options = options(Topology::Standalone(node(redis.address())));
    let all = documented(options.fleet.as_str());
    let rest: Vec<String> = all
        .into_iter()
        .filter(|word| !word.starts_with("+eval"))
        .collect();
    allow(&redis, &rest).await;
    let error = refused(options).await;
    assert!(error.message.contains("`evalsha`, `eval`"), "{error}");
}

#[tokio::test]
async fn a_command_that_the_server_lacks_is_named_with_the_version_that_is_needed() {
    let redis = RedisProcess::start_with(&["--rename-command", "HSTRLEN", ""]).await;
    let mut options = options(Topology::Standalone(node(redis.address())));
    (options.username, options.password) = (None, None);
    let error = connect(options).ping().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Config, "{error}");
    for word in ["`hstrlen`", "6.2", "version"] {
        assert!(error.message.contains(word), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_pods_check_at_once_and_touch_nothing_of_each_other() {
    let redis = RedisProcess::start().await;
    let options = options(Topology::Standalone(node(redis.address())));
    allow(&redis, &documented(options.fleet.as_str())).await;
    let stores: Vec<RedisStore> = (0..20).map(|_| connect(options.clone())).collect();
    let pings = stores.iter().map(|store| store.ping());
    for answer in futures_util::future::join_all(pings).await {
        answer.unwrap();
    }
    let keys = redis.keys("*").await;
    assert_eq!(keys, [format!("watchkeeper:{{{}}}:pods", options.fleet)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_sentinels_and_in_a_cluster_the_documented_rights_are_enough_too() {
    let redis = Sentinels::start().await;
    let sentinels = redis.sentinels();
    let sentinel = Topology::Sentinel(SentinelOptions {
        master: MASTER_NAME.to_owned(),
        nodes: sentinels.iter().map(|address| node(*address)).collect(),
        username: None,
        password: None,
    });
    let options_behind = options(sentinel);
    let mut all = documented(options_behind.fleet.as_str());
    let master = redis.master().await;
    let server = redis
        .servers()
        .iter()
        .find(|server| server.address() == master)
        .unwrap();
    allow(server, &all).await;
    let error = refused(options_behind.clone()).await;
    assert!(
        error.message.contains("'role'") && error.message.contains("+role"),
        "{error}"
    );
    all.push("+role".into());
    allow(server, &all).await;
    let _: String = server.run(&["ACL", "LOG", "RESET"]).await;
    everything(&connect(options_behind)).await;
    assert_eq!(refusals(server).await, [""; 0]);

    let redis = RedisCluster::start().await;
    let nodes = redis.addresses().into_iter().map(node).collect();
    let options_within = options(Topology::Cluster { nodes });
    let mut all = documented(options_within.fleet.as_str());
    for more in ["+cluster|keyslot", "+cluster|slots", "+asking"] {
        for server in redis.nodes() {
            allow(server, &all).await;
        }
        let error = refused(options_within.clone()).await;
        assert!(error.message.contains(more), "{error}");
        let named = more.trim_start_matches('+');
        let named = [format!("'{named}'"), format!("`{named}`")];
        assert!(
            named.iter().any(|name| error.message.contains(name)),
            "{more}: {error}"
        );
        all.push(more.into());
    }
    for server in redis.nodes() {
        allow(server, &all).await;
        let _: String = server.run(&["ACL", "LOG", "RESET"]).await;
    }
    everything(&connect(options_within)).await;
    for server in redis.nodes() {
        assert_eq!(refusals(server).await, [""; 0]);
    }
}
