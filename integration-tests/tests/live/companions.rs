//! The lock and the report beside ours: what LiteLLM's pods see, and what they and anybody else may leave there.

use std::sync::Arc;
use std::time::Duration;

use watchkeeper_core::cache::{Publish, Published, ReportCache, Then};
use watchkeeper_core::companion::{Claim, CompanionFound, CompanionReport};
use watchkeeper_core::id::{AttemptId, GroupId, PodId};
use watchkeeper_core::lease::{
    Acquire, Acquired, Busy, LeaseRef, LeaseStore, Released, Renewed, Token,
};
use watchkeeper_integration_tests::redis_process::RedisProcess;
use watchkeeper_redis::{CompanionOptions, RedisOptions, RedisStore};

use crate::support::{LONG, group, options, publish, request};

const LOCK: &str = "health_check_lock";
const RESULTS: &str = "health_check_results";
const CLAIM: &str = "claim";
/// What one of LiteLLM's pods writes.
const THEIRS: &str = "\"pod_1795358411941\"";

struct Stand {
    redis: RedisProcess,
    options: RedisOptions,
}

impl Stand {
    async fn new() -> Self {
        let redis = RedisProcess::start().await;
        let mut options = options(&redis.url());
        options.companions = Some(CompanionOptions {
            lock: LOCK.into(),
            report: RESULTS.into(),
            claim: CLAIM.into(),
            claim_ttl: LONG,
            required: true,
        });
        Self { redis, options }
    }

    fn store(&self) -> RedisStore {
        RedisStore::connect(self.options.clone()).unwrap()
    }

    async fn get(&self, key: &str) -> Option<String> {
        self.redis.run(&["GET", key]).await
    }

    async fn left(&self, key: &str) -> i64 {
        self.redis.run(&["PTTL", key]).await
    }

    async fn set(&self, words: &[&str]) {
        let () = self.redis.run(&[&["SET"], words].concat()).await;
    }

    /// The server's time in seconds.
    async fn now(&self) -> f64 {
        let (seconds, micros): (u64, u64) = self.redis.run(&["TIME"]).await;
        Duration::new(seconds, u32::try_from(micros).unwrap() * 1000).as_secs_f64()
    }
}

fn beside(age: u64, ttl: u64) -> CompanionReport {
    CompanionReport {
        head: Arc::from(&b"\"{\\\"timestamp\\\": "[..]),
        tail: Arc::from(&b"}\""[..]),
        age: Duration::from_secs(age),
        ttl: Duration::from_secs(ttl),
    }
}

fn with(publish: Publish, companion: CompanionReport) -> Publish {
    Publish {
        companion: Some(companion),
        ..publish
    }
}

async fn held(store: &RedisStore, pod: &str) -> Token {
    match store.acquire(&request(pod, 1)).await.unwrap() {
        Acquired::Held { token } => token,
        Acquired::Busy(busy) => panic!("{busy:?}"),
    }
}

async fn busy(store: &RedisStore, pod: &str) -> Busy {
    match store.acquire(&request(pod, 1)).await.unwrap() {
        Acquired::Busy(busy) => busy,
        Acquired::Held { token } => panic!("held under {token}"),
    }
}

/// The time in a companion report.
fn time_of(text: &str) -> f64 {
    let inner: String = serde_json::from_str(text).unwrap();
    let inner: serde_json::Value = serde_json::from_str(&inner).unwrap();
    inner["timestamp"].as_f64().unwrap()
}

#[tokio::test]
async fn both_locks_are_taken_by_one_grant_and_theirs_is_a_json_string_of_its_own() {
    let stand = Stand::new().await;
    let store = stand.store();
    let token = held(&store, "a").await;
    let lock = stand.get(LOCK).await.unwrap();
    assert_eq!(lock, format!("\"watchkeeper:a:{token}\""));
    assert!(serde_json::from_str::<String>(&lock).is_ok());
    let left = stand.left(LOCK).await;
    assert!((1..=60_000).contains(&left), "{left}");
    assert_eq!(store.companion().claim, Claim::Ours);
    // One of LiteLLM's pods asks as it does.
    let taken: Option<String> = stand
        .redis
        .run(&["SET", LOCK, THEIRS, "NX", "EX", "60"])
        .await;
    assert_eq!(taken, None);
}

