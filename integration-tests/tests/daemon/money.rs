//! What probes cost: prices, budgets, identical targets, limits by provider, upstreams that ask to be left alone.

use std::time::Duration;

use serde_json::Value;
use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::fleet::{Fleet, assert_apart};
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm, Seen};
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::SOON;

/// What a probe of the mock costs by [`priced`]: it says that it used 12 tokens and 1.
const COST: f64 = 13e-5;

/// The lines of a check of `m1` that costs 10 dollars per million tokens.
fn priced(mock: &MockLlm, name: &str) -> String {
    format!(
        "name = \"{name}\"\nmodel = \"openai/m1\"\napi_base = \"{}\"\napi_key = \"sk-mock\"\ninput_cost_per_token = \
         1e-5\noutput_cost_per_token = 1e-5",
        mock.api_base()
    )
}

fn config(mock: &MockLlm) -> NativeConfig {
    NativeConfig::new(&mock.api_base(), &[])
}

fn lists(seen: &Seen) -> usize {
    seen.only(|asked| asked.path == "/v1/models").all().len()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("no number: {value}"))
}

#[tokio::test]
async fn what_probes_cost_is_in_answers_metrics_and_the_log_and_a_follower_says_what_it_saved() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    let toml = config(&mock)
        .redis(redis.address())
        .check(&priced(&mock, "m1"))
        .toml();
    let toml = format!("{toml}\n[budget]\nper_day = 1\nproviders = {{ openai = 0.5 }}\n");
    let fleet = Fleet::start(2, &Setup::new().toml(toml)).await;
    mock.wait_for_starts("m1", 3, SOON).await;
    eventually("every dollar is counted", SOON, async || {
        let spent = fleet.sum("watchkeeper_probe_cost_usd_total", &[]).await;
        let saved = fleet
            .sum(
                "watchkeeper_probe_cost_saved_usd_total",
                &[("provider", "openai")],
            )
            .await;
        let count = f64::from(u32::try_from(mock.asked().count("m1")).unwrap());
        // One pod paid, the other one lives off it; it may have found the first report there when it started.
        near(spent, count * COST) && saved > 0.0 && saved < spent + COST / 2.0
    })
    .await;
    for pod in fleet.pods() {
        let check = pod.json("/v1/checks/m1").await;
        assert!(near(number(&check["cost_usd"]), COST), "{check}");
        assert!(number(&check["spent_usd"]) > 2.5 * COST, "{check}");
        assert_eq!(check["usage"]["input"], 12, "{check}");
        assert_eq!(check["reported_model"], "m1", "{check}");
        let status = pod.json("/v1/status").await;
        let budget = &status["budget"];
        assert_eq!(budget["per_day_usd"], 1.0, "{status}");
        assert!(number(&budget["spent_usd"]) > 2.5 * COST, "{status}");
        assert_eq!(budget["exhausted"], false, "{status}");
        assert_eq!(budget["providers"][0]["per_day_usd"], 0.5, "{status}");
        assert_eq!(
            pod.lines_with("probes cost at most $").len(),
            1,
            "{}",
            pod.log()
        );
        let metrics = pod.metrics().await;
        assert!(near(
            metrics.count("watchkeeper_budget_limit_usd", &[("provider", "all")]),
            1.0
        ));
    }
}

#[tokio::test]
async fn a_spent_budget_makes_checks_free_whoever_leads_and_is_not_forgotten() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    let toml = config(&mock)
        .redis(redis.address())
        .check(&priced(&mock, "m1"))
        .toml();
    // Room for one probe as it might be, and for a few as they are.
    let setup = Setup::new().toml(format!("{toml}\n[budget]\nper_day = 0.001\n"));
    let mut fleet = Fleet::start(2, &setup).await;
    let seen = mock
        .wait_for("two free rounds", SOON, |seen| lists(seen) >= 2)
        .await;
    let paid = seen.count("m1");
    assert!((1..=4).contains(&paid), "{}", seen.table());
    fleet.wait_for_same_report(SOON).await;
    let leader = fleet[0].shared_status().await["status"]["last_checked_by"].clone();
    let leader = fleet.index_of(leader.as_str().unwrap()).unwrap();
    let told = fleet[leader].lines_with("the day's budget does not bear");
    assert_eq!(told.len(), 1, "{}", fleet[leader].log());

    fleet.remove(leader).kill();
    let before = lists(&mock.asked());
    mock.wait_for("rounds of the other pod", SOON, |seen| {
        lists(seen) >= before + 2
    })
    .await;
    let fresh = setup.env("POD_NAME", "fresh").start().await;
    fleet.remove(0).kill();
    let before = lists(&mock.asked());
    mock.wait_for("rounds of a third pod", SOON, |seen| {
        lists(seen) >= before + 2
    })
    .await;
    let seen = mock.asked();
    assert_eq!(seen.count("m1"), paid, "{}", seen.table());

    let check = fresh.json("/v1/checks/m1").await;
    assert_eq!(check["healthy"], true, "{check}");
    assert_eq!(check["tier"], "free", "{check}");
    assert_eq!(check["spared"], "budget", "{check}");
    assert_eq!(check["last_full"]["passed"], true, "{check}");
    let status = fresh.json("/v1/status").await;
    let spent = number(&status["budget"]["spent_usd"]);
    let times = f64::from(u32::try_from(paid).unwrap());
    assert!(near(spent, times * COST), "{status}");
    assert_eq!(status["budget"]["exhausted"], true, "{status}");
}

