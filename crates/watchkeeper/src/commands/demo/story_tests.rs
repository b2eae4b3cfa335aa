use watchkeeper_core::id::{CheckId, PodId};
use watchkeeper_core::report::Thresholds;
use watchkeeper_core::time::UnixMillis;
use watchkeeper_core::verdict::{Outcome, Verdict};

use super::super::script::{Cue, Script};
use super::*;

fn at(millis: i64) -> Moment {
    Moment::from_micros(millis * 1_000)
}

/// What a pod knows after the round of `token`; nothing for 0.
fn results(token: u64) -> Vec<Option<Arc<Entry>>> {
    let entry = |name: &str| {
        Arc::new(Entry::after(
            None,
            CheckId::new(name).unwrap(),
            PodId::new("pod-1").unwrap(),
            Some(Token(token)),
            UnixMillis(1),
            Verdict::new(Outcome::Healthy, None, None, Duration::ZERO, UnixMillis(2)),
            Thresholds {
                healthy_after: 1,
                unhealthy_after: 1,
                passes: watchkeeper_core::report::Passes::HEALTHY,
            },
        ))
    };
    CAST.iter()
        .map(|model| (token > 0).then(|| entry(model.name)))
        .collect()
}

fn view(pod: &str, lease: Option<(u64, i64)>, known: u64) -> View {
    View {
        pod: pod.to_owned(),
        lease: lease.map(|(token, until)| (Token(token), at(until))),
        leaving: false,
        results: results(known),
        oldest: None,
    }
}

fn leaving(mut view: View) -> View {
    view.leaving = true;
    view
}

fn lease(pod: &str, token: u64, after: Option<&str>) -> Beat {
    Beat::Lease {
        pod: pod.to_owned(),
        token: Token(token),
        after: after.map(str::to_owned),
    }
}

/// The story after one round of two pods in which `pod-1` led with token 1.
fn one_round(asked: Asked) -> (Story, Vec<Beat>) {
    let mut story = Story::new();
    let idle = || view("pod-2", None, 0);
    let mut beats = story.observe(at(0), &[view("pod-1", None, 0), idle()], &[0; 5]);
    beats.extend(story.observe(
        at(10),
        &[view("pod-1", Some((1, 2_000)), 0), idle()],
        &[0; 5],
    ));
    for (now, until) in [(700, 2_700), (1_400, 3_400), (1_410, 3_400)] {
        beats.extend(story.observe(
            at(now),
            &[view("pod-1", Some((1, until)), 0), idle()],
            &asked,
        ));
    }
    // The report is there on the holder before it is on the other pod.
    beats.extend(story.observe(at(2_500), &[view("pod-1", None, 1), idle()], &asked));
    beats.extend(story.observe(
        at(2_510),
        &[view("pod-1", None, 1), view("pod-2", None, 1)],
        &asked,
    ));
    (story, beats)
}

#[test]
fn a_round_is_told_once_with_its_counts_its_renewals_and_the_pods_that_agree() {
    let (story, beats) = one_round([1; 5]);
    let tally = Tally {
        rounds: 1,
        pods: Some((2, 2)),
        made: 5,
        without: 10,
        by_model: [1; 5],
        least: Some(1),
        most: 1,
    };
    assert_eq!(
        beats,
        [
            lease("pod-1", 1, None),
            Beat::Round(Round {
                number: 1,
                pod: "pod-1".to_owned(),
                asked: [1; 5],
                renewals: 2,
                agree: 2,
                differ: Vec::new(),
                results: results(1),
                tally,
            })
        ]
    );
    assert!(story.is_quiet());
}

#[test]
fn a_model_that_was_asked_twice_shows_in_the_round_and_in_the_sums() {
    let (story, _) = one_round([1, 2, 1, 1, 1]);
    assert_eq!(
        (story.tally().made, story.tally().least, story.tally().most),
        (6, Some(1), 2)
    );
}

#[test]
fn a_pod_that_does_not_show_the_report_in_time_is_named() {
    let mut story = Story::new();
    story.observe(at(0), &[view("pod-1", Some((1, 2_000)), 0)], &[0; 5]);
    let views = [view("pod-1", None, 1), view("pod-2", None, 0)];
    assert_eq!(story.observe(at(100), &views, &[1; 5]), []);
    assert_eq!(story.observe(at(499), &views, &[1; 5]), []);
    let beats = story.observe(at(500), &views, &[1; 5]);
    let [Beat::Round(round)] = beats.as_slice() else {
        panic!("{beats:?}");
    };
    assert_eq!(
        (round.agree, round.differ.as_slice()),
        (1, &["pod-2".to_owned()][..])
    );
}

