//! A fleet that is started while its Redis is down. (LiteLLM answers an empty 200 for 62 s.)

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::fleet::{Fleet, assert_apart};
use watchkeeper_integration_tests::litellm_config::LitellmConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};
use watchkeeper_integration_tests::proxy::{Mode, Proxy};
use watchkeeper_integration_tests::redis_process::RedisProcess;

use crate::SOON;

/// The round takes 300 ms, the jitter of a 10 s interval is 500 ms, and a silent Redis costs `backend.timeout`, 500 ms.
/// The rest is the start of two processes on a busy machine.
const FIRST_RESULTS: Duration = Duration::from_millis(300 + 500 + 500 + 1200);

async fn first_results_come(store: SocketAddr, mock: &MockLlm) -> Fleet {
    mock.set("slow", Behaviour::Delay(Duration::from_millis(300)));
    let config = LitellmConfig::new(&mock.api_base(), &["quick", "slow"])
        .redis(store)
        .interval(10)
        .yaml();
    let began = Instant::now();
    let fleet = Fleet::start(2, &Setup::new().litellm(config)).await;
    eventually("every pod has all results", SOON, async || {
        for pod in fleet.pods() {
            if pod.health().await["healthy_count"] != 2 {
                return false;
            }
        }
        true
    })
    .await;
    let took = began.elapsed();
    assert!(
        took <= FIRST_RESULTS,
        "first results after {took:?}\n{}",
        fleet.logs()
    );
    for pod in fleet.pods() {
        let status = pod.shared_status().await;
        assert_eq!(status["mode"], "isolated", "{status}");
        assert_eq!(status["status"]["redis_available"], false, "{status}");
        assert_eq!(status["stale"], false, "{status}");
        assert_eq!(pod.health().await["healthy_count"], 2);
        assert_eq!(pod.get("/health/readiness").await.status, 200);
    }
    let seen = mock.asked();
    assert_eq!(
        (seen.count("quick"), seen.count("slow")),
        (2, 2),
        "one per pod:\n{}",
        seen.table()
    );
    fleet
}

#[tokio::test]
async fn a_redis_that_refuses_connections_costs_no_wait_and_later_joins_the_pods() {
    let mut redis = RedisProcess::not_started(&[]);
    let mock = MockLlm::start().await;
    let fleet = first_results_come(redis.address(), &mock).await;
    let last = *mock.asked().starts("quick").last().unwrap();

    redis.start_again().await;
    let joined = fleet.wait_for_store(true, SOON).await;
    fleet.wait_for_same_report(Duration::from_secs(3)).await;
    // No probe is owed: the next is due an interval after the last.
    mock.wait_for_starts("quick", 3, SOON).await;
    let seen = mock.asked();
    let gap = seen.starts("quick")[2].duration_since(last);
    assert!(
        gap >= Duration::from_secs(9),
        "an extra probe {gap:?} later:\n{}",
        seen.table()
    );
    mock.wait_for_starts("quick", 4, SOON).await;
    assert_apart(
        &mock.asked().since(joined),
        &["quick", "slow"],
        Duration::from_secs(9),
    );
}

#[tokio::test]
async fn a_redis_that_never_answers_costs_one_time_limit() {
    let proxy = Proxy::start(SocketAddr::from(([127, 0, 0, 1], 9))).await;
    proxy.set(Mode::Drop);
    let mock = MockLlm::start().await;
    first_results_come(proxy.address(), &mock).await;
}
