//! Change notices: one subscription in a task of its own, handed on to every watcher.
//!
//! When the subscription breaks it is made again, with full jitter and a capped backoff, or at once when the operations'
//! own connection came back.

use std::sync::{Arc, OnceLock};

use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::{Notify, broadcast};
use tokio::time::Instant;
use tokio_stream::wrappers::BroadcastStream;
use tokio_util::task::AbortOnDropHandle;
use watchkeeper_core::cache::{Notice, Notices};
use watchkeeper_core::error::StoreErrorKind;

use crate::backoff::Backoff;
use crate::reason::Reason;

/// Notices that wait for a slow watcher. One that falls further behind is told [`Notice::Resumed`].
const BACKLOG: usize = 256;

/// How a backend hears of changes.
pub trait Subscription: Send + 'static {
    /// The store's name, for people.
    const STORE: &str;
    /// What this is called there, for people.
    const NAME: &str;

    /// Subscribes, says [`Notice::Resumed`], and forwards, until it fails; finds out by itself when the other end
    /// vanished, since its connection looks just like a quiet one.
    fn once(&mut self, notices: &broadcast::Sender<Notice>) -> impl Future<Output = Reason> + Send;

    /// Whether operations are done meanwhile, as far as is known. What keeps them out is told by them.
    fn operations_work(&self) -> bool;
}

/// The subscription, made when somebody first watches: who only takes leases makes the server tell nobody.
pub struct Feed {
    notices: broadcast::Sender<Notice>,
    /// Wakes the task out of its backoff.
    nudge: Arc<Notify>,
    /// Where the task runs, wherever the first watcher comes from.
    runtime: Handle,
    /// Ends with this.
    task: OnceLock<AbortOnDropHandle<()>>,
}

impl Feed {
    /// Nothing yet. `nudge` ends the wait after a failure.
    #[must_use]
    pub fn new(nudge: Arc<Notify>, runtime: Handle) -> Self {
        Self {
            notices: broadcast::Sender::new(BACKLOG),
            nudge,
            runtime,
            task: OnceLock::new(),
        }
    }

    /// Notices from now on, [`Notice::Resumed`] first and after each gap. The first watcher's subscription serves all.
    pub fn watch<S: Subscription>(&self, subscription: impl FnOnce() -> S) -> Notices {
        let later = BroadcastStream::new(self.notices.subscribe());
        self.task.get_or_init(|| {
            let (nudge, notices) = (Arc::clone(&self.nudge), self.notices.clone());
            let kept = keep(subscription(), nudge, notices);
            AbortOnDropHandle::new(self.runtime.spawn(kept))
        });
        let later = later.map(|next| next.unwrap_or(Notice::Resumed));
        Box::pin(stream::iter([Notice::Resumed]).chain(later))
    }
}

/// Subscribes again and again, as long as it runs.
async fn keep<S: Subscription>(
    mut subscription: S,
    nudge: Arc<Notify>,
    notices: broadcast::Sender<Notice>,
) {
    let mut backoff = Backoff::default();
    let mut told = false;
    loop {
        let began = Instant::now();
        let failure = subscription.once(&notices).await;
        tell::<S>(&failure, subscription.operations_work(), &mut told);
        let wait = backoff.after(began);
        // A nudge that came before the failure is of an older time.
        let _ = nudge.notified().now_or_never();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = nudge.notified() => {}
        }
    }
}

/// Says once what a person has to mend and nobody else sees: a missing right to watch, while operations are done. That
/// the store is away, or lets nobody in, is said by those who need it.
fn tell<S: Subscription>(failure: &Reason, operations_work: bool, told: &mut bool) {
    let kind = failure.kind.as_str();
    if failure.kind != StoreErrorKind::Denied {
        *told = false;
    } else if operations_work && !*told {
        *told = true;
        tracing::warn!(
            kind,
            "no change notices from {}, reports are found by polling: {}",
            S::STORE,
            failure.message
        );
        return;
    }
    tracing::debug!(kind, "{} {} ended: {}", S::STORE, S::NAME, failure.message);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;
    use watchkeeper_core::id::GroupId;

    use super::*;

    /// Tells of one group each time, then fails.
    struct Brittle {
        times: u32,
    }

    impl Subscription for Brittle {
        const STORE: &str = "it";
        const NAME: &str = "watch";

        async fn once(&mut self, notices: &broadcast::Sender<Notice>) -> Reason {
            self.times += 1;
            let group = GroupId::new(format!("g-{}", self.times)).unwrap();
            let _ = notices.send(Notice::Report { group });
            Reason::new(StoreErrorKind::Unreachable, "it broke")
        }

        fn operations_work(&self) -> bool {
            true
        }
    }

    fn report(group: &str) -> Option<Notice> {
        let group = GroupId::new(group).unwrap();
        Some(Notice::Report { group })
    }

    #[tokio::test(start_paused = true)]
    async fn what_breaks_is_made_again_for_all_watchers() {
        let feed = Feed::new(Arc::default(), Handle::current());
        let mut first = feed.watch(|| Brittle { times: 0 });
        let mut second = feed.watch(|| Brittle { times: 100 });
        for watcher in [&mut first, &mut second] {
            assert_eq!(watcher.next().await, Some(Notice::Resumed));
            for group in ["g-1", "g-2", "g-3"] {
                assert_eq!(watcher.next().await, report(group));
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_watcher_that_falls_far_behind_is_told_of_the_gap() {
        let feed = Feed::new(Arc::default(), Handle::current());
        let mut watcher = feed.watch(|| Brittle { times: 0 });
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(watcher.next().await, Some(Notice::Resumed));
        assert_eq!(watcher.next().await, Some(Notice::Resumed));
        assert!(matches!(watcher.next().await, Some(Notice::Report { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn the_subscription_ends_with_the_feed() {
        let feed = Feed::new(Arc::default(), Handle::current());
        let mut watcher = feed.watch(|| Brittle { times: 0 });
        drop(feed);
        let ended = timeout(Duration::from_secs(60), async {
            while watcher.next().await.is_some() {}
        });
        assert_eq!(ended.await, Ok(()));
    }
}
