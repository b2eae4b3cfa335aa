//! Feels the store's pulse once a second, and keeps this pod on the fleet's list.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::debug;
use watchkeeper_core::cache::Presence;
use watchkeeper_core::error::StoreError;
use watchkeeper_core::id::PodId;
use watchkeeper_core::status::{PodFacts, PodView};
use watchkeeper_core::time::Clock;

use crate::driver::Input;
use crate::store_client::StoreClient;

/// A store that went away is noticed within this and one operation's limit.
pub(crate) const PING_EVERY: Duration = Duration::from_secs(1);
/// The list of pods is for people: it may be this old.
const ANNOUNCE_EVERY: u32 = 5;
/// A pod that missed two announcements is not shown any more.
const PRESENCE_TTL: Duration = Duration::from_secs(15);

/// The task's belongings.
pub(crate) struct Pulse {
    pub(crate) store: StoreClient,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pod: PodId,
    /// What to tell the fleet about this pod.
    pub(crate) facts: watch::Receiver<PodFacts>,
    /// Asks for a ping before its time: an operation failed.
    pub(crate) nudge: Arc<Notify>,
    pub(crate) inbox: mpsc::Sender<Input>,
    pub(crate) stop: CancellationToken,
}

/// An early ping comes at least this long after the one before.
const NUDGE_GAP: Duration = Duration::from_millis(200);

impl Pulse {
    /// Runs until stopped.
    pub(crate) async fn run(self) {
        let mut ticks = tokio::time::interval(PING_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut up: Option<bool> = None;
        let mut round: u32 = 0;
        let mut last = Instant::now();
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = ticks.tick() => {}
                () = self.nudge.notified() => {
                    if up == Some(false) || last.elapsed() < NUDGE_GAP {
                        continue;
                    }
                }
            }
            last = Instant::now();
            let result = self.store.ping().await;
            let now_up = result.is_ok();
            if up != Some(now_up) || !now_up {
                self.tell(Input::Pinged(result)).await;
            }
            // A store that comes back has forgotten the pods: announce at once.
            let returned = now_up && up != Some(true);
            up = Some(now_up);
            if now_up && (returned || round.is_multiple_of(ANNOUNCE_EVERY)) {
                self.announce().await;
            }
            round = round.wrapping_add(1);
        }
    }

    async fn tell(&self, input: Input) {
        // The driver outlives this task; where it does not, nobody listens any more.
        let _ = self.inbox.send(input).await;
    }

    async fn announce(&self) {
        let info = serde_json::to_vec(&*self.facts.borrow()).unwrap_or_default();
        let presence = Presence {
            pod: self.pod.clone(),
            info: info.into(),
            ttl: PRESENCE_TTL,
        };
        match self.announce_and_list(&presence).await {
            Ok(pods) => self.tell(Input::Pods(pods)).await,
            Err(error) => debug!(%error, "this pod could not be announced"),
        }
    }

    async fn announce_and_list(&self, presence: &Presence) -> Result<Vec<PodView>, StoreError> {
        self.store.announce(presence).await?;
        let seen = self.store.pods().await?;
        let now = self.clock.now();
        Ok(seen
            .into_iter()
            .map(|pod| PodView {
                facts: serde_json::from_slice(&pod.info).unwrap_or_default(),
                seen: now - pod.age,
                pod: pod.pod,
            })
            .collect())
    }
}
