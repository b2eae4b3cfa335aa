//! Keeps what happened for listeners, and wakes them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::watch;
use watchkeeper_core::coordinator::{Coordinator, Happening, RoundKind};
use watchkeeper_core::events::{EventRing, EventSource, Happened, LeaseChange, Since};
use watchkeeper_core::id::{GroupId, PodId};
use watchkeeper_core::lease::Token;
use watchkeeper_core::time::Clock;

/// The events of one process. Whoever tells one never waits for a listener.
pub struct EventHub {
    epoch: String,
    clock: Arc<dyn Clock>,
    ring: Mutex<EventRing>,
    latest: watch::Sender<u64>,
}

impl EventHub {
    /// The events of this pod's process, which starts now.
    #[must_use]
    pub fn new(pod: &PodId, clock: Arc<dyn Clock>) -> Self {
        // The name has a random part; two pods of one name do not start in the same millisecond.
        let mut hasher = DefaultHasher::new();
        pod.as_str().hash(&mut hasher);
        let name = hasher.finish() & 0xffff_ffff;
        Self {
            epoch: format!("{:x}x{name:08x}", clock.unix().0.max(0)),
            clock,
            ring: Mutex::default(),
            latest: watch::Sender::new(0),
        }
    }

    /// Notes that something happened.
    pub fn tell(&self, what: Happened) {
        let at = self.clock.unix();
        let mut ring = self.ring();
        // Under the lock: of two that are told at once, the later number is the one that stays.
        self.latest.send_replace(ring.push(at, what));
    }

    fn ring(&self) -> std::sync::MutexGuard<'_, EventRing> {
        // Nothing that is done under the lock can leave the ring half changed.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EventSource for EventHub {
    fn epoch(&self) -> &str {
        &self.epoch
    }

    fn latest(&self) -> u64 {
        self.ring().latest()
    }

    fn since(&self, number: u64, most: usize) -> Since {
        self.ring().since(number, most)
    }

    async fn after(&self, number: u64) {
        // The sender lives as long as this hub, so the wait ends with an event only.
        let _ = self
            .latest
            .subscribe()
            .wait_for(|latest| *latest > number)
            .await;
    }
}

/// The lease as this pod knew another to hold it.
pub(crate) type OtherHolder = Option<(PodId, Option<Token>)>;

/// Who else held the lease, as far as a coordinator heard.
pub(crate) fn other_holder(coordinator: &Coordinator) -> OtherHolder {
    let other = coordinator.other_holder();
    other.map(|(pod, token)| (pod.clone(), token))
}

/// What listeners hear of a happening of a group; `before` held its lease until then, as far as this pod heard.
pub(crate) fn heard(
    pod: &PodId,
    coordinator: &Coordinator,
    happening: &Happening,
    before: &OtherHolder,
) -> Option<Happened> {
    let group = || coordinator.settings().group.clone();
    let report = |token: Option<Token>, by: &PodId, so_far: bool| {
        let (healthy, unhealthy) = coordinator.counts();
        Some(Happened::Report {
            group: group(),
            token,
            by: by.clone(),
            so_far,
            healthy,
            unhealthy,
        })
    };
    let lease = |change: LeaseChange, token: Token, reason: Option<&'static str>| {
        let from = before.as_ref().map(|(pod, _)| pod.clone());
        Some(Happened::Lease {
            group: group(),
            change,
            holder: pod.clone(),
            token: Some(token),
            reason,
            from: from.filter(|_| change == LeaseChange::TakenOver),
        })
    };
    match happening {
        Happening::LeaseAcquired(token) if before.is_some() => {
            lease(LeaseChange::TakenOver, *token, None)
        }
        Happening::LeaseAcquired(token) => lease(LeaseChange::Acquired, *token, None),
        Happening::LeaseReleased(token) => lease(LeaseChange::Released, *token, None),
        Happening::LeaseLost(token, reason) => {
            lease(LeaseChange::Lost, *token, Some(reason.as_str()))
        }
        Happening::Published { token, .. } => report(Some(*token), pod, false),
        Happening::PublishedSoFar { token, .. } => report(Some(*token), pod, true),
        Happening::Adopted { by, token, .. } => report(Some(*token), by, false),
        Happening::AdoptedForeign { by, .. } => report(None, by, false),
        Happening::RoundEnded {
            kind: RoundKind::Isolated,
            ..
        } => report(None, pod, false),
        Happening::Turned(transition) => Some(Happened::Turned {
            group: group(),
            transition: transition.clone(),
        }),
        _ => None,
    }
}

/// What listeners hear when a question for the lease brought up another holder.
pub(crate) fn found_held(
    group: &GroupId,
    before: &OtherHolder,
    now: OtherHolder,
) -> Option<Happened> {
    let (holder, token) = now.filter(|now| before.as_ref() != Some(now))?;
    Some(Happened::Lease {
        group: group.clone(),
        change: LeaseChange::HeldByOther,
        holder,
        token,
        reason: None,
        from: None,
    })
}

#[cfg(test)]
mod tests {
    use watchkeeper_core::time::{Moment, UnixMillis};

    use super::*;

    #[derive(Debug)]
    struct At(i64);

    impl Clock for At {
        fn now(&self) -> Moment {
            Moment::ZERO
        }
        fn unix(&self) -> UnixMillis {
            UnixMillis(self.0)
        }
    }

    fn hub(pod: &str, start: i64) -> EventHub {
        EventHub::new(&PodId::new(pod).unwrap(), Arc::new(At(start)))
    }

    #[test]
    fn processes_of_another_name_or_start_have_other_ids() {
        let one = hub("a-1", 5);
        assert_eq!(one.epoch(), hub("a-1", 5).epoch());
        assert_ne!(one.epoch(), hub("a-1", 6).epoch());
        assert_ne!(one.epoch(), hub("a-2", 5).epoch());
        assert!(one.epoch().bytes().all(|b| b.is_ascii_alphanumeric()));
    }

    #[tokio::test]
    async fn of_events_told_at_once_by_several_the_latest_is_known_to_listeners() {
        let hub = Arc::new(hub("a", 1));
        let tell = |hub: Arc<EventHub>| {
            std::thread::spawn(move || {
                for _ in 0..2_000 {
                    hub.tell(Happened::Store {
                        up: true,
                        error: None,
                    });
                }
            })
        };
        let tellers: Vec<_> = (0..4).map(|_| tell(Arc::clone(&hub))).collect();
        for teller in tellers {
            teller.join().unwrap();
        }
        assert_eq!(*hub.latest.borrow(), hub.latest());
    }

    #[tokio::test]
    async fn a_listener_is_woken_by_the_next_event_and_by_one_that_is_there() {
        let hub = Arc::new(hub("a", 1));
        let waits = tokio::spawn({
            let hub = Arc::clone(&hub);
            async move { hub.after(0).await }
        });
        hub.tell(Happened::Store {
            up: true,
            error: None,
        });
        waits.await.unwrap();
        hub.after(0).await;
        assert_eq!(hub.latest(), 1);
        assert_eq!(hub.since(0, 9).events.len(), 1);
    }
}