#[tokio::test]
async fn their_lock_keeps_us_from_both_and_is_looked_at_again_soon() {
    let stand = Stand::new().await;
    let store = stand.store();
    stand.set(&[LOCK, THEIRS, "EX", "60"]).await;
    let answer = busy(&store, "a").await;
    let holder = answer.holder.as_ref().map(PodId::as_str);
    assert_eq!((holder, answer.token), (Some("pod_1795358411941"), None));
    assert!(answer.remaining.unwrap() <= Duration::from_secs(2));
    assert!(stand.redis.keys("watchkeeper:*:lock:*").await.is_empty());
    assert_eq!(stand.get(LOCK).await.as_deref(), Some(THEIRS));
    assert_eq!(stand.get(CLAIM).await, None);
    assert_eq!(store.companion().waited, 1);

    let () = stand.redis.run(&["DEL", LOCK]).await;
    held(&store, "a").await;
}

#[tokio::test]
async fn a_pod_that_loses_their_lock_before_it_asks_again_has_neither() {
    let stand = Stand::new().await;
    let store = stand.store();
    held(&store, "a").await;
    stand.set(&[LOCK, THEIRS, "EX", "60"]).await;
    busy(&store, "a").await;
    assert!(stand.redis.keys("watchkeeper:*:lock:*").await.is_empty());
}

#[tokio::test]
async fn a_renewal_holds_both_and_never_takes_theirs_back() {
    let stand = Stand::new().await;
    let store = stand.store();
    let token = held(&store, "a").await;
    let lease = publish("a", token, b"").lease;
    let mark = stand.get(LOCK).await;
    let () = stand.redis.run(&["PEXPIRE", LOCK, "50"]).await;
    assert_eq!(store.renew(&lease, LONG).await, Ok(Renewed::Extended));
    assert!(stand.left(LOCK).await > 1_000);

    // The claim goes with it.
    let () = stand.redis.run(&["PEXPIRE", CLAIM, "500"]).await;
    assert_eq!(store.renew(&lease, LONG).await, Ok(Renewed::Extended));
    assert!(stand.left(CLAIM).await > 1_000);

    // Evicted: taken again.
    let () = stand.redis.run(&["DEL", LOCK]).await;
    assert_eq!(store.renew(&lease, LONG).await, Ok(Renewed::Extended));
    assert_eq!(stand.get(LOCK).await, mark);
    assert_eq!(store.companion().lock_lost, 0);

    // Theirs: left to them, and counted once.
    stand.set(&[LOCK, THEIRS, "EX", "60"]).await;
    assert_eq!(store.renew(&lease, LONG).await, Ok(Renewed::Extended));
    assert_eq!(store.renew(&lease, LONG).await, Ok(Renewed::Extended));
    assert_eq!(stand.get(LOCK).await.as_deref(), Some(THEIRS));
    assert_eq!(store.companion().lock_lost, 1);
    let last = publish("a", token, b"found");
    assert_eq!(store.publish(&last).await, Ok(Published::Done));
    assert_eq!(stand.get(LOCK).await.as_deref(), Some(THEIRS));
}

#[tokio::test]
async fn a_publication_writes_theirs_by_the_servers_time_and_lets_the_lock_go() {
    let stand = Stand::new().await;
    let store = stand.store();
    let token = held(&store, "a").await;
    let report = with(publish("a", token, b"found"), beside(7, 300));
    assert_eq!(store.publish(&report).await, Ok(Published::Done));

    let text = stand.get(RESULTS).await.unwrap();
    let age = stand.now().await - time_of(&text);
    assert!((6.9..9.0).contains(&age), "{age}");
    let left = stand.left(RESULTS).await;
    assert!((291_000..=293_000).contains(&left), "{left}");
    // It stays a moment for those who looked just before.
    let left = stand.left(LOCK).await;
    assert!(left <= 1_000, "{left}");
    // That is in no pod's way.
    held(&store, "b").await;
    assert_eq!(store.companion().overtaken, 0);
}

