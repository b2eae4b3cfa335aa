//! What is known of one check.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::history::{History, Past};
use super::standing::{Standing, Thresholds};
use crate::id::{CheckId, PodId};
use crate::lease::Token;
use crate::money::Usd;
use crate::time::UnixMillis;
use crate::verdict::{Verdict, cut, millis};

/// The most bytes of an entry in a report. A long error leaves less room for its history.
pub const MAX_ENTRY_BYTES: usize = 1024;

/// Of these, what stands around an entry: its age and a comma.
const ENTRY_FRAME_BYTES: usize = 32;

/// A full probe that failed does not stand in the way of free ones for longer than this. A day's budget bears another
/// one within a day or, where it is less than one probe costs, never: then what is free is all that there is.
const FAILURE_BINDS: Duration = Duration::from_secs(2 * 24 * 3600);

/// When a check was last asked by its full probe, in an entry whose own probe was a cheaper one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastFull {
    /// How long before this entry's round the round of that probe started.
    #[serde(rename = "b", with = "millis")]
    pub before: Duration,
    /// Whether it passed.
    #[serde(rename = "p")]
    pub passed: bool,
}

impl LastFull {
    /// Whether a cheap probe that passes says anything after it.
    fn lets_free_vouch(self) -> bool {
        self.passed || self.before > FAILURE_BINDS
    }
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
    /// The last full probe, if the latest one was spared and there ever was a full one. [`Entry::last_full`] answers
    /// for every entry.
    #[serde(rename = "lf", default, skip_serializing_if = "Option::is_none")]
    pub full: Option<LastFull>,
    /// What its probes cost since it is known, as far as prices are.
    #[serde(rename = "c", default, skip_serializing_if = "Usd::is_zero")]
    pub spent: Usd,
}

/// The entry that another one follows.
#[derive(Clone, Copy, Debug)]
pub struct Before<'a> {
    /// It.
    pub entry: &'a Entry,
    /// From the start of its round to the start of the round that follows, on a steady clock.
    pub gap: Duration,
}

impl Entry {
    /// The entry that follows `before` when a full probe of a round brought `verdict`. For a verdict that was spared,
    /// [`Entry::following`] is to be used, which is told how long ago `before` was.
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
        let before = before.map(|entry| Before {
            entry,
            gap: Duration::ZERO,
        });
        Self::following(
            before, check, checked_by, token, started, verdict, thresholds,
        )
    }

    /// The entry that follows `before` when a probe of a round brought `verdict`.
    ///
    /// A cheap probe that passes after a full one that failed says nothing: what is free cannot vouch for a model that
    /// failed. It stands in the history, and the standing stays, until that failure is two days old.
    #[must_use]
    pub fn following(
        before: Option<Before<'_>>,
        check: CheckId,
        checked_by: PodId,
        token: Option<Token>,
        started: UnixMillis,
        verdict: Verdict,
        thresholds: Thresholds,
    ) -> Self {
        let pass = thresholds.passes.has(verdict.outcome);
        let full = before
            .filter(|_| verdict.spared.is_some())
            .and_then(|before| {
                let full = before.entry.last_full(thresholds)?;
                Some(LastFull {
                    before: full.before.saturating_add(before.gap),
                    ..full
                })
            });
        let vouches = !pass || full.is_none_or(LastFull::lets_free_vouch);
        let standing = match before.map(|before| before.entry) {
            None => Standing::first(pass, verdict.at),
            Some(b) if !vouches => b.standing,
            Some(b) => {
                let same = b.passed(thresholds) == pass;
                b.standing.next(pass, same, verdict.at, thresholds)
            }
        };
        let before = before.map(|before| before.entry);
        let mut history = before.map(|b| b.history.clone()).unwrap_or_default();
        history.push(Past {
            at: verdict.at,
            outcome: verdict.outcome,
            latency: verdict.latency,
        });
        let spent = before.map(|b| b.spent).unwrap_or_default() + verdict.cost.unwrap_or_default();
        let mut entry = Self {
            check,
            checked_by,
            token,
            started,
            verdict,
            standing,
            history,
            full,
            spent,
        };
        entry.fit();
        entry
    }

    /// When the check was last asked by its full probe, counted back from the start of this entry's round, and whether
    /// that passed; none if it never was.
    #[must_use]
    pub fn last_full(&self, thresholds: Thresholds) -> Option<LastFull> {
        if self.verdict.spared.is_some() {
            return self.full;
        }
        Some(LastFull {
            before: Duration::ZERO,
            passed: thresholds.passes.has(self.verdict.outcome),
        })
    }

    /// Whether the latest result that counts was a pass: a cheap one after a full one that failed does not.
    fn passed(&self, thresholds: Thresholds) -> bool {
        thresholds.passes.has(self.verdict.outcome)
            && self.full.is_none_or(LastFull::lets_free_vouch)
    }

    /// Forgets the oldest results until the entry is as small as every entry has to be, and then, where the names alone
    /// are very long, what the upstream said beside the outcome.
    fn fit(&mut self) {
        while self.history.len() > 1 && self.is_too_large() {
            self.history.forget_oldest();
        }
        if self.is_too_large() {
            self.verdict.limits.clear();
        }
        if self.is_too_large() {
            self.verdict.model = None;
        }
        while self.is_too_large()
            && let Some(error) = self.verdict.error.as_mut().filter(|text| !text.is_empty())
        {
            error.truncate(cut(error, error.len() / 2).len());
        }
    }

    fn is_too_large(&self) -> bool {
        let size = serde_json::to_vec(self).map_or(0, |bytes| bytes.len());
        size > MAX_ENTRY_BYTES - ENTRY_FRAME_BYTES
    }

    /// Whether both are the same finding, perhaps read at different times.
    #[must_use]
    pub fn same_finding(&self, other: &Self) -> bool {
        self.check == other.check
            && self.checked_by == other.checked_by
            && self.started == other.started
    }
}
