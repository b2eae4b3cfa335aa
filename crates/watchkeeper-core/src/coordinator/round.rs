//! One run of a group's probes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::command::ProbeId;
use super::effort::Ask;
use super::event::Now;
use super::forced::Caller;
use super::settings::{ROUND_SLACK, Settings};
use crate::id::CheckId;
use crate::time::Moment;

/// A check that a probe speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rider {
    pub(super) check: CheckId,
    /// Calls that wait for exactly this probe.
    pub(super) callers: Vec<Caller>,
}

/// A probe under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flying {
    /// The check that is asked, and its twins.
    pub(super) riders: Vec<Rider>,
    /// Who is asked.
    pub(super) provider: Arc<str>,
    pub(super) ask: Ask,
    /// How long it may take from when it leaves.
    pub(super) timeout: Duration,
    /// When it was commanded.
    pub(super) asked_at: Moment,
    /// When it left, as far as the pod tells; until then it waits for one of the pod's places.
    pub(super) left_at: Option<Moment>,
}

impl Flying {
    /// When it left; `tells` says whether the pod tells so. A pod that does not starts each probe when it is commanded.
    pub(super) fn started_at(&self, tells: bool) -> Option<Moment> {
        if tells {
            self.left_at
        } else {
            Some(self.asked_at)
        }
    }
}

/// A probe that has not started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Queued {
    pub(super) check: CheckId,
    /// Where the check stands in the settings.
    pub(super) place: usize,
    /// Not before this moment.
    pub(super) at: Moment,
}

/// One run of a group's probes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Round {
    /// Ages of its entries are counted from here.
    pub(super) started: Now,
    /// The round ends then, whatever hangs.
    pub(super) deadline: Moment,
    /// Not started yet.
    pub(super) queue: VecDeque<Queued>,
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

    /// Takes a check along. One that it took before is not asked twice: its two findings could not be told apart.
    pub(super) fn take(&mut self, queued: Queued) {
        if self.taken.insert(queued.check.clone()) {
            self.queue.push_back(queued);
        }
    }

    /// Nothing runs and nothing is left to start.
    pub(super) fn is_over(&self) -> bool {
        self.queue.is_empty() && self.flying.is_empty()
    }

    /// The next probe, by its place in the queue, and when it may start, if the limits of probes at once allow one: the
    /// first whose provider has room, so that one provider's queue does not hold up the others.
    pub(super) fn next(&self, settings: &Settings) -> Option<(usize, Moment)> {
        if self.flying.len() >= settings.concurrency.max(1) {
            return None;
        }
        if settings.lanes.is_empty() {
            return self.queue.front().map(|queued| (0, queued.at));
        }
        let mut busy: BTreeMap<&str, usize> = BTreeMap::new();
        for flying in self.flying.values() {
            *busy.entry(&flying.provider).or_default() += 1;
        }
        let has_room = |place: usize| {
            let provider = settings.checks.get(place).map(|check| &*check.provider);
            let limit = provider.and_then(|provider| settings.lanes.get(provider));
            let taken = provider.and_then(|provider| busy.get(provider));
            limit.is_none_or(|limit| taken.copied().unwrap_or(0) < (*limit).max(1))
        };
        self.queue
            .iter()
            .enumerate()
            .find(|(_, queued)| has_room(queued.place))
            .map(|(index, queued)| (index, queued.at))
    }

    /// When the next queued probe may start, if the limits of probes at once allow one.
    pub(super) fn next_start(&self, settings: &Settings) -> Option<Moment> {
        self.next(settings).map(|(_, at)| at)
    }

    /// Whether the pod slept through the deadline: then it says nothing about probes that have not answered.
    pub(super) fn overslept(&self, now: Moment) -> bool {
        now >= self.deadline + ROUND_SLACK
    }
}
