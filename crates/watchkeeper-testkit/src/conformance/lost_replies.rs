//! Promises for a network that swallows answers: asking again is safe, and finds out.

use std::sync::Arc;

use watchkeeper_core::cache::{Found, Published, Store, Then};
use watchkeeper_core::error::StoreOp;
use watchkeeper_core::lease::{LockState, Released, Renewed};

use super::Harness;
use super::pod::{LONG, Pod};
use crate::faults::{Fault, Faulty};

async fn faulty(harness: &dyn Harness, name: &str) -> (Arc<Faulty>, Pod) {
    let faulty = Arc::new(Faulty::new(harness.store().await));
    let store: Arc<dyn Store> = faulty.clone();
    (faulty, Pod::over(store, name))
}

/// The lease stands, the pod does not know; the same question finds the same grant.
pub async fn a_lease_won_unseen_is_recognised(harness: &dyn Harness) {
    let (faulty, a) = faulty(harness, "a").await;
    let b = Pod::new(harness, "b").await;
    faulty.plan(StoreOp::Acquire, Fault::LostReply);
    let request = a.request(LONG);
    assert!(a.store.acquire(&request).await.unwrap_err().may_have_landed);
    let unseen = b.lose().await;
    assert_eq!(unseen.holder, Some(a.id.clone()));
    let token = a.win_as(&request).await;
    assert_eq!(Some(token), unseen.token);
    assert_eq!(a.release(token).await, Released::Done);
}

/// A duplicated request is one grant.
pub async fn an_acquire_that_reaches_the_store_twice_is_one(harness: &dyn Harness) {
    let (faulty, a) = faulty(harness, "a").await;
    faulty.plan(StoreOp::Acquire, Fault::Twice);
    let token = a.win(LONG).await;
    assert_eq!(a.locked().await.token, Some(token));
    assert_eq!(
        a.read().await.fence,
        token,
        "the second request took a token of its own"
    );
}

/// The repeat says done, though the lease was freed with the first.
pub async fn a_publication_whose_reply_was_lost_is_done(harness: &dyn Harness) {
    let (faulty, a) = faulty(harness, "a").await;
    let b = Pod::new(harness, "b").await;
    let token = a.win(LONG).await;
    faulty.plan(StoreOp::Publish, Fault::LostReply);
    let publish = a.edition(token, 1, b"found", Then::Release);
    assert!(a.store.publish(&publish).await.unwrap_err().may_have_landed);
    let next = b.win(LONG).await;
    assert_eq!(a.store.publish(&publish).await.unwrap(), Published::Done);
    assert_eq!(b.locked().await.token, Some(next));
    assert_eq!(b.report().await.value, b"found");
}

/// A duplicated publication is one.
pub async fn a_publication_that_reaches_the_store_twice_is_one(harness: &dyn Harness) {
    let (faulty, a) = faulty(harness, "a").await;
    let token = a.win(LONG).await;
    faulty.plan(StoreOp::Publish, Fault::Twice);
    assert_eq!(
        a.publish(token, b"found", Then::Release).await,
        Published::Done
    );
    assert_eq!(a.inspect().await, LockState::Free);
    assert_eq!(a.report().await.value, b"found");
}

/// It was freed; the repeat finds nothing to free.
pub async fn a_release_whose_reply_was_lost_leaves_no_orphan(harness: &dyn Harness) {
    let (faulty, a) = faulty(harness, "a").await;
    let b = Pod::new(harness, "b").await;
    let token = a.win(LONG).await;
    faulty.plan(StoreOp::Release, Fault::LostReply);
    assert!(
        a.store
            .release(&a.lease(token))
            .await
            .unwrap_err()
            .may_have_landed
    );
    assert_eq!(a.release(token).await, Released::NotHeld);
    b.win(LONG).await;
}

/// Renewing twice is renewing.
pub async fn a_renewal_whose_reply_was_lost_can_be_repeated(harness: &dyn Harness) {
    let (faulty, a) = faulty(harness, "a").await;
    let token = a.win(harness.shortest()).await;
    faulty.plan(StoreOp::Renew, Fault::LostReply);
    assert!(a.store.renew(&a.lease(token), LONG).await.is_err());
    assert!(
        a.locked().await.remaining.unwrap() > harness.shortest(),
        "the renewal did not land"
    );
    assert_eq!(a.renew(token, 2 * LONG).await, Renewed::Extended);
    assert!(a.locked().await.remaining.unwrap() > LONG);
}

/// A failure that says it did not land did not.
pub async fn an_operation_that_was_refused_changed_nothing(harness: &dyn Harness) {
    let (faulty, a) = faulty(harness, "a").await;
    faulty.plan(StoreOp::Acquire, Fault::Refused);
    let request = a.request(LONG);
    assert!(!a.store.acquire(&request).await.unwrap_err().may_have_landed);
    assert_eq!(a.inspect().await, LockState::Free);
    let token = a.win_as(&request).await;
    faulty.set_down(true);
    let publish = a.edition(token, 1, b"found", Then::Release);
    assert!(!a.store.publish(&publish).await.unwrap_err().may_have_landed);
    faulty.set_down(false);
    assert_eq!(a.read().await.found, Found::Nothing);
    assert_eq!(a.store.publish(&publish).await.unwrap(), Published::Done);
}
