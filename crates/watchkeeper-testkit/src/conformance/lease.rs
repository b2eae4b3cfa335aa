//! Promises of the lock trait: who is granted what, and for how long.

use std::sync::Arc;
use std::time::Duration;

use watchkeeper_core::cache::{Found, Published, Then};
use watchkeeper_core::id::GroupId;
use watchkeeper_core::lease::{Acquired, LockState, Released, Renewed, Token};

use super::Harness;
use super::pod::{LONG, Pod};

/// A lock that nobody holds is granted to whoever asks.
pub async fn a_free_lease_is_granted(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    assert_eq!(a.inspect().await, LockState::Free);
    assert!(a.win(LONG).await > Token::ZERO);
}

/// Of pods that ask at the same time, one is granted.
pub async fn only_one_of_many_racing_pods_is_granted(harness: &dyn Harness) {
    let mut racers = tokio::task::JoinSet::new();
    for i in 0..16 {
        let pod = Pod::new(harness, &format!("pod-{i}")).await;
        racers.spawn(
            async move { matches!(pod.ask(&pod.request(LONG)).await, Acquired::Held { .. }) },
        );
    }
    let winners = racers
        .join_all()
        .await
        .into_iter()
        .filter(|won| *won)
        .count();
    assert_eq!(winners, 1);
}

/// A counter that is read and written back under the lease alone loses no count; tokens rise with it.
pub async fn workers_that_count_through_the_lock_lose_nothing(harness: &dyn Harness) {
    const WORKERS: u64 = 8;
    const COUNTS: u64 = 15;
    let mut workers = tokio::task::JoinSet::new();
    for i in 0..WORKERS {
        let pod = Arc::new(Pod::new(harness, &format!("worker-{i}")).await);
        workers.spawn(async move {
            let mut counted = Vec::new();
            while counted.len() < usize::try_from(COUNTS).unwrap() {
                let Acquired::Held { token } = pod.ask(&pod.request(LONG)).await else {
                    tokio::task::yield_now().await;
                    continue;
                };
                let before = match pod.read().await.found {
                    Found::Report(stored) => u64::from_be_bytes(stored.value.try_into().unwrap()),
                    Found::Nothing => 0,
                    Found::Garbage { why } => panic!("{why}"),
                };
                let next = (before + 1).to_be_bytes();
                assert_eq!(
                    pod.publish(token, &next, Then::Release).await,
                    Published::Done
                );
                counted.push((before + 1, token));
            }
            counted
        });
    }
    let mut counted = workers.join_all().await.concat();
    counted.sort_unstable();
    let counts: Vec<u64> = counted.iter().map(|(count, _)| *count).collect();
    assert_eq!(counts, (1..=WORKERS * COUNTS).collect::<Vec<_>>());
    assert!(
        counted.is_sorted_by(|one, next| one.1 < next.1),
        "tokens do not rise: {counted:?}"
    );
}

/// Busy tells holder, token and time left; asking in vain changes nothing of it.
pub async fn busy_names_the_holder_and_changes_nothing(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let token = a.win(LONG).await;
    for _ in 0..2 {
        let busy = b.lose().await;
        assert_eq!(busy.holder, Some(a.id.clone()));
        assert_eq!(busy.token, Some(token));
        let left = busy.remaining.unwrap();
        assert!(left <= LONG && left > LONG / 2, "{left:?}");
    }
    assert_eq!(a.renew(token, LONG).await, Renewed::Extended);
}

/// Acquire is idempotent per attempt, and each time starts the whole ttl again.
pub async fn the_same_attempt_gets_the_same_token_and_a_full_ttl(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let mut request = a.request(harness.shortest());
    let token = a.win_as(&request).await;
    request.ttl = LONG;
    assert_eq!(a.win_as(&request).await, token);
    let left = a.locked().await.remaining.unwrap();
    assert!(left > LONG / 2, "{left:?}");
    // Meanwhile it may have learned of its own token by reading.
    request.floor = token;
    assert_eq!(a.win_as(&request).await, token);
}

/// A new attempt of the holder is a new grant.
pub async fn another_attempt_of_the_holder_gets_a_higher_token(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let first = a.win(LONG).await;
    let second = a.win(LONG).await;
    assert!(second > first);
    assert_eq!(a.locked().await.token, Some(second));
}

/// Nobody else is granted the lease while it lasts.
pub async fn a_lease_stands_until_its_end(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let rest = Duration::from_secs(3);
    a.win(harness.shortest() + rest).await;
    harness.elapse(harness.shortest()).await;
    let left = b.lose().await.remaining.unwrap();
    assert!(left <= rest + harness.grain(), "{left:?}");
}

/// A lease that nobody renews is free after its ttl.
pub async fn a_lease_ends_by_itself(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let first = a.win(harness.shortest()).await;
    harness.elapse(harness.past_shortest()).await;
    assert_eq!(b.inspect().await, LockState::Free);
    assert!(b.win(LONG).await > first);
}

