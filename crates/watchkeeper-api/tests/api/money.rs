//! What probes cost, as the native answers show it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use watchkeeper_core::check::{Check, Target};
use watchkeeper_core::money::{Budget, Day, Ledger, Price, Usage, Usd};
use watchkeeper_core::probe::{ProbeKind, Tier};
use watchkeeper_core::status::{PodFacts, PodView, Snapshot, Totals};
use watchkeeper_core::verdict::{Outcome, Spared, Verdict};

use crate::fake::*;

fn usd(dollars: f64) -> Usd {
    Usd::from_dollars(dollars).unwrap()
}

/// A check that costs 10 dollars per million tokens.
fn priced(name: &str, provider: &str) -> Check {
    let mut check = model(name, name, &format!("{provider}/{name}"));
    if let Target::Model(model) = &mut check.target {
        model.provider = Some(provider.to_owned());
        model.health.kind = ProbeKind::Inference;
        model.health.price = Some(Price {
            input: usd(1e-5),
            output: usd(1e-5),
            call: Usd::ZERO,
        });
    }
    check
}

fn full(seconds: f64) -> Verdict {
    Verdict {
        usage: Some(Usage {
            input: 12,
            output: 1,
        }),
        cost: Some(usd(1.3e-4)),
        model: Some("gpt-x-2026".to_owned()),
        headers_after: Some(Duration::from_millis(200)),
        limits: vec![("x-ratelimit-remaining-tokens".to_owned(), "99".to_owned())],
        ..passed(seconds)
    }
}

fn cheap(seconds: f64, why: Spared) -> Verdict {
    Verdict {
        tier: Tier::Free,
        spared: Some(why),
        cost: Some(Usd::ZERO),
        ..passed(seconds)
    }
}

#[tokio::test]
async fn a_check_shows_what_it_costs_and_what_its_last_probe_told() {
    let mut snapshot = snapshot(vec![priced("a", "openai")]);
    found(&mut snapshot, 0, AT_ONCE, vec![full(1.0), full(2.0)], 2.0);
    Arc::make_mut(&mut snapshot.groups[0]).saved = Arc::new(BTreeMap::from([(id("a"), usd(0.5))]));
    let check = api(snapshot).get("/v1/checks/a").await.json();
    for (key, value) in [
        ("probe", json!("inference")),
        ("tier", json!("inference")),
        ("spared", Value::Null),
        ("usage", json!({"input": 12, "output": 1})),
        ("cost_usd", json!(0.00013)),
        ("spent_usd", json!(0.00026)),
        ("saved_usd", json!(0.5)),
        ("reported_model", json!("gpt-x-2026")),
        ("headers_ms", json!(200)),
        ("rate_limits", json!({"x-ratelimit-remaining-tokens": "99"})),
        (
            "price",
            json!({"input_per_token": 1e-5, "output_per_token": 1e-5, "per_call": 0.0}),
        ),
        ("last_full", json!({"age_seconds": 8.0, "passed": true})),
    ] {
        assert_eq!(check[key], value, "{key}");
    }
}

#[tokio::test]
async fn a_spared_check_says_why_and_when_it_was_asked_in_full() {
    let mut snapshot = snapshot(vec![priced("a", "openai")]);
    let spared = vec![full(1.0), cheap(2.0, Spared::Interval)];
    found(&mut snapshot, 0, AT_ONCE, spared, 2.0);
    let check = api(snapshot).get("/v1/checks/a").await.json();
    assert_eq!(check["tier"], "free");
    assert_eq!(check["spared"], "interval");
    assert_eq!(check["cost_usd"], 0.0);
    assert_eq!(check["spent_usd"], 0.00013);
    assert_eq!(check["last_full"]["passed"], true);
}

#[tokio::test]
async fn an_upstream_that_asks_to_be_left_alone_is_shown_and_a_check_that_cannot_be_asked_has_no_tier()
 {
    let mut limited = verdict(Outcome::RateLimited, Some(429), Some("slow down"), 1.0);
    limited.retry_after = Some(Duration::from_secs(30));
    let mut snapshot = snapshot(vec![priced("a", "openai"), priced("b", "openai")]);
    found(&mut snapshot, 0, AT_ONCE, vec![limited], 1.0);
    let broken = verdict(Outcome::ConfigError, None, Some("no key"), 1.0);
    found(&mut snapshot, 1, AT_ONCE, vec![broken], 1.0);
    let checks = api(snapshot).get("/v1/checks").await.json();
    assert_eq!(checks["checks"][0]["retry_after_seconds"], 30.0);
    assert_eq!(checks["checks"][1]["tier"], Value::Null);
    assert_eq!(checks["checks"][1]["last_full"], Value::Null);
    assert_eq!(checks["checks"][1]["error"], "no key");
}

