//! Wire mode as LiteLLM's pods see it over Redis; here a hand plays their part, key by key.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};
use watchkeeper_integration_tests::daemon::{Daemon, Setup};
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::fleet::Fleet;
use watchkeeper_integration_tests::litellm_config::LitellmConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::SOON;

const LOCK: &str = "health_check_lock";
const RESULTS: &str = "health_check_results";
/// How one of LiteLLM's pods calls itself.
const THEIR_POD: &str = "pod_1795358411941";
/// How long their readers believe a report; the rounds here take 2 s at most, so they start 5 s before.
const TTL: &str = "9";
const EVERY: Duration = Duration::from_secs(4);

struct Stand {
    redis: RedisProcess,
    mock: MockLlm,
}

impl Stand {
    async fn new() -> Self {
        Self {
            redis: RedisProcess::start().await,
            mock: MockLlm::start().await,
        }
    }

    fn config(&self, models: &[&str]) -> LitellmConfig {
        let mut config =
            LitellmConfig::new(&self.mock.api_base(), models).redis(self.redis.address());
        for model in models {
            config = config.model_info(model, &format!("id: {model}-id"));
        }
        config
    }

    fn setup(&self, models: &[&str]) -> Setup {
        wired(&self.config(models))
    }

    /// What stands in their report's place, decoded as their readers do it.
    async fn results(&self) -> Option<Value> {
        let text: Option<String> = self.redis.run(&["GET", RESULTS]).await;
        let inner: String = serde_json::from_str(&text?).unwrap();
        Some(serde_json::from_str(&inner).unwrap())
    }

    async fn wait_for_results(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let found = std::cell::RefCell::new(Value::Null);
        eventually(what, SOON + EVERY, async || {
            let Some(results) = self.results().await else {
                return false;
            };
            let good = holds(&results);
            found.replace(results);
            good
        })
        .await;
        found.into_inner()
    }

    /// One of LiteLLM's pods writes a report, as it does.
    async fn write_theirs(&self, ttl: u32, healthy: &Value, unhealthy: &Value, timestamp: f64) {
        let report = json!({
            "healthy_endpoints": healthy, "unhealthy_endpoints": unhealthy, "healthy_count": 1, "unhealthy_count": 1,
            "timestamp": timestamp, "checked_by": THEIR_POD,
        });
        let text = Value::from(report.to_string()).to_string();
        let () = self
            .redis
            .run(&["SET", RESULTS, &text, "EX", &ttl.to_string()])
            .await;
    }

    async fn now(&self) -> f64 {
        let (seconds, _): (u32, u32) = self.redis.run(&["TIME"]).await;
        f64::from(seconds)
    }
}

fn wired(config: &LitellmConfig) -> Setup {
    Setup::new()
        .litellm(config.yaml())
        .env("DEFAULT_SHARED_HEALTH_CHECK_TTL", TTL)
        .env("HEALTH_CHECK_TIMEOUT_SECONDS", "2")
}

async fn wire_state(pod: &Daemon) -> Value {
    pod.json("/v1/status").await["wire"].clone()
}

#[tokio::test]
async fn their_report_is_there_before_the_last_one_ends_and_tells_what_health_tells() {
    let stand = Stand::new().await;
    stand.mock.set("bad", Behaviour::Status(429));
    let fleet = Fleet::start(2, &stand.setup(&["good", "bad"])).await;
    let health = fleet.wait_for_same_report(SOON).await;
    let results = stand
        .wait_for_results("their report", |results| results["healthy_count"] == 1)
        .await;
    for list in ["healthy_endpoints", "unhealthy_endpoints"] {
        assert_eq!(results[list], health[list], "{list}");
    }
    assert_eq!(results["unhealthy_endpoints"][0]["exception_status"], 429);

    // Over three rounds it never ends, and its time is the server's.
    stand
        .mock
        .wait_for_rounds(&["good", "bad"], 3, SOON + 3 * EVERY)
        .await;
    let gaps = stand.mock.asked().gaps("good");
    assert!(
        gaps.iter().all(|gap| *gap >= EVERY.mul_f64(0.9)),
        "{gaps:?}"
    );
    let left: i64 = stand.redis.run(&["PTTL", RESULTS]).await;
    assert!((4_000..=9_000).contains(&left), "{left}");
    let results = stand.results().await.unwrap();
    let age = stand.now().await - results["timestamp"].as_f64().unwrap();
    assert!((-1.0..=6.0).contains(&age), "{age}");
    for pod in fleet.pods() {
        let wire = wire_state(pod).await;
        assert_eq!(wire["reports_overtaken"], 0, "{wire}");
    }
    assert_eq!(fleet.sum("watchkeeper_wire_serving", &[]).await, 2.0);
}

