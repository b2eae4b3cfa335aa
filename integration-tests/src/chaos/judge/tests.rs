//! Timelines by hand: a good one, and one for each way to break a rule.

use watchkeeper_core::invariant::Invariant;

use super::{Rule, judge};
use crate::chaos::plan::Kind;
use crate::chaos::spans::Span;
use crate::chaos::timeline::{Event, Life, Sample, Shown, Start, Stored, Terms, Timeline, View};

/// When rounds begin in [`healthy`].
const ROUNDS: [f64; 30] = {
    let mut at = [0.1; 30];
    let mut n = 1;
    while n < 30 {
        at[n] = at[n - 1] + 2.0;
        n += 1;
    }
    at
};

fn event(kind: Kind, pods: &[usize], from: f64, until: f64) -> Event {
    Event {
        kind,
        pods: pods.to_vec(),
        span: Span::new(from, until),
        leading: false,
    }
}

fn start(at: f64, pod: usize) -> Start {
    Start {
        at,
        check: "m".to_owned(),
        pod: Some(pod),
    }
}

/// Two pods and one check for a minute: a round every 2 s, and each pod shows the last.
fn healthy() -> Timeline {
    let mut timeline = Timeline::new(Terms {
        pods: 2,
        checks: vec!["m".to_owned()],
        interval: 2.0,
        lock_ttl: 3.0,
        jitter: 0.1,
        round: 1.5,
        fresh_for: 3.1,
    });
    timeline.length = 60.0;
    for pod in 0..2 {
        timeline.lives.push(Life {
            pod,
            span: Span::new(0.0, 60.0),
        });
    }
    for (n, at) in ROUNDS.into_iter().enumerate() {
        timeline.starts.push(start(at, n % 2));
    }
    for step in 1..240 {
        let at = f64::from(step) * 0.25;
        let round = ROUNDS.iter().rposition(|start| *start < at - 0.05);
        for pod in 0..2 {
            let results = round.map(|n| Shown {
                check: "m".to_owned(),
                age: Some(at - ROUNDS[n]),
                token: Some(n as u64),
                by: Some(format!("pod-{}", n % 2 + 1)),
                label: Some("fresh".to_owned()),
            });
            timeline.samples.push(Sample {
                pod,
                asked: at - 0.01,
                answered: at,
                view: Some(View {
                    mode: "following".to_owned(),
                    store_up: true,
                    results: results.into_iter().collect(),
                }),
            });
        }
        if let Some(round) = round {
            timeline.tokens.push(Stored {
                asked: at + 0.01,
                answered: at + 0.02,
                token: round as u64,
            });
        }
    }
    timeline
}

/// Changes what a pod shows from `from` until `until`.
fn shows(
    timeline: &mut Timeline,
    pod: usize,
    from: f64,
    until: f64,
    act: impl Fn(f64, &mut Shown),
) {
    for sample in &mut timeline.samples {
        if sample.pod == pod && sample.asked >= from && sample.answered <= until {
            let results = sample.view.iter_mut().flat_map(|view| &mut view.results);
            results.for_each(|shown| act(sample.answered, shown));
        }
    }
}

/// The rules broken, each once.
fn broken(timeline: &Timeline) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for violation in judge(timeline).violations {
        if !rules.contains(&violation.rule) {
            rules.push(violation.rule);
        }
    }
    rules
}

fn only(invariant: Invariant) -> Vec<Rule> {
    vec![Rule::Invariant(invariant)]
}

/// The round at 30.1 s begins 0.7 s earlier.
fn too_early() -> Timeline {
    let mut timeline = healthy();
    timeline.starts[15].at -= 0.7;
    for pod in 0..2 {
        shows(&mut timeline, pod, 30.2, 32.14, |_, shown| {
            shown.age = shown.age.map(|age| age + 0.7);
        });
    }
    timeline
}

fn sort(timeline: &mut Timeline) {
    timeline.starts.sort_by(|a, b| a.at.total_cmp(&b.at));
}

