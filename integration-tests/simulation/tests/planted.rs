//! Known bugs put back one at a time: the simulation finds each of them, by the rule that speaks of it, and the same
//! seed without the bug is well. `-- --nocapture` prints a table line for each, beginning with [`LINE`].

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use watchkeeper_core::invariant::Invariant;
use watchkeeper_core::planted::{Bug, with};
use watchkeeper_simulation::{Breach, Weather, judge};

/// What a line about a caught bug begins with: `planted | bug | weather | seed | seeds taken | caught by`.
const LINE: &str = "planted";

/// The document that has a row for each.
const PROOF: &str = include_str!("../../../docs/proof.md");

/// A bug that so many seeds do not show is not caught.
const MOST_SEEDS: u64 = 2_000;

/// By which rule a bug may be caught.
enum Rule {
    /// A promise with a name.
    Named(Invariant),
    /// A rule of the simulation's own, by words of its complaint.
    Says(&'static str),
}

impl Rule {
    fn is_broken_by(&self, breach: &Breach) -> bool {
        match self {
            Self::Named(invariant) => breach.invariant == Some(*invariant),
            Self::Says(words) => breach.invariant.is_none() && breach.why.contains(words),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Named(invariant) => invariant.name(),
            Self::Says(words) => words.trim(),
        }
    }
}

/// Runs seed after seed of a weather until the bug shows. Any other rule than these may not be what it breaks.
fn assert_caught(bug: Bug, weather: Weather, rules: &[Rule]) {
    let (seed, breach) = (0..MOST_SEEDS)
        .find_map(|seed| Some((seed, with(bug, || judge(seed, weather)).err()?)))
        .unwrap_or_else(|| panic!("{MOST_SEEDS} seeds of {weather} do not show {bug:?}"));
    let rule = rules.iter().find(|rule| rule.is_broken_by(&breach));
    let Some(rule) = rule else {
        panic!(
            "seed {seed} of {weather} shows {bug:?} by another rule than those that speak of it: {breach}"
        );
    };
    if let Err(breach) = judge(seed, weather) {
        panic!("seed {seed} of {weather} fails without {bug:?} as well: {breach}");
    }
    let (taken, name) = (seed + 1, rule.name());
    println!("{LINE} | {bug:?} | {weather} | {seed} | {taken} | {name}");
    let told = format!("| {weather} | {seed} | {taken} |");
    assert!(
        PROOF.contains(&told),
        "docs/proof.md has no row with `{told}`, for {bug:?}"
    );
}

/// Nobody waits for a lease of its own.
const OWN: Rule = Rule::Says("told to wait for itself");

/// Who subscribes anew reads.
const READS: Rule = Rule::Says("subscribed anew and does not read");

/// Ages shown are what they are.
const AGES: Rule = Rule::Says(" old, it is ");

#[test]
fn a_holder_that_never_renews_is_caught() {
    assert_caught(
        Bug::NoRenewal,
        Weather::Calm,
        &[Rule::Named(Invariant::Ec1)],
    );
}

#[test]
fn a_lease_that_anybody_may_release_is_caught() {
    let rules = [Rule::Named(Invariant::Ls3)];
    assert_caught(Bug::ForeignRelease, Weather::Late, &rules);
}

#[test]
fn a_report_taken_without_a_look_at_its_token_is_caught() {
    let rules = [Invariant::Ls3, Invariant::Sn1].map(Rule::Named);
    assert_caught(Bug::UncheckedPublish, Weather::Late, &rules);
}

#[test]
fn tokens_that_start_anew_after_a_loss_of_data_are_caught() {
    let rules = [Invariant::Ls1, Invariant::Ls2].map(Rule::Named);
    assert_caught(Bug::TokenReset, Weather::Outage, &rules);
}

#[test]
fn ages_by_two_wall_clocks_are_caught() {
    let rules = [
        AGES,
        Rule::Named(Invariant::Ec1),
        Rule::Named(Invariant::Sn3),
    ];
    assert_caught(Bug::WallClockAge, Weather::Calm, &rules);
}

#[test]
fn a_pod_that_asks_while_a_live_holder_renews_is_caught() {
    let rules = [Rule::Named(Invariant::Ec1)];
    assert_caught(Bug::ImpatientFollower, Weather::Calm, &rules);
}

#[test]
fn probes_after_the_window_are_caught() {
    assert_caught(
        Bug::OpenWindow,
        Weather::Storm,
        &[Rule::Named(Invariant::Ls3)],
    );
}

#[test]
fn a_pod_that_waits_for_notices_alone_is_caught() {
    let rules = [Invariant::Fb1, Invariant::Lv1].map(Rule::Named);
    assert_caught(Bug::NoticeOnly, Weather::Storm, &rules);
}

#[test]
fn a_winner_that_does_not_read_again_is_caught() {
    assert_caught(
        Bug::NoSecondRead,
        Weather::Calm,
        &[Rule::Named(Invariant::Ec1)],
    );
}

#[test]
fn a_window_that_starts_with_the_answer_is_caught() {
    let rules = [Rule::Named(Invariant::Ls3)];
    assert_caught(Bug::WindowFromAnswer, Weather::Late, &rules);
}

#[test]
fn a_lease_won_unseen_and_not_recognised_is_caught() {
    assert_caught(Bug::OrphanLease, Weather::Late, &[OWN]);
}

#[test]
fn entries_of_lower_tokens_that_replace_higher_ones_are_caught() {
    let rules = [Rule::Named(Invariant::Sn2)];
    assert_caught(Bug::LowerTokenAdopted, Weather::Storm, &rules);
}

#[test]
fn a_pod_on_its_own_that_asks_too_often_is_caught() {
    assert_caught(
        Bug::UnspacedAlone,
        Weather::Outage,
        &[Rule::Named(Invariant::Ec2)],
    );
}

#[test]
fn a_new_subscription_without_a_read_is_caught() {
    assert_caught(Bug::NoReadOnReconnect, Weather::Calm, &[READS]);
}

#[test]
fn old_findings_offered_as_new_are_caught() {
    let rules = [AGES, Rule::Named(Invariant::Sn3)];
    assert_caught(Bug::StaleAsFresh, Weather::Outage, &rules);
}
