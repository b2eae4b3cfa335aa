//! The pod's checks and settings become others while it runs.
//!
//! A group whose checks ask the same with the same keys goes on with its coordinator. Any other list is another group: the
//! old one leaves as if the pod left (probes in flight may end, what is finished is published, the lease is released),
//! and only then the new one begins, with what the old one knew, so that nothing is asked twice. Until then the pod shows
//! the old results under the new list.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use watchkeeper_core::check::Check;
use watchkeeper_core::companion::{CompanionCodec, CompanionState};
use watchkeeper_core::coordinator::{Coordinator, Event, Settings};
use watchkeeper_core::fingerprint;
use watchkeeper_core::id::CheckId;
use watchkeeper_core::probe::Prober;
use watchkeeper_core::status::ShownSettings;

use crate::driver::{Asked, Driver, Turn};
use crate::group::{Group, GroupKey};

/// What a pod goes on with.
pub(crate) struct Change {
    pub(crate) checks: Vec<Check>,
    pub(crate) asked: HashMap<CheckId, Asked>,
    pub(crate) groups: Vec<Settings>,
    pub(crate) shown: ShownSettings,
    pub(crate) prober: Arc<dyn Prober>,
    pub(crate) concurrency: usize,
    pub(crate) companions: Option<Arc<dyn CompanionCodec>>,
}

/// Why a pod does not go on with other settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReloadError {
    /// It is on its way out.
    #[error("this pod is shutting down, its configuration is not read again")]
    Leaving,
    /// It has stopped.
    #[error("this pod has stopped")]
    Stopped,
}

/// Whether the pod goes on with what it was given.
pub(crate) type Reloaded = Result<(), ReloadError>;

/// For which checks a group before asked the same.
pub(crate) type Same = Arc<HashSet<CheckId>>;

impl Driver {
    /// Goes on with other checks and settings. Everything is decided when this returns; groups that leave may take their
    /// drain's time.
    pub(crate) fn reload(&mut self, change: Change) -> Reloaded {
        if self.snapshot.draining {
            return Err(ReloadError::Leaving);
        }
        let same: Same = Arc::new(same_questions(&self.snapshot.checks, &change.checks));
        let before = self.sources();
        let lanes = change.groups.first().map(|g| g.lanes.clone());
        self.slots
            .change(change.concurrency, lanes.unwrap_or_default());
        self.prober = change.prober;
        self.checks = change.asked;
        self.store = self.store.with_companions(change.companions);
        if !self.store.has_companions() {
            self.snapshot.companions = CompanionState::default();
        }
        self.snapshot.settings = Arc::new(change.shown);
        self.snapshot.checks = Arc::new(change.checks);

        let mut index = HashMap::new();
        let mut order = Vec::with_capacity(change.groups.len());
        let mut goes_on = Vec::new();
        for (place, settings) in change.groups.into_iter().enumerate() {
            index.extend(settings.checks.iter().map(|c| (c.id.clone(), place)));
            let known = self.by_name.get(&settings.group).copied();
            order.push(match known.filter(|key| self.groups.contains_key(key)) {
                Some(key) => {
                    goes_on.push((key, place, settings));
                    key
                }
                None => self.add(settings, place, &before, &same),
            });
        }
        let old = std::mem::replace(&mut self.order, order);
        self.snapshot.index = Arc::new(index);
        self.name_groups();
        let stays: BTreeSet<GroupKey> = self.order.iter().copied().collect();
        for key in old.into_iter().filter(|key| !stays.contains(key)) {
            self.retire(key);
        }
        for (key, place, settings) in goes_on {
            if let Some(group) = self.groups.get_mut(&key) {
                group.store = self.store.clone();
                group.place = Some(place);
            }
            let turn = Turn {
                urgent: true,
                acquired: false,
            };
            self.decide(key, turn, |coordinator, now| {
                coordinator.reconfigure(now, settings)
            });
        }
        self.picture_groups();
        self.metrics.listed(self.clock.now());
        Ok(())
    }

    /// Which groups know something of a check, and what of it counts: its group, and those which that one is to take over
    /// from.
    fn sources(&self) -> HashMap<CheckId, Vec<(GroupKey, Option<Same>)>> {
        let index = self.snapshot.index.iter();
        index
            .filter_map(|(check, place)| {
                let key = *self.order.get(*place)?;
                let earlier = self.heirs.get(&key).into_iter().flatten();
                let earlier = earlier.map(|(key, same)| (*key, Some(Arc::clone(same))));
                Some((
                    check.clone(),
                    std::iter::once((key, None)).chain(earlier).collect(),
                ))
            })
            .collect()
    }

