//! `kill -9` of the pod that holds the lease on etcd, whose leases are whole seconds and end within one more.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::etcd_process::EtcdProcess;
use watchkeeper_integration_tests::fleet::Fleet;
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, MockLlm};

const SOON: Duration = Duration::from_secs(15);
const LEASE: Duration = Duration::from_secs(3);
/// Between the grant and the line in the holder's log that tells of it, as it is read here.
const TOLD: Duration = Duration::from_millis(100);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_round_starts_within_a_second_of_the_dead_holders_lease_on_etcd() {
    let etcd = EtcdProcess::start().await;
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &["fast", "held"])
        .etcd(&[etcd.endpoint()])
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
        mock.wait_for_rounds(&["fast", "held"], rounds + 1, SOON)
            .await;
        // Before the lease is renewed for the first time, at a third of it.
        let holder = fleet.wait_for_holder(SOON).await;
        let mut dead = fleet.remove(holder);
        dead.kill();
        let killed = Instant::now();
        dead.wait_for_end(SOON).await;
        let lines = dead.lines_with(" acquired health check lock");
        let granted = lines.last().unwrap().at;
        assert!(
            killed.duration_since(granted) < LEASE / 3,
            "too late to know the lease's end: {:?}",
            killed.duration_since(granted)
        );
        let lease_ends = granted + LEASE;
        mock.set("held", Behaviour::Ok);

        let seen = mock.wait_for_starts("held", rounds + 2, SOON).await;
        let next = seen.starts("held")[rounds + 1];
        let late = next.saturating_duration_since(lease_ends);
        let early = lease_ends.saturating_duration_since(next);
        println!("next round {late:?} after the lease's end");
        delays.push(late);
        assert!(
            early < TOLD,
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
    }
    assert!(
        delays.iter().all(|late| *late <= Duration::from_secs(1)),
        "{delays:?}\n{}\n{}",
        mock.asked().table(),
        fleet.logs()
    );
}
