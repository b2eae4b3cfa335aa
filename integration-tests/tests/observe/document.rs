//! `docs/monitoring.md` beside what it speaks of.

use std::collections::{BTreeMap, BTreeSet};

use crate::rules::{RULES, alerts};
use crate::text;

/// Labels by metric.
type Table = BTreeMap<String, BTreeSet<String>>;

const FILE: &str = "docs/monitoring.md";

/// A histogram's name without the part that a series is.
fn whole(name: &str) -> &str {
    let parts = ["_bucket", "_sum", "_count"];
    let histogram = parts.iter().find_map(|part| name.strip_suffix(part));
    histogram
        .filter(|histogram| histogram.ends_with("_seconds"))
        .unwrap_or(name)
}

/// The first column of the table of metrics: name and labels.
fn documented() -> Table {
    let rows = text(FILE);
    let rows = rows
        .lines()
        .filter_map(|line| line.strip_prefix("| `watchkeeper_"));
    rows.map(|row| {
        let cell = row.split('`').next().unwrap();
        let (name, labels) = match cell.split_once('{') {
            Some((name, labels)) => (name, labels.trim_end_matches('}')),
            None => (cell, ""),
        };
        let labels = labels.split(',').filter(|label| !label.is_empty());
        (
            format!("watchkeeper_{name}"),
            labels.map(str::to_owned).collect(),
        )
    })
    .collect()
}

/// Fails unless the table lists exactly what the pods show.
pub(crate) fn lists_all(exposed: &Table) {
    let mut shown: Table = BTreeMap::new();
    for (name, labels) in exposed {
        // What every series has, and what makes a histogram, is told once above the table.
        let own = labels
            .iter()
            .filter(|label| !["le", "fleet"].contains(&label.as_str()));
        let known = shown.entry(whole(name).to_owned()).or_default();
        known.extend(own.cloned());
    }
    let documented = documented();
    let unlike = |these: &Table, those: &Table| {
        let found = these
            .iter()
            .filter(|(name, labels)| those.get(*name) != Some(labels));
        found
            .map(|(name, labels)| format!("{name}{labels:?}"))
            .collect::<Vec<_>>()
    };
    let (wrong, missing) = (unlike(&documented, &shown), unlike(&shown, &documented));
    assert!(
        wrong.is_empty() && missing.is_empty(),
        "{FILE} lists what no pod shows: {wrong:?}\nit lacks what pods show: {missing:?}"
    );
}

#[test]
fn every_alert_has_a_section_of_its_own_to_which_it_points() {
    let document = text(FILE);
    let sections: BTreeSet<&str> = document
        .lines()
        .filter_map(|line| line.strip_prefix("### Watchkeeper"))
        .collect();
    let named = alerts();
    let named: BTreeSet<&str> = named
        .iter()
        .map(|name| name.strip_prefix("Watchkeeper").unwrap())
        .collect();
    assert_eq!(sections, named);
    let rules = text(RULES);
    for alert in rules.split("- alert: ").skip(1) {
        let name = alert.lines().next().unwrap();
        let anchor = format!("runbook: \"{FILE}#{}\"", name.to_lowercase());
        for part in [&*anchor, "summary: ", "description: ", "severity: "] {
            assert!(alert.contains(part), "{name} has no `{part}`");
        }
    }
}
