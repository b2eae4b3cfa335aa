//! What people read of a run.

use std::fmt::Write as _;

use super::judge::{Judgement, RULES, Rule, Violation};
use super::plan::{Kind, Plan};
use super::spans::{Seconds, Span};
use super::timeline::{Event, Sample, Timeline};

/// Of a long list the first are enough.
const SHOWN: usize = 12;
/// What happened so long before and after belongs to the evidence.
const BEFORE: Seconds = 12.0;
const AFTER: Seconds = 2.0;

/// The table that ends every run.
pub(super) fn table(plan: &Plan, timeline: &Timeline, judgement: &Judgement) -> String {
    let terms = &timeline.terms;
    let figures = &judgement.figures;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "chaos: seed {}, {:.0} s, {} pods, {} checks, interval {} s, lock_ttl {} s\n",
        plan.seed,
        timeline.length,
        terms.pods,
        terms.checks.len(),
        terms.interval,
        terms.lock_ttl
    );
    let _ = writeln!(text, "{:<38} {:>6} {:>9}", "fault", "times", "seconds");
    for kind in Kind::ALL {
        let of: Vec<&Event> = timeline.events.iter().filter(|e| e.kind == kind).collect();
        let lasted = of.iter().map(|e| e.span.length()).fold(0.0, |a, b| a + b);
        let _ = writeln!(text, "{kind:<38} {:>6} {lasted:>9.1}", of.len());
    }
    let doubled: Seconds = doubled(timeline);
    let _ = writeln!(
        text,
        "{:<38} {:>6}          two at once for {doubled:.1} s\n",
        "all",
        timeline.events.len()
    );
    let or_none = |value: Option<Seconds>| {
        value.map_or_else(|| "none seen".to_owned(), |value| format!("{value:.2} s"))
    };
    let when = |value: Option<(Seconds, Seconds)>| {
        value.map_or_else(
            || "none seen".to_owned(),
            |(value, at)| format!("{value:.2} s (at {at:.1} s)"),
        )
    };
    let rows = [
        (
            "probes made, at most due",
            format!("{}, {}", figures.probes, figures.probes_allowed),
        ),
        ("rounds", figures.rounds.to_string()),
        (
            "settled calm, in which EC-1 is judged",
            format!("{:.0} s", figures.calm_seconds),
        ),
        (
            "least time between probes, settled",
            or_none(figures.smallest_gap),
        ),
        (
            "the same of one pod without its store",
            or_none(figures.smallest_gap_alone),
        ),
        (
            "worst takeover from a struck leader",
            format!(
                "{}, of which up to {} s are the lease's",
                when(figures.worst_takeover),
                terms.lock_ttl
            ),
        ),
        (
            "worst recovery after a storm",
            format!(
                "{}, bound {:.2} s",
                when(figures.worst_recovery),
                terms.liveness()
            ),
        ),
        (
            "worst age shown by a pod that ran",
            format!(
                "{}, bound {:.2} s",
                when(Some(figures.worst_age)),
                terms.oldest()
            ),
        ),
        (
            "worst lateness of this machine",
            format!("{:.2} s", figures.worst_lag),
        ),
    ];
    for (name, value) in rows {
        let _ = writeln!(text, "{name:<38} {value}");
    }
    let _ = writeln!(
        text,
        "\n{:<14} {:>9} {:>7}  verdict",
        "rule", "judged", "broken"
    );
    for rule in RULES {
        let judged = judgement.judged.of(rule);
        let broken = judgement.breaks(&Rule::Invariant(rule));
        let verdict = match (broken, judged) {
            (0, 0) => "not put to the test",
            (0, _) => "held",
            _ => "BROKEN",
        };
        let _ = writeln!(
            text,
            "{:<14} {judged:>9} {broken:>7}  {verdict}",
            rule.name()
        );
    }
    for (rule, judged) in [(Rule::Budget, figures.probes), (Rule::Mishap, terms.pods)] {
        let broken = judgement.breaks(&rule);
        let verdict = if broken == 0 { "held" } else { "BROKEN" };
        let _ = writeln!(text, "{rule:<14} {judged:>9} {broken:>7}  {verdict}");
    }
    text
}

/// For how long two faults were at work.
fn doubled(timeline: &Timeline) -> Seconds {
    let spans: Vec<Span> = timeline.events.iter().map(|event| event.span).collect();
    let sum: Seconds = spans.iter().map(|span| span.length()).sum();
    let union: Seconds = super::spans::merged(spans)
        .iter()
        .map(|span| span.length())
        .sum();
    sum - union
}

