//! Runs on demand: whoever asks, of whichever pod, shares one round of the fleet.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use watchkeeper_integration_tests::daemon::{Daemon, Setup};
use watchkeeper_integration_tests::fleet::Fleet;
use watchkeeper_integration_tests::http::{self, Answer};
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::SOON;

const PODS: usize = 3;
const CALLS: usize = 50;
const MODELS: [&str; 3] = ["m1", "m2", "m3"];

async fn run(pod: &Daemon, path: &str) -> Answer {
    let answer = http::request(pod.address(), Method::POST, path, None).await;
    answer.unwrap_or_else(|error| panic!("{error}\n{}", pod.log()))
}

/// A rested fleet, whose rounds come every five minutes.
async fn fleet(redis: &RedisProcess, mock: &MockLlm, scope: &str) -> Fleet {
    let config = NativeConfig::new(&mock.api_base(), &MODELS)
        .redis(redis.address())
        .interval("5m")
        .coordination("lock_scope", scope);
    let fleet = Fleet::start(PODS, &Setup::new().toml(config.toml())).await;
    fleet.wait_for_reports(SOON).await;
    fleet
}

/// Each check of an answer by its name: what was found, without what time changes, and whether it joined.
fn found(answer: &Answer) -> BTreeMap<String, (String, bool)> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let body = answer.json();
    let checks = body["checks"].as_array().unwrap().iter();
    checks
        .map(|check| {
            assert_eq!(check["healthy"], true, "{check}");
            let keys = ["token", "checked_by", "checked_at", "latency_ms", "outcome"];
            let finding: Vec<&Value> = keys.iter().map(|key| &check[*key]).collect();
            let name = check["name"].as_str().unwrap().to_owned();
            (name, (json!(finding).to_string(), check["joined"] == true))
        })
        .collect()
}

async fn many_calls_of_all_pods_cost_one_probe_a_check(scope: &str) {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    mock.set_default(Behaviour::Delay(Duration::from_millis(300)));
    let fleet = fleet(&redis, &mock, scope).await;
    let before: Vec<Value> = tokens(&fleet[0]).await;

    // On a busy machine a call may come when the others' round is under way already, which costs one more.
    let mut once: BTreeSet<&str> = BTreeSet::new();
    for _ in 0..5 {
        mock.forget();
        let calls = (0..CALLS).map(|call| run(&fleet[call % PODS], "/v1/run"));
        let answers = join_all(calls).await;
        let mut made: BTreeMap<(String, String), usize> = BTreeMap::new();
        for answer in &answers {
            let found = found(answer);
            assert_eq!(found.len(), MODELS.len());
            for (name, (finding, joined)) in found {
                *made.entry((name, finding)).or_default() += usize::from(!joined);
            }
        }
        let seen = mock.asked();
        for model in MODELS {
            let probes = seen.count(model);
            assert!(
                (1..=4).contains(&probes),
                "{probes} probes of {model} for {CALLS} calls\n{}",
                fleet.logs()
            );
            let findings = made.keys().filter(|(name, _)| *name == model).count();
            assert_eq!(findings, probes, "everybody is told the same: {made:?}");
        }
        for (what, calls) in made {
            assert!(calls <= 1, "{what:?} was made for {calls} calls");
        }
        once.extend(MODELS.iter().filter(|model| seen.count(model) == 1));
        if once.len() == MODELS.len() {
            break;
        }
    }
    assert_eq!(once.len(), MODELS.len(), "a second probe each time");
    for (token, before) in tokens(&fleet[0]).await.iter().zip(&before) {
        assert!(token.as_u64() > before.as_u64(), "{token} after {before}");
    }
}

async fn tokens(pod: &Daemon) -> Vec<Value> {
    let body = pod.json("/v1/checks").await;
    let checks = body["checks"].as_array().unwrap().iter();
    checks.map(|check| check["token"].clone()).collect()
}

#[tokio::test]
async fn fifty_calls_of_three_pods_cost_one_probe_a_check() {
    many_calls_of_all_pods_cost_one_probe_a_check("\"fleet\"").await;
}

#[tokio::test]
async fn fifty_calls_over_locks_of_their_own_cost_one_probe_a_check() {
    many_calls_of_all_pods_cost_one_probe_a_check("\"check\"").await;
}

#[tokio::test]
async fn one_check_is_run_alone_and_without_the_store_by_the_pod_that_is_asked() {
    let mut redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    let fleet = fleet(&redis, &mock, "\"fleet\"").await;
    mock.forget();
    let body = run(&fleet[1], "/v1/checks/m2/run").await.json();
    assert_eq!(
        (&body["id"], &body["joined"]),
        (&json!("m2"), &json!(false))
    );
    assert_eq!(body["checked_by"], fleet.id(1));
    let counts = MODELS.map(|model| mock.asked().count(model));
    assert_eq!(counts, [0, 1, 0]);
    assert_eq!(run(&fleet[0], "/v1/checks/m9/run").await.status, 404);

    redis.kill().await;
    fleet.wait_for_store(false, SOON).await;
    for (index, pod) in fleet.pods().enumerate() {
        mock.forget();
        let body = run(pod, "/v1/checks/m2/run").await.json();
        assert_eq!(body["checked_by"], fleet.id(index));
        assert_eq!(body["token"], Value::Null);
        assert_eq!(mock.asked().count("m2"), 1);
    }
}

#[tokio::test]
async fn who_waits_when_a_pod_leaves_is_told_to_ask_another_one() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    let mut fleet = fleet(&redis, &mock, "\"fleet\"").await;
    mock.set("m1", Behaviour::Hold);
    mock.forget();
    let leaving = fleet.remove(0);
    let waits = run(&leaving, "/v1/checks/m1/run");
    let ends = async {
        mock.wait_for_starts("m1", 1, SOON).await;
        leaving.terminate();
    };
    let (answer, ()) = tokio::join!(waits, ends);
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let message = answer.json()["error"]["message"].clone();
    assert!(
        message.as_str().unwrap().contains("ask another one"),
        "{message}"
    );
    mock.set("m1", Behaviour::Ok);
    assert_eq!(run(&fleet[0], "/v1/checks/m1/run").await.status, 200);
}