#[tokio::test]
async fn one_target_under_three_names_is_asked_once_a_round() {
    let mock = MockLlm::start().await;
    let mut config = config(&mock);
    for name in ["a", "b", "c"] {
        config = config.check(&priced(&mock, name));
    }
    let pod = Setup::new().toml(config.toml()).start().await;
    let seen = mock.wait_for_starts("m1", 3, SOON).await;
    assert_apart(&seen, &["m1"], Duration::from_millis(1800));
    eventually("the third round's end", SOON, async || {
        pod.json("/v1/checks").await["counts"]["healthy"] == 3
    })
    .await;
    let costs = pod.json("/v1/checks").await;
    let sum: f64 = (0..3)
        .map(|at| number(&costs["checks"][at]["cost_usd"]))
        .sum();
    assert!(near(sum, COST), "{costs}");
}

#[tokio::test]
async fn a_machine_that_runs_ollama_is_asked_one_at_a_time_and_holds_up_nobody_else() {
    let mock = MockLlm::start().await;
    mock.set_default(Behaviour::Delay(Duration::from_millis(150)));
    let base = format!("http://{}", mock.address());
    let mut config = NativeConfig::new(&mock.api_base(), &["m1", "m2", "m3"]);
    let models = ["l1", "l2", "l3", "l4"];
    for name in models {
        config = config.check(&format!(
            "name = \"{name}\"\nmodel = \"ollama/{name}\"\napi_base = \"{base}\""
        ));
    }
    let setup = Setup::new().toml(config.toml());
    let _pod = setup.clone().start().await;
    let seen = mock.wait_for_rounds(&models, 2, SOON).await;
    let local = |seen: &Seen| seen.only(|asked| asked.path == "/api/generate");
    assert_eq!(local(&seen).most_at_once(), 1, "{}", seen.table());
    assert!(seen.most_at_once() > 2, "{}", seen.table());
}

#[tokio::test]
async fn the_command_keeps_to_the_same_limits_and_says_what_it_spent() {
    let mock = MockLlm::start().await;
    mock.set_default(Behaviour::Delay(Duration::from_millis(100)));
    let base = format!("http://{}", mock.address());
    let mut config = config(&mock)
        .check(&priced(&mock, "a"))
        .check(&priced(&mock, "b"));
    for name in ["l1", "l2", "l3"] {
        config = config.check(&format!(
            "name = \"{name}\"\nmodel = \"ollama/{name}\"\napi_base = \"{base}\""
        ));
    }
    let setup = Setup::new().toml(config.toml());
    let table = setup.run(&["check"], SOON).await;
    assert!(table.stdout.contains("  COST  "), "{table:?}");
    assert!(
        table
            .stdout
            .ends_with("5 of 5 checks healthy, spent $0.00013\n"),
        "{table:?}"
    );
    let seen = mock.asked();
    assert_eq!(seen.count("m1"), 1, "{}", seen.table());
    let local = seen.only(|asked| asked.path == "/api/generate");
    assert_eq!(local.most_at_once(), 1, "{}", seen.table());

    mock.forget();
    let free = setup.run(
        &["check", "--probe", "reachability", "--output", "json"],
        SOON,
    );
    let free: Value = serde_json::from_str(&free.await.stdout).unwrap();
    assert_eq!(free[0]["tier"], "reachability", "{free}");
    assert_eq!(free[0]["cost_usd"], 0.0, "{free}");
    let seen = mock.asked();
    assert_eq!(seen.count("m1"), 0, "{}", seen.table());

    let plan = setup.run(&["check", "--plan"], SOON).await;
    assert!(
        plan.stdout.contains("a round costs at most $0.0008"),
        "{plan:?}"
    );
}

#[tokio::test]
async fn an_outcome_that_counts_as_healthy_stands_in_the_healthy_list() {
    let mock = MockLlm::start().await;
    mock.set("m1", Behaviour::Status(429));
    let config = config(&mock)
        .check(&priced(&mock, "m1"))
        .probe("healthy_outcomes = [\"rate_limited\"]");
    let pod = Setup::new().toml(config.toml()).start().await;
    eventually("a report", SOON, async || {
        pod.health().await["healthy_count"] == 1
    })
    .await;
    let health = pod.health().await;
    assert_eq!(health["unhealthy_count"], 0, "{health}");
    let check = pod.json("/v1/checks/m1").await;
    assert_eq!(check["outcome"], "rate_limited", "{check}");
    assert_eq!(check["healthy"], true, "{check}");
    assert_eq!(check["cost_usd"], 0.0, "a refusal is not billed: {check}");
}

#[tokio::test]
async fn who_asks_to_be_left_alone_is() {
    let mock = MockLlm::start().await;
    mock.set("m1", Behaviour::RetryAfter(5));
    let config = NativeConfig::new(&mock.api_base(), &["m1", "m2"]);
    let pod = Setup::new().toml(config.toml()).start().await;
    eventually("a report", SOON, async || {
        pod.json("/v1/checks/m1").await["retry_after_seconds"] == 5.0
    })
    .await;
    let seen = mock.wait_for_starts("m1", 2, SOON).await;
    assert_apart(&seen, &["m1"], Duration::from_millis(4900));
    assert!(seen.count("m2") >= 3, "{}", seen.table());
}
