//! One run of a group's probes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::command::ProbeId;
use super::event::Now;
use super::forced::Caller;
use super::settings::ROUND_SLACK;
use crate::id::CheckId;
use crate::time::Moment;

/// A probe under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flying {
    pub(super) check: CheckId,
    /// Calls that wait for exactly this probe.
    pub(super) callers: Vec<Caller>,
    /// Whether it left, or still waits for one of the pod's places.
    pub(super) left: bool,
}

/// One run of a group's probes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Round {
    /// Ages of its entries are counted from here.
    pub(super) started: Now,
    /// The round ends then, whatever hangs.
    pub(super) deadline: Moment,
    /// Not started yet: the check, and the moment before which it is not to start.
    pub(super) queue: VecDeque<(CheckId, Moment)>,
    pub(super) flying: BTreeMap<ProbeId, Flying>,
    /// Everything it ever took: a round asks a check once.
    taken: BTreeSet<CheckId>,
    /// How many probes came to an end.
    pub(super) done: usize,
    /// Whether somebody asked for it.
    pub(super) forced: bool,
}

impl Round {
    pub(super) fn new(now: Now, deadline: Moment, forced: bool) -> Self {
        Self {
            started: now,
            deadline,
            queue: VecDeque::new(),
            flying: BTreeMap::new(),
            taken: BTreeSet::new(),
            done: 0,
            forced,
        }
    }

    /// Takes a check along, not to be started before `at`. A check that it took before is not asked twice: its two
    /// findings could not be told apart.
    pub(super) fn take(&mut self, check: CheckId, at: Moment) {
        if self.taken.insert(check.clone()) {
            self.queue.push_back((check, at));
        }
    }

    /// Nothing runs and nothing is left to start.
    pub(super) fn is_over(&self) -> bool {
        self.queue.is_empty() && self.flying.is_empty()
    }

    /// When the next queued probe may start, if the limit of probes at once allows one.
    pub(super) fn next_start(&self, concurrency: usize) -> Option<Moment> {
        if self.flying.len() >= concurrency.max(1) {
            return None;
        }
        self.queue.front().map(|(_, at)| *at)
    }

    /// Whether the pod slept through the deadline: then it says nothing about probes that have not answered.
    pub(super) fn overslept(&self, now: Moment) -> bool {
        now >= self.deadline + ROUND_SLACK
    }
}
