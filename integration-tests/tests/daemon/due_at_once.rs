//! Two pods that become due at the same moment.

use std::time::Duration;

use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::fleet::{Fleet, assert_apart};
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};
use watchkeeper_integration_tests::proxy::{Mode, Proxy};
use watchkeeper_integration_tests::redis_process::RedisProcess;

const ROUNDS: usize = 6;

/// Pods spread their attempts over 50 ms, so that the first one's round of 100 ms ends before the late one's attempt,
/// 200 ms on its way, arrives; and the late one has sent it before it hears of the round. It wins a lease of which
/// nothing is left to do.
#[tokio::test]
async fn the_later_winner_reads_again_under_its_lease_and_probes_nothing() {
    let redis = RedisProcess::start().await;
    let proxy = Proxy::start(redis.address()).await;
    let mock = MockLlm::start().await;
    mock.set_default(Behaviour::Delay(Duration::from_millis(100)));
    let config = NativeConfig::new(&mock.api_base(), &["m1", "m2"]).interval("2s");
    let prompt = config.clone().redis(redis.address()).toml();
    let late = config.redis(proxy.address()).toml();
    let fleet = Fleet::of([Setup::new().toml(prompt), Setup::new().toml(late)]).await;
    // Later than its start: a connection is several answers, and a pod that has none starts on its own.
    fleet.wait_for_same_report(Duration::from_secs(5)).await;
    proxy.set(Mode::Delay {
        to_server: Duration::from_millis(200),
        to_client: Duration::ZERO,
    });

    mock.wait_for_rounds(&["m1", "m2"], ROUNDS, Duration::from_secs(30))
        .await;
    fleet.wait_for_same_report(Duration::from_secs(5)).await;
    let seen = mock.asked();
    assert_apart(&seen, &["m1", "m2"], Duration::from_millis(1800));
    assert_eq!(seen.count("m1"), seen.count("m2"), "{}", seen.table());
    let won = fleet.count_lines(" acquired health check lock");
    assert!(
        won > seen.count("m1"),
        "{won} leases for {} rounds: no lease was won after a round, so nothing was shown\n{}",
        seen.count("m1"),
        fleet.logs()
    );
}