#[tokio::test]
async fn a_report_too_old_for_their_readers_is_not_written() {
    let stand = Stand::new().await;
    let store = stand.store();
    let token = held(&store, "a").await;
    let report = with(publish("a", token, b"found"), beside(300, 300));
    assert_eq!(store.publish(&report).await, Ok(Published::Done));
    assert_eq!(stand.get(RESULTS).await, None);
}

#[tokio::test]
async fn half_a_round_writes_nothing_beside_and_holds_their_lock() {
    let stand = Stand::new().await;
    let store = stand.store();
    let token = held(&store, "a").await;
    let () = stand.redis.run(&["PEXPIRE", LOCK, "50"]).await;
    let so_far = Publish {
        then: Then::Keep(LONG),
        ..publish("a", token, b"half")
    };
    assert_eq!(store.publish(&so_far).await, Ok(Published::Done));
    assert_eq!(stand.get(RESULTS).await, None);
    assert!(stand.left(LOCK).await > 1_000);
}

#[tokio::test]
async fn a_fenced_publication_touches_nothing_of_theirs() {
    let stand = Stand::new().await;
    let store = stand.store();
    let old = held(&store, "a").await;
    let () = stand.redis.run(&["FLUSHALL"]).await;
    held(&store, "b").await;
    let lock = stand.get(LOCK).await;
    let late = with(publish("a", old, b"late"), beside(0, 300));
    assert!(matches!(
        store.publish(&late).await,
        Ok(Published::Fenced { .. })
    ));
    assert_eq!(stand.get(RESULTS).await, None);
    assert_eq!(stand.get(LOCK).await, lock);
}

#[tokio::test]
async fn a_release_lets_go_of_this_grants_lock_only() {
    let stand = Stand::new().await;
    let store = stand.store();
    let token = held(&store, "a").await;
    let lease = publish("a", token, b"").lease;
    assert_eq!(store.release(&lease).await, Ok(Released::Done));
    assert!(stand.left(LOCK).await <= 1_000);

    let token = held(&store, "b").await;
    stand.set(&[LOCK, THEIRS, "EX", "60"]).await;
    let lease = publish("b", token, b"").lease;
    assert_eq!(store.release(&lease).await, Ok(Released::Done));
    assert!(stand.left(LOCK).await > 50_000);
}

async fn found(store: &RedisStore) -> CompanionFound {
    store.read(&group(), Token::ZERO).await.unwrap().companion
}

#[tokio::test]
async fn only_what_others_wrote_since_is_found() {
    let stand = Stand::new().await;
    let store = stand.store();
    assert_eq!(found(&store).await, CompanionFound::Nothing);
    stand.set(&[RESULTS, "\"{}\"", "EX", "300"]).await;
    match found(&store).await {
        CompanionFound::Foreign { value, left, owed } => {
            assert_eq!((&value[..], owed), (&b"\"{}\""[..], false));
            assert!(left <= Duration::from_secs(300) && left > Duration::from_secs(290));
        }
        other => panic!("{other:?}"),
    }
    let token = held(&store, "a").await;
    let report = with(publish("a", token, b"found"), beside(0, 300));
    store.publish(&report).await.unwrap();
    assert_eq!(found(&store).await, CompanionFound::Nothing);
    // What stood there before the first was nobody's fault.
    assert_eq!(store.companion().overtaken, 0);

    stand.set(&[RESULTS, "\"{}\"", "EX", "300"]).await;
    assert!(matches!(
        found(&store).await,
        CompanionFound::Foreign { .. }
    ));
    let token = held(&store, "b").await;
    let report = with(publish("b", token, b"found"), beside(0, 300));
    store.publish(&report).await.unwrap();
    assert_eq!(store.companion().overtaken, 1);
    assert_eq!(found(&store).await, CompanionFound::Nothing);
    // Evicted: their readers may ask once, and nobody is owed anything before the next round.
    let () = stand.redis.run(&["DEL", RESULTS]).await;
    assert_eq!(found(&store).await, CompanionFound::Nothing);
}

