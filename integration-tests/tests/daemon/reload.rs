//! The configuration is read again while the pod runs: after SIGHUP, for a changed file, on request.

use std::os::unix::fs::symlink;
use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};
use watchkeeper_integration_tests::daemon::{Daemon, Setup};
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::fleet::Fleet;
use watchkeeper_integration_tests::litellm_config::{LitellmConfig, NativeConfig};
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::SOON;
use crate::stream::Stream;

const FILE: &str = "watchkeeper.toml";
const RELOADED: &str = "the configuration was reloaded";
const REFUSED: &str = "the configuration was not reloaded";

async fn post(pod: &Daemon) -> (u16, Value) {
    let answer = pod.request(Method::POST, "/v1/reload", None).await;
    (answer.status.as_u16(), answer.json())
}

/// The ids of the checks that have a result.
async fn results(pod: &Daemon) -> Vec<String> {
    let checks = pod.json("/v1/checks").await;
    let checks = checks["checks"].as_array().unwrap();
    let known = checks.iter().filter(|check| !check["healthy"].is_null());
    known
        .map(|check| check["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn wait_for_results(pod: &Daemon, ids: &[&str]) {
    eventually(&format!("results of {ids:?}"), SOON, async || {
        results(pod).await == ids
    })
    .await;
}

#[tokio::test]
async fn sighup_takes_up_another_interval_without_asking_anew() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &["m"]).redis(redis.address());
    let pod = Setup::new()
        .toml(config.clone().interval("10m").toml())
        .start()
        .await;
    wait_for_results(&pod, &["m"]).await;
    let groups = pod.json("/v1/status").await["groups"][0]["group"].clone();

    pod.replace(FILE, &config.clone().interval("5m").toml());
    pod.hang_up();
    let line = pod.wait_for_line(RELOADED, SOON).await;
    assert!(line.text.contains("coordination.interval"), "{}", line.text);
    let status = pod.json("/v1/status").await;
    assert_eq!(status["settings"]["interval_seconds"], 300.0, "{status}");
    assert_eq!(status["reload"]["ok"], true, "{status}");
    assert_eq!(status["reload"]["source"], "signal", "{status}");
    assert_eq!(status["groups"][0]["group"], groups);
    assert_eq!(mock.asked().count("m"), 1, "nothing was due");

    // Now it is.
    pod.replace(FILE, &config.interval("1s").toml());
    pod.hang_up();
    mock.wait_for_starts("m", 3, SOON).await;
}

#[tokio::test]
async fn a_link_that_kubernetes_swaps_brings_a_new_list_of_which_only_what_is_new_is_asked() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    let toml = |models: &[&str]| {
        let config = NativeConfig::new(&mock.api_base(), models);
        config.redis(redis.address()).interval("10m").toml()
    };
    // As a ConfigMap is mounted: `..data` leads to a folder with a time for its name, files lead through `..data`.
    let volume = tempfile::tempdir().unwrap();
    let path = |name: &str| volume.path().join(name);
    for (folder, models) in [("..1", &["a", "b"]), ("..2", &["b", "c"])] {
        std::fs::create_dir(path(folder)).unwrap();
        std::fs::write(path(folder).join(FILE), toml(models)).unwrap();
    }
    symlink("..1", path("..data")).unwrap();
    symlink(format!("..data/{FILE}"), path(FILE)).unwrap();
    let file = path(FILE).display().to_string();
    let pod = Setup::new().arguments(&["--config", &file]).start().await;
    wait_for_results(&pod, &["a", "b"]).await;
    let age = |checks: &Value| checks["checks"][0]["age_seconds"].as_f64().unwrap();
    assert!(
        pod.metrics()
            .await
            .get("watchkeeper_check_healthy", &[("name", "a")])
            .is_some()
    );

    symlink("..2", path("..data_tmp")).unwrap();
    std::fs::rename(path("..data_tmp"), path("..data")).unwrap();
    pod.wait_for_line(RELOADED, SOON).await;
    assert_eq!(results(&pod).await.first().map(String::as_str), Some("b"));
    wait_for_results(&pod, &["b", "c"]).await;
    let checks = pod.json("/v1/checks").await;
    assert!(age(&checks) > 1.0, "the result of before: {checks}");
    let status = pod.json("/v1/status").await;
    assert_eq!(status["reload"]["source"], "file", "{status}");
    let metrics = pod.metrics().await;
    for (name, is_there) in [("a", false), ("b", true), ("c", true)] {
        let found = metrics.get("watchkeeper_check_healthy", &[("name", name)]);
        assert_eq!(found.is_some(), is_there, "{name}");
    }
    let seen = mock.asked();
    for model in ["a", "b", "c"] {
        assert_eq!(seen.count(model), 1, "{model}:\n{}", seen.table());
    }
    // The old group's lease is given back, and so is the new one's.
    eventually("no lease is left", SOON, async || {
        redis.keys("watchkeeper:*:lock:*").await.is_empty()
    })
    .await;
    assert_eq!(metrics.count("watchkeeper_lease_lost_total", &[]), 0.0);
}

