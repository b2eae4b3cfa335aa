//! Promises about what no backend of ours wrote: it is named, healed, and never believed.

use std::time::Duration;

use watchkeeper_core::cache::{Found, Presence, Published, Then};
use watchkeeper_core::lease::{Acquired, Marker, Released, Renewed};

use super::pod::{LONG, Pod};
use super::{Harness, Place, Shape};

/// A grant after garbage is not further ahead of one before: the garbage was not counted on from.
const HOUR_MICROS: u64 = 3_600_000_000;
/// No description of garbage is longer, so none can contain a large value.
const LONGEST_WHY: usize = 200;

/// Runs one look at every shape that the backend can have in that place, each in a fresh namespace.
async fn each(harness: &dyn Harness, place: Place, mut look: impl AsyncFnMut(Shape)) {
    let group = super::pod::group();
    let mut planted = 0;
    for shape in Shape::ALL {
        harness.wipe().await;
        if harness.plant(&group, place, shape).await {
            planted += 1;
            look(shape).await;
        }
    }
    assert!(planted > 0, "the harness plants nothing at {place:?}");
}

/// A lease that lost its end is waited for only as long as the asker sees fit.
pub async fn a_lock_without_end_is_taken_by_compare(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let first = a.win(LONG).await;
    harness.make_endless(&a.group).await;
    let busy = b.lose().await;
    assert_eq!((busy.holder, busy.remaining), (Some(a.id.clone()), None));
    let wrong = Marker(format!("{}x", busy.marker.0));
    assert!(matches!(b.take(&wrong).await, Acquired::Busy(_)));
    let Acquired::Held { token } = b.take(&busy.marker).await else {
        panic!("the lock was not taken");
    };
    assert!(token > first);
    assert_eq!(
        a.renew(first, LONG).await,
        Renewed::Lost {
            holder: Some(b.id.clone())
        }
    );
    assert!(b.locked().await.remaining.is_some());
}

/// The marker of a live lease opens nothing.
pub async fn a_lease_that_ends_is_never_taken(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let token = a.win(LONG).await;
    let marker = b.lose().await.marker;
    assert!(matches!(b.take(&marker).await, Acquired::Busy(_)));
    assert_eq!(a.locked().await.token, Some(token));
    // Nor once its end was lost and found again: the holder lives.
    harness.make_endless(&a.group).await;
    let marker = b.lose().await.marker;
    assert_eq!(a.renew(token, LONG).await, Renewed::Extended);
    assert!(matches!(b.take(&marker).await, Acquired::Busy(_)));
}

/// Garbage has no holder and no end; whoever saw it unchanged may take it.
pub async fn garbage_in_the_locks_place_is_taken_by_compare(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    each(harness, Place::Lock, async |shape| {
        let busy = a.lose().await;
        assert_eq!(busy.holder, None, "{shape:?}");
        assert_eq!(busy.token, None, "{shape:?}");
        assert_eq!(busy.remaining, None, "{shape:?}");
        assert!(busy.marker.0.len() <= LONGEST_WHY, "{shape:?}");
        assert_eq!(b.lose().await.marker, busy.marker, "{shape:?}");
        assert_eq!(b.locked().await.marker, busy.marker, "{shape:?}");
        let Acquired::Held { token } = a.take(&busy.marker).await else {
            panic!("{shape:?} was not taken");
        };
        assert_eq!(
            a.publish(token, b"found", Then::Release).await,
            Published::Done
        );
        assert!(b.win(LONG).await > token, "{shape:?}");
    })
    .await;
}

/// A foreign lock that changes may be somebody's who lives.
pub async fn garbage_that_changed_is_not_taken(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    assert!(harness.plant(&a.group, Place::Lock, Shape::Text).await);
    let before = a.lose().await.marker;
    assert!(harness.plant(&a.group, Place::Lock, Shape::OtherText).await);
    assert!(matches!(a.take(&before).await, Acquired::Busy(_)));
    let after = a.lose().await.marker;
    assert_ne!(after, before);
    assert!(matches!(a.take(&after).await, Acquired::Held { .. }));
}

/// A holder whose lock was overwritten holds nothing, and leaves the other's value alone.
pub async fn garbage_in_the_locks_place_belongs_to_nobody(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    for shape in Shape::ALL {
        harness.wipe().await;
        let token = a.win(LONG).await;
        if !harness.plant(&a.group, Place::Lock, shape).await {
            continue;
        }
        let marker = a.locked().await.marker;
        assert_eq!(
            a.renew(token, LONG).await,
            Renewed::Lost { holder: None },
            "{shape:?}"
        );
        let published = a.publish(token, b"late", Then::Release).await;
        assert_eq!(published, Published::Fenced { current: token }, "{shape:?}");
        assert_eq!(a.release(token).await, Released::NotHeld, "{shape:?}");
        assert_eq!(a.locked().await.marker, marker, "{shape:?}");
        assert_eq!(a.read().await.found, Found::Nothing, "{shape:?}");
    }
}

/// The store's time and the pods' floors carry the tokens over it.
pub async fn garbage_in_the_tokens_place_does_not_stop_the_tokens(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let before = a.win(LONG).await;
    each(harness, Place::Token, async |shape| {
        let read = a.store.read(&a.group, before).await.unwrap();
        assert_eq!(read.fence, before, "{shape:?}");
        assert!(harness.plant(&a.group, Place::Token, shape).await);
        harness.elapse(Duration::from_millis(1)).await;
        let token = a.win(LONG).await;
        assert!(token > before, "{shape:?}");
        assert!(token.0 < before.0 + HOUR_MICROS, "{shape:?}: {token}");
        assert!(harness.plant(&a.group, Place::Token, shape).await);
        assert_eq!(
            a.publish(token, b"found", Then::Keep(LONG)).await,
            Published::Done
        );
        assert_eq!(a.read().await.fence, token, "{shape:?}");
        assert!(a.win(LONG).await > token, "{shape:?}");
    })
    .await;
}

/// Said what it is, without its content; the next publication heals it.
pub async fn garbage_in_the_reports_place_is_named_and_replaced(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    each(harness, Place::Report, async |shape| {
        match a.read().await.found {
            Found::Garbage { why } => {
                assert!(
                    !why.is_empty() && why.len() <= LONGEST_WHY,
                    "{shape:?}: {why}"
                );
                assert!(!why.contains("foreign"), "{shape:?}: {why}");
            }
            other => panic!("{shape:?} was read as {other:?}"),
        }
        let token = a.win(LONG).await;
        assert_eq!(
            a.publish(token, b"found", Then::Release).await,
            Published::Done
        );
        assert_eq!(a.report().await.value, b"found", "{shape:?}");
    })
    .await;
}

/// The next announcements and looks make it a list again.
pub async fn garbage_in_the_list_of_pods_heals(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let presence = Presence {
        pod: a.id.clone(),
        info: b"here".as_slice().into(),
        ttl: Duration::from_secs(60),
    };
    // A backend whose list nobody else can write plants nothing and has nothing to heal.
    for shape in Shape::ALL {
        harness.wipe().await;
        if !harness.plant(&a.group, Place::Presence, shape).await {
            continue;
        }
        a.store.ping().await.unwrap();
        a.store.leave(&a.id).await.unwrap();
        assert_eq!(a.store.pods().await.unwrap(), [], "{shape:?}");
        a.store.announce(&presence).await.unwrap();
        let pods = a.store.pods().await.unwrap();
        assert_eq!(pods.len(), 1, "{shape:?}: {pods:?}");
        assert_eq!((&pods[0].pod, &pods[0].info[..]), (&a.id, &b"here"[..]));
    }
}
