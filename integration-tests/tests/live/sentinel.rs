//! Redis behind Sentinel: a failover is followed without a restart, whatever becomes of the old primary and of single
//! sentinels.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use watchkeeper_core::cache::{Notice, Notices, ReportCache};
use watchkeeper_core::error::{StoreError, StoreErrorKind};
use watchkeeper_core::lease::{LeaseStore, Token};
use watchkeeper_core::secret::Secret;
use watchkeeper_integration_tests::sentinel::{MASTER_NAME, Passwords, Sentinels};
use watchkeeper_redis::{Node, RedisOptions, RedisStore, SentinelOptions, Topology};

use crate::support::{acquire, fresh_fleet, group, publish};

/// As in the field, where a failover takes seconds and an operation must not.
const TIMEOUT: Duration = Duration::from_millis(1_000);
/// A failover takes two or three seconds; the machine is busy.
const FAILOVER_LIMIT: Duration = Duration::from_secs(30);

pub(crate) fn node(address: SocketAddr) -> Node {
    Node::new(address.ip().to_string(), address.port())
}

fn options(sentinels: &[SocketAddr]) -> RedisOptions {
    let mut options = RedisOptions::new(fresh_fleet(), "", 0);
    options.topology = Topology::Sentinel(SentinelOptions {
        master: MASTER_NAME.to_owned(),
        nodes: sentinels.iter().map(|address| node(*address)).collect(),
        username: None,
        password: None,
    });
    options.timeout = TIMEOUT;
    options
}

fn connect(options: RedisOptions) -> RedisStore {
    RedisStore::connect(options).unwrap()
}

