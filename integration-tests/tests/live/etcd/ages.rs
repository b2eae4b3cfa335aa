//! What stands in for the time that etcd does not tell.

use std::time::{Duration, Instant};

use watchkeeper_core::cache::{Publish, Published, ReportCache, Then};
use watchkeeper_core::lease::{Acquired, Busy, LeaseStore, LockState, Token};
use watchkeeper_integration_tests::etcd_server::EtcdServer;

use super::support::{Stand, lease, report, win};
use crate::support::{LONG, group, publish, request};

const WEEK_SECONDS: i64 = 7 * 24 * 60 * 60;

async fn stand() -> (std::sync::Arc<impl Sized>, Stand) {
    let server = EtcdServer::shared().await;
    let stand = Stand::at(server.endpoint()).await;
    (server, stand)
}

#[tokio::test]
async fn a_pod_that_joins_takes_a_report_for_at_most_a_second_younger_and_never_for_older() {
    let (_server, stand) = stand().await;
    let a = stand.store();
    let begun = Instant::now();
    let token = win(&a, "a", 1).await;
    a.publish(&publish("a", token, b"found")).await.unwrap();
    let published = Instant::now();
    for wait in [0, 1_300, 1_300] {
        tokio::time::sleep(Duration::from_millis(wait)).await;
        let joiner = stand.store();
        let least = published.elapsed().saturating_sub(Duration::from_secs(1));
        let age = report(&joiner).await.age;
        assert!(age >= least && age <= begun.elapsed(), "{age:?}");
        // From then on it counts on its own clock.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let later = report(&joiner).await.age;
        assert!(
            later >= age + Duration::from_millis(95),
            "{age:?} {later:?}"
        );
    }
}

#[tokio::test]
async fn a_new_edition_and_a_new_token_begin_a_new_age_for_those_who_join() {
    let (_server, stand) = stand().await;
    let a = stand.store();
    let mut token = win(&a, "a", 1).await;
    for attempt in 2..5 {
        let kept = Publish {
            then: Then::Keep(LONG),
            ..publish("a", token, b"some")
        };
        let rest = Publish {
            edition: 2,
            ..publish("a", token, b"all")
        };
        for publish in [kept, rest] {
            tokio::time::sleep(Duration::from_millis(1_200)).await;
            assert_eq!(a.publish(&publish).await, Ok(Published::Done));
            // The joiner knows nothing but the lease that the report hangs on.
            let age = report(&stand.store()).await.age;
            assert!(age < Duration::from_secs(1), "{age:?}");
        }
        token = win(&a, "a", attempt).await;
    }
}

#[tokio::test]
async fn who_heard_from_the_store_lately_knows_a_new_report_for_new() {
    let (_server, stand) = stand().await;
    let (a, b) = (stand.store(), stand.store());
    let mut token = win(&a, "a", 1).await;
    for attempt in 2..4 {
        b.ping().await.unwrap();
        a.publish(&publish("a", token, b"found")).await.unwrap();
        let age = report(&b).await.age;
        assert!(age < Duration::from_millis(900), "{age:?}");
        token = win(&a, "a", attempt).await;
    }
}

#[tokio::test]
async fn all_that_is_written_ends_by_itself() {
    let (_server, stand) = stand().await;
    let a = stand.store();
    let mut long = publish("a", win(&a, "a", 1).await, b"found");
    long.retain = Duration::from_millis(90_500);
    long.then = Then::Keep(LONG);
    a.publish(&long).await.unwrap();
    assert_eq!(stand.lasts("lock").await, 60);
    assert_eq!(stand.lasts("token").await, WEEK_SECONDS);
    assert_eq!(stand.lasts("report").await, 91);
    // Another handle hangs the token on the lease that it finds.
    let before = stand.get("token").await.unwrap().lease();
    let b = stand.store();
    a.release(&lease("a", long.lease.token)).await.unwrap();
    win(&b, "b", 1).await;
    assert_eq!(stand.get("token").await.unwrap().lease(), before);
    // But not on one that is to end sooner.
    let mut client = stand.client.clone();
    let short = client.lease_grant(100, None).await.unwrap().id();
    let options = etcd_client::PutOptions::new().with_lease(short);
    client
        .put(stand.key("token"), "12", Some(options))
        .await
        .unwrap();
    win(&b, "b", 2).await;
    assert_eq!(stand.lasts("token").await, WEEK_SECONDS);
}

async fn busy(store: &watchkeeper_etcd::EtcdStore) -> Busy {
    match store.inspect(&group()).await.unwrap() {
        LockState::Held(busy) => busy,
        LockState::Free => panic!("expected a lock, found none"),
    }
}

#[tokio::test]
async fn a_lock_on_a_lease_that_no_pod_hung_it_on_has_no_end() {
    let (_server, stand) = stand().await;
    let (a, b) = (stand.store(), stand.store());
    let token = win(&a, "a", 1).await;
    assert!(busy(&b).await.remaining.is_some());
    let value = stand.get("lock").await.unwrap().value().to_vec();
    let mut client = stand.client.clone();
    let endless = client.lease_grant(1_000_000, None).await.unwrap().id();
    let options = etcd_client::PutOptions::new().with_lease(endless);
    client
        .put(stand.key("lock"), value, Some(options))
        .await
        .unwrap();
    let found = busy(&b).await;
    assert_eq!((found.remaining, found.token), (None, Some(token)));
    let mut take = request("b", 1);
    take.take = Some(found.marker);
    let Acquired::Held { token: next } = b.acquire(&take).await.unwrap() else {
        panic!("the lock was not taken");
    };
    assert!(next > token);
}

#[tokio::test]
async fn a_shorter_time_than_etcd_grants_is_told_as_what_it_grants() {
    let (_server, stand) = stand().await;
    let a = stand.store();
    let mut short = request("a", 1);
    short.ttl = Duration::from_millis(1_001);
    a.acquire(&short).await.unwrap();
    let found = busy(&a).await;
    assert_eq!(found.remaining, Some(Duration::from_secs(2)));
    assert!(found.token > Some(Token::ZERO));
}
