//! Redis Cluster: a fleet lies in one slot, wherever that goes.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use watchkeeper_core::cache::{Found, Notice, Published, ReportCache};
use watchkeeper_core::error::StoreErrorKind;
use watchkeeper_core::id::FleetName;
use watchkeeper_core::lease::{LeaseStore, Released, Renewed, Token};
use watchkeeper_integration_tests::redis_cluster::RedisCluster;
use watchkeeper_integration_tests::redis_process::RedisProcess;
use watchkeeper_redis::{RedisOptions, RedisStore, Topology};

use crate::sentinel::{heard, node, resumed, until_granted};
use crate::support::{LONG, acquire, fresh_fleet, group, publish};

fn options(fleet: &FleetName, seeds: &[SocketAddr]) -> RedisOptions {
    let mut options = RedisOptions::new(fleet.clone(), "", 0);
    options.topology = Topology::Cluster {
        nodes: seeds.iter().map(|address| node(*address)).collect(),
    };
    options.timeout = Duration::from_secs(1);
    options
}

fn connect(options: RedisOptions) -> RedisStore {
    RedisStore::connect(options).unwrap()
}

fn key(fleet: &FleetName) -> String {
    format!("watchkeeper:{{{fleet}}}:")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_node_leads_to_the_slot_and_a_moved_slot_is_followed_while_a_lock_is_held() {
    let redis = RedisCluster::start().await;
    let fleet = fresh_fleet();
    let owner = redis.primary_of(&key(&fleet)).await;
    let addresses = redis.addresses();
    // Neither the owner nor its replica: those of another slot, one of them a replica.
    let other = (owner + 1) % 3;
    let seeds = [addresses[other + 3], addresses[other]];
    let store = connect(options(&fleet, &seeds));
    let mut notices = store.watch();
    resumed(&mut notices).await;
    heard(&store, &mut notices).await;
    let token = acquire(&store, "a", 1).await.unwrap();
    let first = publish("a", token, b"first");
    assert_eq!(store.publish(&first).await, Ok(Published::Done));
    let token = acquire(&store, "a", 2).await.unwrap();
    let lease = publish("a", token, b"").lease;

    let step = redis.begin_move(&key(&fleet), other).await;
    // Nothing has gone yet: all is served by the old owner.
    assert_eq!(store.renew(&lease, LONG).await, Ok(Renewed::Extended));
    let read = store.read(&group(), Token::ZERO).await.unwrap();
    assert!(matches!(read.found, Found::Report(report) if &*report.value == b"first"));
    redis.move_keys(step).await;
    // All has gone: each step is sent on by itself.
    assert_eq!(store.renew(&lease, LONG).await, Ok(Renewed::Extended));
    store.ping().await.unwrap();
    let read = store.read(&group(), Token::ZERO).await.unwrap();
    assert!(matches!(read.found, Found::Report(report) if &*report.value == b"first"));
    // A connection that is made now goes the same way.
    let newcomer = connect(options(&fleet, &seeds));
    newcomer.ping().await.unwrap();
    redis.end_move(step).await;
    // The slot is elsewhere.
    assert_eq!(store.renew(&lease, LONG).await, Ok(Renewed::Extended));
    let second = publish("a", token, b"second");
    assert_eq!(store.publish(&second).await, Ok(Published::Done));
    heard(&store, &mut notices).await;
    assert_eq!(redis.primary_of(&key(&fleet)).await, other);
    let read = newcomer.read(&group(), token).await.unwrap();
    assert!(matches!(read.found, Found::Report(report) if &*report.value == b"second"));
    let again = acquire(&newcomer, "b", 3).await.unwrap();
    assert!(again > token);
    let lease = publish("b", again, b"").lease;
    assert_eq!(newcomer.release(&lease).await, Ok(Released::Done));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_goes_on_renewing_while_its_slot_goes_round_the_cluster() {
    let redis = RedisCluster::start().await;
    let fleet = fresh_fleet();
    let store = connect(options(&fleet, &redis.addresses()));
    let token = acquire(&store, "a", 1).await.unwrap();
    let lease = publish("a", token, b"").lease;
    let moved = std::sync::atomic::AtomicBool::new(false);
    let renewing = async {
        let mut renewals = 0;
        while !moved.load(std::sync::atomic::Ordering::Relaxed) {
            assert_eq!(store.renew(&lease, LONG).await, Ok(Renewed::Extended));
            renewals += 1;
        }
        renewals
    };
    let moving = async {
        for _ in 0..6 {
            let owner = redis.primary_of(&key(&fleet)).await;
            redis.move_slot(&key(&fleet), (owner + 1) % 3).await;
        }
        moved.store(true, std::sync::atomic::Ordering::Relaxed);
    };
    let (renewals, ()) = tokio::join!(renewing, moving);
    assert!(renewals > 20, "only {renewals} renewals");
    assert_eq!(
        acquire(&store, "a", 1).await,
        Ok(token),
        "the lease was lost"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_are_parted_while_their_slot_moves_are_told_and_heal() {
    let redis = RedisCluster::start().await;
    let fleet = fresh_fleet();
    let owner = redis.primary_of(&key(&fleet)).await;
    let store = connect(options(&fleet, &redis.addresses()));
    let token = acquire(&store, "a", 1).await.unwrap();
    store.publish(&publish("a", token, b"found")).await.unwrap();
    // The lock is gone, token and report are there: one step needs all three.
    let step = redis.begin_move(&key(&fleet), (owner + 1) % 3).await;
    let error = acquire(&store, "a", 2).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unwritable, "{error}");
    assert!(error.may_retry() && !error.may_have_landed, "{error}");
    assert!(error.message.contains("slot"), "{error}");
    redis.move_keys(step).await;
    redis.end_move(step).await;
    let after = acquire(&store, "a", 3).await.unwrap();
    assert!(after > token);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_primary_is_followed_to_its_replica_and_its_return_changes_nothing() {
    let mut redis = RedisCluster::start().await;
    let fleet = fresh_fleet();
    let owner = redis.primary_of(&key(&fleet)).await;
    let addresses = redis.addresses();
    // Only one seed, of another slot: the replica is known from it.
    let store = connect(options(&fleet, &addresses[(owner + 1) % 3..][..1]));
    let mut notices = store.watch();
    heard(&store, &mut notices).await;
    let before = acquire(&store, "a", 1).await.unwrap();
    redis.kill_primary_of(&key(&fleet)).await;
    let (after, said) = until_granted(&store, "a").await;
    assert!(after > before, "{before} then {after}");
    assert!(said.iter().all(|error| error.may_retry()), "{said:?}");
    heard(&store, &mut notices).await;
    redis.start_again(owner).await;
    redis.until_healthy().await;
    let last = acquire(&store, "a", 2).await.unwrap();
    assert!(last > after);
    heard(&store, &mut notices).await;
}

#[tokio::test]
async fn a_wrong_address_for_a_cluster_and_a_cluster_for_one_server_are_told() {
    let fleet = fresh_fleet();
    let single = RedisProcess::start().await;
    let error = connect(options(&fleet, &[single.address()]))
        .ping()
        .await
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Config, "{error}");
    let address = single.address().to_string();
    assert!(
        error.message.contains("`backend.redis.cluster`") && error.message.contains(&address),
        "{error}"
    );

    let nobody = watchkeeper_integration_tests::process::free_address();
    let error = connect(options(&fleet, &[nobody]))
        .ping()
        .await
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unreachable, "{error}");
    assert!(error.message.contains(&nobody.to_string()), "{error}");

    let redis = RedisCluster::start().await;
    let owner = redis.primary_of(&key(&fleet)).await;
    let other = redis.addresses()[(owner + 1) % 3];
    let options = RedisOptions::from_url(fleet, &format!("redis://{other}/")).unwrap();
    let error = connect(options).ping().await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Config, "{error}");
    assert!(
        error.message.contains("`backend.redis.cluster`")
            && error.message.contains(&other.to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn replicas_are_never_asked_for_data() {
    let redis = RedisCluster::start().await;
    let fleet = fresh_fleet();
    let owner = redis.primary_of(&key(&fleet)).await;
    let store = connect(options(&fleet, &[redis.addresses()[owner + 3]]));
    let mut notices = store.watch();
    let token = acquire(&store, "a", 1).await.unwrap();
    store.publish(&publish("a", token, b"found")).await.unwrap();
    store.read(&group(), token).await.unwrap();
    assert_eq!(notices.next().await, Some(Notice::Resumed));
    let said: String = redis.nodes()[owner + 3]
        .run(&["INFO", "commandstats"])
        .await;
    for command in [
        "cmdstat_eval",
        "cmdstat_evalsha",
        "cmdstat_readonly",
        "cmdstat_hget",
    ] {
        // What a primary replicates are the writes themselves.
        assert!(!said.contains(&format!("{command}:")), "{command}: {said}");
    }
}