/// What is going to strike when.
pub(super) fn plan(plan: &Plan) -> String {
    let mut text = String::new();
    for fault in &plan.faults {
        let _ = writeln!(text, "  {fault}");
    }
    for (at, millis) in &plan.paces {
        let at = at.as_secs_f64();
        let _ = writeln!(text, "  {at:8.2} s  the slowest endpoint takes {millis} ms");
    }
    text
}

/// After a failure: the plan, and what was broken.
pub(super) fn evidence(of: &Plan, timeline: &Timeline, judgement: &Judgement) -> String {
    let mut text = format!("\nthe plan:\n{}", plan(of));
    let _ = writeln!(text, "\n{} broken:", judgement.violations.len());
    let mut told = f64::NEG_INFINITY;
    for violation in judgement.violations.iter().take(SHOWN) {
        let Violation {
            rule,
            at,
            text: what,
        } = violation;
        let _ = writeln!(text, "\n{at:9.2} s  {rule}: {what}");
        if let Rule::Invariant(invariant) = rule {
            let _ = writeln!(text, "{:>11}  ({})", "", invariant.says());
        }
        // What is broken together has one story.
        if at - told > AFTER {
            told = *at;
            for line in around(timeline, *at) {
                let _ = writeln!(text, "            {line}");
            }
        }
    }
    if judgement.violations.len() > SHOWN {
        let _ = writeln!(
            text,
            "\n({} more not shown)",
            judgement.violations.len() - SHOWN
        );
    }
    text
}

/// Faults, probes and changes of mode around a moment, in order.
fn around(timeline: &Timeline, at: Seconds) -> Vec<String> {
    let window = Span::new(at - BEFORE, at + AFTER);
    let all = happened(timeline);
    let inside = all.into_iter().filter(|(at, _)| window.contains(*at));
    inside
        .map(|(at, what)| format!("{at:9.3} s  {what}"))
        .collect()
}

/// Everything as lines.
pub(super) fn timeline(timeline: &Timeline) -> String {
    happened(timeline)
        .into_iter()
        .map(|(at, what)| format!("{at:9.3} s  {what}\n"))
        .collect()
}

/// What each pod showed at each look, as lines.
pub(super) fn samples(timeline: &Timeline) -> String {
    let line = |sample: &Sample| {
        let shown = sample.view.as_ref().map(|view| view.to_string());
        format!(
            "{:9.3} s  pod-{} {}\n",
            sample.answered,
            sample.pod + 1,
            shown.as_deref().unwrap_or("does not answer")
        )
    };
    timeline.samples.iter().map(line).collect()
}

fn happened(timeline: &Timeline) -> Vec<(Seconds, String)> {
    let mut all = Vec::new();
    let pods =
        |pods: &[usize]| -> String { pods.iter().map(|pod| format!(" pod-{}", pod + 1)).collect() };
    for event in &timeline.events {
        let leading = if event.leading { " (leading)" } else { "" };
        let what = format!("{}{}{leading}", event.kind, pods(&event.pods));
        all.push((event.span.from, format!("fault begins: {what}")));
        all.push((event.span.until, format!("fault over: {what}")));
    }
    for start in &timeline.starts {
        let by = start
            .pod
            .map_or_else(|| "nobody".to_owned(), |pod| format!("pod-{}", pod + 1));
        all.push((start.at, format!("{by} asks {}", start.check)));
    }
    for lag in &timeline.lags {
        all.push((lag.at, format!("the machine is {:.2} s late", lag.late)));
    }
    for pod in 0..timeline.terms.pods {
        let mut had = None;
        for sample in timeline.samples.iter().filter(|sample| sample.pod == pod) {
            let view = sample.view.as_ref();
            let state = view.map(|view| (view.mode.as_str(), view.store_up));
            if had != Some(state) {
                had = Some(state);
                let says = match state {
                    Some((mode, true)) => mode.to_owned(),
                    Some((mode, false)) => format!("{mode}, store down"),
                    None => "does not answer".to_owned(),
                };
                all.push((sample.answered, format!("pod-{} is seen: {says}", pod + 1)));
            }
        }
    }
    all.extend(timeline.mishaps.iter().cloned());
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all
}
