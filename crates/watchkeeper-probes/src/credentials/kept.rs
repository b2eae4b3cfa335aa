//! Fetched credentials, kept until shortly before they end.
//!
//! | state | what a probe gets |
//! | --- | --- |
//! | good for long | what is kept |
//! | ends soon | new ones, fetched by one probe; the others, and it if that fails, go on with what is kept |
//! | none, or ended | new ones: one probe fetches, the others wait for it |
//! | the fetch just failed | the same refusal, for a few seconds |

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex as Turn;
use tokio::time::{Instant, timeout_at};
use watchkeeper_core::time::{Clock, Moment};
use watchkeeper_core::verdict::Outcome;

use super::fetch::Fetched;
use super::refusal::Refusal;

/// Longest time that one fetch may take, however long the check may.
const MAX_FETCH: Duration = Duration::from_secs(10);

/// How long before its end something kept is fetched anew, at most; a quarter of a short life.
const MARGIN: Duration = Duration::from_secs(300);

/// How long something without an end of its own is kept: the file that it came from may change.
const UNENDING: Duration = Duration::from_secs(600);

/// How long something is kept that is said to end at once: a round of many checks asks once.
const AT_LEAST: Duration = Duration::from_secs(5);

/// How long a failure is remembered: a round of many checks of one account asks once.
const FAILURE_KEPT: Duration = Duration::from_secs(5);

/// What is younger than this is not forgotten when an upstream refuses it: a round in which all are refused would fetch
/// once per check.
const FRESH: Duration = Duration::from_secs(60);

/// Most accounts kept; beyond it those that nobody uses at the moment go.
const MAX_SLOTS: usize = 1024;

/// What was fetched, by where it comes from.
pub(crate) struct Kept<K, V> {
    clock: Arc<dyn Clock>,
    slots: Mutex<HashMap<K, Arc<Slot<V>>>>,
}

struct Slot<V> {
    /// Held by the one probe that fetches.
    turn: Turn<()>,
    state: Mutex<State<V>>,
}

struct State<V> {
    good: Option<Good<V>>,
    failure: Option<Failure>,
}

struct Good<V> {
    value: V,
    since: Moment,
    renew: Moment,
    end: Moment,
}

struct Failure {
    refusal: Refusal,
    at: Moment,
    /// How long the fetch was allowed to take.
    allowed: Duration,
}

/// What a look at a slot says.
enum Look<V> {
    Good(V),
    EndsSoon(V),
    Failed(Refusal),
    Nothing,
}

impl<K: Clone + Eq + Hash, V: Clone> Kept<K, V> {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            slots: Mutex::default(),
        }
    }

    /// What is kept for `key`, or what `fetch` brings. Ends at `deadline` at the latest.
    ///
    /// Dropping the future ends the fetch; the next probe that waits takes over.
    pub(crate) async fn get<F>(
        &self,
        key: &K,
        deadline: Instant,
        fetch: impl FnOnce() -> F,
    ) -> Result<V, Refusal>
    where
        F: Future<Output = Result<Fetched<V>, Refusal>>,
    {
        let slot = self.slot(key);
        let (turn, old) = match self.look(&slot, deadline) {
            Look::Good(value) => return Ok(value),
            Look::Failed(refusal) => return Err(refusal),
            Look::EndsSoon(value) => match slot.turn.try_lock() {
                Ok(turn) => (turn, Some(value)),
                Err(_) => return Ok(value),
            },
            Look::Nothing => match timeout_at(deadline, slot.turn.lock()).await {
                Ok(turn) => (turn, None),
                Err(_) => return Err(Refusal::timeout()),
            },
        };
        // somebody else may have fetched meanwhile
        match self.look(&slot, deadline) {
            Look::Good(value) => return Ok(value),
            Look::Failed(refusal) => return old.ok_or(refusal),
            Look::EndsSoon(_) | Look::Nothing => {}
        }
        let fetched = self.fetch(&slot, deadline, fetch).await;
        drop(turn);
        match (fetched, old) {
            (Ok(value), _) | (Err(_), Some(value)) => Ok(value),
            (Err(refusal), None) => Err(refusal),
        }
    }

    /// Drops what is kept, unless it is fresh.
    pub(crate) fn forget(&self, key: &K) {
        let slot = lock(&self.slots).get(key).cloned();
        if let Some(slot) = slot {
            let now = self.clock.now();
            let mut state = lock(&slot.state);
            if state
                .good
                .as_ref()
                .is_some_and(|good| now.since(good.since) >= FRESH)
            {
                state.good = None;
            }
        }
    }

    async fn fetch<F>(
        &self,
        slot: &Slot<V>,
        deadline: Instant,
        fetch: impl FnOnce() -> F,
    ) -> Result<V, Refusal>
    where
        F: Future<Output = Result<Fetched<V>, Refusal>>,
    {
        let allowed = allowed(deadline);
        let began = self.clock.now();
        let result = tokio::time::timeout(allowed, fetch())
            .await
            .unwrap_or_else(|_| Err(Refusal::timeout()));
        let mut state = lock(&slot.state);
        match result {
            Ok(Fetched { value, lifetime }) => {
                let lifetime = lifetime.unwrap_or(UNENDING).max(AT_LEAST);
                let margin = MARGIN.min(lifetime / 4);
                // counted from before the request: on the way here it has already aged
                state.good = Some(Good {
                    value: value.clone(),
                    since: began,
                    renew: began + (lifetime - margin),
                    end: began + lifetime,
                });
                state.failure = None;
                Ok(value)
            }
            Err(refusal) => {
                state.failure = Some(Failure {
                    refusal: refusal.clone(),
                    at: self.clock.now(),
                    allowed,
                });
                Err(refusal)
            }
        }
    }

    fn look(&self, slot: &Slot<V>, deadline: Instant) -> Look<V> {
        let now = self.clock.now();
        let mut state = lock(&slot.state);
        if state.good.as_ref().is_some_and(|good| now >= good.end) {
            state.good = None;
        }
        let failed = state.failure.as_ref().filter(|failure| {
            // who has more time than a fetch that took too long may well succeed
            let may_differ =
                failure.refusal.outcome == Outcome::Timeout && allowed(deadline) > failure.allowed;
            now.since(failure.at) < FAILURE_KEPT && !may_differ
        });
        match (&state.good, failed) {
            (Some(good), _) if now < good.renew => Look::Good(good.value.clone()),
            (Some(good), Some(_)) => Look::Good(good.value.clone()),
            (Some(good), None) => Look::EndsSoon(good.value.clone()),
            (None, Some(failure)) => Look::Failed(failure.refusal.clone()),
            (None, None) => Look::Nothing,
        }
    }

    fn slot(&self, key: &K) -> Arc<Slot<V>> {
        let mut slots = lock(&self.slots);
        if let Some(slot) = slots.get(key) {
            return Arc::clone(slot);
        }
        if slots.len() >= MAX_SLOTS {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        let slot = Arc::new(Slot {
            turn: Turn::new(()),
            state: Mutex::new(State {
                good: None,
                failure: None,
            }),
        });
        slots.insert(key.clone(), Arc::clone(&slot));
        slot
    }
}

/// How long a fetch may take that has to end at `deadline`.
fn allowed(deadline: Instant) -> Duration {
    deadline
        .saturating_duration_since(Instant::now())
        .min(MAX_FETCH)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "kept_tests.rs"]
mod tests;
