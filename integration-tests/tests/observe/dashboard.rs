//! The dashboard as a file: what Grafana would stumble over, without a Grafana.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::{checkout, text};

const FILE: &str = "deploy/grafana/watchkeeper.json";

/// One query of a panel.
#[derive(Debug)]
pub(crate) struct Query {
    /// Where it stands, for messages: panel and letter.
    pub(crate) place: String,
    /// With the variables in it.
    pub(crate) expression: String,
    /// Asked for one moment, not over time.
    pub(crate) instant: bool,
}

fn dashboard() -> Value {
    serde_json::from_str(&text(FILE)).unwrap()
}

/// The panels, rows left out.
fn panels(dashboard: &Value) -> Vec<Value> {
    let panels = dashboard["panels"].as_array().unwrap();
    let kept = panels.iter().filter(|panel| panel["type"] != "row");
    kept.cloned().collect()
}

/// All queries.
pub(crate) fn queries() -> Vec<Query> {
    let mut queries = Vec::new();
    for panel in panels(&dashboard()) {
        for target in panel["targets"].as_array().unwrap() {
            queries.push(Query {
                place: format!("{} {}", panel["title"], target["refId"]),
                expression: target["expr"].as_str().unwrap().to_owned(),
                instant: target["instant"] == true,
            });
        }
    }
    assert!(queries.len() > 40, "only {} queries", queries.len());
    queries
}

/// The queries behind the variables, by name.
pub(crate) fn variables() -> Vec<(String, String)> {
    let dashboard = dashboard();
    let list = dashboard["templating"]["list"].as_array().unwrap();
    let asked = list.iter().filter(|variable| variable["type"] == "query");
    asked
        .map(|variable| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&variable["name"]), text(&variable["query"]["query"]))
        })
        .collect()
}

#[test]
fn the_file_is_what_its_source_makes() {
    let output = Command::new("python3")
        .arg(checkout("deploy/grafana/dashboard.py"))
        .output()
        .expect("`python3` is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        String::from_utf8(output.stdout).unwrap() == text(FILE),
        "run `python3 deploy/grafana/dashboard.py > {FILE}`"
    );
}

#[test]
fn every_panel_has_a_place_of_its_own_a_description_and_the_chosen_data_source() {
    let dashboard = dashboard();
    assert_eq!(dashboard["uid"], "watchkeeper");
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{value}"));
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(number(&panel["id"])), "{}", panel["title"]);
        let place = &panel["gridPos"];
        let (x, y) = (number(&place["x"]), number(&place["y"]));
        assert!(x + number(&place["w"]) <= 24, "{place}");
        for column in x..x + number(&place["w"]) {
            for line in y..y + number(&place["h"]) {
                let free = taken.insert((column, line));
                assert!(free, "{} overlaps another panel", panel["title"]);
            }
        }
    }
    let source = serde_json::json!({"type": "prometheus", "uid": "${datasource}"});
    for panel in panels(&dashboard) {
        assert!(panel["description"].as_str().unwrap().len() > 5, "{panel}");
        assert_eq!(panel["datasource"], source, "{}", panel["title"]);
        for target in panel["targets"].as_array().unwrap() {
            assert_eq!(target["datasource"], source, "{}", panel["title"]);
        }
    }
}

#[test]
fn every_query_heeds_the_chosen_fleet_and_pods() {
    for query in queries() {
        let metrics = crate::metrics_in(&query.expression).len();
        let chosen = "{fleet=~\"$fleet\", instance=~\"$pod\"";
        let heeded = query.expression.matches(chosen).count();
        assert_eq!(metrics, heeded, "{query:?}");
    }
}