/// A fleet that spent on two providers today, within these limits.
fn spender(fleet: Option<f64>, openai: Option<f64>, spared: bool) -> Snapshot {
    let mut snapshot = snapshot(vec![priced("a", "openai"), priced("b", "azure")]);
    let last = if spared {
        cheap(2.0, Spared::Budget)
    } else {
        full(2.0)
    };
    found(&mut snapshot, 0, AT_ONCE, vec![full(1.0), last], 2.0);
    let mut settings = settings();
    settings.budget = Budget {
        fleet: fleet.map(usd),
        providers: openai
            .map(|limit| ("openai".to_owned(), usd(limit)))
            .into_iter()
            .collect(),
    };
    snapshot.settings = Arc::new(settings);
    let mut ledger = Ledger::of(Day::of(unix(10.0)));
    ledger.add(ledger.day, "openai", usd(0.25));
    ledger.add(ledger.day, "azure", usd(0.5));
    Arc::make_mut(&mut snapshot.groups[0]).ledger = ledger;
    snapshot
}

#[tokio::test]
async fn the_days_money_is_shown_with_its_limits_and_with_the_one_that_holds_probes_back() {
    // Limits of the fleet and of openai, whether a check of openai was spared; whose limit it was.
    for (fleet, openai, spared, all, own) in [
        (None, None, false, false, false),
        (Some(1.0), None, false, false, false),
        (Some(1.0), None, true, true, false),
        (Some(0.75), None, false, true, false),
        (None, Some(0.26), true, false, true),
        (Some(5.0), Some(0.26), true, false, true),
        (Some(0.76), Some(5.0), true, true, false),
        (Some(5.0), Some(0.25), false, false, true),
    ] {
        let status = api(spender(fleet, openai, spared))
            .get("/v1/status")
            .await
            .json();
        assert_eq!(
            status["budget"],
            json!({
                "day": "2026-11-22", "per_day_usd": fleet, "spent_usd": 0.75, "exhausted": all,
                "providers": [
                    {"provider": "azure", "per_day_usd": null, "spent_usd": 0.5, "exhausted": false},
                    {"provider": "openai", "per_day_usd": openai, "spent_usd": 0.25, "exhausted": own},
                ],
            }),
            "{fleet:?} {openai:?} {spared}"
        );
    }
}

#[tokio::test]
async fn yesterdays_money_is_not_todays() {
    let mut snapshot = spender(Some(0.75), None, false);
    let group = Arc::make_mut(&mut snapshot.groups[0]);
    group.ledger.day = Day(group.ledger.day.0 - 1);
    let status = api(snapshot).get("/v1/status").await.json();
    assert_eq!(status["budget"]["spent_usd"], 0.0);
    assert_eq!(status["budget"]["exhausted"], false);
}

#[tokio::test]
async fn the_fleets_totals_are_in_dollars_and_the_sum_over_its_pods() {
    let totals = |spent, saved| Totals {
        spent: usd(spent),
        saved_cost: usd(saved),
        ..Totals::default()
    };
    let mut snapshot = spender(None, None, false);
    snapshot.totals = totals(0.5, 0.25);
    snapshot.pods = vec![PodView {
        pod: pod("pod-b"),
        seen: at(9.0),
        facts: PodFacts {
            totals: totals(0.25, 0.5),
            ..PodFacts::default()
        },
    }];
    let api = api(snapshot);
    let fleet = api.get("/v1/fleet").await.json();
    assert_eq!(fleet["pods"][0]["spent_usd"], 0.5);
    assert_eq!(fleet["pods"][1]["saved_usd"], 0.5);
    assert_eq!(fleet["totals"]["spent_usd"], 0.75);
    assert_eq!(fleet["totals"]["saved_usd"], 0.75);
    assert_eq!(fleet["budget"]["spent_usd"], 0.75);
    let status = api.get("/v1/status").await.json();
    assert_eq!(status["totals"]["spent_usd"], 0.5);
}
