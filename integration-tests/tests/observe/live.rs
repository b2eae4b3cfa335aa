//! Everything that the rules and the dashboard ask, asked of a Prometheus that scrapes fleets at work.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;
use watchkeeper_integration_tests::prometheus::{EVERY, Prometheus};

use crate::dashboard::{Query, queries, variables};
use crate::stage::{AT_WORK, CUT_OFF, Stage};
use crate::{document, metrics_in, rules};

/// From the first scrape until every query that should have data has some: a few rounds, and a spent budget.
const LIMIT: Duration = Duration::from_secs(30);

/// What is looked back at: several scrapes.
const LOOK_BACK: &str = "10s";

/// Alerts that are active on this stage (they may wait for their `for`), with the fleet that they are about. All others must
/// be silent: an alert that is about nothing here is wrong.
const ACTIVE: [(&str, &str); 3] = [
    ("WatchkeeperBudgetRefused", AT_WORK),
    ("WatchkeeperCheckUnhealthy", AT_WORK),
    ("WatchkeeperStoreDown", CUT_OFF),
];

/// As Grafana does it where all fleets and pods are chosen.
fn expanded(expression: &str) -> String {
    expression
        .replace("$__rate_interval", LOOK_BACK)
        .replace("$__range", LOOK_BACK)
        .replace("$fleet", ".*")
        .replace("$pod", ".*")
}

fn is_number(value: &Value) -> bool {
    value.as_str().is_some_and(|number| number != "NaN")
}

/// Whether any series has a number.
fn has_data(series: &[Value]) -> bool {
    series.iter().any(|one| {
        let values = one["values"].as_array().into_iter().flatten();
        is_number(&one["value"][1]) || values.map(|at| &at[1]).any(is_number)
    })
}

/// What a panel would show.
async fn shown(prometheus: &Prometheus, query: &Query) -> Vec<Value> {
    let expression = expanded(&query.expression);
    let answer = if query.instant {
        prometheus.query(&expression).await
    } else {
        prometheus.query_range(&expression, 10).await
    };
    answer.unwrap_or_else(|error| panic!("{}: {error}\n{expression}", query.place))
}

/// Waits until each query has data.
async fn every_panel_has_data(stage: &Stage) {
    let mut open = queries();
    let began = Instant::now();
    while !open.is_empty() {
        let left: Vec<&str> = open.iter().map(|query| &*query.place).collect();
        assert!(
            began.elapsed() < LIMIT,
            "no data within {LIMIT:?}: {left:?}"
        );
        // Requests that fail are a panel of their own.
        let _ = stage.fleet[0].get("/health?model=broken").await;
        let mut still = Vec::new();
        for query in open {
            if !has_data(&shown(&stage.prometheus, &query).await) {
                still.push(query);
            }
        }
        open = still;
        tokio::time::sleep(EVERY / 2).await;
    }
}

/// Every rule is in force and evaluates; alerts by name with their expressions.
async fn rules_in_force(prometheus: &Prometheus) -> BTreeMap<String, String> {
    let data = prometheus.ask("rules", &[]).await.unwrap();
    let mut alerts = BTreeMap::new();
    for group in data["groups"].as_array().unwrap() {
        for rule in group["rules"].as_array().unwrap() {
            let (name, expression) = (rule["name"].as_str(), rule["query"].as_str());
            let (name, expression) = (name.unwrap(), expression.unwrap());
            assert_eq!(rule["health"], "ok", "{name}: {}", rule["lastError"]);
            let series = prometheus.query(expression).await;
            let series = series.unwrap_or_else(|error| panic!("{name}: {error}"));
            if rule["type"] == "alerting" {
                alerts.insert(name.to_owned(), expression.to_owned());
            } else {
                assert!(has_data(&series), "{name} records nothing");
            }
        }
    }
    alerts
}

