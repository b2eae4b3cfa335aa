//! Promises about change notices. Hints may be lost, so each is asked for again until it comes; on a healthy store it
//! comes at once.

use std::time::Duration;

use futures_util::StreamExt;
use watchkeeper_core::cache::{Notice, Notices, Published, Then};
use watchkeeper_core::lease::Released;

use super::Harness;
use super::pod::{LONG, Pod, group};

/// A notice that has not come by now is asked for again.
const PATIENCE: Duration = Duration::from_millis(500);
/// Lost so often, it is not a hint any more.
const TRIES: usize = 20;

async fn hears(notices: &mut Notices, wanted: &[Notice]) -> bool {
    let mut missing = wanted.to_vec();
    let listen = async {
        while !missing.is_empty() {
            let heard = notices.next().await.expect("the stream ended");
            missing.retain(|notice| *notice != heard);
        }
    };
    tokio::time::timeout(PATIENCE, listen).await.is_ok()
}

fn report() -> Notice {
    Notice::Report { group: group() }
}

fn released() -> Notice {
    Notice::Released { group: group() }
}

/// Whoever begins to watch reads once first.
pub async fn a_new_stream_starts_with_resumed(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    for _ in 0..2 {
        let mut notices = a.store.watch();
        assert_eq!(notices.next().await, Some(Notice::Resumed));
    }
}

/// A report published on the way, by another pod.
pub async fn watchers_hear_of_a_report(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let mut notices = b.store.watch();
    for _ in 0..TRIES {
        let token = a.win(LONG).await;
        assert_eq!(
            a.publish(token, b"found", Then::Keep(LONG)).await,
            Published::Done
        );
        if hears(&mut notices, &[report()]).await {
            return;
        }
    }
    panic!("no notice came");
}

/// A lease given up without a report.
pub async fn watchers_hear_of_a_release(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let mut notices = b.store.watch();
    for _ in 0..TRIES {
        let token = a.win(LONG).await;
        assert_eq!(a.release(token).await, Released::Done);
        if hears(&mut notices, &[released()]).await {
            return;
        }
    }
    panic!("no notice came");
}

/// One step, both hints.
pub async fn publishing_and_releasing_tells_both(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let mut notices = b.store.watch();
    for _ in 0..TRIES {
        let token = a.win(LONG).await;
        assert_eq!(
            a.publish(token, b"found", Then::Release).await,
            Published::Done
        );
        if hears(&mut notices, &[report(), released()]).await {
            return;
        }
    }
    panic!("no notices came");
}

/// Several streams of one pod and those of others, the publisher's own too.
pub async fn every_watcher_hears(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    let mut streams = [a.store.watch(), b.store.watch(), b.store.watch()];
    for _ in 0..TRIES {
        let token = a.win(LONG).await;
        assert_eq!(
            a.publish(token, b"found", Then::Release).await,
            Published::Done
        );
        let mut all = true;
        for notices in &mut streams {
            all &= hears(notices, &[report()]).await;
        }
        if all {
            return;
        }
    }
    panic!("not everybody heard");
}
