//! Promises about tokens: LS-1, LS-2, SN-1, and what a loss of data leaves of them.

use std::time::Duration;

use watchkeeper_core::cache::{Found, Published, Then};
use watchkeeper_core::invariant::Invariant::{Ls1, Ls3, Sn1};
use watchkeeper_core::lease::{Released, Renewed, Token};

use super::Harness;
use super::pod::{LONG, Pod};

const HOUR_MICROS: u64 = 3_600_000_000;

/// So that they rise even in a store that forgot everything.
pub async fn tokens_are_at_least_the_stores_time(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let least = harness.least_token().await;
    let first = a.win(LONG).await;
    assert!(first >= least, "{first}, at least {least}");
    harness.elapse(Duration::from_millis(100)).await;
    let least = harness.least_token().await;
    let second = a.win(LONG).await;
    let rise = harness.token_rise(Duration::from_millis(99));
    assert!(second.0 >= first.0 + rise, "{first} then {second}");
    assert!(second >= least, "{second}, at least {least}");
}

/// LS-1 and LS-2 over releases.
pub async fn tokens_rise_across_releases(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let mut last = Token::ZERO;
    for _ in 0..10 {
        for pod in [&a, &b] {
            let token = pod.win(LONG).await;
            assert!(token > last, "{Ls1}: {token} after {last}");
            assert_eq!(pod.release(token).await, Released::Done);
            last = token;
        }
    }
}

/// LS-1 and LS-2 over a holder that died.
pub async fn tokens_rise_across_expiry(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    // A floor ahead of the store's time: only the stored token can carry it on.
    let mut request = a.request(harness.shortest());
    request.floor = Token(a.win(harness.shortest()).await.0 + HOUR_MICROS);
    let first = a.win_as(&request).await;
    harness.elapse(harness.past_shortest()).await;
    let second = b.win(LONG).await;
    assert!(second > first, "{Ls1}: {second} after {first}");
}

/// A pod that saw a higher token than the store remembers is granted a still higher one.
pub async fn a_token_is_higher_than_the_floor(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let first = a.win(LONG).await;
    assert_eq!(a.release(first).await, Released::Done);
    let mut request = a.request(LONG);
    request.floor = Token(first.0 + HOUR_MICROS);
    let second = a.win_as(&request).await;
    assert!(second > request.floor);
    assert_eq!(a.release(second).await, Released::Done);
    assert!(b.win(LONG).await > second, "the store forgot a token");
}

/// A reader that knows more than the store tells it.
pub async fn reading_raises_the_stored_token(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let first = a.win(LONG).await;
    assert_eq!(a.release(first).await, Released::Done);
    let floor = Token(first.0 + HOUR_MICROS);
    let read = a.store.read(&a.group, floor).await.unwrap();
    assert_eq!(read.fence, floor);
    assert_eq!(b.read().await.fence, floor, "the raised token is forgotten");
    assert!(b.win(LONG).await > floor);
    // A lower floor lowers nothing.
    let read = a.store.read(&a.group, first).await.unwrap();
    assert!(read.fence > floor);
}

/// One broken clock must not lift the tokens out of reach for ever.
pub async fn an_impossible_floor_is_not_believed(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let first = a.win(LONG).await;
    let least = harness.impossible_after(first);
    for floor in [least, Token(1 << 62), Token(u64::MAX)] {
        let read = a.store.read(&a.group, floor).await.unwrap();
        assert!(read.fence < floor, "{floor}");
        let mut request = a.request(LONG);
        request.floor = floor;
        let token = a.win_as(&request).await;
        assert!(token > first && token.0 < first.0 + HOUR_MICROS, "{token}");
    }
}

/// With the pods' floor, and without: the store's time alone lifts the next token.
pub async fn tokens_rise_after_the_store_lost_its_data(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let first = a.win(LONG).await;
    harness.wipe().await;
    harness.elapse(Duration::from_millis(10)).await;
    let second = b.win(LONG).await;
    assert!(second > first, "{first} then {second}");
    harness.wipe().await;
    let mut request = a.request(LONG);
    request.floor = Token(second.0 + HOUR_MICROS);
    assert!(a.win_as(&request).await > request.floor);
}

/// Neither renewing nor publishing brings back a lease that the store forgot.
pub async fn a_lost_lease_is_lost_to_its_holder(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let token = a.win(LONG).await;
    harness.wipe().await;
    assert_eq!(a.renew(token, LONG).await, Renewed::Lost { holder: None });
    let published = a.publish(token, b"late", Then::Keep(LONG)).await;
    assert!(
        matches!(published, Published::Fenced { .. }),
        "{published:?}"
    );
    assert_eq!(a.release(token).await, Released::NotHeld);
    assert_eq!(a.read().await.found, Found::Nothing);
}

/// Nobody publishes without a lease.
pub async fn publishing_needs_the_lease(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let published = a.publish(Token(1), b"never", Then::Release).await;
    assert_eq!(
        published,
        Published::Fenced {
            current: Token::ZERO
        }
    );
    let token = a.win(LONG).await;
    assert_eq!(a.release(token).await, Released::Done);
    let published = a.publish(token, b"late", Then::Keep(LONG)).await;
    assert_eq!(published, Published::Fenced { current: token });
    assert_eq!(a.read().await.found, Found::Nothing);
}

/// LS-3: a pod that overslept its lease publishes nothing.
pub async fn publishing_after_the_lease_ended_is_fenced(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let token = a.win(harness.shortest()).await;
    harness.elapse(harness.past_shortest()).await;
    let published = a.publish(token, b"late", Then::Release).await;
    assert_eq!(published, Published::Fenced { current: token }, "{Ls3}");
    assert_eq!(a.read().await.found, Found::Nothing);
}

/// A paused pod that wakes under another holder learns the current token.
pub async fn publishing_under_another_holder_is_fenced(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let first = a.win(harness.shortest()).await;
    harness.elapse(harness.past_shortest()).await;
    let second = b.win(LONG).await;
    let published = a.publish(first, b"late", Then::Release).await;
    assert_eq!(published, Published::Fenced { current: second });
    // The right token in the wrong hands is no lease either.
    let published = a.publish(second, b"stolen", Then::Release).await;
    assert_eq!(published, Published::Fenced { current: second });
    assert_eq!(a.read().await.found, Found::Nothing);
    assert_eq!(b.locked().await.token, Some(second));
}

/// A pod that was granted the lease anew has given up its older grant.
pub async fn publishing_under_an_older_token_of_the_same_pod_is_fenced(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let first = a.win(LONG).await;
    let second = a.win(LONG).await;
    let published = a.publish(first, b"late", Then::Release).await;
    assert_eq!(published, Published::Fenced { current: second });
    assert_eq!(a.read().await.found, Found::Nothing);
}

/// SN-1, also once nobody holds the lease any more.
pub async fn a_lower_token_never_overwrites_a_higher(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let first = a.win(harness.shortest()).await;
    harness.elapse(harness.past_shortest()).await;
    let second = b.win(LONG).await;
    assert_eq!(
        b.publish(second, b"new", Then::Release).await,
        Published::Done
    );
    let late = a.publish(first, b"old", Then::Release).await;
    assert_eq!(late, Published::Fenced { current: second }, "{Sn1}");
    let stored = a.report().await;
    assert_eq!(
        (stored.token, stored.value.as_slice()),
        (second, &b"new"[..]),
        "{Sn1}"
    );
}
