//! What other writers, the passing of time and lost data do to the keys themselves.

use std::time::Duration;

use watchkeeper_core::cache::{Found, Presence, Published, ReportCache};
use watchkeeper_core::id::PodId;
use watchkeeper_core::lease::{Acquired, LeaseStore, LockState, Token};
use watchkeeper_integration_tests::redis_process::RedisProcess;
use watchkeeper_redis::RedisStore;

use crate::support::{LONG, acquire, group, options, publish, request};

async fn one() -> (RedisProcess, RedisStore, String) {
    let redis = RedisProcess::start().await;
    let options = options(&redis.url());
    let prefix = format!("watchkeeper:{{{}}}:", options.fleet);
    (redis, RedisStore::connect(options).unwrap(), prefix)
}

#[tokio::test]
async fn every_key_is_ours_by_name_and_goes_in_its_time() {
    let (redis, store, prefix) = one().await;
    let token = acquire(&store, "a", 1).await.unwrap();
    let lock: String = redis.run(&["GET", &format!("{prefix}lock:g-1")]).await;
    assert_eq!(lock, format!("wk1|{token}|1|60000|a"));
    store.publish(&publish("a", token, b"found")).await.unwrap();
    acquire(&store, "a", 2).await.unwrap();
    store.ping().await.unwrap();
    let presence = Presence {
        pod: PodId::new("a").unwrap(),
        info: b"".as_slice().into(),
        ttl: LONG,
    };
    store.announce(&presence).await.unwrap();
    let expected = ["lock:g-1", "pods", "report:g-1", "token:g-1"];
    assert_eq!(
        redis.keys("*").await,
        expected.map(|key| format!("{prefix}{key}"))
    );
    let week = 7 * 24 * 3_600_000;
    for (key, most) in expected.into_iter().zip([60_000, 60_000, 60_000, week]) {
        let left: i64 = redis.run(&["PTTL", &format!("{prefix}{key}")]).await;
        assert!(left > most / 2 && left <= most, "{key} ends in {left} ms");
    }
}

#[tokio::test]
async fn a_list_of_pods_lasts_as_long_as_the_pod_that_may_be_silent_longest() {
    let (redis, store, prefix) = one().await;
    for (pod, ttl) in [("a", 10 * LONG), ("b", LONG)] {
        let presence = Presence {
            pod: PodId::new(pod).unwrap(),
            info: b"".as_slice().into(),
            ttl,
        };
        store.announce(&presence).await.unwrap();
    }
    let left: i64 = redis.run(&["PTTL", &format!("{prefix}pods")]).await;
    assert!(left > 500_000, "{left}");
}

#[tokio::test]
async fn dead_and_foreign_pods_are_swept_out_of_the_list() {
    let (redis, store, prefix) = one().await;
    let pods = format!("{prefix}pods");
    store.ping().await.unwrap();
    let _: i64 = redis
        .run(&[
            "HSET",
            &pods,
            "dead",
            "wk1|1700000000000000|1000|",
            "x",
            "foreign",
            "a b",
            "wk1|1|1|",
        ])
        .await;
    assert_eq!(store.pods().await.unwrap(), []);
    let left: Vec<String> = redis.run(&["HKEYS", &pods]).await;
    assert_eq!(left, [""], "only ping's own field stays");
}

#[tokio::test]
async fn a_list_of_pods_beyond_all_measure_is_begun_anew() {
    let (redis, store, prefix) = one().await;
    let pods = format!("{prefix}pods");
    let fill = format!("for i = 1, 5000 do redis.call('HSET', '{pods}', i, i) end");
    let _: Option<i64> = redis.run(&["EVAL", &fill, "0"]).await;
    assert_eq!(store.pods().await.unwrap(), []);
    let presence = Presence {
        pod: PodId::new("a").unwrap(),
        info: b"".as_slice().into(),
        ttl: LONG,
    };
    store.announce(&presence).await.unwrap();
    assert_eq!(store.pods().await.unwrap().len(), 1);
    assert_eq!(redis.run::<i64>(&["HLEN", &pods]).await, 1);
}

#[tokio::test]
async fn a_lock_that_ends_later_than_it_asked_for_can_be_taken() {
    let (redis, store, prefix) = one().await;
    let first = acquire(&store, "a", 1).await.unwrap();
    // As after the server's clock was set back: the end lies an hour away.
    let _: i64 = redis
        .run(&["PEXPIRE", &format!("{prefix}lock:g-1"), "3600000"])
        .await;
    let Acquired::Busy(busy) = store.acquire(&request("b", 1)).await.unwrap() else {
        panic!("the lock stands");
    };
    assert_eq!((busy.holder, busy.remaining), (PodId::new("a").ok(), None));
    let mut take = request("b", 2);
    take.take = Some(busy.marker);
    let Acquired::Held { token } = store.acquire(&take).await.unwrap() else {
        panic!("the lock was not taken");
    };
    assert!(token > first);
}