#[tokio::test]
async fn a_request_says_what_changed_what_waits_and_what_is_wrong() {
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &["a", "b"]).interval("10m");
    let pod = Setup::new().toml(config.toml()).start().await;
    assert_eq!(pod.json("/v1/status").await["reload"], Value::Null);
    let mut stream = Stream::open(pod.address(), "reload", None).await;
    assert_eq!(stream.next().await.0, "hello");
    let (status, answer) = post(&pod).await;
    assert_eq!(
        (status, &answer["changed"]),
        (200, &json!(false)),
        "{answer}"
    );
    assert_eq!(answer["restart_needed"], json!([]), "{answer}");

    let new = NativeConfig::new(&mock.api_base(), &["b", "c"])
        .interval("7m")
        .probe("concurrency = 3")
        .http("drain = \"3s\"");
    pod.replace(FILE, &new.toml());
    let (status, answer) = post(&pod).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["changed"], true);
    let checks = json!({"added": 1, "removed": 1, "changed": 0, "ids": {"added": ["c"], "removed": ["a"], "changed": []}});
    assert_eq!(answer["checks"], checks);
    let settings = json!([
        "coordination.interval",
        "coordination.cache_ttl",
        "probe.concurrency"
    ]);
    assert_eq!(answer["settings"], settings, "{answer}");
    assert_eq!(answer["restart_needed"], json!(["http.drain"]), "{answer}");
    wait_for_results(&pod, &["b", "c"]).await;
    pod.wait_for_line("wait for a restart keys=\"http.drain\"", SOON)
        .await;

    // What changed nothing before is no event.
    let (name, _, told) = stream.next().await;
    assert_eq!((name.as_str(), &told["applied"]), ("reload", &json!(true)));

    // A broken file changes nothing, and is said once, whoever looks at it again.
    let broken = new
        .clone()
        .interval("soon")
        .toml()
        .replace("sk-mock", "sk-broken");
    pod.replace(FILE, &broken);
    let (status, answer) = post(&pod).await;
    assert_eq!(status, 422, "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("interval") && message.contains("nothing changed"),
        "{message}"
    );
    let (_, _, told) = stream.next().await;
    assert_eq!(told["applied"], false, "{told}");
    assert!(told["error"].as_str().unwrap().contains("interval"));
    let status = pod.json("/v1/status").await;
    assert_eq!(status["reload"]["ok"], false, "{status}");
    assert_eq!(status["reload"]["source"], "request");
    assert_eq!(status["reload"]["restart_needed"], json!(["http.drain"]));
    assert!(
        status["reload"]["error"]
            .as_str()
            .unwrap()
            .contains("interval")
    );
    assert_eq!(status["settings"]["interval_seconds"], 420.0);
    let metrics = pod.metrics().await;
    assert_eq!(metrics.get("watchkeeper_config_reload_ok", &[]), Some(0.0));
    for (result, times) in [("applied", 1.0), ("unchanged", 1.0), ("refused", 1.0)] {
        let labels = [("result", result)];
        let found = metrics.get("watchkeeper_config_reloads_total", &labels);
        assert_eq!(found, Some(times), "{result}");
    }
    let shown = Setup::new()
        .arguments(&["--url", &format!("http://{}", pod.address())])
        .run(&["status"], SOON)
        .await;
    for part in ["config refused", "waits for a restart: http.drain"] {
        assert!(shown.stdout.contains(part), "{}", shown.stdout);
    }
    for text in [
        &pod.log(),
        &shown.stdout,
        &status.to_string(),
        &answer.to_string(),
    ] {
        assert!(!text.contains("sk-"), "{text}");
    }

    // The right file again, found by its content.
    pod.replace(FILE, &new.interval("8m").toml());
    eventually("the file is read", SOON, async || {
        let status = pod.json("/v1/status").await;
        status["reload"]["ok"] == true && status["settings"]["interval_seconds"] == 480.0
    })
    .await;
    assert_eq!(pod.lines_with(REFUSED).len(), 1, "{}", pod.log());
    assert_eq!(
        pod.metrics().await.get("watchkeeper_config_reload_ok", &[]),
        Some(1.0)
    );
}