#[tokio::test]
async fn their_lock_first_is_waited_for_and_what_they_found_is_used_instead_of_probes() {
    let stand = Stand::new().await;
    let lock = format!("\"{THEIR_POD}\"");
    let () = stand.redis.run(&["SET", LOCK, &lock, "EX", "60"]).await;
    // Long enough that a slow machine sees what was found before it is due again.
    let config = stand.config(&["m1", "m2"]).interval(15);
    let setup = wired(&config).env("DEFAULT_SHARED_HEALTH_CHECK_TTL", "60");
    let fleet = Fleet::start(2, &setup).await;
    for pod in fleet.pods() {
        eventually("their lock is in the way", SOON, async || {
            wire_state(pod).await["lock_waits"].as_u64() > Some(0)
        })
        .await;
        let status = pod.shared_status().await;
        assert_eq!(status["status"]["lock_owner"], THEIR_POD, "{status}");
    }
    // An hour ahead, which changes nothing.
    let ahead = stand.now().await + 3_600.0;
    stand
        .write_theirs(
            60,
            &json!([{"model": "openai/m1", "model_id": "m1-id"}, {"model": "openai/x", "model_id": "x"}]),
            &json!([{"model": "openai/m2", "model_id": "m2-id", "exception_status": 401, "error": "litellm.AuthenticationError"}]),
            ahead,
        )
        .await;
    let () = stand.redis.run(&["DEL", LOCK]).await;
    for pod in fleet.pods() {
        eventually("what they found", SOON, async || {
            let health = pod.health().await;
            health["healthy_endpoints"][0]["model_id"] == "m1-id"
                && health["unhealthy_endpoints"][0]["exception_status"] == 401
        })
        .await;
    }
    assert!(fleet.count_lines("report is used instead of probes") > 0);
    assert_eq!(stand.mock.asked().all().len(), 0, "nothing was due");
    assert!(fleet.count_lines("names ids that this pod does not know") > 0);
    // Then the rounds go on.
    stand.mock.wait_for_rounds(&["m1", "m2"], 1, 2 * SOON).await;
    stand
        .wait_for_results("our report in place of theirs", |results| {
            results["checked_by"] != THEIR_POD
        })
        .await;
}

#[tokio::test]
async fn a_report_written_over_ours_is_counted_and_replaced_at_the_next_round() {
    let stand = Stand::new().await;
    let pod = stand.setup(&["m1"]).start().await;
    stand
        .wait_for_results("our report", |results| results["healthy_count"] == 1)
        .await;
    // Nothing that counts: no entry of theirs is one of ours.
    let now = stand.now().await;
    stand.write_theirs(9, &json!([]), &json!([]), now).await;
    stand
        .wait_for_results("ours again", |results| {
            results["checked_by"] != THEIR_POD && results["healthy_count"] == 1
        })
        .await;
    eventually("it is counted", SOON, async || {
        wire_state(&pod).await["reports_overtaken"] == 1
    })
    .await;
}

#[tokio::test]
async fn poison_in_either_place_is_survived_and_replaced() {
    let stand = Stand::new().await;
    let pod = stand
        .setup(&["m1"])
        .env("DEFAULT_SHARED_HEALTH_CHECK_LOCK_TTL", "5")
        .start()
        .await;
    for poison in [
        vec![
            "SET",
            RESULTS,
            "\"{\\\"healthy_endpoints\\\": null, \\\"timestamp\\\": 1}\"",
            "EX",
            "60",
        ],
        vec!["SET", RESULTS, "\u{0}not json", "EX", "60"],
        vec!["SET", RESULTS, "null"],
    ] {
        stand
            .wait_for_results("our report", |results| results["healthy_count"] == 1)
            .await;
        let () = stand.redis.run(&poison).await;
        eventually("ours again", SOON + EVERY, async || {
            let text: String = stand.redis.run(&["GET", RESULTS]).await;
            text.contains("watchkeeper")
        })
        .await;
    }
    // A lock that is none goes once it was seen for a `lock_ttl`.
    let poisoned = std::time::Instant::now();
    stand
        .redis
        .run::<i64>(&[
            "EVAL",
            "redis.call('DEL', KEYS[1]) return redis.call('RPUSH', KEYS[1], 'poison')",
            "1",
            LOCK,
        ])
        .await;
    eventually("a round in spite of it", 2 * SOON, async || {
        stand
            .mock
            .asked()
            .since(poisoned + Duration::from_secs(1))
            .count("m1")
            > 0
            && stand.redis.run::<String>(&["TYPE", LOCK]).await != "list"
    })
    .await;
    let status = pod.shared_status().await;
    assert_eq!(status["status"]["redis_available"], true, "{status}");
}

