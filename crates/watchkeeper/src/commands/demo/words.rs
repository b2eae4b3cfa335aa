//! What is said.

use std::fmt::Write;
use std::time::Duration;

use watchkeeper_core::time::Moment;

use super::mock::Endpoints;
use super::models::{Asked, Behaviour, CAST, LOCK_TTL};
use super::stage::Stage;
use super::story::{Beat, Round, Tally, View};
use crate::out::Screen;
use crate::table::{Cell, Column, Table, Tint, count, latency};

/// Cells in front of each line's text.
const MARGIN: usize = 11;

/// Puts into words, for one screen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    began: Moment,
    screen: Screen,
}

impl Words {
    pub(super) fn new(began: Moment, screen: Screen) -> Self {
        Self { began, screen }
    }

    fn paint(&self, tint: Tint, text: &str) -> String {
        tint.paint(text, self.screen.colours)
    }

    fn line(&self, now: Moment, text: &str) -> String {
        let time = format!("{:>7.1} s  ", now.since(self.began).as_secs_f64());
        format!("{}{text}\n", self.paint(Tint::Faint, &time))
    }

    fn more(text: &str) -> String {
        format!("{:MARGIN$}{text}\n", "")
    }

    /// What there is to be seen.
    pub(super) fn opening(
        &self,
        stage: &Stage,
        endpoints: &Endpoints,
        interval: Duration,
    ) -> String {
        let pods = count(stage.members().len(), "pod", "pods");
        let mut out = format!(
            "{}, {} models, a round every {} s, lock_ttl {} s, the store in memory.\n\
             Everything stays on this machine. Ctrl-C ends it.\n\n",
            self.paint(Tint::Bold, &format!("A fleet of {pods}")),
            CAST.len(),
            interval.as_secs(),
            LOCK_TTL.as_secs()
        );
        let mut models = Table::new([
            Column::text("MODEL"),
            Column::text("MODE"),
            Column::text("MOCK ENDPOINT"),
        ]);
        for model in &CAST {
            let does = match model.behaviour {
                Behaviour::RateLimited => "answers 429: rate limited".to_owned(),
                Behaviour::After(time) => {
                    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
                    let slow = if time > LOCK_TTL {
                        ": longer than a lease lasts, so it is renewed"
                    } else {
                        ""
                    };
                    format!("answers after {}{slow}", latency(millis))
                }
            };
            models.row([model.name.into(), model.mode.into(), does.into()]);
        }
        out.push_str(&models.render(&self.screen));
        let _ = writeln!(out, "(all at {})\n", endpoints.base());
        let mut pods = Table::new([
            Column::text("POD"),
            Column::text("ITS HTTP API"),
            Column::text("LOOK AT IT WITH"),
        ]);
        for pod in stage.members() {
            let url = format!("http://{}", pod.address);
            let look = format!("watchkeeper status --watch --url {url}");
            pods.row([
                pod.name.as_str().into(),
                url.into(),
                Cell::tinted(look, Tint::Faint),
            ]);
        }
        out.push_str(&pods.render(&self.screen));
        out.push_str(
            "\nEach round says how often each endpoint was asked, as the endpoint counted it.\n\n",
        );
        out
    }

    /// Something happened.
    pub(super) fn beat(&self, now: Moment, beat: &Beat) -> String {
        match beat {
            Beat::Lease { pod, token, after } => {
                let after = after
                    .as_ref()
                    .map(|gone| format!(": takes over from {gone}, which has left"))
                    .unwrap_or_default();
                let pod = self.paint(Tint::Bold, pod);
                self.line(now, &format!("{pod} holds the lease, token {token}{after}"))
            }
            Beat::NothingAsked { pod } => self.line(
                now,
                &format!("{pod} gave the lease back without asking: nothing was due"),
            ),
            Beat::Round(round) => self.round(now, round),
        }
    }