#[tokio::test]
async fn a_check_with_another_key_is_asked_with_it_at_once_and_never_again_with_the_old_one() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    let base = mock.api_base();
    let config = NativeConfig::new(&base, &["same"])
        .redis(redis.address())
        .interval("10m")
        .check(&format!(
            "name = \"m\"\nmodel = \"openai/m\"\napi_base = \"{base}\"\napi_key = \"file:key\""
        ));
    let pod = Setup::new()
        .toml(config.toml())
        .file("key", "sk-old\n")
        .start()
        .await;
    wait_for_results(&pod, &["same", "m"]).await;
    // Only the secret's own file changes.
    pod.replace("key", "sk-new\n");
    let seen = mock.wait_for_starts("m", 2, SOON).await;
    let keys: Vec<_> = seen.of("m").map(|asked| asked.key.clone()).collect();
    assert_eq!(keys, [Some("sk-old".to_owned()), Some("sk-new".to_owned())]);
    assert_eq!(seen.count("same"), 1, "{}", seen.table());
    let line = pod.wait_for_line(RELOADED, SOON).await;
    assert!(line.text.contains("changed=1"), "{}", line.text);
    assert!(!pod.log().contains("sk-"), "{}", pod.log());
    // Meanwhile its last result was shown, as old as it was.
    assert_eq!(results(&pod).await, ["same", "m"]);
}

#[tokio::test]
async fn new_http_keys_are_let_in_and_old_ones_are_not() {
    let mock = MockLlm::start().await;
    let toml = |key: &str| {
        let config = NativeConfig::new(&mock.api_base(), &["m"]);
        config.http(&format!("api_keys = [\"{key}\"]")).toml()
    };
    let pod = Setup::new().toml(toml("k-1")).start().await;
    let ask = async |method: Method, path: &str, key| {
        pod.request(method, path, key).await.status.as_u16()
    };
    for key in [None, Some("k-2")] {
        assert_eq!(ask(Method::POST, "/v1/reload", key).await, 401);
    }
    assert_eq!(ask(Method::GET, "/v1/reload", Some("k-1")).await, 405);
    pod.replace(FILE, &toml("k-2"));
    assert_eq!(ask(Method::POST, "/v1/reload", Some("k-1")).await, 200);
    assert_eq!(ask(Method::GET, "/health", Some("k-1")).await, 401);
    assert_eq!(ask(Method::GET, "/health", Some("k-2")).await, 200);
    assert!(!pod.log().contains("k-2"), "{}", pod.log());
}

#[tokio::test]
async fn the_log_level_changes_in_a_running_pod() {
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &["m"]).toml();
    let with = |level: &str| format!("[log]\nlevel = \"{level}\"\n{config}");
    let pod = Setup::new().toml(with("warn")).start().await;
    mock.wait_for_starts("m", 1, SOON).await;
    assert!(pod.lines().is_empty(), "{}", pod.log());
    pod.replace(FILE, &with("info"));
    pod.hang_up();
    pod.wait_for_line(RELOADED, SOON).await;
    pod.wait_for_line("acquired health check lock", SOON).await;
    pod.replace(FILE, &with("error"));
    pod.hang_up();
    eventually("the level is another", SOON, async || {
        let before = pod.lines().len();
        mock.wait_for_starts("m", mock.asked().count("m") + 1, SOON)
            .await;
        pod.lines().len() == before
    })
    .await;
}