/// Takes the lease again and again until it is granted, and returns all that was said before.
pub(crate) async fn until_granted(store: &RedisStore, pod: &str) -> (Token, Vec<StoreError>) {
    let began = Instant::now();
    let mut said = Vec::new();
    for attempt in 1_000.. {
        match acquire(store, pod, attempt).await {
            Ok(token) => return (token, said),
            Err(error) => {
                assert!(began.elapsed() < FAILOVER_LIMIT, "not back: {error}");
                said.push(error);
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    unreachable!()
}

/// Lets the lease of pod `a` go again and again until the subscription hears it: it stands where operations go.
pub(crate) async fn heard(store: &RedisStore, notices: &mut Notices) {
    let began = Instant::now();
    for attempt in 10_000.. {
        let token = acquire(store, "a", attempt).await.unwrap();
        let lease = publish("a", token, b"").lease;
        store.release(&lease).await.unwrap();
        let released = Notice::Released { group: group() };
        let heard = async { while notices.next().await != Some(released.clone()) {} };
        if tokio::time::timeout(Duration::from_millis(300), heard)
            .await
            .is_ok()
        {
            return;
        }
        assert!(began.elapsed() < FAILOVER_LIMIT, "no notice came");
    }
}

pub(crate) async fn resumed(notices: &mut Notices) {
    let heard = async { while notices.next().await != Some(Notice::Resumed) {} };
    tokio::time::timeout(FAILOVER_LIMIT, heard)
        .await
        .expect("the subscription did not come back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_primary_is_followed_by_the_same_store() {
    let mut redis = Sentinels::start().await;
    let store = connect(options(&redis.sentinels()));
    let mut notices = store.watch();
    resumed(&mut notices).await;
    heard(&store, &mut notices).await;
    let before = acquire(&store, "a", 1).await.unwrap();
    let old = redis.kill_master().await;
    let (after, said) = until_granted(&store, "a").await;
    assert!(after > before, "{before} then {after}");
    for error in said {
        assert!(error.may_retry(), "{error}");
        assert!(!error.message.is_empty());
    }
    resumed(&mut notices).await;
    heard(&store, &mut notices).await;
    redis.wait_for_new_master(old).await;
    let token = acquire(&store, "a", 2).await.unwrap();
    assert!(token > after);
    store.publish(&publish("a", token, b"found")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_was_demoted_and_lives_on_is_left() {
    let redis = Sentinels::start().await;
    let store = connect(options(&redis.sentinels()));
    let mut notices = store.watch();
    heard(&store, &mut notices).await;
    let before = acquire(&store, "a", 1).await.unwrap();
    let new = redis.failover().await;
    let (after, _) = until_granted(&store, "a").await;
    assert!(after > before, "{before} then {after}");
    heard(&store, &mut notices).await;
    // It stands on the new primary, not on the old one.
    let server = redis
        .servers()
        .iter()
        .find(|server| server.address() == new);
    let keys = server.unwrap().keys("watchkeeper:*").await;
    assert!(!keys.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_nobody_demoted_is_left_when_the_sentinels_name_another() {
    // The old one is frozen for the failover, and wakes as a primary that knows of nothing.
    let redis = Sentinels::start().await;
    let store = connect(options(&redis.sentinels()));
    acquire(&store, "a", 1).await.unwrap();
    let old = redis.freeze_master().await;
    redis.wait_for_new_master(old).await;
    redis.wake(old);
    // The sentinels let it think that it is a primary for some eight seconds: nothing but their word tells the store.
    let began = Instant::now();
    loop {
        let new = redis.master().await;
        assert_ne!(new, old);
        let token = acquire(&store, "a", 7).await;
        let server = redis
            .servers()
            .iter()
            .find(|server| server.address() == new);
        let locks = server.unwrap().keys("*lock*").await;
        if let (Ok(token), Some(lock)) = (token, locks.first()) {
            let held: String = server.unwrap().run(&["GET", lock]).await;
            if held.contains(&format!("|{token}|")) {
                return;
            }
        }
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "still at the old primary"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn dead_and_frozen_sentinels_cost_a_share_of_the_limit() {
    let redis = Sentinels::start().await;
    let live = redis.sentinels()[0];
    let dead = watchkeeper_integration_tests::process::free_address();
    // Accepts and never answers.
    let frozen = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let frozen = frozen
        .local_addr()
        .map(|address| (frozen, address))
        .unwrap();
    let store = connect(options(&[dead, frozen.1, live]));
    acquire(&store, "a", 1).await.unwrap();

    let lost = connect(options(&[dead, frozen.1]));
    let began = Instant::now();
    let error = lost.ping().await.unwrap_err();
    assert!(began.elapsed() < TIMEOUT + crate::support::SLACK);
    assert!(error.may_retry(), "{error}");
    for address in [dead, frozen.1] {
        assert!(error.message.contains(&format!("`{address}`")), "{error}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_sentinels_is_told() {
    let passwords = Passwords {
        data: Some("data"),
        sentinels: Some("watch"),
    };
    let redis = Sentinels::start_with(passwords).await;
    let good = || {
        let mut options = options(&redis.sentinels());
        options.password = Some(Secret::new("data"));
        options
    };
    let with = |master: &str, password: Option<&str>| {
        let mut options = good();
        if let Topology::Sentinel(sentinel) = &mut options.topology {
            sentinel.master = master.to_owned();
            sentinel.password = password.map(Secret::new);
        }
        options
    };
    let store = connect(with(MASTER_NAME, Some("watch")));
    acquire(&store, "a", 1).await.unwrap();
    let address = redis.sentinels()[0].to_string();
    for (options, kind, words) in [
        (
            with("nobody", Some("watch")),
            StoreErrorKind::Config,
            ["`nobody`", "`sentinel.master`", address.as_str()],
        ),
        (
            with(MASTER_NAME, Some("wrong")),
            StoreErrorKind::Auth,
            ["`sentinel.password`", "sentinel", address.as_str()],
        ),
        (
            with(MASTER_NAME, None),
            StoreErrorKind::Auth,
            ["`sentinel.password`", "wants a password", address.as_str()],
        ),
    ] {
        let error = connect(options).ping().await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        for word in words {
            assert!(error.message.contains(word), "{word}: {error}");
        }
    }
    // The other door's password is another matter.
    let mut options = with(MASTER_NAME, Some("watch"));
    options.password = Some(Secret::new("wrong"));
    let error = connect(options).ping().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Auth);
    let master = redis.master().await.to_string();
    assert!(
        error.message.contains(&master) && error.message.contains("`password`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_data_node_in_a_sentinels_place_is_told() {
    let redis = Sentinels::start().await;
    let error = connect(options(&[redis.master().await]))
        .ping()
        .await
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Config, "{error}");
    assert!(error.message.contains("is no sentinel"), "{error}");
}
