//! The fewest faults that still break the same rule.

use super::breach::Breach;
use super::faults::Fault;
use super::plan::{MILLI, Plan};
use super::world::World;

/// How many runs may be spent on one failure.
const MOST_RUNS: usize = 400;

/// A plan in words.
pub(super) fn describe(plan: &Plan) -> String {
    let mut text = format!("{} pods", plan.pods);
    for (version, settings) in plan.versions.iter().enumerate() {
        text += &format!("\nconfiguration {version}: {settings:?}");
    }
    for group in &plan.groups {
        let checks: Vec<_> = group.checks.iter().map(|c| c.id.as_str()).collect();
        let (id, versions) = (&group.id, &group.versions);
        text += &format!(
            "\n{id}: {} in configurations {versions:?}",
            checks.join(", ")
        );
    }
    for trouble in &plan.troubles {
        text += &format!("\nfault: {trouble:?}");
    }
    if !plan.calls.is_empty() {
        text += &format!("\ncalls at {:?}", plan.calls);
    }
    text
}

/// Shrinks a failing plan as far as it goes, and tells what happens under what is left.
pub(super) fn story(seed: u64, plan: Plan, breach: &Breach) -> String {
    let was = plan.troubles.len();
    let (plan, runs) = shrink(seed, plan, breach);
    let outcome = World::new(seed, &plan, true).run();
    let why = match outcome.result {
        Err(breach) => breach.to_string(),
        Ok(_) => {
            "the repetition went well: the run depends on something besides its seed".to_owned()
        }
    };
    let left = plan.troubles.len();
    format!(
        "{left} of {was} faults are enough ({runs} runs to find out):\n{}\n\n{}then: {why}\n",
        describe(&plan),
        outcome.story
    )
}

/// Whether both break the same rule. What has no name is told by its words, but for names and numbers.
fn is_same(one: &Breach, other: &Breach) -> bool {
    let words = |breach: &Breach| -> Vec<String> {
        let words = breach.why.split_whitespace();
        let plain = words.filter(|word| !word.contains(|c: char| c.is_ascii_digit()));
        plain.take(3).map(str::to_owned).collect()
    };
    one.invariant == other.invariant && (one.invariant.is_some() || words(one) == words(other))
}

fn shrink(seed: u64, mut plan: Plan, breach: &Breach) -> (Plan, usize) {
    let mut runs = 0;
    let mut fails = |plan: &Plan| {
        runs += 1;
        let again = World::new(seed, plan, false).run().result;
        runs <= MOST_RUNS && again.is_err_and(|b| is_same(&b, breach))
    };
    // Whole kinds first, then one by one, then shorter and smaller, until nothing helps any more.
    loop {
        let before = size(&plan);
        for smaller in candidates(&plan) {
            if size(&smaller) < size(&plan) && fails(&smaller) {
                plan = smaller;
                break;
            }
        }
        if size(&plan) == before {
            break;
        }
    }
    (plan, runs)
}

/// What is to become less.
fn size(plan: &Plan) -> (usize, usize, usize, i64) {
    let lasting = plan.troubles.iter().map(|t| t.until - t.at).sum();
    (plan.troubles.len(), plan.calls.len(), plan.pods, lasting)
}

/// Plans that are a little less than this one.
fn candidates(plan: &Plan) -> Vec<Plan> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Plan)| {
        let mut less = plan.clone();
        change(&mut less);
        all.push(less);
    };
    with(&|less| less.troubles.clear());
    with(&|less| less.calls.clear());
    for index in 0..plan.troubles.len() {
        with(&|less| {
            less.troubles.remove(index);
        });
    }
    for index in 0..plan.calls.len() {
        with(&|less| {
            less.calls.remove(index);
        });
    }
    for pods in [plan.pods / 2, plan.pods.saturating_sub(1)] {
        if pods > 0 {
            with(&|less| {
                less.pods = pods;
                less.troubles.retain(|t| !t.what.needs_pod_from(pods));
            });
        }
    }
    for (index, trouble) in plan.troubles.iter().enumerate() {
        // A pod that leaves needs its time; less would be another fault.
        if matches!(trouble.what, Fault::Drain { .. }) {
            continue;
        }
        with(&|less| {
            let half = (trouble.until - trouble.at) / 2;
            let least = MILLI.min(trouble.until - trouble.at);
            less.troubles[index].until = trouble.at + half.max(least);
        });
    }
    all
}