/// Alerts that wait or fire, with their fleets; each one's words are filled in.
async fn active(prometheus: &Prometheus) -> BTreeSet<(String, String)> {
    let data = prometheus.ask("alerts", &[]).await.unwrap();
    let alerts = data["alerts"].as_array().unwrap();
    let found = alerts.iter().map(|alert| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let fleet = text(&alert["labels"]["fleet"]);
        for words in ["summary", "description"] {
            let words = text(&alert["annotations"][words]);
            let filled = !words.contains("<no value>") && !words.contains("error");
            assert!(filled && !words.contains("()"), "{words}");
        }
        assert!(text(&alert["annotations"]["summary"]).contains(&fleet));
        (text(&alert["labels"]["alertname"]), fleet)
    });
    found.collect()
}

/// Names with their labels, as the pods show them: what counts a histogram's parts is its name alone.
async fn exposed(stage: &Stage) -> BTreeMap<String, BTreeSet<String>> {
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for pod in stage.pods() {
        for sample in pod.metrics().await.samples() {
            let labels = sample.labels.iter().map(|(label, _)| label.clone());
            let known = names.entry(sample.name.clone()).or_default();
            known.extend(labels);
        }
    }
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_rules_and_panels_ask_is_answered_by_fleets_at_work() {
    let stage = Stage::start().await;
    every_panel_has_data(&stage).await;
    for (name, query) in variables() {
        // `label_values(SERIES, LABEL)`.
        let inside = query.strip_prefix("label_values(").unwrap();
        let (series, label) = inside.strip_suffix(')').unwrap().rsplit_once(", ").unwrap();
        let path = format!("label/{label}/values");
        let series = expanded(series);
        let of = [("match[]", &*series)];
        let values = stage.prometheus.ask(&path, &of).await.unwrap();
        let count = values.as_array().unwrap().len();
        let expected = if name == "fleet" { 2 } else { 4 };
        assert_eq!(count, expected, "{name}: {values}");
    }

    let expected: BTreeSet<(String, String)> = ACTIVE
        .map(|(alert, fleet)| (alert.to_owned(), fleet.to_owned()))
        .into();
    let began = Instant::now();
    loop {
        let active = active(&stage.prometheus).await;
        if active == expected {
            break;
        }
        assert!(began.elapsed() < LIMIT, "active: {active:?}");
        tokio::time::sleep(EVERY / 2).await;
    }
    let alerts = rules_in_force(&stage.prometheus).await;
    assert_eq!(
        alerts.keys().collect::<BTreeSet<_>>(),
        rules::alerts().iter().collect()
    );

    let exposed = exposed(&stage).await;
    let asked = alerts.values().cloned();
    let asked = asked.chain(queries().into_iter().map(|query| query.expression));
    for expression in asked {
        for name in metrics_in(&expression) {
            assert!(
                exposed.contains_key(&name),
                "no pod shows {name}: {expression}"
            );
        }
    }
    document::lists_all(&exposed);

    // A pod that keeps its promises says so by its own figures.
    let metrics = stage.fleet[0].metrics().await;
    let value = |name: &str| metrics.get(name, &[("fleet", AT_WORK)]).unwrap();
    assert!((value("watchkeeper_interval_seconds") - 2.0).abs() < 1e-9);
    assert!((value("watchkeeper_checks") - 2.0).abs() < 1e-9);
    // A tenth of a second of jitter, a lease, two rounds of one probe's limit, ten seconds.
    assert!((value("watchkeeper_overdue_limit_seconds") - 23.1).abs() < 1e-9);
    assert!(value("watchkeeper_overdue_seconds") < 2.0);
    let isolated = [("mode", "isolated")];
    let alone = stage.alone.metrics().await;
    assert_eq!(alone.get("watchkeeper_mode", &isolated), Some(1.0));
    assert_eq!(metrics.get("watchkeeper_mode", &isolated), Some(0.0));
    assert!(alone.count("watchkeeper_round_age_seconds", &[("how", "led")]) > 1.0);
}
