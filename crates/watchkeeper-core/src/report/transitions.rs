//! When checks turned from healthy to unhealthy and back: kept longer than single results.
//!
//! The list is the group's and travels in its report. Only a holder adds to it, when it publishes, so each change is
//! there once and under one token. Two lists that grew apart (a store that lost its data, a pod of a version that does
//! not know the list) are merged: what either has counts once, whatever the order and however often.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::entry::Entry;
use crate::id::{CheckId, PodId};
use crate::lease::Token;
use crate::time::UnixMillis;
use crate::verdict::{Outcome, cut};

/// How many transitions travel with a report, at most.
pub const MAX_TRANSITIONS: usize = 256;

/// How many of these are of one check, at most: one that flaps is not to push out the others.
pub const MAX_TRANSITIONS_PER_CHECK: usize = 16;

/// The most bytes of a transition in a report, but for one whose names alone take more.
pub const MAX_TRANSITION_BYTES: usize = 384;

/// The most bytes of all transitions of a report, commas included.
pub const MAX_TRANSITIONS_BYTES: usize = MAX_TRANSITIONS * MAX_TRANSITION_BYTES;

/// Longest text kept of what went wrong, in bytes.
const MAX_WHY_BYTES: usize = 120;

/// So few fit whatever their names are: 256 bytes each escaped to twice as many, 128 for the pod, six times the text.
const ALWAYS_FIT: usize = 48;

/// One change of a check's standing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// Which check.
    #[serde(rename = "id")]
    pub check: CheckId,
    /// What it counts as from then on; before, it was the other.
    #[serde(rename = "h")]
    pub healthy: bool,
    /// When the probe ended that brought it about, by the wall clock of the pod that made it. Names the change, together
    /// with the check.
    #[serde(rename = "at")]
    pub at: UnixMillis,
    /// The pod that made that probe.
    pub by: PodId,
    /// The token under which the change was published first; none until then.
    #[serde(rename = "tok", default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// What the probe found.
    #[serde(rename = "o")]
    pub outcome: Outcome,
    /// LiteLLM's `exception_status` of it; none when it passed.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What went wrong, in words, without any secret.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Transition {
    /// The change that an entry's standing comes from, as far as the entry tells: made by its latest probe, or else told
    /// with that one's words.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        let verdict = &entry.verdict;
        let mut transition = Self {
            check: entry.check.clone(),
            healthy: entry.standing.healthy,
            at: entry.standing.since,
            by: entry.checked_by.clone(),
            token: None,
            outcome: verdict.outcome,
            status: verdict.status,
            error: verdict.error.clone(),
        };
        transition.fit();
        transition
    }

    /// Cuts the text to what there is room for.
    fn fit(&mut self) {
        let most = MAX_WHY_BYTES;
        if let Some(error) = self.error.as_mut().filter(|error| error.len() > most) {
            error.truncate(cut(error, most).len());
        }
        while self.most_bytes() > MAX_TRANSITION_BYTES
            && let Some(error) = self.error.as_mut().filter(|error| !error.is_empty())
        {
            error.truncate(cut(error, error.len() / 2).len());
        }
    }

    /// Its size in a report under the longest token: its text is not to be cut again once it has one.
    fn most_bytes(&self) -> usize {
        let token = Some(Token(u64::MAX));
        let longest = Self {
            token,
            ..self.clone()
        };
        longest.bytes()
    }

    /// Its size in a report, with a comma.
    fn bytes(&self) -> usize {
        serde_json::to_vec(self).map_or(0, |bytes| bytes.len() + 1)
    }

    /// Later is larger. Tokens come first: only they rise whatever the pods' wall clocks show. What is not published yet
    /// is later than everything else.
    fn rank(&self) -> (u64, UnixMillis, &CheckId) {
        (
            self.token.map_or(u64::MAX, |token| token.0),
            self.at,
            &self.check,
        )
    }

    fn is(&self, check: &CheckId, at: UnixMillis) -> bool {
        self.at == at && self.check == *check
    }
}

/// At most [`MAX_TRANSITIONS`] changes, oldest first, [`MAX_TRANSITIONS_PER_CHECK`] of each check. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transitions(Arc<Vec<Transition>>);

impl Transitions {
    /// What is kept of these, in whatever order they come: the latest, each once.
    #[must_use]
    pub fn new(all: impl IntoIterator<Item = Transition>) -> Self {
        let mut once: BTreeMap<(CheckId, UnixMillis), Transition> = BTreeMap::new();
        for transition in all {
            let key = (transition.check.clone(), transition.at);
            let first = once
                .get(&key)
                .is_none_or(|had| transition.rank() < had.rank());
            if first {
                once.insert(key, transition);
            }
        }
        let mut kept: Vec<Transition> = once.into_values().collect();
        // Latest first, for as long as the oldest may have to go.
        kept.sort_unstable_by(|a, b| b.rank().cmp(&a.rank()));
        let mut of_check: BTreeMap<CheckId, usize> = BTreeMap::new();
        kept.retain(|transition| {
            let count = of_check.entry(transition.check.clone()).or_default();
            *count += 1;
            *count <= MAX_TRANSITIONS_PER_CHECK
        });
        kept.truncate(MAX_TRANSITIONS);
        if kept.len() > ALWAYS_FIT {
            let mut bytes = 0;
            let fit = kept.iter().take_while(|transition| {
                bytes += transition.bytes();
                bytes <= MAX_TRANSITIONS_BYTES
            });
            kept.truncate(fit.count());
        }
        kept.reverse();
        Self(Arc::new(kept))
    }

    /// Takes in what another list has. The same result whichever list takes in the other, and however often.
    pub fn merge(&mut self, other: &Self) {
        if self != other && !other.is_empty() {
            *self = Self::new(self.iter().chain(other.iter()).cloned());
        }
    }

    /// A token above this one is none that any of them can have been published under: it becomes this one.
    #[must_use]
    pub fn up_to(&self, most: Token) -> Self {
        let above = |transition: &Transition| transition.token.is_some_and(|token| token > most);
        if !self.iter().any(above) {
            return self.clone();
        }
        Self::new(self.iter().cloned().map(|mut transition| {
            transition.token = transition.token.map(|token| token.min(most));
            transition
        }))
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Transition> {
        self.0.iter()
    }

    /// Those of one check, latest first.
    pub fn of<'a>(&'a self, check: &'a CheckId) -> impl Iterator<Item = &'a Transition> {
        self.0.iter().rev().filter(move |t| t.check == *check)
    }

    /// The change of this check at this time.
    #[must_use]
    pub fn get(&self, check: &CheckId, at: UnixMillis) -> Option<&Transition> {
        self.0.iter().rev().find(|t| t.is(check, at))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Transitions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Transitions {
    /// Whoever wrote it: what is kept of it is within the bounds.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut all = Vec::<Transition>::deserialize(deserializer)?;
        all.iter_mut().for_each(Transition::fit);
        Ok(Self::new(all))
    }
}

#[cfg(test)]
mod tests;
