//! The rules, by Prometheus' own tool.

use watchkeeper_integration_tests::prometheus::promtool;

use crate::{checkout, text};

pub(crate) const RULES: &str = "deploy/prometheus/watchkeeper.rules.yml";
const TESTS: &str = "deploy/prometheus/tests";

/// The names of all alerts.
pub(crate) fn alerts() -> Vec<String> {
    let rules = text(RULES);
    let names = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    names.map(str::to_owned).collect()
}

#[test]
fn promtool_takes_the_rules_and_the_example_configuration() {
    let folder = checkout("deploy/prometheus");
    promtool(
        &["check", "rules", "--lint-fatal", "watchkeeper.rules.yml"],
        &folder,
    )
    .unwrap();
    promtool(&["check", "config", "prometheus.yml"], &folder).unwrap();
}

#[test]
fn every_alert_fires_where_it_should_and_nowhere_else() {
    let folder = checkout(TESTS);
    let mut files: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let mut arguments = vec!["test", "rules"];
    arguments.extend(files.iter().map(String::as_str));
    promtool(&arguments, &folder).unwrap();

    let cases: String = files
        .iter()
        .map(|file| text(&format!("{TESTS}/{file}")))
        .collect();
    let alerts = alerts();
    assert!(alerts.len() > 10, "{alerts:?}");
    for alert in alerts {
        // As what is expected to fire, not as what is asked for.
        let fires = format!("{{labels: 'ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"");
        assert!(
            cases.contains(&fires),
            "no case in {TESTS} in which {alert} fires"
        );
    }
}
