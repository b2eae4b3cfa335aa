//! What may only rise, and what is said of its age: LS-1, LS-2, SN-2, SN-3.

use std::collections::BTreeMap;

use watchkeeper_core::invariant::Invariant;

use super::asked::outages;
use super::{BACK_SLACK, Judgement};
use crate::chaos::spans::{Seconds, Span, gaps};
use crate::chaos::timeline::{OPERATION, Sample, Shown, Timeline};

pub(super) fn judge(timeline: &Timeline, judgement: &mut Judgement) {
    for epoch in epochs(timeline) {
        tokens_rise(timeline, epoch, judgement);
        tokens_are_not_shared(timeline, epoch, judgement);
    }
    for pod in 0..timeline.terms.pods {
        never_back(timeline, pod, judgement);
        labelled(timeline, pod, judgement);
    }
}

/// The times between two losses of the store's data.
fn epochs(timeline: &Timeline) -> Vec<Span> {
    let losses = timeline
        .events
        .iter()
        .filter(|event| event.kind.loses_data())
        .map(|event| event.span);
    gaps(losses, timeline.length)
}

/// LS-1: the store's token never falls, and no pod shows one that the store has not reached.
fn tokens_rise(timeline: &Timeline, epoch: Span, judgement: &mut Judgement) {
    let within =
        |asked: Seconds, answered: Seconds| epoch.contains(asked) && epoch.contains(answered);
    let stored: Vec<_> = timeline
        .tokens
        .iter()
        .filter(|stored| within(stored.asked, stored.answered))
        .collect();
    for pair in stored.windows(2) {
        judgement.count(Invariant::Ls1);
        if pair[1].token < pair[0].token {
            let text = format!(
                "the store's token fell from {} to {}",
                pair[0].token, pair[1].token
            );
            judgement.broken(Invariant::Ls1, pair[1].answered, text);
        }
    }
    // Tokens begin at the server's time, so those of an epoch are also above all that were given out before it.
    let Some(first) = stored.first() else { return };
    let mut next = stored.iter().peekable();
    for sample in &timeline.samples {
        if !within(sample.asked, sample.answered) || sample.asked < first.answered {
            continue;
        }
        while next
            .peek()
            .is_some_and(|stored| stored.asked < sample.answered)
        {
            next.next();
        }
        let (Some(after), Some(view)) = (next.peek(), &sample.view) else {
            continue;
        };
        for token in view.results.iter().filter_map(|shown| shown.token) {
            if token > after.token {
                let text = format!(
                    "pod-{} showed token {token}, and later the store's is {}",
                    sample.pod + 1,
                    after.token
                );
                judgement.broken(Invariant::Ls1, after.answered, text);
            }
        }
    }
}

/// LS-2: what two pods found never carries the same token.
fn tokens_are_not_shared(timeline: &Timeline, epoch: Span, judgement: &mut Judgement) {
    let mut owners: BTreeMap<u64, &str> = BTreeMap::new();
    for sample in &timeline.samples {
        if !epoch.contains(sample.asked) || !epoch.contains(sample.answered) {
            continue;
        }
        let results = sample.view.iter().flat_map(|view| &view.results);
        for shown in results {
            let (Some(token), Some(by)) = (shown.token, shown.by.as_deref()) else {
                continue;
            };
            judgement.count(Invariant::Ls2);
            let owner = *owners.entry(token).or_insert(by);
            if owner != by {
                let text = format!("token {token} was {owner}'s and is {by}'s");
                judgement.broken(Invariant::Ls2, sample.answered, text);
                owners.insert(token, by);
            }
        }
    }
}

/// SN-2: within a life, a check's result never becomes an earlier one.
fn never_back(timeline: &Timeline, pod: usize, judgement: &mut Judgement) {
    let mut had: BTreeMap<&str, (Seconds, &Sample, &Shown)> = BTreeMap::new();
    for sample in timeline.samples.iter().filter(|sample| sample.pod == pod) {
        let during = Span::new(sample.asked, sample.answered);
        let (Some(life), Some(view)) = (timeline.life(pod, during), &sample.view) else {
            continue;
        };
        for shown in &view.results {
            let Some(age) = shown.age else { continue };
            let before = had.insert(&shown.check, (life.span.from, sample, shown));
            let Some((born, earlier, before)) = before else {
                continue;
            };
            if born != life.span.from {
                continue;
            }
            judgement.count(Invariant::Sn2);
            let back = match (before.token, shown.token) {
                (Some(had), Some(token)) => token < had,
                // Found at the earliest then, and at the latest now.
                _ => {
                    let then = earlier.asked - before.age.unwrap_or(0.0);
                    sample.answered - age < then - BACK_SLACK
                }
            };
            if back {
                let text = format!(
                    "pod-{} went from {} (token {:?}, {:.2} s old) back to token {:?}, {age:.2} s old",
                    pod + 1,
                    shown.check,
                    before.token,
                    before.age.unwrap_or(0.0),
                    shown.token
                );
                judgement.broken(Invariant::Sn2, sample.answered, text);
            }
        }
    }
}

/// SN-3: old is never called fresh; and "refreshing" says that a holder is at work, of which a pod that has not reached
/// the store for a whole lease cannot know.
fn labelled(timeline: &Timeline, pod: usize, judgement: &mut Judgement) {
    let terms = &timeline.terms;
    let outages = outages(timeline, pod);
    for sample in timeline.samples.iter().filter(|sample| sample.pod == pod) {
        let results = sample.view.iter().flat_map(|view| &view.results);
        for shown in results {
            let (Some(age), Some(label)) = (shown.age, shown.label.as_deref()) else {
                continue;
            };
            judgement.count(Invariant::Sn3);
            // The age and the label are of one moment.
            let old = age > terms.fresh_for + 0.01;
            // An operation that was under way may still have told of one.
            let away = outages.iter().any(|o| {
                o.contains(sample.asked) && sample.asked - o.from > terms.lock_ttl + OPERATION
            });
            if old && (label == "fresh" || (label == "refreshing" && away)) {
                let text = format!(
                    "pod-{} calls {} {label} at the age of {age:.2} s{}",
                    pod + 1,
                    shown.check,
                    if away { ", its store out of reach" } else { "" }
                );
                judgement.broken(Invariant::Sn3, sample.answered, text);
            }
        }
    }
}