#[test]
fn a_healthy_minute_breaks_nothing_and_puts_its_rules_to_the_test() {
    let judgement = judge(&healthy());
    assert!(
        judgement.violations.is_empty(),
        "{:?}",
        judgement.violations
    );
    for rule in [
        Invariant::Ec1,
        Invariant::Fb1,
        Invariant::Lv1,
        Invariant::Sn2,
        Invariant::Sn3,
        Invariant::Ls1,
        Invariant::Ls2,
    ] {
        assert!(judgement.judged.of(rule) > 0, "{rule}");
    }
    assert_eq!(judgement.figures.probes, 30);
    assert_eq!(judgement.figures.probes_allowed, 34);
}

#[test]
fn a_second_probe_of_a_round_in_calm_breaks_ec_1() {
    let mut timeline = healthy();
    timeline.starts.push(start(30.15, 0));
    sort(&mut timeline);
    assert_eq!(broken(&timeline), only(Invariant::Ec1));
}

#[test]
fn a_round_too_early_in_calm_breaks_ec_1() {
    assert_eq!(broken(&too_early()), only(Invariant::Ec1));
}

#[test]
fn a_second_probe_within_the_settle_time_or_a_fault_is_not_ec_1s() {
    let mut timeline = healthy();
    timeline.events.push(event(Kind::Silent, &[1], 24.0, 28.0));
    timeline.starts.push(start(29.0, 1));
    timeline.starts.push(start(31.0, 1));
    sort(&mut timeline);
    assert_eq!(broken(&timeline), []);
    // Once it has settled, it is.
    timeline.starts.push(start(37.0, 1));
    sort(&mut timeline);
    assert_eq!(broken(&timeline), only(Invariant::Ec1));
}

#[test]
fn a_late_machine_is_forgiven_a_short_gap_but_no_second_probe() {
    let lag = crate::chaos::timeline::Lag {
        at: 30.2,
        late: 0.8,
    };
    let mut timeline = too_early();
    timeline.lags.push(lag);
    assert_eq!(broken(&timeline), []);
    timeline.starts.push(start(29.7, 0));
    sort(&mut timeline);
    assert_eq!(broken(&timeline), only(Invariant::Ec1));
}

#[test]
fn a_pod_without_its_store_that_asks_twice_an_interval_breaks_ec_2() {
    let mut timeline = healthy();
    timeline.events.push(event(Kind::Cut, &[1], 20.0, 32.0));
    for at in [22.5, 24.5, 26.5] {
        timeline.starts.push(start(at, 1));
    }
    sort(&mut timeline);
    // Every second round is led by pod-2, which cannot be; so it asked too often.
    for round in &mut timeline.starts {
        if (20.0..32.0).contains(&round.at) && round.at.fract() < 0.2 {
            round.pod = Some(0);
        }
    }
    assert_eq!(broken(&timeline), []);
    assert!(judge(&timeline).judged.of(Invariant::Ec2) >= 2);
    timeline.starts.push(start(27.3, 1));
    sort(&mut timeline);
    assert_eq!(broken(&timeline), only(Invariant::Ec2));
    // Another process of the pod has its own count, and a stopped one sends late.
    let mut restarted = timeline.clone();
    restarted.lives[1].span.until = 26.9;
    restarted.lives.push(Life {
        pod: 1,
        span: Span::new(27.0, 60.0),
    });
    assert_eq!(broken(&restarted), []);
    timeline
        .events
        .push(event(Kind::ShortStop, &[1], 26.6, 27.2));
    assert_eq!(broken(&timeline), []);
}

#[test]
fn results_beyond_the_bound_break_fb_1_unless_the_pod_was_stopped_for_as_long() {
    let mut timeline = healthy();
    shows(&mut timeline, 1, 20.0, 42.4, |now, shown| {
        shown.age = Some(now - 20.1);
        shown.token = Some(10);
        shown.by = Some("pod-1".to_owned());
        shown.label = Some("stale".to_owned());
    });
    assert_eq!(broken(&timeline), only(Invariant::Fb1));
    timeline
        .events
        .push(event(Kind::LongStop, &[1], 24.0, 30.0));
    assert_eq!(broken(&timeline), []);
}

