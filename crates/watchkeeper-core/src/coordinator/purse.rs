//! What the fleet spent today, as far as this pod knows, and what of it only this pod knows.
//!
//! What others know is merged by the larger amount, since every report carries the whole sum of the pods before it. What
//! this pod spent and no accepted publication carries yet is kept beside it and *added*: nobody else can have counted it.
//! It moves over when a publication is accepted, or when a report that is read has the very finding that it paid for: then
//! a publication landed whose answer was lost.
//!
//! What is lost: a pod that is killed takes along what it spent since its last accepted publication, at most one round's
//! probes, or all that it spent while it was on its own. What may count twice: a publication that landed, whose answer was
//! lost, and whose findings were replaced before this pod read again. Then less is spent than would be allowed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::id::{CheckId, PodId};
use crate::money::{Budget, Day, Ledger, Usd};
use crate::report::{Aged, Report};
use crate::time::UnixMillis;

/// A limit: a provider's, or the whole fleet's.
type Limit = Option<Arc<str>>;

/// A finding that was paid for and that the store is not known to have.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unsettled {
    /// The start of its round: with this pod's name it tells the finding.
    started: UnixMillis,
    provider: Arc<str>,
    /// What it cost, with what findings of the same check before it cost that were unsettled as well.
    cost: Usd,
    number: u64,
}

/// What a publication carries that no accepted one did before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Owed {
    ledger: Ledger,
    /// Findings up to this number are in it.
    upto: u64,
}

/// A limit that would be passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) limit: Limit,
    pub(super) spent: Usd,
    pub(super) allowed: Usd,
    /// Nobody was told yet on this day.
    pub(super) is_news: bool,
}

/// The money of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Purse {
    /// What the store has, as far as it was read or written.
    shared: Ledger,
    /// What this pod spent and the store is not known to have.
    own: Ledger,
    unsettled: BTreeMap<CheckId, Unsettled>,
    numbered: u64,
    /// The limits that people were told of.
    told: BTreeSet<Limit>,
}

impl Purse {
    /// Turns to the page of the day that it is by this pod's wall clock, or to the next day's if the fleet is there
    /// already. What lies further ahead is garbage.
    pub(super) fn turn(&mut self, now: UnixMillis) {
        let today = Day::of(now);
        let known = self.own.day.max(self.shared.day);
        let page = if known > today.next() {
            today
        } else {
            known.max(today)
        };
        if self.shared.day != page {
            self.shared = Ledger::of(page);
        }
        if self.own.day != page {
            self.own = Ledger::of(page);
            self.unsettled.clear();
            self.told.clear();
        }
    }

    /// Counts what a probe cost that brought no finding: it was given up and may have been billed.
    pub(super) fn spend(&mut self, provider: &str, cost: Usd) {
        self.own.add(self.own.day, provider, cost);
    }

    /// Counts what a finding of this pod cost.
    pub(super) fn pay(
        &mut self,
        check: &CheckId,
        started: UnixMillis,
        provider: &Arc<str>,
        cost: Usd,
    ) {
        if cost.is_zero() {
            return;
        }
        self.spend(provider, cost);
        self.numbered += 1;
        let before = self.unsettled.get(check).map(|u| u.cost);
        let unsettled = Unsettled {
            started,
            provider: Arc::clone(provider),
            cost: cost + before.unwrap_or_default(),
            number: self.numbered,
        };
        self.unsettled.insert(check.clone(), unsettled);
    }

    /// Takes in a report that was read.
    pub(super) fn read(&mut self, report: &Report, me: &PodId, now: UnixMillis) {
        if report.ledger.is_empty() || report.ledger.day > Day::of(now).next() {
            return;
        }
        self.shared.merge(&report.ledger);
        self.turn(now);
        if report.ledger.day != self.shared.day || self.unsettled.is_empty() {
            return;
        }
        for Aged { entry, .. } in &report.entries {
            if entry.checked_by == *me
                && self
                    .unsettled
                    .get(&entry.check)
                    .is_some_and(|u| u.started == entry.started)
                && let Some(settled) = self.unsettled.remove(&entry.check)
            {
                self.own.take_from(&settled.provider, settled.cost);
            }
        }
    }

    /// What was spent in another group whose checks are this one's now. Others may count it as well: the larger amount
    /// holds.
    pub(super) fn inherit(&mut self, ledger: &Ledger) {
        self.shared.merge(ledger);
    }

    /// What a report says that is published now.
    pub(super) fn ledger(&self) -> Ledger {
        if self.own.is_empty() && self.shared.is_empty() {
            return Ledger::default();
        }
        let mut all = self.shared.clone();
        for (provider, cost) in &self.own.spent {
            all.add(all.day, provider, *cost);
        }
        all
    }

    /// What of [`Purse::ledger`] is new to the store.
    pub(super) fn owed(&self) -> Owed {
        Owed {
            ledger: self.own.clone(),
            upto: self.numbered,
        }
    }

    /// Whether the store lacks anything.
    pub(super) fn owes(&self) -> bool {
        !self.own.is_empty()
    }

    /// The store has this ledger now, and with it what was owed.
    pub(super) fn landed(&mut self, ledger: &Ledger, owed: &Owed) {
        if ledger.is_empty() || ledger.day != self.shared.day {
            return;
        }
        self.shared.merge(ledger);
        self.own.take(&owed.ledger);
        self.unsettled.retain(|_, u| u.number > owed.upto);
    }

    /// The limit that another probe of `most` would pass, if it would: on top of what is spent, and of what the probes
    /// under way may cost at most (`reserved`, in all and by this provider).
    pub(super) fn would_pass(
        &mut self,
        budget: &Budget,
        provider: &Arc<str>,
        reserved: (Usd, Usd),
        most: Usd,
    ) -> Option<Passed> {
        let day = self.own.day;
        let all = self.own.total(day) + self.shared.total(day);
        let by = self.own.by(day, provider) + self.shared.by(day, provider);
        let limits = [
            (None, budget.fleet, all, reserved.0),
            (
                Some(Arc::clone(provider)),
                budget.providers.get(&**provider).copied(),
                by,
                reserved.1,
            ),
        ];
        let (limit, allowed, spent) = limits
            .into_iter()
            .filter_map(|(limit, allowed, spent, reserved)| {
                Some((limit, allowed?, spent, reserved))
            })
            .find(|(_, allowed, spent, reserved)| *spent + *reserved + most > *allowed)
            .map(|(limit, allowed, spent, _)| (limit, allowed, spent))?;
        Some(Passed {
            is_news: self.told.insert(limit.clone()),
            limit,
            spent,
            allowed,
        })
    }
}
