//! Places for probes: at most so many at once, over all groups of the pod, and at most so many of a provider.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use tokio::task::AbortHandle;
use watchkeeper_core::coordinator::ProbeId;
use watchkeeper_core::id::CheckId;
use watchkeeper_core::probe::Effort;

use crate::group::GroupKey;

/// A probe of one group.
pub(crate) type Key = (GroupKey, ProbeId);

/// A probe that has no place yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) key: Key,
    pub(crate) check: CheckId,
    pub(crate) effort: Effort,
    pub(crate) provider: Arc<str>,
}

struct Running {
    task: AbortHandle,
    provider: Arc<str>,
}

/// Places for probes. Those that find none wait in line; whether they may still start is asked when their turn comes. A
/// provider's own line does not hold up the others.
pub(crate) struct Slots {
    limit: usize,
    /// Most at once, by provider.
    lanes: BTreeMap<Arc<str>, usize>,
    running: HashMap<Key, Running>,
    /// How many run of each provider that has a limit.
    busy: BTreeMap<Arc<str>, usize>,
    /// Those of providers without a limit, and those whose provider has one, apart; each with its number in line.
    waiting: VecDeque<(u64, Waiting)>,
    limited: BTreeMap<Arc<str>, VecDeque<(u64, Waiting)>>,
    last: u64,
}

impl Slots {
    pub(crate) fn new(limit: usize, lanes: BTreeMap<Arc<str>, usize>) -> Self {
        Self {
            limit: limit.max(1),
            lanes,
            running: HashMap::new(),
            busy: BTreeMap::new(),
            waiting: VecDeque::new(),
            limited: BTreeMap::new(),
            last: 0,
        }
    }

    /// Goes on with other limits. What runs beyond them may end; who waits keeps the place in line.
    pub(crate) fn change(&mut self, limit: usize, lanes: BTreeMap<Arc<str>, usize>) {
        self.limit = limit.max(1);
        self.lanes = lanes;
        self.busy.clear();
        for running in self.running.values() {
            if self.lanes.contains_key(&running.provider) {
                *self.busy.entry(Arc::clone(&running.provider)).or_default() += 1;
            }
        }
        let limited = std::mem::take(&mut self.limited).into_values().flatten();
        let mut waiting: Vec<_> = limited.chain(self.waiting.drain(..)).collect();
        waiting.sort_unstable_by_key(|(number, _)| *number);
        for (_, probe) in waiting {
            self.line_up(probe);
        }
    }

    /// Puts a probe in line.
    pub(crate) fn line_up(&mut self, probe: Waiting) {
        self.last += 1;
        let line = if self.lanes.contains_key(&probe.provider) {
            let provider = Arc::clone(&probe.provider);
            self.limited.entry(provider).or_default()
        } else {
            &mut self.waiting
        };
        line.push_back((self.last, probe));
    }

    /// The first probe in line for which there is a place.
    pub(crate) fn next(&mut self) -> Option<Waiting> {
        if self.running.len() >= self.limit {
            return None;
        }
        let (lanes, busy) = (&self.lanes, &self.busy);
        let has_room = |provider: &Arc<str>| {
            let limit = lanes.get(provider).copied().unwrap_or(usize::MAX).max(1);
            busy.get(provider).copied().unwrap_or(0) < limit
        };
        let limited = self.limited.iter_mut();
        limited
            .filter_map(|(provider, line)| has_room(provider).then_some(line))
            .chain([&mut self.waiting])
            .filter(|line| !line.is_empty())
            .min_by_key(|line| line.front().map(|(number, _)| *number))
            .and_then(VecDeque::pop_front)
            .map(|(_, probe)| probe)
    }

    pub(crate) fn started(&mut self, key: Key, provider: Arc<str>, task: AbortHandle) {
        if self.lanes.contains_key(&provider) {
            *self.busy.entry(Arc::clone(&provider)).or_default() += 1;
        }
        self.running.insert(key, Running { task, provider });
    }

    /// Gives the place back. False for a probe that was cancelled before: its answer is not wanted.
    pub(crate) fn ended(&mut self, key: Key) -> bool {
        self.leave(key).is_some()
    }

