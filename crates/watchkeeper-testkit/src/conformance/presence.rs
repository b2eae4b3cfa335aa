//! Promises about the list of pods.

use std::time::Duration;

use watchkeeper_core::cache::{MAX_PRESENCE_BYTES, Presence};
use watchkeeper_core::error::StoreErrorKind;

use super::Harness;
use super::pod::{LONG, Pod};

fn presence(pod: &Pod, info: &[u8], ttl: Duration) -> Presence {
    Presence {
        pod: pod.id.clone(),
        info: info.into(),
        ttl,
    }
}

async fn names(pod: &Pod) -> Vec<String> {
    let pods = pod.store.pods().await.unwrap();
    pods.iter().map(|seen| seen.pod.to_string()).collect()
}

/// With what they said, byte for byte, and how long ago.
pub async fn announced_pods_are_listed_by_name(harness: &dyn Harness) {
    let (a, b) = (
        Pod::new(harness, "pod-a.x").await,
        Pod::new(harness, "pod-b.x").await,
    );
    assert_eq!(names(&a).await, Vec::<String>::new());
    let info: Vec<u8> = (0..=u8::MAX).cycle().take(MAX_PRESENCE_BYTES).collect();
    b.store.announce(&presence(&b, b"", LONG)).await.unwrap();
    a.store.announce(&presence(&a, &info, LONG)).await.unwrap();
    assert_eq!(names(&a).await, ["pod-a.x", "pod-b.x"]);
    harness.elapse(Duration::from_millis(200)).await;
    let pods = b.store.pods().await.unwrap();
    assert_eq!(pods[0].info, info);
    assert_eq!(pods[1].info, b"");
    for seen in &pods {
        let age = seen.age;
        // Up to the grain it may be taken for younger.
        let least = Duration::from_millis(240).saturating_sub(harness.grain());
        assert!(age >= least && age < LONG / 2, "{age:?}");
    }
}

/// One entry a pod, the last word counts.
pub async fn a_new_announcement_replaces_the_old(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    a.store.announce(&presence(&a, b"one", LONG)).await.unwrap();
    a.store.announce(&presence(&a, b"two", LONG)).await.unwrap();
    let pods = a.store.pods().await.unwrap();
    assert_eq!(pods.len(), 1);
    assert_eq!(pods[0].info, b"two");
}

/// After its ttl, whether others go on or not.
pub async fn a_silent_pod_is_forgotten(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    a.store
        .announce(&presence(&a, b"", harness.shortest()))
        .await
        .unwrap();
    b.store.announce(&presence(&b, b"", LONG)).await.unwrap();
    assert_eq!(names(&b).await, ["a", "b"]);
    harness.elapse(harness.past_shortest()).await;
    assert_eq!(names(&b).await, ["b"]);
    a.store.announce(&presence(&a, b"", LONG)).await.unwrap();
    assert_eq!(names(&b).await, ["a", "b"]);
}

/// At once, and leaving twice is leaving.
pub async fn a_pod_that_leaves_is_gone(harness: &dyn Harness) {
    let (a, b) = (Pod::new(harness, "a").await, Pod::new(harness, "b").await);
    a.store.leave(&a.id).await.unwrap();
    a.store.announce(&presence(&a, b"", LONG)).await.unwrap();
    b.store.announce(&presence(&b, b"", LONG)).await.unwrap();
    for _ in 0..2 {
        a.store.leave(&a.id).await.unwrap();
        assert_eq!(names(&b).await, ["b"]);
    }
}

/// It would travel every second.
pub async fn too_much_to_say_is_refused(harness: &dyn Harness) {
    let a = Pod::new(harness, "a").await;
    let much = vec![b'x'; MAX_PRESENCE_BYTES + 1];
    let error = a
        .store
        .announce(&presence(&a, &much, LONG))
        .await
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::TooLarge);
    assert!(!error.may_have_landed);
    assert_eq!(names(&a).await, Vec::<String>::new());
}