#[test]
fn a_pod_that_shows_nothing_or_does_not_answer_breaks_fb_1() {
    let mut timeline = healthy();
    shows(&mut timeline, 0, 25.0, 26.0, |_, shown| shown.age = None);
    assert_eq!(broken(&timeline), only(Invariant::Fb1));
    let mut timeline = healthy();
    timeline.samples[100].view = None;
    assert_eq!(broken(&timeline), only(Invariant::Fb1));
    let mut timeline = healthy();
    timeline.samples[100].asked -= 4.0;
    assert_eq!(broken(&timeline), only(Invariant::Fb1));
    let pod = timeline.samples[100].pod;
    timeline
        .events
        .push(event(Kind::LongStop, &[pod], 8.5, 12.4));
    assert_eq!(broken(&timeline), []);
}

#[test]
fn an_age_below_that_of_the_last_probe_breaks_fb_1() {
    let mut timeline = healthy();
    shows(&mut timeline, 0, 25.5, 25.8, |_, shown| {
        shown.age = Some(0.1)
    });
    assert_eq!(broken(&timeline), only(Invariant::Fb1));
}

#[test]
fn a_fleet_that_does_not_find_together_after_the_faults_breaks_lv_1() {
    let cut = event(Kind::Cut, &[1], 20.0, 22.0);
    // Alone for ever.
    let mut timeline = healthy();
    timeline.events.push(cut.clone());
    let stays = |timeline: &mut Timeline, until: f64| {
        for sample in &mut timeline.samples {
            if sample.pod == 1 && sample.asked > 20.0 && sample.asked < until {
                sample.view.as_mut().unwrap().mode = "isolated".to_owned();
            }
        }
    };
    stays(&mut timeline, 36.0);
    assert_eq!(broken(&timeline), only(Invariant::Lv1));
    // In time.
    let mut timeline = healthy();
    timeline.events.push(cut.clone());
    stays(&mut timeline, 33.0);
    assert_eq!(broken(&timeline), []);
    assert_eq!(judge(&timeline).figures.worst_recovery, Some((11.25, 22.0)));
    // The next fault comes before the bound: nobody can tell.
    let mut timeline = healthy();
    timeline.events.push(cut);
    timeline.events.push(event(Kind::Slow, &[0], 30.0, 31.0));
    stays(&mut timeline, 42.0);
    assert_eq!(broken(&timeline), []);
}

#[test]
fn a_fleet_without_a_new_report_after_the_faults_breaks_lv_1() {
    let mut timeline = healthy();
    timeline
        .events
        .push(event(Kind::RedisKilled, &[0, 1], 20.0, 22.0));
    timeline
        .starts
        .retain(|start| !(21.0..36.0).contains(&start.at));
    for pod in 0..2 {
        shows(&mut timeline, pod, 21.0, 36.5, |now, shown| {
            shown.age = Some(now - ROUNDS[10]);
            shown.token = Some(10);
            shown.by = Some("pod-1".to_owned());
            shown.label = Some("stale".to_owned());
        });
    }
    assert_eq!(broken(&timeline), only(Invariant::Lv1));
}

#[test]
fn a_result_of_before_breaks_sn_2_unless_the_process_is_another() {
    for token in [Some(9), None] {
        let mut timeline = healthy();
        shows(&mut timeline, 0, 24.9, 25.3, |now, shown| {
            shown.age = Some(now - ROUNDS[9]);
            shown.token = token;
            shown.by = Some("pod-2".to_owned());
            shown.label = Some("stale".to_owned());
        });
        assert_eq!(broken(&timeline), only(Invariant::Sn2), "{token:?}");
        timeline.lives[0].span.until = 24.8;
        timeline.lives.push(Life {
            pod: 0,
            span: Span::new(24.8, 60.0),
        });
        let again: Vec<Rule> = broken(&timeline);
        assert_eq!(again, [], "{token:?}");
    }
}

