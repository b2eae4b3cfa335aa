//! `kill -9` of the pod that holds the lease, in the middle of its round.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::fleet::Fleet;
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};
use watchkeeper_integration_tests::redis_process::RedisProcess;

const SOON: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_round_starts_within_200_ms_of_the_dead_holders_lease() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &["fast", "held"])
        .redis(redis.address())
        .interval("4s")
        .lock_ttl("3s")
        .probe("timeout = \"30s\"");
    let mut fleet = Fleet::start(4, &Setup::new().toml(config.toml())).await;
    let mut delays = Vec::new();

    // The second death meets a fleet that has lost a pod already.
    for _ in 0..2 {
        fleet.wait_for_same_report(SOON).await;
        let rounds = mock.asked().count("held");
        mock.set("held", Behaviour::Hold);
        mock.wait_for_starts("held", rounds + 1, SOON).await;
        mock.wait_for_starts("fast", rounds + 1, SOON).await;
        let holder = fleet.wait_for_holder(SOON).await;
        let mut dead = fleet.remove(holder);
        dead.kill();
        let left: i64 = pttl(&redis).await;
        let lease_ends = Instant::now() + Duration::from_millis(u64::try_from(left).unwrap());
        dead.wait_for_end(SOON).await;
        mock.set("held", Behaviour::Ok);

        let seen = mock.wait_for_starts("held", rounds + 2, SOON).await;
        let next = seen.starts("held")[rounds + 1];
        let late = next.saturating_duration_since(lease_ends);
        let early = lease_ends.saturating_duration_since(next);
        println!("next round {late:?} after the lease's end ({left} ms after the kill)");
        delays.push(late);
        assert!(
            early < Duration::from_millis(20),
            "a round started {early:?} before the lease's end:\n{}",
            seen.table()
        );
        fleet.wait_for_same_report(SOON).await;
        for model in ["fast", "held"] {
            let probes = mock.asked().count(model) - rounds;
            assert!(
                probes <= 2,
                "{model} was asked {probes} times in the round whose holder was killed:\n{}",
                mock.asked().table()
            );
        }
        // The rhythm is kept from there: one round later, one more probe each.
        let seen = mock
            .wait_for_rounds(&["fast", "held"], rounds + 3, SOON)
            .await;
        let gap = seen.starts("held")[rounds + 2].duration_since(next);
        assert!(
            gap >= Duration::from_millis(3900) && gap <= Duration::from_millis(4500),
            "the round after came {gap:?} later, not 4 s:\n{}",
            seen.table()
        );
    }
    assert!(
        delays
            .iter()
            .all(|late| *late <= Duration::from_millis(200)),
        "{delays:?}\n{}\n{}",
        mock.asked().table(),
        fleet.logs()
    );
}

/// What is left of the one lease.
async fn pttl(redis: &RedisProcess) -> i64 {
    let locks = redis.keys("watchkeeper:*:lock:*").await;
    assert_eq!(locks.len(), 1, "{locks:?}");
    let left = redis.run(&["PTTL", &locks[0]]).await;
    assert!((0..=3000).contains(&left), "the lease has {left} ms left");
    left
}
