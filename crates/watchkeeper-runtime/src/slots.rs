//! Places for probes: at most so many at once, over all groups of the pod.

use std::collections::{HashMap, VecDeque};

use tokio::task::AbortHandle;
use watchkeeper_core::coordinator::ProbeId;
use watchkeeper_core::id::CheckId;

/// A probe of one group.
pub(crate) type Key = (usize, ProbeId);

/// Places for probes. Those that find none wait in line; whether they may still start is asked when their turn comes.
pub(crate) struct Slots {
    limit: usize,
    running: HashMap<Key, AbortHandle>,
    waiting: VecDeque<(Key, CheckId)>,
}

impl Slots {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            running: HashMap::new(),
            waiting: VecDeque::new(),
        }
    }

    /// Puts a probe in line.
    pub(crate) fn line_up(&mut self, key: Key, check: CheckId) {
        self.waiting.push_back((key, check));
    }

    /// The next probe in line, if there is a place for it.
    pub(crate) fn next(&mut self) -> Option<(Key, CheckId)> {
        if self.running.len() >= self.limit {
            None
        } else {
            self.waiting.pop_front()
        }
    }

    pub(crate) fn started(&mut self, key: Key, task: AbortHandle) {
        self.running.insert(key, task);
    }

    /// Gives the place back. False for a probe that was cancelled before: its answer is not wanted.
    pub(crate) fn ended(&mut self, key: Key) -> bool {
        self.running.remove(&key).is_some()
    }

    /// Stops a probe, wherever it is.
    pub(crate) fn cancel(&mut self, key: Key) {
        if let Some(task) = self.running.remove(&key) {
            task.abort();
        } else {
            self.waiting.retain(|(waiting, _)| *waiting != key);
        }
    }

    /// Stops everything.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
        for (_, task) in self.running.drain() {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str) -> CheckId {
        CheckId::new(name).unwrap()
    }

    #[tokio::test]
    async fn no_more_than_the_limit_run_and_a_cancelled_one_makes_room() {
        let mut slots = Slots::new(2);
        for id in 1..=4 {
            slots.line_up((0, ProbeId(id)), check("c"));
        }
        let mut started = Vec::new();
        while let Some((key, _)) = slots.next() {
            slots.started(
                key,
                tokio::spawn(std::future::pending::<()>()).abort_handle(),
            );
            started.push(key.1.0);
        }
        assert_eq!(started, [1, 2]);
        slots.cancel((0, ProbeId(3)));
        slots.cancel((0, ProbeId(1)));
        assert!(
            !slots.ended((0, ProbeId(1))),
            "a cancelled probe's answer is not wanted"
        );
        assert_eq!(slots.next().map(|(key, _)| key.1.0), Some(4));
    }
}