    fn round(&self, now: Moment, round: &Round) -> String {
        let title = self.paint(Tint::Bold, &format!("round {}", round.number));
        let mut out = self.line(
            now,
            &format!("{title} by {}: {}", round.pod, asked(&round.asked)),
        );
        let mut text = match (round.agree, round.differ.as_slice()) {
            (0, []) => "no pod is left to show it".to_owned(),
            (1, []) => "the pod shows it".to_owned(),
            (2, []) => "both pods show the same results".to_owned(),
            (n, []) => format!("all {n} pods show the same results"),
            (n, differ) => {
                let text = format!(
                    "{n} show the same results, these do not: {}",
                    differ.join(", ")
                );
                self.paint(Tint::Bad, &text)
            }
        };
        let _ = write!(text, ": {}", self.results(round));
        if round.renewals > 0 {
            let times = count(
                usize::try_from(round.renewals).unwrap_or(usize::MAX),
                "time",
                "times",
            );
            let _ = write!(text, "; lease renewed {times}");
        }
        out.push_str(&Self::more(&text));
        out.push_str(&Self::more(&self.paint(Tint::Good, &sums(&round.tally))));
        out
    }

    fn results(&self, round: &Round) -> String {
        let found = || round.results.iter().flatten();
        let healthy = found().filter(|entry| entry.standing.healthy).count();
        let mut text = format!("{healthy} healthy");
        for entry in found().filter(|entry| !entry.standing.healthy) {
            let bad = format!("{} {}", entry.check, entry.verdict.outcome.as_str());
            let _ = write!(text, ", {}", self.paint(Tint::Bad, &bad));
        }
        text
    }

    /// A pod was told to leave.
    pub(super) fn leaving(&self, now: Moment, pod: &str) -> String {
        let pod = self.paint(Tint::Doubtful, pod);
        self.line(
            now,
            &format!("{pod} is told to leave, in the middle of its round"),
        )
    }

    /// It has left.
    pub(super) fn left(&self, now: Moment, pod: &str) -> String {
        let pod = self.paint(Tint::Doubtful, pod);
        self.line(now, &format!("{pod} has left in order"))
    }

    /// A fresh pod was started.
    pub(super) fn joins(&self, now: Moment, pod: &str, address: &str) -> String {
        let pod = self.paint(Tint::Doubtful, pod);
        self.line(now, &format!("{pod} joins, at http://{address}"))
    }

    /// A fresh pod shows a result for every model; `asked` requests reached the endpoints since it joined.
    pub(super) fn knows(&self, now: Moment, view: &View, after: Duration, asked: u64) -> String {
        let age = view
            .oldest
            .map_or(Duration::ZERO, |oldest| now.since(oldest));
        let probes = if asked == 0 {
            "no endpoint was asked for it".to_owned()
        } else {
            format!("the endpoints were asked {asked} times since")
        };
        let text = format!(
            "{} shows all {} results after {} ms, {:.1} s old: {probes}",
            self.paint(Tint::Doubtful, &view.pod),
            view.results.len(),
            after.as_millis(),
            age.as_secs_f64()
        );
        self.line(now, &text)
    }

    /// At the end; `under_way` requests belong to a round that did not end.
    pub(super) fn summary(&self, now: Moment, tally: &Tally, under_way: u64) -> String {
        let mut out = format!(
            "\n{}\n",
            self.paint(
                Tint::Bold,
                &format!("After {:.0} s", now.since(self.began).as_secs_f64())
            )
        );
        if tally.rounds == 0 {
            out.push_str("no round came to its end\n");
            return out;
        }
        let rounds = count(
            usize::try_from(tally.rounds).unwrap_or(usize::MAX),
            "round",
            "rounds",
        );
        let _ = writeln!(
            out,
            "{rounds}, each endpoint asked: {}",
            asked(&tally.by_model)
        );
        let _ = writeln!(out, "probes per model and round: {}", per_round(tally));
        let _ = writeln!(out, "{}", self.paint(Tint::Good, &sums(tally)));
        if under_way > 0 {
            let _ = writeln!(
                out,
                "(a round was under way: its {under_way} probes are not counted)"
            );
        }
        out
    }
}