#[test]
fn a_lease_under_which_nothing_was_asked_is_no_round() {
    let (mut story, _) = one_round([1; 5]);
    let after = |lease| [view("pod-1", None, 1), view("pod-2", lease, 1)];
    assert_eq!(
        story.observe(at(5_000), &after(Some((2, 7_000))), &[1; 5]),
        [lease("pod-2", 2, None)]
    );
    let nothing = Beat::NothingAsked {
        pod: "pod-2".to_owned(),
    };
    assert_eq!(story.observe(at(5_100), &after(None), &[1; 5]), [nothing]);
    assert_eq!(story.tally().rounds, 1);
}

#[test]
fn who_takes_over_from_a_pod_that_left_is_told_so() {
    let (mut story, _) = one_round([1; 5]);
    let views = [
        leaving(view("pod-1", None, 1)),
        view("pod-2", Some((2, 7_000)), 1),
    ];
    assert_eq!(
        story.observe(at(5_000), &views, &[1; 5]),
        [lease("pod-2", 2, Some("pod-1"))]
    );
    // A pod that has left counts no more among those that would have probed.
    let views = [view("pod-2", None, 2)];
    story.observe(at(6_000), &views, &[2; 5]);
    assert_eq!(
        (story.tally().without, story.tally().pods),
        (15, Some((1, 2)))
    );
}

#[test]
fn the_holder_leaves_once_all_models_are_asked_and_a_pod_joins_after_the_next_round() {
    let mut script = Script::new(2);
    let (mut story, _) = one_round([1; 5]);
    let views = |lease, known| [view("pod-1", lease, known), view("pod-2", None, known)];
    story.observe(at(5_000), &views(Some((2, 7_000)), 1), &[1; 5]);
    let some = [2, 2, 1, 1, 1];
    assert_eq!(script.cue(&story, &views(Some((2, 7_000)), 1), &some), None);
    let leave = Some(Cue::Leave("pod-1".to_owned()));
    assert_eq!(
        script.cue(&story, &views(Some((2, 7_000)), 1), &[2; 5]),
        leave
    );
    assert_eq!(
        script.cue(&story, &views(Some((2, 7_000)), 1), &[2; 5]),
        None,
        "once"
    );
    story.observe(at(7_500), &views(None, 2), &[2; 5]);
    assert_eq!(script.cue(&story, &views(None, 2), &[2; 5]), None);
    let lone = |lease, known| [view("pod-2", lease, known)];
    story.observe(at(10_000), &lone(Some((3, 12_000)), 2), &[2; 5]);
    assert_eq!(
        script.cue(&story, &lone(Some((3, 12_000)), 2), &[3; 5]),
        None
    );
    story.observe(at(12_500), &lone(None, 3), &[3; 5]);
    assert_eq!(script.cue(&story, &lone(None, 3), &[3; 5]), Some(Cue::Join));
    assert_eq!(script.cue(&story, &lone(None, 3), &[3; 5]), None, "once");
}

#[test]
fn a_lone_pod_leaves_only_after_another_has_joined() {
    let mut script = Script::new(1);
    let mut story = Story::new();
    let mut cues = Vec::new();
    let mut pods = vec!["pod-1"];
    for round in 1..=4 {
        let now = i64::try_from(round).unwrap() * 5_000;
        let views = |lease, known| -> Vec<View> {
            let mut all: Vec<View> = pods.iter().map(|pod| view(pod, None, known)).collect();
            all[0].lease = view("", lease, 0).lease;
            all
        };
        let asked = [round; 5];
        story.observe(
            at(now),
            &views(Some((round, now + 2_000)), round - 1),
            &[round - 1; 5],
        );
        cues.extend(script.cue(
            &story,
            &views(Some((round, now + 2_000)), round - 1),
            &asked,
        ));
        story.observe(at(now + 2_500), &views(None, round), &asked);
        let joined = script.cue(&story, &views(None, round), &asked);
        if joined == Some(Cue::Join) {
            pods.push("pod-2");
        }
        cues.extend(joined);
    }
    assert_eq!(cues, [Cue::Join, Cue::Leave("pod-1".to_owned())]);
}