#[test]
fn old_called_fresh_breaks_sn_3() {
    let old = |label: &str| {
        let mut timeline = healthy();
        shows(&mut timeline, 0, 20.0, 24.05, |now, shown| {
            shown.age = Some(now - 20.1);
            shown.token = Some(10);
            shown.by = Some("pod-1".to_owned());
            let is_old = now - 20.1 > 3.1;
            shown.label = Some(if is_old { label } else { "fresh" }.to_owned());
        });
        timeline
    };
    assert_eq!(broken(&old("stale")), []);
    assert_eq!(broken(&old("refreshing")), []);
    assert_eq!(broken(&old("fresh")), only(Invariant::Sn3));
    let mut away = old("refreshing");
    away.events.push(event(Kind::Silent, &[0], 20.0, 24.0));
    assert_eq!(broken(&away), only(Invariant::Sn3));
}

#[test]
fn a_token_that_falls_breaks_ls_1_unless_the_store_lost_its_data() {
    let mut timeline = healthy();
    for stored in &mut timeline.tokens {
        if stored.asked > 30.0 {
            stored.token += 100;
        }
    }
    assert_eq!(broken(&timeline), []);
    let mut fallen = timeline.clone();
    for stored in &mut fallen.tokens {
        if stored.asked > 40.0 {
            stored.token -= 100;
        }
    }
    assert_eq!(broken(&fallen), only(Invariant::Ls1));
    fallen
        .events
        .push(event(Kind::Flushed, &[0, 1], 40.0, 40.1));
    assert_eq!(broken(&fallen), []);
}

#[test]
fn a_token_that_the_store_never_reached_breaks_ls_1() {
    let mut timeline = healthy();
    shows(&mut timeline, 1, 59.0, 59.3, |_, shown| {
        shown.token = Some(500)
    });
    assert_eq!(broken(&timeline)[0], Rule::Invariant(Invariant::Ls1));
}

#[test]
fn one_token_of_two_pods_breaks_ls_2() {
    let mut timeline = healthy();
    shows(&mut timeline, 1, 30.2, 31.0, |_, shown| {
        shown.by = Some("pod-1".to_owned());
    });
    assert_eq!(broken(&timeline), only(Invariant::Ls2));
}

#[test]
fn more_probes_than_were_due_in_all_are_told_where_no_window_judges_them() {
    let mut timeline = healthy();
    let slow: Vec<Event> = (0..10)
        .map(|n| {
            event(
                Kind::ScriptsFlushed,
                &[0, 1],
                6.0 * f64::from(n),
                6.0 * f64::from(n),
            )
        })
        .collect();
    timeline.events.extend(slow);
    for n in 0..10_u32 {
        let pod = if n % 2 == 0 { 0 } else { 1 };
        timeline.starts.push(start(4.5 + 5.0 * f64::from(n), pod));
    }
    sort(&mut timeline);
    assert_eq!(broken(&timeline), [Rule::Budget]);
    timeline.events[3].kind = Kind::CutAnswers;
    assert_eq!(broken(&timeline), []);
}

#[test]
fn a_mishap_and_a_request_of_a_stranger_are_told() {
    let mut timeline = healthy();
    timeline
        .mishaps
        .push((5.0, "pod-1 ended by itself".to_owned()));
    assert_eq!(broken(&timeline), [Rule::Mishap]);
    let mut timeline = healthy();
    timeline.starts[3].pod = None;
    assert_eq!(broken(&timeline), [Rule::Mishap]);
}

#[test]
fn a_takeover_is_measured_where_nothing_else_was_wrong() {
    let mut timeline = healthy();
    let mut killed = event(Kind::Kill, &[0], 30.2, 33.0);
    killed.leading = true;
    timeline.events.push(killed);
    timeline.starts.retain(|start| start.at != ROUNDS[16]);
    for round in &mut timeline.starts {
        if round.at > 30.2 {
            round.pod = Some(1);
        }
    }
    let (took, _) = judge(&timeline).figures.worst_takeover.unwrap();
    assert!((3.5..4.0).contains(&took), "{took}");
    timeline.events.push(event(Kind::Slow, &[1], 31.0, 31.5));
    assert_eq!(judge(&timeline).figures.worst_takeover, None);
}
