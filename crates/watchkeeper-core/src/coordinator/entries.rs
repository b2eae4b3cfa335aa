//! What this pod knows of the group's checks, and how it takes in what others found.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::companion::ForeignFindings;
use crate::id::{CheckId, PodId};
use crate::lease::Token;
use crate::money::Usd;
use crate::planted::{Bug, is_planted};
use crate::report::{Aged, Entry, Report, Thresholds, Transition};
use crate::status::Known;
use crate::time::Moment;

/// An entry, and whether the store is known to have it or a younger one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    known: Known,
    /// The fleet does not have this yet: worth a publication.
    offered: bool,
}

/// SN-2: the finding of the higher token wins, and where one has none the younger.
fn is_newer(entry: &Entry, probed_at: Moment, known: &Known) -> bool {
    match (known.entry.token, entry.token) {
        (Some(had), Some(new)) if new != had => new > had,
        _ => probed_at > known.probed_at,
    }
}

/// The entry as the holder of `token` can have published it. A higher token in it is none: nothing found later could
/// ever replace it.
fn possible(entry: &Entry, token: Token) -> Entry {
    let mut entry = entry.clone();
    entry.token = entry.token.filter(|had| *had <= token);
    entry
}

/// An entry of another pod took the place of one that stood otherwise, or that the fleet did not have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Turned {
    pub(super) check: CheckId,
    /// What the check counted as before.
    pub(super) was_healthy: bool,
    /// The fleet did not have what this pod knew.
    pub(super) was_offered: bool,
}

/// What a report brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Merged {
    /// How many entries changed.
    pub(super) changed: usize,
    /// What others paid for them, where they paid anything.
    pub(super) paid: Vec<(CheckId, Usd)>,
    /// Which of them stand otherwise than what they replaced, or replaced what the fleet did not have.
    pub(super) turned: Vec<Turned>,
}

impl Merged {
    fn count(&mut self, entry: &Entry, me: &PodId) {
        self.changed += 1;
        let paid = entry.verdict.cost.filter(|cost| !cost.is_zero());
        if let Some(cost) = paid.filter(|_| entry.checked_by != *me) {
            self.paid.push((entry.check.clone(), cost));
        }
    }
}

/// How a check turned from one finding to the next, if it did.
pub(super) fn turn(before: Option<&Entry>, after: &Entry) -> Option<Transition> {
    before
        .filter(|before| before.standing.healthy != after.standing.healthy)
        .map(|_| Transition::of(after))
}

/// What this pod knows, by check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entries(BTreeMap<CheckId, Kept>);