fn asked(asked: &Asked) -> String {
    let each = CAST.iter().zip(asked);
    let each: Vec<String> = each
        .map(|(model, times)| format!("{} {times}", model.name))
        .collect();
    each.join(", ")
}

fn sums(tally: &Tally) -> String {
    let (fewest, most) = tally.pods.unwrap_or_default();
    let pods = count(usize::try_from(most).unwrap_or(usize::MAX), "pod", "pods");
    let pods = if fewest == most {
        pods
    } else {
        format!("{fewest} to {pods}")
    };
    // Below zero if models were asked more often than that: it is told as it is.
    let saved = i128::from(tally.without) - i128::from(tally.made);
    format!(
        "probes made {}, without Watchkeeper {pods} would have made {}, saved {saved}",
        tally.made, tally.without
    )
}

fn per_round(tally: &Tally) -> String {
    let least = tally.least.unwrap_or(0);
    if least == tally.most {
        return format!("{least}.00, in every round");
    }
    let probes = u32::try_from(tally.made).map_or(f64::INFINITY, f64::from);
    let places = u64::try_from(CAST.len()).unwrap_or(1) * tally.rounds;
    let places = u32::try_from(places).map_or(f64::INFINITY, f64::from);
    format!(
        "{:.2} on average, from {least} to {}",
        probes / places,
        tally.most
    )
}

#[cfg(test)]
mod tests {
    use watchkeeper_core::lease::Token;

    use super::*;

    fn words() -> Words {
        let screen = Screen {
            width: None,
            height: None,
            colours: false,
            terminal: false,
        };
        Words::new(Moment::ZERO, screen)
    }

    fn tally(by_model: Asked, least: u64, most: u64) -> Tally {
        Tally {
            rounds: 4,
            pods: Some((3, 3)),
            made: by_model.iter().sum(),
            without: 60,
            by_model,
            least: Some(least),
            most,
        }
    }

    #[test]
    fn the_summary_says_one_only_where_every_round_asked_once() {
        let at = Moment::from_micros(20_000_000);
        assert_eq!(
            words().summary(at, &tally([4; 5], 1, 1), 0),
            "\nAfter 20 s\n\
             4 rounds, each endpoint asked: swift 4, steady 4, slow 4, busy 4, embed 4\n\
             probes per model and round: 1.00, in every round\n\
             probes made 20, without Watchkeeper 3 pods would have made 60, saved 40\n"
        );
        let uneven = words().summary(at, &tally([4, 4, 6, 4, 4], 1, 2), 5);
        assert!(
            uneven.contains("1.10 on average, from 1 to 2\n"),
            "{uneven}"
        );
        assert!(uneven.contains("its 5 probes are not counted"), "{uneven}");
        let none = words().summary(at, &Tally::default(), 5);
        assert!(none.contains("no round came to its end"), "{none}");
    }

    #[test]
    fn a_round_that_asked_twice_or_is_not_seen_alike_is_told_as_it_is() {
        let text = words().beat(
            Moment::from_micros(5_000_000),
            &Beat::Round(Round {
                number: 2,
                pod: "pod-3".to_owned(),
                asked: [1, 2, 1, 0, 1],
                renewals: 3,
                agree: 1,
                differ: vec!["pod-2".to_owned()],
                results: Vec::new(),
                tally: tally([4; 5], 1, 1),
            }),
        );
        assert!(
            text.contains(
                "    5.0 s  round 2 by pod-3: swift 1, steady 2, slow 1, busy 0, embed 1\n"
            ),
            "{text}"
        );
        assert!(
            text.contains("1 show the same results, these do not: pod-2"),
            "{text}"
        );
        assert!(text.contains("lease renewed 3 times"), "{text}");
    }

    #[test]
    fn a_hand_over_is_told_with_both_names() {
        let beat = Beat::Lease {
            pod: "pod-1".to_owned(),
            token: Token(7),
            after: Some("pod-2".to_owned()),
        };
        assert_eq!(
            words().beat(Moment::from_micros(1_500_000), &beat),
            "    1.5 s  pod-1 holds the lease, token 7: takes over from pod-2, which has left\n"
        );
    }
}
