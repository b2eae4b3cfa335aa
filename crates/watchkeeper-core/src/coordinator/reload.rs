//! New settings for a group that goes on, and what a group leaves to the one that takes its checks over.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::command::Command;
use super::event::{Event, Now};
use super::settings::{ROUND_SLACK, Settings};
use super::{Coordinator, Out, Phase};
use crate::id::CheckId;
use crate::time::Moment;

impl Coordinator {
    /// Goes on with other settings. The lease, the results and a round under way stay; what the round has not started
    /// yet follows the new settings.
    ///
    /// The group, its pod, its seed, whether it coordinates and the limit of a store operation stay as they were. Its
    /// checks have to be those that it had: settings with others change nothing, since they are another group's. Another
    /// `lock_ttl` holds from the next lease on: the time of one that stands, or was asked for, was agreed with the store.
    pub fn reconfigure(&mut self, now: Now, settings: Settings) -> Vec<Command> {
        let mut out = Out::new();
        if self.is_stopped() || !self.has_the_checks_of(&settings) {
            return out;
        }
        self.purse.turn(now.unix);
        self.close(now, &mut out);
        self.swap_settings(now.steady, settings);
        self.tick(now, &mut out);
        out
    }

    /// As [`super::Event::Drain`], for a group whose checks another group of this pod takes over: that one hears of what
    /// probes in flight find, so they may end also where the fleet does not.
    pub fn retire(&mut self, now: Now) -> Vec<Command> {
        self.has_heir = true;
        self.handle(now, Event::Drain)
    }

    fn has_the_checks_of(&self, settings: &Settings) -> bool {
        settings.checks.len() == self.settings.checks.len()
            && settings
                .checks
                .iter()
                .all(|check| self.places.contains_key(&check.id))
    }

    fn swap_settings(&mut self, now: Moment, new: Settings) {
        let old = &self.settings;
        self.next_lock_ttl = Some(new.lock_ttl).filter(|ttl| *ttl != old.lock_ttl);
        self.settings = Settings {
            group: old.group.clone(),
            pod: old.pod.clone(),
            seed: old.seed,
            coordinate: old.coordinate,
            op_timeout: old.op_timeout,
            lock_ttl: old.lock_ttl,
            ..new
        };
        self.places = self.settings.places();
        self.twins = self.settings.twins();
        self.keep_round();
        // What was put off by the old interval is not put off beyond the new one.
        let merge_slack = self.settings.merge_slack();
        self.offer_after = self.offer_after.min(now + merge_slack);
        if self.sense.is_isolated() || !self.settings.coordinate {
            self.draw_offset();
        }
        self.take_lock_ttl();
    }

    /// The round under way goes on: what waits in it is found at its new place, and nothing is cut off sooner than it was
    /// to be.
    fn keep_round(&mut self) {
        let limit = self.settings.round_limit() + ROUND_SLACK;
        let spread = self.settings.spread;
        let places = std::mem::take(&mut self.places);
        if let Some(round) = self.round_mut() {
            round.deadline = round.deadline.max(round.started.steady + limit);
            for queued in &mut round.queue {
                if let Some(place) = places.get(&queued.check) {
                    queued.place = *place;
                }
                // Nothing is put off beyond the new spread.
                queued.at = queued.at.min(round.started.steady + spread);
            }
        }
        self.places = places;
    }

    /// Takes the new `lock_ttl`, once no lease stands or is asked for under the old one.
    pub(super) fn take_lock_ttl(&mut self) {
        let owns = matches!(self.phase, Phase::Acquiring { .. } | Phase::Leading(_))
            || self.unresolved.is_some();
        if !owns && let Some(lock_ttl) = self.next_lock_ttl.take() {
            self.settings.lock_ttl = lock_ttl;
        }
    }

    /// Takes over what the coordinator of another group knows, before its own first event or, as long as that is to
    /// come, again.
    ///
    /// `same` tells for which checks both groups ask the same thing with the same key: these results count as this group's
    /// own, with their ages, and are offered to its fleet. A result that another question found is shown, as old as it is,
    /// until there is one of this group's; it is neither published nor does it keep the check from being due.
    pub fn inherit(&mut self, from: &Self, same: impl Fn(&CheckId) -> bool) {
        for check in self.places.keys() {
            let is_same = same(check);
            let saved = from.saved.get(check).copied();
            if let Some(saved) = saved.filter(|_| is_same) {
                Arc::make_mut(&mut self.saved).insert(check.clone(), saved);
            }
            match from.entries.get(check) {
                Some(known) if is_same => {
                    if self.entries.inherit(known) {
                        self.checked_by = from.checked_by.clone();
                    }
                    // What was asked just now is not asked again because the store is away.
                    if let Some(started) = from.last_start.get(check) {
                        self.last_start.insert(check.clone(), *started);
                    }
                }
                Some(known) => {
                    self.before.insert(check.clone(), known.clone());
                }
                None => {
                    if let Some(known) = from.before.get(check) {
                        self.before.insert(check.clone(), known.clone());
                    }
                }
            }
        }
        let here = |check: &CheckId| self.places.contains_key(check) && same(check);
        self.changes.inherit(&from.changes, here);
        if self.checked_by.is_none() && !self.before.is_empty() {
            self.checked_by = from.checked_by.clone();
        }
    }

    /// Counts what the fleet spent today in another group, whose checks this one has now: for a fleet whose checks are
    /// one group, so that a reload does not fill the day's budget up again.
    pub fn inherit_spending(&mut self, from: &Self) {
        self.purse.inherit(&from.purse.ledger());
    }
}

impl Settings {
    /// Where each check stands.
    pub(super) fn places(&self) -> BTreeMap<CheckId, usize> {
        let places = self.checks.iter().enumerate();
        places
            .map(|(place, check)| (check.id.clone(), place))
            .collect()
    }
}
