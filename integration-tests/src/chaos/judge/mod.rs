//! Whether the invariants held, from the record alone.
//!
//! | rule | where it is judged |
//! | --- | --- |
//! | EC-1 | within calm spells, from the settle time after the last fault's end to the next fault |
//! | EC-2 | per process of a pod, while that pod cannot reach the store at all, and was not stopped |
//! | FB-1 | always, for pods that run; the time that a pod was stopped is added to its bound |
//! | LV-1 | after the last fault of a storm, if the calm lasts as long as the bound |
//! | LS-1, LS-2 | between two losses of data |
//! | SN-2, SN-3 | always, within the life of a process |
//!
//! Times are those of one process on a busy machine. What a rule forgives it for is a named constant below; where a task
//! of this process was later than that, so were the daemons, and the lateness measured is forgiven as well.

mod asked;
mod order;
mod shown;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use watchkeeper_core::invariant::Invariant;

use super::spans::{Seconds, Span};
use super::timeline::Timeline;

/// A timer of a daemon fires, and its request is read by the mock, at most this late without anybody noticing: two
/// cores serve some ten processes. A second probe of a round comes within 0.1 s of the first, and is still told.
const ARRIVAL_SLACK: Seconds = 0.4;

/// An age is the store's judgement, and travels with an answer: a daemon believes one that took up to twice the limit of
/// a store operation (0.5 s here), and adds nothing for the way. One round is twice that.
const AGE_SLACK: Seconds = 1.0;

/// The bounds of LV-1 and FB-1 hold spare seconds already; this is for the sampling and the machine.
const BOUND_SLACK: Seconds = 1.0;

/// Two entries of which one has no token are told apart by their ages, each off by [`AGE_SLACK`]; a step back by one
/// round is 0.9 of the interval or more.
const BACK_SLACK: Seconds = 1.0;

/// What was broken.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rule {
    Invariant(Invariant),
    /// EC-1 and EC-2 over the whole run, also where neither is judged by itself.
    Budget,
    /// Something that no rule names and that may never happen.
    Mishap,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invariant(invariant) => f.pad(invariant.name()),
            Self::Budget => f.pad("probes in all"),
            Self::Mishap => f.pad("mishaps"),
        }
    }
}

/// A rule was broken.
#[derive(Clone, Debug)]
pub(super) struct Violation {
    pub(super) rule: Rule,
    pub(super) at: Seconds,
    pub(super) text: String,
}

/// How often each rule was put to the test.
#[derive(Clone, Debug, Default)]
pub(super) struct Judged(BTreeMap<Invariant, usize>);

impl Judged {
    pub(super) fn of(&self, invariant: Invariant) -> usize {
        self.0.get(&invariant).copied().unwrap_or(0)
    }
}

/// All that the judge has to say.
#[derive(Clone, Debug, Default)]
pub(super) struct Judgement {
    pub(super) violations: Vec<Violation>,
    pub(super) judged: Judged,
    pub(super) figures: Figures,
}

/// For the table.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    pub(super) probes: usize,
    pub(super) probes_allowed: usize,
    pub(super) rounds: usize,
    pub(super) calm_seconds: Seconds,
    /// How long, and when.
    pub(super) worst_takeover: Option<(Seconds, Seconds)>,
    pub(super) worst_recovery: Option<(Seconds, Seconds)>,
    pub(super) worst_age: (Seconds, Seconds),
    pub(super) worst_lag: Seconds,
    pub(super) smallest_gap: Option<Seconds>,
    pub(super) smallest_gap_alone: Option<Seconds>,
}

impl Judgement {
    fn broken(&mut self, invariant: Invariant, at: Seconds, text: String) {
        self.violations.push(Violation {
            rule: Rule::Invariant(invariant),
            at,
            text,
        });
    }

    fn count(&mut self, invariant: Invariant) {
        *self.judged.0.entry(invariant).or_default() += 1;
    }

    pub(super) fn breaks(&self, rule: &Rule) -> usize {
        self.violations.iter().filter(|v| v.rule == *rule).count()
    }
}

/// The rules that a run is judged by.
pub(super) const RULES: [Invariant; 8] = [
    Invariant::Ec1,
    Invariant::Ec2,
    Invariant::Fb1,
    Invariant::Lv1,
    Invariant::Sn2,
    Invariant::Sn3,
    Invariant::Ls1,
    Invariant::Ls2,
];

/// Judges a run.
pub(super) fn judge(timeline: &Timeline) -> Judgement {
    let mut judgement = Judgement::default();
    for (at, text) in &timeline.mishaps {
        judgement.violations.push(Violation {
            rule: Rule::Mishap,
            at: *at,
            text: text.clone(),
        });
    }
    judgement.figures.worst_lag = timeline.lag(Span::new(0.0, timeline.length));
    asked::judge(timeline, &mut judgement);
    shown::judge(timeline, &mut judgement);
    order::judge(timeline, &mut judgement);
    judgement.violations.sort_by(|a, b| a.at.total_cmp(&b.at));
    judgement
}

/// The stretches that EC-1 is judged in.
fn settled(timeline: &Timeline) -> impl Iterator<Item = Span> {
    let settle = timeline.terms.settle();
    timeline
        .calm()
        .into_iter()
        .filter(move |calm| calm.length() > settle)
        .map(move |calm| Span::new(calm.from + settle, calm.until))
}