    fn leave(&mut self, key: Key) -> Option<AbortHandle> {
        let Running { task, provider } = self.running.remove(&key)?;
        if let Some(busy) = self.busy.get_mut(&provider) {
            *busy = busy.saturating_sub(1);
        }
        Some(task)
    }

    /// Stops a probe, wherever it is.
    pub(crate) fn cancel(&mut self, key: Key) {
        if let Some(task) = self.leave(key) {
            task.abort();
            return;
        }
        self.waiting.retain(|(_, waiting)| waiting.key != key);
        for line in self.limited.values_mut() {
            line.retain(|(_, waiting)| waiting.key != key);
        }
    }

    /// Stops everything.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
        self.limited.clear();
        self.busy.clear();
        for (_, Running { task, .. }) in self.running.drain() {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(id: u64, provider: &str) -> Waiting {
        Waiting {
            key: (GroupKey(0), ProbeId(id)),
            check: CheckId::new("c").unwrap(),
            effort: Effort::Full,
            provider: Arc::from(provider),
        }
    }

    fn start_all(slots: &mut Slots) -> Vec<u64> {
        let mut started = Vec::new();
        while let Some(Waiting { key, provider, .. }) = slots.next() {
            let task = tokio::spawn(std::future::pending::<()>()).abort_handle();
            slots.started(key, provider, task);
            started.push(key.1.0);
        }
        started
    }

    #[tokio::test]
    async fn no_more_than_the_limit_run_and_a_cancelled_one_makes_room() {
        let mut slots = Slots::new(2, BTreeMap::new());
        for id in 1..=4 {
            slots.line_up(waiting(id, "a"));
        }
        assert_eq!(start_all(&mut slots), [1, 2]);
        slots.cancel((GroupKey(0), ProbeId(3)));
        slots.cancel((GroupKey(0), ProbeId(1)));
        assert!(
            !slots.ended((GroupKey(0), ProbeId(1))),
            "a cancelled probe's answer is not wanted"
        );
        assert_eq!(start_all(&mut slots), [4]);
    }

    #[tokio::test]
    async fn a_provider_keeps_to_its_own_limit_and_holds_up_nobody_else() {
        let lanes = BTreeMap::from([(Arc::from("ollama"), 1)]);
        let mut slots = Slots::new(3, lanes);
        for id in 1..=3 {
            slots.line_up(waiting(id, "ollama"));
        }
        for id in 4..=6 {
            slots.line_up(waiting(id, "openai"));
        }
        assert_eq!(start_all(&mut slots), [1, 4, 5]);
        // A place that another provider leaves is not the limited one's.
        assert!(slots.ended((GroupKey(0), ProbeId(4))));
        assert_eq!(start_all(&mut slots), [6]);
        slots.cancel((GroupKey(0), ProbeId(2)));
        assert!(slots.ended((GroupKey(0), ProbeId(1))));
        assert_eq!(start_all(&mut slots), [3]);
    }

    #[tokio::test]
    async fn new_limits_hold_for_what_waits_and_what_runs_counts_against_them() {
        let mut slots = Slots::new(2, BTreeMap::new());
        for (id, provider) in [(1, "a"), (2, "b"), (3, "a"), (4, "b"), (5, "a")] {
            slots.line_up(waiting(id, provider));
        }
        assert_eq!(start_all(&mut slots), [1, 2]);
        slots.change(4, BTreeMap::from([(Arc::from("a"), 1)]));
        assert_eq!(start_all(&mut slots), [4], "`a` has its one");
        assert!(slots.ended((GroupKey(0), ProbeId(1))));
        assert_eq!(start_all(&mut slots), [3]);
        // Without the lane the rest is in its old order.
        slots.change(4, BTreeMap::new());
        assert_eq!(start_all(&mut slots), [5]);
        slots.line_up(waiting(6, "a"));
        slots.change(2, BTreeMap::new());
        assert!(start_all(&mut slots).is_empty(), "four run, two may");
    }
}
