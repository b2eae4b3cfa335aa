//! The main job: a fleet on a real Redis asks each model once per interval and every pod answers with the result.

use std::time::Duration;

use serde_json::json;
use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::fleet::{Fleet, assert_rounds};
use watchkeeper_integration_tests::litellm_config::LitellmConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};
use watchkeeper_integration_tests::redis_process::RedisProcess;

const MODELS: [&str; 5] = ["m1", "m2", "m3", "m4", "m5"];
const ROUNDS: usize = 6;
const PODS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_pods_ask_each_of_five_models_once_per_interval_for_six_rounds() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    mock.set("m4", Behaviour::Status(500));
    mock.set("m5", Behaviour::Status(401));
    let config = LitellmConfig::new(&mock.api_base(), &MODELS)
        .redis(redis.address())
        .interval(5)
        .general("master_key: sk-master")
        .yaml();
    let setup = Setup::new()
        .litellm(config)
        .key("sk-master")
        .env("WATCHKEEPER__LOG__LEVEL", "debug");
    let fleet = Fleet::start(PODS, &setup).await;

    let seen = mock
        .wait_for("six rounds", Duration::from_secs(45), |seen| {
            MODELS.iter().all(|model| seen.count(model) >= ROUNDS)
        })
        .await;
    let health = fleet.wait_for_same_report(Duration::from_secs(2)).await;
    let after = mock.asked();

    for model in MODELS {
        println!("{model}: gaps {:.3?}", seen.gaps(model));
    }
    // A probe starts a few milliseconds after its round does, never the same number of them.
    let gap = Duration::from_millis(4980)..=Duration::from_millis(5500);
    assert_rounds(&after, &MODELS, ROUNDS, gap);

    assert_eq!(health["healthy_count"], 3, "{health}");
    assert_eq!(health["unhealthy_count"], 2, "{health}");
    let shown: Vec<&str> = ["healthy_endpoints", "unhealthy_endpoints"]
        .iter()
        .flat_map(|list| health[list].as_array().unwrap())
        .map(|entry| entry["model"].as_str().unwrap())
        .collect();
    assert_eq!(
        shown,
        [
            "openai/m1",
            "openai/m2",
            "openai/m3",
            "openai/m4",
            "openai/m5"
        ]
    );

    // A pod that was about to ask when the report came holds the lease for a moment, and finds nothing due.
    eventually(
        "nobody holds the lease",
        Duration::from_secs(1),
        async || {
            let mut held = false;
            for pod in fleet.pods() {
                held |= pod.shared_status().await["status"]["lock_owner"] != json!(null);
            }
            !held
        },
    )
    .await;
    for (index, pod) in fleet.pods().enumerate() {
        let log = pod.log();
        assert!(
            log.contains("Initialized shared health check manager"),
            "{log}"
        );
        let status = pod.shared_status().await;
        assert_eq!(status["shared_health_check_enabled"], true, "{status}");
        assert_eq!(status["status"]["pod_id"], fleet.id(index), "{status}");
        assert_eq!(status["status"]["redis_available"], true, "{status}");
        assert_eq!(status["stale"], false, "{status}");
        assert_eq!(status["backend"], "redis", "{status}");
    }
    let expected = (ROUNDS * MODELS.len()) as f64;
    eventually(
        "the metrics agree with the mock",
        Duration::from_secs(2),
        async || {
            let made = fleet.sum("watchkeeper_probes_total", &[]).await;
            let saved = fleet.sum("watchkeeper_probes_saved_total", &[]).await;
            println!("probes made {made}, saved {saved}");
            made == expected && saved == expected * (PODS - 1) as f64
        },
    )
    .await;
    let led = fleet
        .sum("watchkeeper_rounds_total", &[("how", "led")])
        .await;
    assert_eq!(led, ROUNDS as f64);

    let logs = fleet.logs();
    for (line, least) in [
        (" acquired health check lock", ROUNDS),
        (" released health check lock", ROUNDS),
        (
            "Cached health check results for 3 healthy and 2 unhealthy endpoints",
            ROUNDS,
        ),
        ("Using cached health check results", ROUNDS),
    ] {
        let count = fleet.count_lines(line);
        assert!(
            count >= least,
            "`{line}` {count} times, not {least}:\n{logs}"
        );
    }
    let holder = logs
        .lines()
        .find(|line| line.contains(" acquired health check lock"))
        .unwrap();
    assert!(
        (0..PODS).any(|n| holder.contains(&format!("Pod {} acquired", fleet.id(n)))),
        "no pod's id in `{holder}`"
    );
}