    /// A new group, which begins when all that leave have left.
    fn add(
        &mut self,
        settings: Settings,
        place: usize,
        before: &HashMap<CheckId, Vec<(GroupKey, Option<Same>)>>,
        same: &Same,
    ) -> GroupKey {
        let key = self.next_group;
        self.next_group = key.next();
        let mut sources: BTreeMap<GroupKey, Same> = BTreeMap::new();
        let known = settings.checks.iter().filter_map(|c| before.get(&c.id));
        for (source, earlier) in known.flatten() {
            sources.entry(*source).or_insert_with(|| match earlier {
                None => Arc::clone(same),
                Some(earlier) => Arc::new(earlier.intersection(same).cloned().collect()),
            });
        }
        let coordinator = Coordinator::new(settings);
        let group = Group::new(coordinator, self.store.clone(), place);
        self.groups.insert(key, group);
        self.take_over(key, &sources);
        self.heirs.insert(key, sources);
        key
    }

    fn take_over(&mut self, heir: GroupKey, sources: &BTreeMap<GroupKey, Same>) {
        let Some(mut group) = self.groups.remove(&heir) else {
            return;
        };
        for (source, same) in sources {
            if let Some(from) = self.groups.get(source) {
                let is_same = |check: &CheckId| same.contains(check);
                group.coordinator.inherit(&from.coordinator, is_same);
            }
        }
        self.groups.insert(heir, group);
    }

    /// The group's checks are others' now.
    fn retire(&mut self, key: GroupKey) {
        self.leaving.insert(key);
        if let Some(group) = self.groups.get_mut(&key) {
            group.place = None;
        }
        let turn = Turn {
            urgent: true,
            acquired: false,
        };
        self.decide(key, turn, |coordinator, now| coordinator.retire(now));
    }

    /// Once all that leave have left: what they know goes to those that take their checks over, which begin.
    pub(crate) fn hand_over(&mut self) {
        if self.snapshot.draining || (self.leaving.is_empty() && self.heirs.is_empty()) {
            return;
        }
        let left = |key| {
            let group: Option<&Group> = self.groups.get(key);
            group.is_none_or(|group| group.coordinator.is_stopped())
        };
        if !self.leaving.iter().all(left) {
            return;
        }
        let gone = std::mem::take(&mut self.leaving);
        // A budget is one group's: several have none.
        let spends = if self.order.len() == 1 {
            &gone
        } else {
            &BTreeSet::new()
        };
        for (heir, sources) in std::mem::take(&mut self.heirs) {
            self.take_over(heir, &sources);
            self.take_over_spending(heir, spends);
            self.happen(heir, Event::Started);
            if matches!(self.ping, Some(Err(_))) {
                self.happen(heir, Event::StoreDown);
            }
        }
        for key in gone {
            self.forget(key);
        }
        self.judge_store();
        self.urgent = true;
    }

    fn take_over_spending(&mut self, heir: GroupKey, from: &BTreeSet<GroupKey>) {
        let Some(mut group) = self.groups.remove(&heir) else {
            return;
        };
        for source in from.iter().filter_map(|key| self.groups.get(key)) {
            group.coordinator.inherit_spending(&source.coordinator);
        }
        self.groups.insert(heir, group);
    }

    fn forget(&mut self, key: GroupKey) {
        self.set_isolated(key, false);
        self.dirty.remove(&key);
        let Some(group) = self.groups.remove(&key) else {
            return;
        };
        if let Some(armed) = group.armed {
            self.timers.remove(&(armed, key));
        }
        let name = &group.coordinator.settings().group;
        if !self.by_name.contains_key(name) {
            self.followed.remove(name);
        }
    }

    fn name_groups(&mut self) {
        let named = self.order.iter().filter_map(|key| {
            let group = self.groups.get(key)?;
            Some((group.coordinator.settings().group.clone(), *key))
        });
        self.by_name = named.collect();
    }

    /// Draws every group anew: places and lists have changed.
    fn picture_groups(&mut self) {
        let now = self.clock.now();
        let shown = self.order.iter().filter_map(|key| self.groups.get(key));
        self.snapshot.groups = shown
            .map(|group| Arc::new(group.coordinator.view(now)))
            .collect();
        self.urgent = true;
    }
}

/// The checks that ask now what they asked before.
fn same_questions(before: &[Check], now: &[Check]) -> HashSet<CheckId> {
    let before: HashMap<&CheckId, &Check> = before.iter().map(|c| (&c.id, c)).collect();
    now.iter()
        .filter(|check| {
            let old = before.get(&check.id);
            old.is_some_and(|old| fingerprint::asks_the_same(old, check))
        })
        .map(|check| check.id.clone())
        .collect()
}