#[tokio::test]
async fn an_evicted_token_is_found_again_in_lock_and_report() {
    let (redis, store, prefix) = one().await;
    let mut ahead = request("a", 1);
    ahead.floor = Token(acquire(&store, "a", 0).await.unwrap().0 + 3_600_000_000);
    let Acquired::Held { token } = store.acquire(&ahead).await.unwrap() else {
        panic!("not granted");
    };
    let _: i64 = redis.run(&["DEL", &format!("{prefix}token:g-1")]).await;
    assert_eq!(
        store.read(&group(), Token::ZERO).await.unwrap().fence,
        token
    );
    store.publish(&publish("a", token, b"found")).await.unwrap();
    let _: i64 = redis.run(&["DEL", &format!("{prefix}token:g-1")]).await;
    assert!(acquire(&store, "b", 1).await.unwrap() > token);
}

#[tokio::test]
async fn not_even_the_holder_replaces_a_report_of_a_higher_token() {
    let (redis, store, prefix) = one().await;
    let token = acquire(&store, "a", 1).await.unwrap();
    // As after a failover that kept the report and lost the later grant.
    let higher = (token.0 + 1_000).to_string();
    let report = format!("{prefix}report:g-1");
    let fields = ["token", &higher, "edition", "1", "at", "1", "body", "new"];
    let _: i64 = redis
        .run(&[&["HSET", report.as_str()], &fields[..]].concat())
        .await;
    let late = store.publish(&publish("a", token, b"old")).await.unwrap();
    assert_eq!(
        late,
        Published::Fenced {
            current: Token(token.0 + 1_000)
        }
    );
    let body: String = redis.run(&["HGET", &report, "body"]).await;
    assert_eq!(body, "new");
}

#[tokio::test]
async fn flushed_scripts_are_loaded_again() {
    let (redis, store, _) = one().await;
    let first = acquire(&store, "a", 1).await.unwrap();
    let _: String = redis.run(&["SCRIPT", "FLUSH"]).await;
    assert!(acquire(&store, "a", 2).await.unwrap() > first);
    let _: String = redis.run(&["SCRIPT", "FLUSH"]).await;
    store.ping().await.unwrap();
}

#[tokio::test]
async fn after_flushall_tokens_rise_and_the_old_holder_is_fenced() {
    let (redis, store, _) = one().await;
    let first = acquire(&store, "a", 1).await.unwrap();
    let _: String = redis.run(&["FLUSHALL"]).await;
    let late = store.publish(&publish("a", first, b"late")).await.unwrap();
    assert_eq!(
        late,
        Published::Fenced {
            current: Token::ZERO
        }
    );
    let second = acquire(&store, "b", 1).await.unwrap();
    assert!(second > first, "{first} then {second}");
    let late = store.publish(&publish("a", first, b"late")).await.unwrap();
    assert_eq!(late, Published::Fenced { current: second });
}

#[tokio::test]
async fn a_huge_foreign_value_is_named_without_being_fetched() {
    let (redis, store, prefix) = one().await;
    // Made in the server: sent, they would say more about the test's own connection.
    for key in ["lock", "token", "report"] {
        let key = format!("{prefix}{key}:g-1");
        let _: i64 = redis.run(&["SETRANGE", &key, "9437183", "x"]).await;
    }
    let before = sent_bytes(&redis).await;
    let read = store.read(&group(), Token::ZERO).await.unwrap();
    assert!(matches!(read.found, Found::Garbage { .. }), "{read:?}");
    assert!(matches!(
        store.inspect(&group()).await.unwrap(),
        LockState::Held(_)
    ));
    let body = format!("{prefix}report:g-1");
    let plant = format!(
        "redis.call('DEL', '{body}') \
         redis.call('HSET', '{body}', 'token', 1, 'edition', 1, 'at', 1, 'body', redis.call('GET', '{prefix}lock:g-1'))"
    );
    let _: Option<i64> = redis.run(&["EVAL", &plant, "0"]).await;
    let read = store.read(&group(), Token::ZERO).await.unwrap();
    let Found::Garbage { why } = read.found else {
        panic!("{:?}", read.found);
    };
    assert!(why.contains("9437184 bytes"), "{why}");
    let sent = sent_bytes(&redis).await - before;
    assert!(sent < 100_000, "the server sent {sent} bytes");
}

async fn sent_bytes(redis: &RedisProcess) -> u64 {
    let info: String = redis.run(&["INFO", "stats"]).await;
    let line = info
        .lines()
        .find_map(|l| l.strip_prefix("total_net_output_bytes:"));
    line.unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn a_report_is_forgotten_after_its_time() {
    let (_redis, store, _) = one().await;
    let token = acquire(&store, "a", 1).await.unwrap();
    let mut short = publish("a", token, b"found");
    short.retain = Duration::from_millis(300);
    store.publish(&short).await.unwrap();
    let found = || async { store.read(&group(), Token::ZERO).await.unwrap().found };
    assert!(matches!(found().await, Found::Report(_)));
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(found().await, Found::Nothing);
}
