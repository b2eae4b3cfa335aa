//! `docs/monitoring.md` beside what it speaks of.

use std::collections::{BTreeMap, BTreeSet};

use crate::rules::{RULES, alerts};
use crate::text;

const FILE: &str = "docs/monitoring.md";

/// A metric's name, its parts and the labels that every metric has left out.
fn essence(name: &str, labels: &BTreeSet<String>) -> (String, BTreeSet<String>) {
    let parts = ["_bucket", "_sum", "_count"];
    let histogram = parts.iter().find_map(|part| name.strip_suffix(part));
    let name = histogram.filter(|name| name.ends_with("_seconds"));
    let kept = labels.iter().filter(|label| !["le", "fleet"].contains(&&***label));
    (
        name.map_or_else(String::new, str::to_owned),
        kept.cloned().collect(),
    )
}

/// The first column of the table of metrics: name and labels.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
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
pub(crate) fn lists_all(exposed: &BTreeMap<String, BTreeSet<String>>) {
    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, labels) in exposed {
        let (folded, labels) = essence(name, labels);
        let name = if folded.is_empty() {
            name.clone()
        } else {
            folded
        };
        shown.entry(name).or_default().extend(labels);
    }
    assert_eq!(documented(), shown, "{FILE} (left) lists other metrics than pods show");
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