impl Entries {
    pub(super) fn get(&self, check: &CheckId) -> Option<&Known> {
        self.0.get(check).map(|kept| &kept.known)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A finding of this pod's own. Others may have found something newer meanwhile, which stays; answers whether the
    /// new one is kept.
    pub(super) fn record(&mut self, entry: Entry, probed_at: Moment) -> bool {
        let check = entry.check.clone();
        if self.get(&check).is_some_and(|known| {
            !is_newer(&entry, probed_at, known) && known.probed_at != probed_at
        }) {
            return false;
        }
        self.0.insert(
            check,
            Kept {
                known: Known {
                    entry: Arc::new(entry),
                    probed_at,
                },
                offered: true,
            },
        );
        true
    }

    /// Takes in a report published under `token`, `age` ago, read at `at`, as far as it is about `wanted` checks. Per
    /// check the entry of the higher token wins (SN-2), and where one has none the younger. `me` is this pod.
    pub(super) fn merge(
        &mut self,
        report: &Report,
        token: Token,
        age: Duration,
        at: Moment,
        me: &PodId,
        wanted: impl Fn(&CheckId) -> bool,
    ) -> Merged {
        let mut merged = Merged::default();
        let mut there: Vec<&CheckId> = Vec::with_capacity(report.entries.len());
        for Aged {
            entry,
            age: age_then,
        } in &report.entries
        {
            if !wanted(&entry.check) {
                continue;
            }
            there.push(&entry.check);
            let probed_at = at - age.saturating_add(*age_then);
            let known = Known {
                entry: Arc::new(possible(entry, token)),
                probed_at,
            };
            match self.0.get_mut(&entry.check) {
                None => {
                    self.0.insert(
                        entry.check.clone(),
                        Kept {
                            known,
                            offered: false,
                        },
                    );
                    merged.count(entry, me);
                }
                Some(kept) if kept.known.entry.same_finding(entry) => {
                    // Never younger than by this pod's own steady time since first sight: a store clock that jumps
                    // back cannot stop the fleet.
                    kept.known.probed_at = kept.known.probed_at.min(probed_at);
                    kept.offered = false;
                }
                Some(kept) => {
                    let newer = is_planted(Bug::LowerTokenAdopted)
                        || is_newer(&known.entry, probed_at, &kept.known);
                    if newer {
                        let was_healthy = kept.known.entry.standing.healthy;
                        if kept.offered || was_healthy != entry.standing.healthy {
                            merged.turned.push(Turned {
                                check: entry.check.clone(),
                                was_healthy,
                                was_offered: kept.offered,
                            });
                        }
                        kept.known = known;
                        kept.offered = false;
                        merged.count(entry, me);
                    } else {
                        kept.offered = true;
                    }
                }
            }
        }
        // Reports of ours are in this order already: both lists are walked through side by side.
        there.sort_unstable();
        let mut there = there.into_iter().peekable();
        for (check, kept) in &mut self.0 {
            while there.next_if(|other| *other < check).is_some() {}
            if there.peek() != Some(&check) {
                kept.offered = true;
            }
        }
        merged
    }

    /// Takes in what another program found, read at `at`: per check what is younger than what is known. Counters and
    /// history go on from there, and the fleet is offered it. Answers how many entries changed, and how checks turned
    /// by it.
    pub(super) fn adopt(
        &mut self,
        findings: &ForeignFindings,
        at: Moment,
        thresholds: Thresholds,
        wanted: impl Fn(&CheckId) -> bool,
    ) -> (usize, Vec<Transition>) {
        let (mut changed, mut turned) = (0, Vec::new());
        for Aged { entry, age } in &findings.entries {
            if !wanted(&entry.check) {
                continue;
            }
            let probed_at = at - findings.age.saturating_add(*age);
            let before = self.get(&entry.check);
            if before.is_some_and(|known| {
                findings.ours || known.entry.same_finding(entry) || known.probed_at >= probed_at
            }) {
                continue;
            }
            let entry = Entry::following(
                before.map(|known| known.before(probed_at)),
                entry.check.clone(),
                entry.checked_by.clone(),
                None,
                entry.started,
                entry.verdict.clone(),
                thresholds,
            );
            turned.extend(turn(before.map(|known| &*known.entry), &entry));
            let known = Known {
                entry: Arc::new(entry),
                probed_at,
            };
            let kept = Kept {
                known,
                offered: true,
            };
            self.0.insert(kept.known.entry.check.clone(), kept);
            changed += 1;
        }
        (changed, turned)
    }

    /// What another group of this pod knows of a check, by the same question. It is compared by its age alone, since
    /// tokens of two groups tell nothing of each other. Answers whether it is new.
    pub(super) fn inherit(&mut self, known: &Known) -> bool {
        let had = self.get(&known.entry.check);
        if had.is_some_and(|had| had.probed_at >= known.probed_at) {
            return false;
        }
        let mut known = known.clone();
        Arc::make_mut(&mut known.entry).token = None;
        let kept = Kept {
            known,
            offered: true,
        };
        self.0.insert(kept.known.entry.check.clone(), kept);
        true
    }

    /// The store has no report: everything known is worth offering.
    pub(super) fn offer_all(&mut self) {
        for kept in self.0.values_mut() {
            kept.offered = true;
        }
    }

    /// The store has this report now.
    pub(super) fn published(&mut self, report: &Report) {
        for Aged { entry, .. } in &report.entries {
            if let Some(kept) = self.0.get_mut(&entry.check)
                && kept.known.entry.same_finding(entry)
            {
                kept.offered = false;
            }
        }
    }

    /// How many checks count as healthy, and how many do not.
    pub(super) fn counts(&self) -> (usize, usize) {
        let healthy = |kept: &&Kept| kept.known.entry.standing.healthy;
        let healthy = self.0.values().filter(healthy).count();
        (healthy, self.0.len() - healthy)
    }

    /// Whether the fleet lacks something known here.
    pub(super) fn has_offers(&self) -> bool {
        self.0.values().any(|kept| kept.offered)
    }

    /// The store's tokens start anew: what was compared by them is compared by age alone from now on.
    pub(super) fn forget_tokens(&mut self) {
        for kept in self.0.values_mut() {
            let mut entry = (*kept.known.entry).clone();
            entry.token = None;
            kept.known.entry = Arc::new(entry);
        }
    }

    /// Everything known, with its age at `now`, to be published.
    pub(super) fn aged(&self, now: Moment) -> Vec<Aged> {
        self.0
            .values()
            .map(|kept| Aged {
                entry: (*kept.known.entry).clone(),
                age: if kept.known.entry.token.is_none() && is_planted(Bug::StaleAsFresh) {
                    Duration::ZERO
                } else {
                    now.since(kept.known.probed_at)
                },
            })
            .collect()
    }

    /// Everything known.
    pub(super) fn view(&self) -> BTreeMap<CheckId, Known> {
        self.0
            .iter()
            .map(|(check, kept)| (check.clone(), kept.known.clone()))
            .collect()
    }
}