#[tokio::test]
async fn a_namespace_stands_before_their_keys_and_details_can_be_left_out() {
    let stand = Stand::new().await;
    stand.mock.set("bad", Behaviour::Status(500));
    let yaml = stand
        .config(&["good", "bad"])
        .general("health_check_details: false")
        .yaml()
        .replace(
            "    type: redis\n",
            "    type: redis\n    namespace: prod\n",
        );
    let setup = Setup::new()
        .litellm(yaml)
        .env("DEFAULT_SHARED_HEALTH_CHECK_TTL", TTL)
        .env("HEALTH_CHECK_TIMEOUT_SECONDS", "2");
    let _pod = setup.start().await;
    eventually("the report behind the namespace", SOON, async || {
        stand
            .redis
            .keys("prod:*")
            .await
            .contains(&format!("prod:{RESULTS}"))
    })
    .await;
    let text: String = stand.redis.run(&["GET", &format!("prod:{RESULTS}")]).await;
    let inner: String = serde_json::from_str(&text).unwrap();
    let results: Value = serde_json::from_str(&inner).unwrap();
    assert_eq!(
        results["unhealthy_endpoints"],
        json!([{"model": "openai/bad", "model_id": "bad-id", "exception_status": 500}])
    );
    assert!(stand.redis.keys("health_check*").await.is_empty());
}

#[tokio::test]
async fn a_second_list_says_that_it_does_not_serve_and_takes_over_when_the_claim_lapses() {
    let stand = Stand::new().await;
    let first = stand.setup(&["m1"]).start().await;
    stand
        .wait_for_results("the first list's report", |results| {
            results["healthy_endpoints"][0]["model_id"] == "m1-id"
        })
        .await;
    let second = stand.setup(&["m2"]).start().await;
    second
        .wait_for_line("another list of models serves LiteLLM's pods", SOON)
        .await;
    // The picture follows the line.
    eventually("the status says so", SOON, async || {
        wire_state(&second).await["state"] == "claimed"
    })
    .await;
    let wire = wire_state(&second).await;
    assert!(
        wire["claimed_by"]
            .as_str()
            .unwrap()
            .starts_with("default/all-"),
        "{wire}"
    );
    // It shows its own models meanwhile, and only the first list's stand in Redis.
    eventually("the second list's own results", SOON, async || {
        second.health().await["healthy_endpoints"][0]["model_id"] == "m2-id"
    })
    .await;
    let results = stand.results().await.unwrap();
    assert_eq!(results["healthy_endpoints"][0]["model_id"], "m1-id");
    first.kill();
    eventually("the second list's report", 4 * SOON, async || {
        stand
            .results()
            .await
            .is_some_and(|results| results["healthy_endpoints"][0]["model_id"] == "m2-id")
    })
    .await;
    assert_eq!(wire_state(&second).await["state"], "serving");
}

#[tokio::test]
async fn it_is_off_with_one_key_and_says_why_where_it_cannot_be() {
    let stand = Stand::new().await;
    let off = stand
        .setup(&["m1"])
        .env("WATCHKEEPER__LITELLM__WIRE", "false")
        .start()
        .await;
    eventually("a report", SOON, async || {
        off.health().await["healthy_count"] == 1
    })
    .await;
    assert!(stand.redis.keys("health_check*").await.is_empty());
    assert_eq!(wire_state(&off).await["state"], "off");

    let short = Setup::new()
        .litellm(stand.config(&["m1"]).yaml())
        .env("DEFAULT_SHARED_HEALTH_CHECK_TTL", TTL);
    let pod = short.clone().start().await;
    let line = pod.wait_for_line("are not served", SOON).await;
    for part in ["ERROR", "60s", "9s"] {
        assert!(line.text.contains(part), "{}", line.text);
    }
    let refused = short
        .env("WATCHKEEPER__LITELLM__WIRE", "true")
        .run(&["run"], SOON)
        .await;
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.stderr.contains("`litellm.wire` is true, but"),
        "{}",
        refused.stderr
    );

    let database = wired(&stand.config(&["m1"]).general("store_model_in_db: true"))
        .start()
        .await;
    let line = database.wait_for_line("are not served", SOON).await;
    assert!(line.text.contains("store_model_in_db"), "{}", line.text);
}

#[tokio::test]
async fn switched_off_by_a_reload_it_says_so_and_waits_for_a_restart_until_it_is_on_again() {
    let stand = Stand::new().await;
    let pod = stand.setup(&["m1"]).start().await;
    eventually("it serves", SOON, async || {
        wire_state(&pod).await["state"] == "serving"
    })
    .await;
    let reload = async |yaml: String| {
        pod.replace("proxy_config.yaml", &yaml);
        let answer = pod.request(Method::POST, "/v1/reload", None).await;
        assert_eq!(answer.status.as_u16(), 200, "{}", pod.log());
        answer.json()["restart_needed"].clone()
    };
    let on = stand.config(&["m1"]);
    let off = on.clone().general("store_model_in_db: true");
    let waits = json!(["litellm.wire"]);
    assert_eq!(reload(off.yaml()).await, waits);
    eventually("it serves no more", SOON, async || {
        wire_state(&pod).await["state"] == "off"
    })
    .await;
    // It still waits when nothing else changed.
    assert_eq!(reload(off.yaml()).await, waits);
    assert_eq!(reload(on.yaml()).await, json!([]));
}
