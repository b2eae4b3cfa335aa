//! What the fleet knows: one entry per check, and the report that carries them.

mod codec;
mod entry;
mod history;
mod standing;
mod transitions;

use std::time::Duration;

pub use codec::{MAX_REPORT_BYTES, UnreadableReport};
pub use entry::{Before, Entry, LastFull, MAX_ENTRY_BYTES};
pub use history::{HISTORY_LENGTH, History, Past};
pub use standing::{Passes, Standing, Thresholds};
pub use transitions::{
    MAX_TRANSITION_BYTES, MAX_TRANSITIONS, MAX_TRANSITIONS_BYTES, MAX_TRANSITIONS_PER_CHECK,
    Transition, Transitions,
};

use crate::id::PodId;
use crate::money::Ledger;
use crate::time::UnixMillis;

/// An entry with its age at the moment the report left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aged {
    /// The entry.
    pub entry: Entry,
    /// Time since the start of the round that probed it; whole milliseconds once encoded, rounded down.
    pub age: Duration,
}

/// What one pod publishes for a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Who publishes it.
    pub pod: PodId,
    /// When the round began, by that pod's wall clock.
    pub started: UnixMillis,
    /// How long the round took.
    pub took: Duration,
    /// How many probes were made in the round.
    pub probes: u32,
    /// What is known, one entry per check.
    pub entries: Vec<Aged>,
    /// What the fleet spent on this group's probes on the day that it names.
    pub ledger: Ledger,
    /// When checks turned; none where a pod of a version wrote the report that does not know of them.
    pub transitions: Option<Transitions>,
}

impl Report {
    /// How many entries count as healthy, and how many do not.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let healthy = self
            .entries
            .iter()
            .filter(|a| a.entry.standing.healthy)
            .count();
        (healthy, self.entries.len() - healthy)
    }
}

#[cfg(test)]
mod tests;
