//! What must hold: the invariants, checked against what really happened.
//!
//! The rules know the truth: the world's time of every grant, probe and publication. A fault that voids a promise is told
//! to them, with its moment, and excuses no more than it explains.

mod leases;
mod money;
mod probes;
mod shown;
mod thrift;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use watchkeeper_core::id::{AttemptId, CheckId, PodId};
use watchkeeper_core::lease::Token;
use watchkeeper_core::report::Entry;
use watchkeeper_core::time::UnixMillis;

use money::Money;
pub(super) use money::{Asked, check};

use super::network::LONGEST_HOLD;
use super::plan::{Plan, SECOND, Time};

/// Ages travel with requests and answers, whose time under way nobody knows.
const TOLERANCE: Time = 2 * SECOND;

/// An entry as a pod's life shows it: the pod, its life, the group, the check.
type Shown = (PodId, u64, usize, CheckId);

/// A probe that was started.
#[derive(Clone, Debug)]
struct Start {
    at: Time,
    /// The start of its round.
    round: Time,
    pod: PodId,
    life: u64,
    token: Option<Token>,
    ended: bool,
    /// Its pod left before it ended.
    given_up: bool,
}

#[derive(Default)]
struct Group {
    highest: Token,
    grants: BTreeMap<Token, (PodId, AttemptId)>,
    /// Until when the store keeps the lease of a token, as last asked.
    ends: BTreeMap<Token, Time>,
    granted: BTreeMap<Token, Time>,
    /// Leases that were given back before their end.
    released: BTreeSet<Token>,
    rounds: BTreeMap<Token, Time>,
    /// The last damage to the lock.
    disturbed: Option<Time>,
    /// Tokens whose holder cannot know that their time is over.
    overslept: BTreeSet<Token>,
    report: Token,
    /// Tokens that the store may give out once more.
    void: BTreeSet<Token>,
    /// The store lost its token and gave out none since.
    counter_lost: bool,
}

impl Group {
    /// Whether what the store promised about this lease still holds.
    fn is_undisturbed(&self, token: Token) -> bool {
        let granted = self.granted.get(&token);
        granted.is_some_and(|granted| self.disturbed.is_none_or(|at| *granted > at))
    }

    /// The store's tokens start anew, and may be lower than before or the same.
    fn start_anew(&mut self) {
        self.highest = Token::ZERO;
        self.void.extend(self.grants.keys().copied());
        self.grants.clear();
        self.granted.clear();
        self.released.clear();
        self.rounds.clear();
    }
}

/// A clock went wrong: ages of rounds that began before `at` may be wrong by this much.
struct Debt {
    at: Time,
    /// Ages may appear less than they are by so much.
    younger: Time,
    /// Ages may appear more than they are by so much.
    older: Time,
}

pub(super) struct Rules {
    groups: Vec<Group>,
    starts: BTreeMap<(usize, CheckId), Vec<Start>>,
    shown: BTreeMap<Shown, (Option<Token>, Time)>,
    /// The world's time at which a pod's wall clock showed what it says of a round's start.
    told: HashMap<(PodId, UnixMillis), Time>,
    debts: Vec<Debt>,
    store_clock_went_back: bool,
    money: Money,
}

impl Rules {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            groups: plan.groups.iter().map(|_| Group::default()).collect(),
            starts: BTreeMap::new(),
            shown: BTreeMap::new(),
            told: HashMap::new(),
            debts: Vec::new(),
            store_clock_went_back: false,
            money: Money::default(),
        }
    }

    /// The lock of a group (or all) was damaged: what the store promised about leases is void.
    pub(super) fn disturb(&mut self, group: Option<usize>, now: Time) {
        for (index, state) in self.groups.iter_mut().enumerate() {
            if group.is_none_or(|g| g == index) {
                state.disturbed = Some(now);
            }
        }
    }

    pub(super) fn report_lost(&mut self, group: usize) {
        self.groups[group].report = Token::ZERO;
    }

    /// The store lost all it was told, or the last of it.
    pub(super) fn writes_lost(&mut self, now: Time) {
        self.disturb(None, now);
        for group in 0..self.groups.len() {
            self.report_lost(group);
            self.counter_lost(group);
        }
    }

    /// The store lost a group's token. The next is as high as the store's time, and so higher than any before, unless
    /// that goes back before it is given out.
    pub(super) fn counter_lost(&mut self, group: usize) {
        self.groups[group].counter_lost = true;
        if self.store_clock_went_back {
            self.groups[group].start_anew();
        }
    }

    /// The store's clock jumped: leases may end early or late, and ages are off.
    pub(super) fn store_clock_jumped(&mut self, by: Time, now: Time) {
        self.disturb(None, now);
        if by < 0 {
            self.store_clock_went_back = true;
            for group in self.groups.iter_mut().filter(|g| g.counter_lost) {
                group.start_anew();
            }
        }
        self.debts.push(Debt {
            at: now,
            younger: (-by).max(0),
            older: by.max(0),
        });
    }

    /// A pod's steady clock stood still.
    pub(super) fn slept(&mut self, time: Time, now: Time) {
        self.debts.push(Debt {
            at: now,
            younger: time,
            older: 0,
        });
    }

    /// A pod stood still: what it asked and was held up is answered as of when it was asked.
    pub(super) fn stood_still(&mut self, now: Time) {
        self.debts.push(Debt {
            at: now,
            younger: 0,
            older: LONGEST_HOLD,
        });
    }

    /// This pod slept: of the leases granted to it before it cannot know when their windows closed. Its tokens are the
    /// guarantee.
    pub(super) fn overslept(&mut self, pod: &PodId) {
        for group in &mut self.groups {
            let own = group.grants.iter().filter(|(_, (who, _))| who == pod);
            group.overslept.extend(own.map(|(token, _)| *token));
            // Of these nobody remembers any more whose they were.
            group.overslept.extend(group.void.iter().copied());
        }
    }

    /// A pod noticed that the store's tokens start anew, and compares by age from now on.
    pub(super) fn tokens_reset(&mut self, pod: &PodId, group: usize) {
        self.shown
            .retain(|(who, _, which, _), _| who != pod || *which != group);
    }

    /// What a pod's wall clock showed at this moment.
    pub(super) fn told_time(&mut self, pod: &PodId, unix: UnixMillis, now: Time) {
        self.told.insert((pod.clone(), unix), now);
    }

    /// When the round of an entry really started.
    fn truth(&self, entry: &Entry) -> Option<Time> {
        let told = (entry.checked_by.clone(), entry.started);
        self.told.get(&told).copied()
    }

    /// How much less and how much more the age of a round that began then may appear.
    fn debts(&self, began: Time) -> (Time, Time) {
        self.debts
            .iter()
            .filter(|debt| began <= debt.at)
            .fold((0, 0), |(younger, older), debt| {
                (younger + debt.younger, older + debt.older)
            })
    }
}