/// Renewing starts the whole ttl again.
pub async fn renewing_makes_the_lease_last_again(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let token = a.win(LONG).await;
    assert_eq!(a.renew(token, 10 * LONG).await, Renewed::Extended);
    let busy = a.locked().await;
    assert_eq!(busy.token, Some(token));
    assert!(busy.remaining.unwrap() > 9 * LONG, "{busy:?}");
    assert_eq!(a.renew(token, harness.shortest()).await, Renewed::Extended);
    assert!(a.locked().await.remaining.unwrap() <= harness.shortest());
}

/// What ended cannot be renewed back to life.
pub async fn renewing_what_ended_is_lost_and_changes_nothing(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let token = a.win(harness.shortest()).await;
    harness.elapse(harness.past_shortest()).await;
    assert_eq!(a.renew(token, LONG).await, Renewed::Lost { holder: None });
    assert_eq!(a.inspect().await, LockState::Free);
}

/// The token counts, not the pod alone.
pub async fn renewing_under_an_older_token_is_lost(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let first = a.win(LONG).await;
    let second = a.win(LONG).await;
    let lost = a.renew(first, 10 * LONG).await;
    assert_eq!(
        lost,
        Renewed::Lost {
            holder: Some(a.id.clone())
        }
    );
    let busy = a.locked().await;
    assert_eq!(busy.token, Some(second));
    assert!(busy.remaining.unwrap() <= LONG);
}

/// A pod that lost its lease learns who holds it now.
pub async fn renewing_under_another_holder_names_it(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let first = a.win(harness.shortest()).await;
    harness.elapse(harness.past_shortest()).await;
    let second = b.win(LONG).await;
    let lost = a.renew(first, LONG).await;
    assert_eq!(
        lost,
        Renewed::Lost {
            holder: Some(b.id.clone())
        }
    );
    // Nor does the right token help a pod that was not granted it.
    let lost = a.renew(second, LONG).await;
    assert_eq!(
        lost,
        Renewed::Lost {
            holder: Some(b.id.clone())
        }
    );
}

/// A released lease is free for anybody.
pub async fn releasing_frees_at_once(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let first = a.win(LONG).await;
    assert_eq!(a.release(first).await, Released::Done);
    assert_eq!(b.inspect().await, LockState::Free);
    assert!(b.win(LONG).await > first);
}

/// The second release finds nothing to free, and takes nothing from the next holder.
pub async fn a_repeated_release_is_harmless(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let first = a.win(LONG).await;
    assert_eq!(a.release(first).await, Released::Done);
    assert_eq!(a.release(first).await, Released::NotHeld);
    let second = b.win(LONG).await;
    assert_eq!(a.release(first).await, Released::NotHeld);
    assert_eq!(b.locked().await.token, Some(second));
}

/// Neither another pod nor an older grant frees a lease.
pub async fn only_the_holder_under_its_token_can_release(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let first = a.win(LONG).await;
    let second = a.win(LONG).await;
    assert_eq!(a.release(first).await, Released::NotHeld);
    assert_eq!(b.release(second).await, Released::NotHeld);
    assert_eq!(a.locked().await.token, Some(second));
}

/// Looking is free of effect.
pub async fn inspecting_tells_who_holds_and_changes_nothing(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    assert_eq!(b.inspect().await, LockState::Free);
    let token = a.win(LONG).await;
    for pod in [&a, &b] {
        let busy = pod.locked().await;
        assert_eq!(busy.holder, Some(a.id.clone()));
        assert_eq!(busy.token, Some(token));
        assert!(busy.remaining.unwrap() <= LONG);
    }
    assert_eq!(a.renew(token, LONG).await, Renewed::Extended);
}

/// One group's lock, tokens and report are not another's.
pub async fn groups_do_not_touch_each_other(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let mut b = Pod::new(harness, "b").await;
    b.group = GroupId::new("g-2").unwrap();
    let mine = a.win(LONG).await;
    let theirs = b.win(LONG).await;
    assert_eq!(
        a.publish(mine, b"one", Then::Release).await,
        Published::Done
    );
    assert_eq!(b.locked().await.token, Some(theirs));
    assert_eq!(b.read().await.found, Found::Nothing);
    assert_eq!(
        b.publish(theirs, b"two", Then::Keep(LONG)).await,
        Published::Done
    );
    assert_eq!(a.report().await.value, b"one");
}

/// A ping on a healthy store is `Ok`, and no pod, lock or report comes of it.
pub async fn ping_succeeds_and_leaves_nothing_behind(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    a.store.ping().await.unwrap();
    a.store.ping().await.unwrap();
    assert_eq!(a.store.pods().await.unwrap(), []);
    assert_eq!(a.inspect().await, LockState::Free);
    assert_eq!(a.read().await.found, Found::Nothing);
}
