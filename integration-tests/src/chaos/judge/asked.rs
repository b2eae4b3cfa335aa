//! What the upstream was asked: EC-1, EC-2, and the sum of all.

use watchkeeper_core::invariant::Invariant;

use super::{ARRIVAL_SLACK, Judgement, Rule, Violation, settled};
use crate::chaos::spans::{Seconds, Span, merged};
use crate::chaos::timeline::{Start, Timeline};

pub(super) fn judge(timeline: &Timeline, judgement: &mut Judgement) {
    for start in timeline.starts.iter().filter(|start| start.pod.is_none()) {
        judgement.violations.push(Violation {
            rule: Rule::Mishap,
            at: start.at,
            text: format!("{} was asked by nobody of the fleet", start.check),
        });
    }
    for check in &timeline.terms.checks {
        let starts: Vec<&Start> = timeline
            .starts
            .iter()
            .filter(|s| s.check == *check)
            .collect();
        one_per_round(timeline, check, &starts, judgement);
        one_per_pod(timeline, check, &starts, judgement);
    }
    budget(timeline, judgement);
    takeovers(timeline, judgement);
}

/// The least gap that is still as promised: 0.9 of the interval, less what the machine is forgiven for.
fn least(timeline: &Timeline, between: Span) -> Seconds {
    let forgiven = ARRIVAL_SLACK + timeline.lag(between);
    // However late the machine: a second probe of the same round is one.
    (timeline.terms.apart() - forgiven).max(0.25 * timeline.terms.interval)
}

fn keep_least(least: &mut Option<Seconds>, gap: Seconds) {
    *least = Some(least.map_or(gap, |had| had.min(gap)));
}

/// EC-1: in calm, neighbours are apart, whoever asked.
fn one_per_round(timeline: &Timeline, check: &str, starts: &[&Start], judgement: &mut Judgement) {
    for calm in settled(timeline) {
        let inside: Vec<&&Start> = starts.iter().filter(|s| calm.contains(s.at)).collect();
        for pair in inside.windows(2) {
            let between = Span::new(pair[0].at, pair[1].at);
            judgement.count(Invariant::Ec1);
            keep_least(&mut judgement.figures.smallest_gap, between.length());
            let least = least(timeline, between);
            if between.length() < least {
                judgement.broken(
                    Invariant::Ec1,
                    pair[1].at,
                    format!(
                        "{check} was asked by {} {:.3} s after {}, at least {least:.3} s were due between, in calm since {:.2} s",
                        name(pair[1].pod),
                        between.length(),
                        name(pair[0].pod),
                        calm.from - timeline.terms.settle(),
                    ),
                );
            }
        }
    }
}

/// EC-2: a pod without its store keeps its own probes apart.
fn one_per_pod(timeline: &Timeline, check: &str, starts: &[&Start], judgement: &mut Judgement) {
    for pod in 0..timeline.terms.pods {
        let own: Vec<&&Start> = starts.iter().filter(|s| s.pod == Some(pod)).collect();
        for outage in outages(timeline, pod) {
            let inside: Vec<&&&Start> = own.iter().filter(|s| outage.contains(s.at)).collect();
            for pair in inside.windows(2) {
                let between = Span::new(pair[0].at, pair[1].at);
                // A stopped pod's request may be on its way for as long as the pod is stopped.
                let stopped = timeline.pauses(pod).any(|pause| pause.touches(between));
                if stopped || timeline.life(pod, between).is_none() {
                    continue;
                }
                judgement.count(Invariant::Ec2);
                keep_least(&mut judgement.figures.smallest_gap_alone, between.length());
                let least = least(timeline, between);
                if between.length() < least {
                    judgement.broken(
                        Invariant::Ec2,
                        pair[1].at,
                        format!(
                            "pod-{} asked {check} again after {:.3} s while it could not reach the store, at least {least:.3} s were due",
                            pod + 1,
                            between.length()
                        ),
                    );
                }
            }
        }
    }
}

/// When a pod could not reach the store at all.
pub(super) fn outages(timeline: &Timeline, pod: usize) -> Vec<Span> {
    merged(
        timeline
            .events
            .iter()
            .filter(|event| event.kind.cuts_off() && event.pods.contains(&pod))
            .map(|event| event.span),
    )
}

/// The most that the fleet may have asked over the whole run, each check: one per round all the time; each pod for
/// itself from the begin of a trouble on its way to the store until it has settled; and once more what a pod that was
/// struck, or a store that forgot its lease, had under way.
fn budget(timeline: &Timeline, judgement: &mut Judgement) {
    let terms = &timeline.terms;
    let rounds = |length: Seconds| (length / terms.apart()).floor() + 1.0;
    let mut each = rounds(timeline.length);
    for pod in 0..terms.pods {
        let troubled = timeline
            .events
            .iter()
            .filter(|event| event.kind.impairs() && event.pods.contains(&pod))
            .map(|event| Span::new(event.span.from, event.span.until + terms.settle()));
        each += merged(troubled)
            .into_iter()
            .map(|span| rounds(span.length()))
            .sum::<f64>();
    }
    let again = |event: &&crate::chaos::timeline::Event| {
        event.kind.strikes_process() || event.kind.loses_data()
    };
    each += timeline.events.iter().filter(again).count() as f64;
    let allowed = each as usize * terms.checks.len();
    let made = timeline.starts.len();
    judgement.figures.probes = made;
    judgement.figures.probes_allowed = allowed;
    judgement.figures.rounds = terms
        .checks
        .iter()
        .map(|check| timeline.starts.iter().filter(|s| s.check == *check).count())
        .max()
        .unwrap_or(0);
    judgement.figures.calm_seconds = settled(timeline).map(Span::length).sum();
    if made > allowed {
        judgement.violations.push(Violation {
            rule: Rule::Budget,
            at: timeline.length,
            text: format!("{made} probes were made, {allowed} at most were due"),
        });
    }
}

/// From a strike against the pod that led a round to the first probe by another, where no other fault was at work.
fn takeovers(timeline: &Timeline, judgement: &mut Judgement) {
    for (n, event) in timeline.events.iter().enumerate() {
        let outlives_lease = event.kind.ends() || event.span.length() > timeline.terms.lock_ttl;
        if !event.leading || !outlives_lease {
            continue;
        }
        let next = timeline.starts.iter().find(|start| {
            start.at > event.span.from && start.pod.is_some_and(|pod| !event.pods.contains(&pod))
        });
        let Some(next) = next else { continue };
        let took = Span::new(event.span.from, next.at);
        let others = timeline.events.iter().enumerate();
        let alone = others
            .filter(|(m, _)| *m != n)
            .all(|(_, other)| !other.span.touches(took));
        if alone {
            let worst = &mut judgement.figures.worst_takeover;
            if worst.is_none_or(|(had, _)| had < took.length()) {
                *worst = Some((took.length(), took.from));
            }
        }
    }
}

fn name(pod: Option<usize>) -> String {
    pod.map_or_else(|| "nobody".to_owned(), |pod| format!("pod-{}", pod + 1))
}
