//! What the fleet knows: one entry per check, and the report that carries them.

mod codec;
mod history;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use codec::{MAX_REPORT_BYTES, UnreadableReport};
pub use history::{HISTORY_LENGTH, History, Past};

use crate::id::{CheckId, PodId};
use crate::lease::Token;
use crate::time::UnixMillis;
use crate::verdict::Verdict;

/// The most bytes of an entry in a report. A long error leaves less room for its history.
pub const MAX_ENTRY_BYTES: usize = 1024;

/// Of these, what stands around an entry: its age and a comma.
const ENTRY_FRAME_BYTES: usize = 32;

/// Whether a check counts as healthy, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whether it counts as healthy.
    #[serde(rename = "h")]
    pub healthy: bool,
    /// How many results of the latest kind (pass or failure) came in a row, the latest included.
    #[serde(rename = "n")]
    pub streak: u32,
    /// Since when it counts as it does, by the wall clock of the pod that saw the change.
    #[serde(rename = "s")]
    pub since: UnixMillis,
}

/// How many results in a row it takes to change a check's standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Passes in a row until an unhealthy check counts as healthy; at least 1.
    pub healthy_after: u32,
    /// Failures in a row until a healthy check counts as unhealthy; at least 1.
    pub unhealthy_after: u32,
}

/// What is known of one check. Travels whole from holder to holder, so counters and history survive the change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Which check.
    #[serde(rename = "id")]
    pub check: CheckId,
    /// Who probed it.
    #[serde(rename = "by")]
    pub checked_by: PodId,
    /// The token of the round that probed it; none if the pod probed for itself.
    #[serde(rename = "tok", default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// When that round started, by the prober's wall clock. With `checked_by` it tells one finding from another.
    #[serde(rename = "at")]
    pub started: UnixMillis,
    /// What the latest probe found.
    #[serde(rename = "v")]
    pub verdict: Verdict,
    /// Healthy or not, and since when.
    #[serde(rename = "st")]
    pub standing: Standing,
    /// The latest results, newest first, this one included.
    #[serde(rename = "p")]
    pub history: History,
}

impl Entry {
    /// The entry that follows `before` when a probe of a round brought `verdict`.
    #[must_use]
    pub fn after(
        before: Option<&Self>,
        check: CheckId,
        checked_by: PodId,
        token: Option<Token>,
        started: UnixMillis,
        verdict: Verdict,
        thresholds: Thresholds,
    ) -> Self {
        let pass = verdict.outcome.is_healthy();
        let standing = match before {
            None => Standing {
                healthy: pass,
                streak: 1,
                since: verdict.at,
            },
            Some(b) => {
                let same = b.verdict.outcome.is_healthy() == pass;
                let streak = if same {
                    b.standing.streak.saturating_add(1)
                } else {
                    1
                };
                let needed = if pass {
                    thresholds.healthy_after
                } else {
                    thresholds.unhealthy_after
                };
                if b.standing.healthy != pass && streak >= needed {
                    Standing {
                        healthy: pass,
                        streak,
                        since: verdict.at,
                    }
                } else {
                    Standing {
                        healthy: b.standing.healthy,
                        streak,
                        since: b.standing.since,
                    }
                }
            }
        };
        let mut history = before.map(|b| b.history.clone()).unwrap_or_default();
        history.push(Past {
            at: verdict.at,
            outcome: verdict.outcome,
            latency: verdict.latency,
        });
        let mut entry = Self {
            check,
            checked_by,
            token,
            started,
            verdict,
            standing,
            history,
        };
        entry.fit();
        entry
    }

    /// Forgets the oldest results until the entry is as small as every entry has to be.
    fn fit(&mut self) {
        let size = |entry: &Self| serde_json::to_vec(entry).map_or(0, |bytes| bytes.len());
        while self.history.len() > 1 && size(self) > MAX_ENTRY_BYTES - ENTRY_FRAME_BYTES {
            self.history.forget_oldest();
        }
    }

    /// Whether both are the same finding, perhaps read at different times.
    #[must_use]
    pub fn same_finding(&self, other: &Self) -> bool {
        self.check == other.check
            && self.checked_by == other.checked_by
            && self.started == other.started
    }
}

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