#[tokio::test]
async fn a_report_of_a_pod_without_companions_owes_them_one() {
    let stand = Stand::new().await;
    let plain = RedisStore::connect(RedisOptions {
        companions: None,
        ..stand.options.clone()
    })
    .unwrap();
    let token = held(&plain, "a").await;
    plain.publish(&publish("a", token, b"found")).await.unwrap();
    let store = stand.store();
    assert_eq!(found(&store).await, CompanionFound::Owed);
    // One that could not be written beside is not owed over and over.
    let token = held(&store, "b").await;
    store.publish(&publish("b", token, b"found")).await.unwrap();
    assert_eq!(found(&store).await, CompanionFound::Nothing);
    let token = held(&plain, "a").await;
    plain.publish(&publish("a", token, b"found")).await.unwrap();
    assert_eq!(found(&store).await, CompanionFound::Owed);
    // Also while something else still stands there.
    stand.set(&[RESULTS, "\"{}\"", "EX", "300"]).await;
    assert!(matches!(
        found(&store).await,
        CompanionFound::Foreign { owed: true, .. }
    ));
}

#[tokio::test]
async fn anything_in_the_reports_place_is_named_and_replaced() {
    let stand = Stand::new().await;
    let store = stand.store();
    let huge = "x".repeat(9 * 1024 * 1024);
    for (words, why) in [
        (vec!["RPUSH", RESULTS, "a"], "a `list` where a string"),
        (vec!["HSET", RESULTS, "a", "b"], "a `hash` where a string"),
        (vec!["XADD", RESULTS, "*", "a", "b"], "`stream`"),
        (vec!["SET", RESULTS, "null"], "without an end"),
        (vec!["SET", RESULTS, &huge, "EX", "300"], "bytes"),
    ] {
        let _: redis::Value = stand.redis.run(&words).await;
        match found(&store).await {
            CompanionFound::Garbage { why: said } => assert!(said.contains(why), "{said}"),
            other => panic!("{why}: {other:?}"),
        }
        let token = held(&store, "a").await;
        let report = with(publish("a", token, b"found"), beside(0, 300));
        assert_eq!(store.publish(&report).await, Ok(Published::Done));
        assert_eq!(found(&store).await, CompanionFound::Nothing);
        let () = stand.redis.run(&["DEL", RESULTS]).await;
    }
}

#[tokio::test]
async fn what_is_no_lock_of_theirs_is_taken_by_who_saw_it_long_enough() {
    let stand = Stand::new().await;
    let store = stand.store();
    let long = "x".repeat(513);
    for words in [
        vec!["SET", LOCK, THEIRS],
        vec!["SET", LOCK, THEIRS, "EX", "999999"],
        vec!["SET", LOCK, &long, "EX", "60"],
        vec!["RPUSH", LOCK, "a"],
        vec!["HSET", LOCK, "a", "b"],
    ] {
        let () = stand.redis.run(&["FLUSHALL"]).await;
        let _: redis::Value = stand.redis.run(&words).await;
        let answer = busy(&store, "a").await;
        assert_eq!(
            (answer.remaining, &answer.holder),
            (None, &None),
            "{words:?}"
        );
        let mut take = request("a", 1);
        take.take = Some(answer.marker);
        assert!(matches!(
            store.acquire(&take).await,
            Ok(Acquired::Held { .. })
        ));
        assert!(stand.get(LOCK).await.unwrap().contains("watchkeeper:a:"));
    }
    // A plain text is a lock all the same: it keeps their pods away. It names nobody, as for them.
    let () = stand.redis.run(&["FLUSHALL"]).await;
    stand.set(&[LOCK, "somebody", "EX", "60"]).await;
    let answer = busy(&store, "a").await;
    assert!(answer.remaining.is_some() && answer.holder.is_none());
}

