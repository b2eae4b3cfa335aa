//! Promises of the cache trait about reports.

use watchkeeper_core::cache::{Found, Published, Then};
use watchkeeper_core::error::StoreErrorKind;
use watchkeeper_core::invariant::Invariant;
use watchkeeper_core::lease::{LockState, Token};

use super::Harness;
use super::pod::{LONG, Pod};

/// A new group has no report and no token.
pub async fn no_report_is_nothing(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let read = a.read().await;
    assert_eq!(read.found, Found::Nothing);
    assert_eq!(read.fence, Token::ZERO);
}

/// Bytes, token and edition; for another pod as well.
pub async fn a_report_comes_back_as_it_was_published(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let token = a.win(LONG).await;
    assert_eq!(
        a.publish(token, b"found", Then::Release).await,
        Published::Done
    );
    let read = b.read().await;
    assert_eq!(read.fence, token);
    let Found::Report(stored) = read.found else {
        panic!("{:?}", read.found);
    };
    assert_eq!((stored.token, stored.edition), (token, 1));
    assert_eq!(stored.value, b"found");
    assert!(stored.age < LONG / 2, "{:?}", stored.age);
}

/// Values are opaque: every byte, none at all, and what looks like a format.
pub async fn any_bytes_are_kept(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let every: Vec<u8> = (0..=u8::MAX).collect();
    for value in [
        &every[..],
        b"",
        b"|",
        b"wk1|1|1|1|x",
        b"{\"a\":null}\r\n",
        b"\0",
    ] {
        let token = a.win(LONG).await;
        assert_eq!(
            a.publish(token, value, Then::Release).await,
            Published::Done
        );
        assert_eq!(a.report().await.value, value);
    }
}

/// One MiB is what every backend takes.
pub async fn a_large_report_is_kept(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let value: Vec<u8> = (0..1_000_000_u32).map(|i| i.to_le_bytes()[1]).collect();
    let token = a.win(LONG).await;
    assert_eq!(
        a.publish(token, &value, Then::Release).await,
        Published::Done
    );
    assert!(a.report().await.value == value, "the bytes differ");
}

/// The caller learns that no retry helps, and the lease is as it was.
pub async fn too_large_a_report_is_refused_before_it_lands(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let token = a.win(LONG).await;
    let publish = a.edition(token, 1, &vec![b'x'; 8 * 1024 * 1024 + 1], Then::Release);
    let error = a.store.publish(&publish).await.unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::TooLarge);
    assert!(!error.may_have_landed && !error.may_retry());
    assert_eq!(a.read().await.found, Found::Nothing);
    assert_eq!(a.locked().await.token, Some(token));
}

/// Whoever sees the report sees the lease free.
pub async fn publishing_and_releasing_is_one_step(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let token = a.win(LONG).await;
    assert_eq!(
        a.publish(token, b"found", Then::Release).await,
        Published::Done
    );
    assert_eq!(a.inspect().await, LockState::Free);
    assert!(b.win(LONG).await > token);
}

/// A holder that publishes on the way holds its lease for the whole ttl again.
pub async fn publishing_and_keeping_extends_the_lease(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let token = a.win(LONG).await;
    let published = a.publish(token, b"some", Then::Keep(10 * LONG)).await;
    assert_eq!(published, Published::Done);
    let busy = a.locked().await;
    assert_eq!(busy.token, Some(token));
    assert!(busy.remaining.unwrap() > 9 * LONG, "{busy:?}");
}

/// Editions of one round follow each other.
pub async fn a_later_edition_replaces_an_earlier(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let token = a.win(LONG).await;
    for (edition, value, then) in [
        (1, &b"some"[..], Then::Keep(LONG)),
        (2, b"more", Then::Keep(LONG)),
        (3, b"all", Then::Release),
    ] {
        let publish = a.edition(token, edition, value, then);
        assert_eq!(a.store.publish(&publish).await.unwrap(), Published::Done);
        let stored = a.report().await;
        assert_eq!((stored.edition, stored.value.as_slice()), (edition, value));
    }
    assert_eq!(a.inspect().await, LockState::Free);
}

/// SN-2: a publication that was overtaken on the way does not turn the report back.
pub async fn a_late_earlier_edition_changes_nothing(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let token = a.win(LONG).await;
    let later = a.edition(token, 2, b"more", Then::Keep(LONG));
    assert_eq!(a.store.publish(&later).await.unwrap(), Published::Done);
    let late = a.edition(token, 1, b"some", Then::Release);
    assert_eq!(a.store.publish(&late).await.unwrap(), Published::Done);
    let stored = a.report().await;
    let shown = (stored.edition, stored.value.as_slice());
    assert_eq!(shown, (2, &b"more"[..]), "{}", Invariant::Sn2);
    assert_eq!(a.locked().await.token, Some(token));
}

/// Whatever became of the lease since.
pub async fn a_repeated_publication_is_done_and_changes_nothing(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let token = a.win(LONG).await;
    let kept = a.edition(token, 1, b"some", Then::Keep(LONG));
    let done = a.edition(token, 2, b"all", Then::Release);
    for publish in [&kept, &kept, &done, &done] {
        assert_eq!(a.store.publish(publish).await.unwrap(), Published::Done);
    }
    assert_eq!(a.inspect().await, LockState::Free);
    let next = b.win(LONG).await;
    assert_eq!(a.store.publish(&done).await.unwrap(), Published::Done);
    assert_eq!(
        b.locked().await.token,
        Some(next),
        "a repeat freed another's lease"
    );
    assert_eq!(a.report().await.value, b"all");
}

/// Age is the store's judgement, counted from the publication.
pub async fn a_report_ages_by_the_stores_time(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let token = a.win(LONG).await;
    assert_eq!(
        a.publish(token, b"found", Then::Release).await,
        Published::Done
    );
    let young = b.report().await.age;
    harness.elapse(harness.shortest()).await;
    let old = b.report().await.age;
    assert!(
        old >= young + harness.shortest().mul_f32(0.95),
        "{young:?} then {old:?}"
    );
    assert!(old < LONG / 2, "{old:?}");
}

/// A holder that dies leaves what it found.
pub async fn a_report_outlives_the_lease(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let token = a.win(LONG).await;
    assert_eq!(
        a.publish(token, b"found", Then::Keep(harness.shortest()))
            .await,
        Published::Done
    );
    harness.elapse(harness.past_shortest()).await;
    assert_eq!(b.inspect().await, LockState::Free);
    assert_eq!(b.report().await.value, b"found");
}
