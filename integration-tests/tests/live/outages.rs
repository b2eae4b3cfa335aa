//! Servers that are away, frozen, restarted, or cut off: what an operation says, how long it takes, and how the store
//! comes back.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use watchkeeper_core::cache::{Notice, Notices, ReportCache};
use watchkeeper_core::error::{StoreError, StoreErrorKind};
use watchkeeper_core::lease::{LeaseRef, LeaseStore, Token};
use watchkeeper_integration_tests::redis_process::RedisProcess;
use watchkeeper_redis::{RedisOptions, RedisStore};

use crate::support::{LONG, SLACK, acquire, group, options, publish};

const TIMEOUT: Duration = Duration::from_millis(300);
/// A subscription that has not come back by now does not come back by itself.
const RESUME_LIMIT: Duration = Duration::from_secs(15);

fn quick(redis: &RedisProcess) -> RedisOptions {
    let mut options = options(&redis.url());
    options.timeout = TIMEOUT;
    options
}

/// Asks until the store answers; on a loaded machine one try may be late.
async fn recovered(store: &RedisStore) {
    let began = Instant::now();
    while let Err(error) = store.ping().await {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "not back: {error}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn until(notices: &mut Notices, wanted: Notice) {
    let heard = async { while notices.next().await != Some(wanted.clone()) {} };
    tokio::time::timeout(RESUME_LIMIT, heard)
        .await
        .unwrap_or_else(|_| panic!("no {wanted:?} came"));
}

/// The stream's own first notice, and that of the subscription made after it.
async fn subscribed(store: &RedisStore, notices: &mut Notices) {
    until(notices, Notice::Resumed).await;
    // Ask the server rather than the clock whether the subscription stands.
    for attempt in 1_000.. {
        let token = acquire(store, "probe", attempt).await.unwrap();
        let lease = publish("probe", token, b"").lease;
        store.release(&lease).await.unwrap();
        let heard =
            async { while notices.next().await != Some(Notice::Released { group: group() }) {} };
        if tokio::time::timeout(Duration::from_millis(300), heard)
            .await
            .is_ok()
        {
            return;
        }
        assert!(attempt < 1_050, "the subscription never stood");
    }
}

/// Every operation once, with what it said and how long it took.
async fn all_fail(store: &RedisStore) -> Vec<(StoreError, Duration)> {
    let lease = LeaseRef {
        token: Token(5),
        ..publish("a", Token(5), b"").lease
    };
    let mut failures = Vec::new();
    for op in 0..7 {
        let began = Instant::now();
        let failed = match op {
            0 => acquire(store, "a", 7).await.map(drop).err(),
            1 => store.renew(&lease, LONG).await.map(drop).err(),
            2 => store.release(&lease).await.map(drop).err(),
            3 => store.inspect(&group()).await.map(drop).err(),
            4 => store
                .publish(&publish("a", Token(5), b"x"))
                .await
                .map(drop)
                .err(),
            5 => store.read(&group(), Token::ZERO).await.map(drop).err(),
            _ => store.ping().await.err(),
        };
        let error = failed.unwrap_or_else(|| panic!("operation {op} succeeded"));
        failures.push((error, began.elapsed()));
    }
    failures
}

#[tokio::test]
async fn a_store_is_built_while_no_server_is_there_and_finds_it_later() {
    let mut redis = RedisProcess::not_started(&[]);
    let store = RedisStore::connect(quick(&redis)).unwrap();
    let mut notices = store.watch();
    assert_eq!(notices.next().await, Some(Notice::Resumed));
    for (error, took) in all_fail(&store).await {
        assert_eq!(error.kind, StoreErrorKind::Unreachable, "{error}");
        assert!(!error.may_have_landed && error.may_retry());
        assert!(took < TIMEOUT + SLACK, "{took:?}: {error}");
    }
    redis.start_again().await;
    store.ping().await.unwrap();
    until(&mut notices, Notice::Resumed).await;
}

#[tokio::test]
async fn an_address_that_swallows_packets_costs_one_time_limit() {
    // A listener whose queue is full answers no handshake.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut options = options(&format!("redis://{address}/"));
    options.timeout = TIMEOUT;
    let store = RedisStore::connect(options).unwrap();
    for (error, took) in all_fail(&store).await {
        assert_eq!(error.kind, StoreErrorKind::Timeout, "{error}");
        assert!(!error.may_have_landed, "nothing was sent: {error}");
        assert!(took < TIMEOUT + SLACK, "{took:?}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_costs_each_operation_one_time_limit_and_then_recovers() {
    let redis = RedisProcess::start().await;
    let store = RedisStore::connect(quick(&redis)).unwrap();
    let mut notices = store.watch();
    subscribed(&store, &mut notices).await;
    redis.freeze();
    let began = Instant::now();
    let error = acquire(&store, "a", 1).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Timeout);
    assert!(error.may_have_landed, "it was sent: {error}");
    assert!(began.elapsed() < TIMEOUT + SLACK, "{:?}", began.elapsed());
    for (error, took) in all_fail(&store).await {
        assert_eq!(error.kind, StoreErrorKind::Timeout, "{error}");
        assert!(took < TIMEOUT + SLACK, "{took:?}: {error}");
    }
    // Many at once wait no longer than one, and the subscription is given up as well.
    let began = Instant::now();
    let crowd = (0..500).map(|_| store.ping());
    let answers = futures_util::future::join_all(crowd).await;
    assert!(answers.iter().all(Result::is_err));
    assert!(
        began.elapsed() < TIMEOUT + 2 * SLACK,
        "{:?}",
        began.elapsed()
    );
    redis.wake();
    recovered(&store).await;
    until(&mut notices, Notice::Resumed).await;
    // What was sent before may have landed; what waited behind it has not piled up.
    let answered: String = redis.run(&["INFO", "commandstats"]).await;
    let calls = answered
        .lines()
        .filter_map(|line| line.strip_prefix("cmdstat_evalsha:calls="))
        .filter_map(|rest| rest.split(',').next()?.parse::<u64>().ok())
        .sum::<u64>();
    assert!(calls < 300, "{calls} calls reached the server");
    acquire(&store, "a", 1).await.unwrap();
}

#[tokio::test]
async fn a_restarted_empty_server_is_found_at_once_with_scripts_and_subscription() {
    let mut redis = RedisProcess::start().await;
    let store = RedisStore::connect(quick(&redis)).unwrap();
    let mut notices = store.watch();
    subscribed(&store, &mut notices).await;
    let before = acquire(&store, "a", 1).await.unwrap();
    redis.kill().await;
    let began = Instant::now();
    let error = acquire(&store, "a", 2).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unreachable, "{error}");
    assert!(began.elapsed() < TIMEOUT + SLACK);
    redis.start_again().await;
    // The very next operation connects, loads its script and is granted.
    let after = acquire(&store, "b", 1).await.unwrap();
    assert!(after > before, "{before} then {after}");
    until(&mut notices, Notice::Resumed).await;
    store.publish(&publish("b", after, b"found")).await.unwrap();
    until(&mut notices, Notice::Report { group: group() }).await;
}

#[tokio::test]
async fn after_a_long_outage_the_subscription_comes_back_with_the_first_operation() {
    let mut redis = RedisProcess::start().await;
    let store = RedisStore::connect(quick(&redis)).unwrap();
    let mut notices = store.watch();
    subscribed(&store, &mut notices).await;
    redis.kill().await;
    // Long enough for its own backoff to have grown to seconds.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(5) {
        store.ping().await.unwrap_err();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    redis.start_again().await;
    store.ping().await.unwrap();
    let began = Instant::now();
    until(&mut notices, Notice::Resumed).await;
    assert!(began.elapsed() < SLACK, "after {:?}", began.elapsed());
}

#[tokio::test]
async fn a_connection_that_broke_unnoticed_costs_no_failure() {
    let redis = RedisProcess::start().await;
    let store = RedisStore::connect(options(&redis.url())).unwrap();
    let mut notices = store.watch();
    subscribed(&store, &mut notices).await;
    for attempt in 1..5 {
        let _: i64 = redis.run(&["CLIENT", "KILL", "TYPE", "normal"]).await;
        // The driver reads the end of the stream as soon as it is polled.
        tokio::time::sleep(Duration::from_millis(50)).await;
        acquire(&store, "a", attempt).await.unwrap();
    }
    let _: i64 = redis.run(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    until(&mut notices, Notice::Resumed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_store_leaves_no_connection_and_ends_its_streams() {
    let redis = RedisProcess::start().await;
    let store = RedisStore::connect(options(&redis.url())).unwrap();
    let mut notices = store.watch();
    subscribed(&store, &mut notices).await;
    drop(store);
    let rest = tokio::time::timeout(RESUME_LIMIT, notices.count()).await;
    assert!(rest.is_ok(), "the stream went on");
    let began = Instant::now();
    loop {
        let clients: String = redis.run(&["CLIENT", "LIST"]).await;
        // The test's own connection is the only one.
        if clients.lines().count() == 1 {
            return;
        }
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "still connected: {clients}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_serves_all_operations() {
    let redis = RedisProcess::start().await;
    let store = RedisStore::connect(options(&redis.url())).unwrap();
    let crowd = (0..200).map(|_| store.ping());
    for answer in futures_util::future::join_all(crowd).await {
        answer.unwrap();
    }
    let clients: String = redis.run(&["CLIENT", "LIST"]).await;
    // Operations, subscription, and the test's own.
    assert!(clients.lines().count() <= 3, "{clients}");
}