#[tokio::test]
async fn poison_in_both_places_is_taken_one_after_the_other() {
    let stand = Stand::new().await;
    let store = stand.store();
    held(&store, "b").await;
    let ours = stand.redis.keys("watchkeeper:*:lock:*").await.remove(0);
    for key in [ours.as_str(), LOCK] {
        let () = stand.redis.run(&["DEL", key]).await;
        let _: i64 = stand.redis.run(&["RPUSH", key, "poison"]).await;
    }
    let mut take = request("a", 1);
    let mut seen = Vec::new();
    // Each is to be seen once; then the lease is granted.
    while let Acquired::Busy(busy) = store.acquire(&take).await.unwrap() {
        assert!(!seen.contains(&busy.marker), "again {busy:?}");
        seen.push(busy.marker.clone());
        take.take = Some(busy.marker);
    }
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn a_lock_is_let_go_although_another_list_has_claimed_the_place_meanwhile() {
    let stand = Stand::new().await;
    let store = stand.store();
    let token = held(&store, "a").await;
    stand
        .set(&[CLAIM, "wk1|60000|other/g-9", "PX", "60000"])
        .await;
    store.publish(&publish("a", token, b"found")).await.unwrap();
    assert!(stand.left(LOCK).await <= 1_000);
}

fn other_list(attempt: u64) -> Acquire {
    Acquire {
        group: GroupId::new("g-2").unwrap(),
        pod: PodId::new("b").unwrap(),
        attempt: AttemptId(attempt),
        ..request("b", attempt)
    }
}

#[tokio::test]
async fn another_list_runs_without_companions_until_the_claim_lapses() {
    let stand = Stand::new().await;
    let (first, second) = (stand.store(), stand.store());
    let token = held(&first, "a").await;
    let lock = stand.get(LOCK).await;

    let Acquired::Held { token: other } = second.acquire(&other_list(1)).await.unwrap() else {
        panic!("the other list is kept from its own lease")
    };
    let owner = format!("{}/g-1", stand.options.fleet);
    assert_eq!(second.companion().claim, Claim::Theirs(owner));
    assert_eq!(stand.get(LOCK).await, lock);
    let report = with(
        Publish {
            lease: LeaseRef {
                group: GroupId::new("g-2").unwrap(),
                ..publish("b", other, b"").lease
            },
            ..publish("b", other, b"other")
        },
        beside(0, 300),
    );
    assert_eq!(second.publish(&report).await, Ok(Published::Done));
    assert_eq!(stand.get(RESULTS).await, None);
    assert_eq!(stand.get(LOCK).await, lock);

    let report = with(publish("a", token, b"found"), beside(0, 300));
    first.publish(&report).await.unwrap();
    // Nor does it take the other list's report for one of LiteLLM's.
    let read = second.read(&other_list(1).group, Token::ZERO).await;
    assert_eq!(read.unwrap().companion, CompanionFound::Nothing);

    let () = stand.redis.run(&["DEL", CLAIM]).await;
    assert!(matches!(
        second.acquire(&other_list(2)).await,
        Ok(Acquired::Held { .. })
    ));
    assert_eq!(second.companion().claim, Claim::Ours);
    assert!(stand.get(LOCK).await.unwrap().contains("watchkeeper:b:"));
}

#[tokio::test]
async fn a_claim_that_nobody_can_have_made_is_none() {
    let stand = Stand::new().await;
    let store = stand.store();
    for words in [
        vec!["SET", CLAIM, "wk1|1000|other/g-9"],
        vec!["SET", CLAIM, "wk1|1000|other/g-9", "EX", "60"],
        vec!["SET", CLAIM, "wk1|9999999999999999|other/g-9", "EX", "60"],
        vec!["SET", CLAIM, "garbage", "EX", "60"],
        vec!["RPUSH", CLAIM, "a"],
    ] {
        let () = stand.redis.run(&["FLUSHALL"]).await;
        let _: redis::Value = stand.redis.run(&words).await;
        held(&store, "a").await;
        assert_eq!(store.companion().claim, Claim::Ours, "{words:?}");
        let left = stand.left(CLAIM).await;
        assert!((1..=60_000).contains(&left), "{left}");
    }
}
