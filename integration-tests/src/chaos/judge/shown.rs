//! What the pods show: FB-1 and LV-1.

use std::collections::BTreeMap;

use watchkeeper_core::invariant::Invariant;

use super::{AGE_SLACK, BOUND_SLACK, Judgement};
use crate::chaos::spans::{Seconds, Span};
use crate::chaos::timeline::{Sample, Shown, Timeline};

/// A pod answers from memory. One that took this long was not asked while it ran, or hangs.
const ANSWER_LIMIT: Seconds = 3.0;

pub(super) fn judge(timeline: &Timeline, judgement: &mut Judgement) {
    let asked = by_check(timeline);
    for sample in &timeline.samples {
        not_too_old(timeline, &asked, sample, judgement);
    }
    for calm in timeline.calm() {
        recovered(timeline, calm, judgement);
    }
}

/// When each check was asked, earliest first.
type Asked<'a> = BTreeMap<&'a str, Vec<Seconds>>;

fn by_check(timeline: &Timeline) -> Asked<'_> {
    let mut asked = Asked::new();
    for start in &timeline.starts {
        asked.entry(&start.check).or_default().push(start.at);
    }
    asked
}

/// FB-1: a pod that runs shows results, not too old, and not younger than they are.
fn not_too_old(timeline: &Timeline, asked: &Asked<'_>, sample: &Sample, judgement: &mut Judgement) {
    let during = Span::new(sample.asked, sample.answered);
    let Some(life) = timeline.life(sample.pod, during) else {
        return;
    };
    let pod = sample.pod + 1;
    let stopped = |span: Span| -> Seconds {
        timeline
            .pauses(sample.pod)
            .filter(|pause| pause.touches(span))
            .map(Span::length)
            .sum()
    };
    let forgiven = stopped(during) + timeline.lag(during);
    let Some(view) = &sample.view else {
        // Whoever starts up does not answer yet; whether it does in time is the stage's to say.
        let answered_before = timeline.samples.iter().any(|earlier| {
            earlier.pod == sample.pod
                && earlier.view.is_some()
                && life.span.contains(earlier.asked)
                && earlier.asked < sample.asked
        });
        if answered_before && stopped(during) == 0.0 {
            let text = format!("pod-{pod} did not answer");
            judgement.broken(Invariant::Fb1, sample.answered, text);
        }
        return;
    };
    if during.length() > ANSWER_LIMIT + forgiven {
        let text = format!("pod-{pod} answered after {:.2} s", during.length());
        judgement.broken(Invariant::Fb1, sample.answered, text);
    }
    let oldest = timeline.terms.oldest();
    let bound = |since: Seconds| {
        oldest + BOUND_SLACK + forgiven + stopped(Span::new(since, sample.answered))
    };
    let up = sample.asked - life.span.from;
    for check in &timeline.terms.checks {
        let result = view.results.iter().find(|shown| shown.check == *check);
        let Some(age) = result.and_then(|shown| shown.age) else {
            if up > bound(life.span.from) {
                let text = format!("pod-{pod} shows nothing of {check} after {up:.1} s");
                judgement.broken(Invariant::Fb1, sample.answered, text);
            }
            continue;
        };
        judgement.count(Invariant::Fb1);
        // One that just woke shows what it had until it has read again.
        let paused = stopped(Span::new(sample.answered - oldest, sample.answered)) > 0.0;
        let worst = &mut judgement.figures.worst_age;
        // Nor is one to blame for what it found at its start.
        if !paused && up >= age && age > worst.0 {
            *worst = (age, sample.answered);
        }
        // A restarted pod finds what is there; its own bound begins with it.
        if age > bound(sample.answered - age) && up > bound(life.span.from) {
            let text = format!("pod-{pod} shows {check} as of {age:.1} s ago");
            judgement.broken(Invariant::Fb1, sample.answered, text);
        }
        younger_than_any_probe(asked, sample, check, age, forgiven, judgement);
    }
}

/// An age that is told too low would hide all else: no result is younger than the last request for it.
fn younger_than_any_probe(
    asked: &Asked<'_>,
    sample: &Sample,
    check: &str,
    age: Seconds,
    forgiven: Seconds,
    judgement: &mut Judgement,
) {
    let starts = asked.get(check).map(Vec::as_slice).unwrap_or_default();
    let before = starts.partition_point(|at| *at <= sample.answered);
    let last = before.checked_sub(1).map(|index| starts[index]);
    let since = last.map_or(f64::INFINITY, |at| sample.asked - at);
    if age + AGE_SLACK + forgiven < since {
        let text = format!(
            "pod-{} shows {check} as of {age:.2} s ago, the last request for it is {since:.2} s old",
            sample.pod + 1
        );
        judgement.broken(Invariant::Fb1, sample.answered, text);
    }
}

/// Whether the pod is one of the fleet again and shows what was found since `since`.
fn is_well(timeline: &Timeline, sample: &Sample, since: Seconds) -> bool {
    let Some(view) = &sample.view else {
        return false;
    };
    let newer = |shown: &&Shown| {
        let found = shown.age.map(|age| sample.answered - age);
        shown.token.is_some() && found.is_some_and(|at| at >= since - AGE_SLACK)
    };
    view.store_up
        && matches!(view.mode.as_str(), "leading" | "following")
        && timeline.terms.checks.iter().all(|check| {
            let mut of = view.results.iter().filter(|shown| shown.check == *check);
            of.any(|shown| newer(&shown))
        })
}

/// LV-1: after the faults, all are one fleet with a new report, in time.
fn recovered(timeline: &Timeline, calm: Span, judgement: &mut Judgement) {
    // The beginning of the run is the recovery from nothing.
    let within = timeline.terms.liveness() + BOUND_SLACK;
    let deadline = calm.from + within + timeline.lag(calm);
    let mut worst: Seconds = 0.0;
    for pod in 0..timeline.terms.pods {
        let well = timeline.samples.iter().find(|sample| {
            sample.pod == pod && sample.asked >= calm.from && is_well(timeline, sample, calm.from)
        });
        match well {
            Some(sample) if sample.answered <= deadline.min(calm.until) => {
                worst = worst.max(sample.answered - calm.from);
            }
            // The next fault came too early to tell.
            _ if calm.until < deadline => return,
            _ => {
                let last = timeline
                    .samples
                    .iter()
                    .rev()
                    .find(|sample| sample.pod == pod && sample.answered <= deadline)
                    .and_then(|sample| Some(sample.view.as_ref()?.to_string()));
                let text = format!(
                    "pod-{} is not one of a fleet with a new report {within:.1} s after the last fault ended at {:.2} s; it shows {}",
                    pod + 1,
                    calm.from,
                    last.as_deref().unwrap_or("nothing")
                );
                judgement.broken(Invariant::Lv1, deadline, text);
            }
        }
    }
    judgement.count(Invariant::Lv1);
    let recovery = &mut judgement.figures.worst_recovery;
    if recovery.is_none_or(|(had, _)| had < worst) {
        *recovery = Some((worst, calm.from));
    }
}
