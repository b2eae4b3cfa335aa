//! What happened in a pod lately, for whoever listens: numbered, in a ring of fixed size, so that a listener who comes
//! back can go on where it left, and learns what it missed.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;

use crate::id::{GroupId, PodId};
use crate::lease::Token;
use crate::report::Transition;
use crate::time::UnixMillis;

/// How many events are kept for listeners that come back or are slow.
pub const MAX_EVENTS: usize = 1024;

/// What became of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseChange {
    /// This pod holds it.
    Acquired,
    /// This pod holds it, and the one that held it before was not heard to give it back.
    TakenOver,
    /// This pod gave it back.
    Released,
    /// This pod lost it against its will.
    Lost,
    /// Another pod was found to hold it.
    HeldByOther,
}

impl LeaseChange {
    /// The word used in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acquired => "acquired",
            Self::TakenOver => "taken_over",
            Self::Released => "released",
            Self::Lost => "lost",
            Self::HeldByOther => "held_by_other",
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// Results of the fleet, or of this pod alone, are shown that were not shown before.
    Report {
        /// Which group's.
        group: GroupId,
        /// Under which token; none where this pod probed for itself, or another program did.
        token: Option<Token>,
        /// Who published them.
        by: PodId,
        /// The round goes on, more is to come.
        so_far: bool,
        /// How many checks count as healthy now.
        healthy: usize,
        /// How many do not.
        unhealthy: usize,
    },
    /// A lease changed hands.
    Lease {
        /// Which group's.
        group: GroupId,
        /// How.
        change: LeaseChange,
        /// Who holds it or, where it was released or lost, held it.
        holder: PodId,
        /// Its token, where that is known.
        token: Option<Token>,
        /// Why it was lost.
        reason: Option<&'static str>,
        /// From whom it was taken over, where that is known.
        from: Option<PodId>,
    },
    /// The store went away or came back.
    Store {
        /// Whether it is there.
        up: bool,
        /// Why not, without any secret.
        error: Option<String>,
    },
    /// A check turned.
    Turned {
        /// Which group's.
        group: GroupId,
        /// How.
        transition: Box<Transition>,
    },
    /// A changed configuration was read.
    Reloaded {
        /// Whether it is in force; else the one before still is.
        applied: bool,
        /// Why it was refused, without any secret.
        error: Option<String>,
    },
}

/// An event with its number and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Rises by one from event to event, from 1 on.
    pub number: u64,
    /// When it happened, by the pod's wall clock.
    pub at: UnixMillis,
    /// What happened.
    pub what: Happened,
}

/// What came after an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// How many of these are not kept any more: all of them came before `events`.
    pub lost: u64,
    /// The others, in order.
    pub events: Vec<Arc<Event>>,
}

/// The latest [`MAX_EVENTS`] events.
#[derive(Clone, Debug, Default)]
pub struct EventRing {
    latest: u64,
    kept: VecDeque<Arc<Event>>,
}

impl EventRing {
    /// Adds an event; the oldest falls out when the ring is full. Answers its number.
    pub fn push(&mut self, at: UnixMillis, what: Happened) -> u64 {
        self.latest += 1;
        if self.kept.len() >= MAX_EVENTS {
            self.kept.pop_front();
        }
        let number = self.latest;
        self.kept.push_back(Arc::new(Event { number, at, what }));
        number
    }

    /// The number of the latest event; 0 before the first.
    #[must_use]
    pub fn latest(&self) -> u64 {
        self.latest
    }

    /// What came after the event of this number, `most` events at most.
    #[must_use]
    pub fn since(&self, number: u64, most: usize) -> Since {
        let kept = u64::try_from(self.kept.len()).unwrap_or(u64::MAX);
        let before_kept = self.latest.saturating_sub(kept);
        let skip = usize::try_from(number.saturating_sub(before_kept)).unwrap_or(usize::MAX);
        Since {
            lost: before_kept.saturating_sub(number),
            events: self.kept.iter().skip(skip).take(most).cloned().collect(),
        }
    }
}

/// Where events come from. The runtime implements it; tests of the API fake it.
#[async_trait]
pub trait EventSource: Send + Sync + 'static {
    /// Tells this process's numbers from those of any other: letters and digits only.
    fn epoch(&self) -> &str;
    /// The number of the latest event.
    fn latest(&self) -> u64;
    /// What came after the event of this number, `most` events at most. Cheap.
    fn since(&self, number: u64, most: usize) -> Since;
    /// Returns once there is an event after this one.
    async fn after(&self, number: u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn happened(up: bool) -> Happened {
        Happened::Store { up, error: None }
    }

    #[test]
    fn a_listener_gets_what_came_since_and_learns_how_much_is_gone() {
        let mut ring = EventRing::default();
        assert_eq!(ring.since(0, 9), Since::default());
        let most = u64::try_from(MAX_EVENTS).unwrap();
        for n in 1..=most + 10 {
            assert_eq!(ring.push(UnixMillis(0), happened(n % 2 == 0)), n);
        }
        assert_eq!(ring.latest(), most + 10);
        for (number, lost, first, count) in [
            (most + 10, 0, None, 0),
            (most + 99, 0, None, 0),
            (most + 8, 0, Some(most + 9), 2),
            (10, 0, Some(11), 5),
            (9, 1, Some(11), 5),
            (0, 10, Some(11), 5),
        ] {
            let since = ring.since(number, 5);
            assert_eq!(since.lost, lost, "after {number}");
            assert_eq!(since.events.first().map(|e| e.number), first);
            assert_eq!(since.events.len(), count, "after {number}");
        }
        assert_eq!(ring.since(0, usize::MAX).events.len(), MAX_EVENTS);
    }
}
