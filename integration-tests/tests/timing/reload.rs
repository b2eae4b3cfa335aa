//! Requests while the configuration is read again and again.

use std::time::{Duration, Instant};

use hyper::Method;
use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::measure::load;
use watchkeeper_integration_tests::mock_llm::MockLlm;
use watchkeeper_integration_tests::redis_process::RedisProcess;

/// How long it goes on.
const TIME: Duration = Duration::from_secs(5);
/// Requests per second over that time, at least.
const LEAST: f64 = 1_000.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn not_one_of_a_thousand_requests_a_second_fails_while_the_pod_reloads() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    let config = |models: &[&str], interval: &str| {
        let config = NativeConfig::new(&mock.api_base(), models).redis(redis.address());
        config.interval(interval).toml()
    };
    // Lists, and settings of one list, in turn.
    let texts = [
        config(&["a", "b"], "1s"),
        config(&["a", "b"], "2s"),
        config(&["a", "b", "c"], "2s"),
        config(&["a", "c"], "1s"),
    ];
    let pod = Setup::new().toml(texts[0].clone()).start().await;
    eventually("a report", Duration::from_secs(5), async || {
        pod.get("/health/readiness").await.status == 200
    })
    .await;

    let began = Instant::now();
    let reloads = async {
        let mut reloads = 0;
        while began.elapsed() < TIME {
            pod.replace("watchkeeper.toml", &texts[(reloads + 1) % texts.len()]);
            if reloads % 2 == 0 {
                pod.hang_up();
            }
            let answer = pod.request(Method::POST, "/v1/reload", None).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let health = pod.health().await;
            assert!(health["healthy_count"].as_u64() >= Some(1), "{health}");
            reloads += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        reloads
    };
    let (load, reloads) = tokio::join!(load::run(pod.address(), "/health", None, 4, TIME), reloads);
    let load = load.unwrap_or_else(|error| panic!("a request failed: {error}\n{}", pod.log()));
    println!(
        "{:.0} requests/s, p99 {:?}, {} in all, none failed, during {reloads} reloads",
        load.per_second,
        load.within(0.99),
        load.answers()
    );
    assert!(load.per_second >= LEAST, "{:.0}", load.per_second);
    assert!(reloads >= 10, "{reloads}");
    let metrics = pod.metrics().await;
    for metric in [
        "watchkeeper_lease_lost_total",
        "watchkeeper_publishes_fenced_total",
    ] {
        assert_eq!(metrics.count(metric, &[]), 0.0, "{}", pod.log());
    }
}