#[tokio::test]
async fn a_round_under_way_keeps_its_lease_through_a_reload_and_nothing_is_asked_twice() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    mock.set("slow", Behaviour::Hold);
    let base = mock.api_base();
    let config = |models: &[&str]| {
        let config = NativeConfig::new(&base, models).redis(redis.address());
        config
            .interval("10m")
            .lock_ttl("3s")
            .probe("timeout = \"30s\"")
    };
    let models = ["quick", "slow"];
    let fleet = Fleet::start(2, &Setup::new().toml(config(&models).toml())).await;
    mock.wait_for_starts("slow", 1, SOON).await;
    let holder = fleet.wait_for_holder(SOON).await;
    let token = fleet[holder].shared_status().await["token"].clone();

    // Other settings: the same group goes on under the same lease, longer than one lease lasts.
    for pod in fleet.pods() {
        pod.replace(
            FILE,
            &config(&models)
                .interval("9m")
                .probe("concurrency = 1")
                .toml(),
        );
        assert_eq!(post(pod).await.0, 200);
    }
    let renewed = tokio::time::Instant::now() + Duration::from_secs(4);
    while tokio::time::Instant::now() < renewed {
        let status = fleet[holder].shared_status().await;
        assert_eq!(status["status"]["lock_owner"], fleet.id(holder), "{status}");
        assert_eq!(status["token"], token, "{status}");
        assert_eq!(redis.keys("watchkeeper:*:lock:*").await.len(), 1);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    // Another list: probes in flight end, the lease is given back, and only what is new is asked.
    let longer = config(&["quick", "slow", "new"]).toml();
    fleet[holder].replace(FILE, &longer);
    assert_eq!(post(&fleet[holder]).await.0, 200);
    assert_eq!(mock.asked().count("new"), 0, "the old round goes first");
    mock.set("slow", Behaviour::Ok);
    wait_for_results(&fleet[holder], &["quick", "slow", "new"]).await;
    for pod in fleet.pods() {
        pod.replace(FILE, &longer);
        assert_eq!(post(pod).await.0, 200);
        wait_for_results(pod, &["quick", "slow", "new"]).await;
        let metrics = pod.metrics().await;
        assert_eq!(metrics.count("watchkeeper_lease_lost_total", &[]), 0.0);
        assert_eq!(
            metrics.count("watchkeeper_publishes_fenced_total", &[]),
            0.0
        );
    }
    let seen = mock.asked();
    for model in ["quick", "slow", "new"] {
        assert_eq!(
            seen.count(model),
            1,
            "{model}:\n{}\n{}",
            seen.table(),
            fleet.logs()
        );
    }
    eventually("no lease is left", SOON, async || {
        redis.keys("watchkeeper:*:lock:*").await.is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_litellm_files_include_is_watched_as_well() {
    let mock = MockLlm::start().await;
    let whole = LitellmConfig::new(&mock.api_base(), &["a"]).yaml();
    let models = whole.split("general_settings:").next().unwrap().to_owned();
    let more = LitellmConfig::new(&mock.api_base(), &["a", "b"]).yaml();
    let more = more.split("general_settings:").next().unwrap().to_owned();
    let pod = Setup::new()
        .file("models.yaml", models)
        .litellm("include:\n  - models.yaml\ngeneral_settings:\n  health_check_interval: 600\n")
        .start()
        .await;
    mock.wait_for_starts("a", 1, SOON).await;
    pod.replace("models.yaml", &more);
    mock.wait_for_starts("b", 1, SOON).await;
    let line = pod.wait_for_line(RELOADED, SOON).await;
    assert!(line.text.contains("added=1"), "{}", line.text);
    assert_eq!(mock.asked().count("a"), 1, "{}", pod.log());
}
