//! SIGTERM of the pod that holds the lease, in the middle of its round.

use std::time::Duration;

use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::fleet::Fleet;
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, End, MockLlm};
use watchkeeper_integration_tests::redis_process::RedisProcess;

const SOON: Duration = Duration::from_secs(10);
const RELEASED: &str = " released health check lock";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_holder_hands_over_within_100_ms_and_only_what_it_gave_up_is_asked_again() {
    let redis = RedisProcess::start().await;
    let mock = MockLlm::start().await;
    // A renewal, every third of the lease, would publish what is finished before the drain ends.
    let config = NativeConfig::new(&mock.api_base(), &["fast", "slow", "stuck"])
        .redis(redis.address())
        .interval("6s")
        .lock_ttl("12s")
        .probe("timeout = \"30s\"")
        .http("drain = \"2s\"");
    let mut fleet = Fleet::start(3, &Setup::new().toml(config.toml())).await;
    fleet.wait_for_same_report(SOON).await;
    mock.set("fast", Behaviour::Status(429));
    mock.set("slow", Behaviour::Delay(Duration::from_secs(1)));
    mock.set("stuck", Behaviour::Hold);
    mock.wait_for("the second round", SOON, |seen| {
        ["fast", "slow", "stuck"]
            .iter()
            .all(|model| seen.count(model) == 2)
    })
    .await;
    let holder = fleet.wait_for_holder(SOON).await;
    let mut leaving = fleet.remove(holder);
    leaving.terminate();

    // Ready off at once, while probes in flight may still end.
    watchkeeper_integration_tests::eventually(
        "readiness is off",
        Duration::from_secs(1),
        async || {
            leaving
                .try_get("/health/readiness")
                .await
                .is_ok_and(|answer| answer.status == 503)
        },
    )
    .await;
    let status = leaving.wait_for_end(SOON).await;
    assert_eq!(status.code(), Some(0), "{}", leaving.log());
    let released = leaving.wait_for_line(RELEASED, Duration::ZERO).await;
    let released = leaving.lines_with(RELEASED).pop().unwrap_or(released);

    let seen = mock.wait_for_starts("stuck", 3, SOON).await;
    let taken = seen.starts("stuck")[2];
    // Lines reach us through a pipe, some hundred microseconds late.
    let after = taken.saturating_duration_since(released.at);
    println!("asked again {after:?} after the release");
    assert!(
        after <= Duration::from_millis(100) && taken + Duration::from_millis(50) >= released.at,
        "the next holder asked {after:?} after the release:\n{}\n{}\n--- who left\n{}",
        seen.table(),
        fleet.logs(),
        leaving.log()
    );
    let stuck: Vec<_> = seen.of("stuck").collect();
    assert_eq!(
        stuck[1].ended.unwrap().1,
        End::ClientGone,
        "{}",
        seen.table()
    );
    let slow: Vec<_> = seen.of("slow").collect();
    assert_eq!(
        slow[1].ended.unwrap().1,
        End::Answered(200),
        "a probe that could end within the drain was given up:\n{}",
        seen.table()
    );

    mock.set("stuck", Behaviour::Ok);
    let health = fleet.wait_for_same_report(SOON).await;
    // What the leaving pod found out is not lost: `fast` failed only in its round.
    assert_eq!(health["unhealthy_count"], 1, "{health}");
    assert_eq!(
        health["unhealthy_endpoints"][0]["exception_status"], 429,
        "{health}"
    );
    let seen = mock.asked();
    assert_eq!(
        (seen.count("fast"), seen.count("slow"), seen.count("stuck")),
        (2, 2, 3),
        "more than the given up probe was asked again:\n{}",
        seen.table()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_leaves_at_once() {
    let mock = MockLlm::start().await;
    mock.set("stuck", Behaviour::Hold);
    let config = NativeConfig::new(&mock.api_base(), &["stuck"]).probe("timeout = \"30s\"");
    let mut daemon = Setup::new().toml(config.toml()).start().await;
    mock.wait_for_starts("stuck", 1, SOON).await;
    daemon.terminate();
    // readiness does not tell: without a first report it is 503 from the start, and two signals in a row are one
    daemon
        .wait_for_line("a second signal leaves at once", SOON)
        .await;
    assert!(daemon.runs(), "a probe was in flight:\n{}", daemon.log());
    daemon.terminate();
    daemon.wait_for_end(Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_pod_leaves_at_once_with_0() {
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &["m"]).interval("60s");
    let mut daemon = Setup::new().toml(config.toml()).start().await;
    mock.wait_for("the first round to end", SOON, |seen| {
        seen.all()
            .first()
            .is_some_and(|asked| asked.ended.is_some())
    })
    .await;
    daemon.wait_for_line(RELEASED, SOON).await;
    daemon.terminate();
    let status = daemon.wait_for_end(Duration::from_secs(1)).await;
    assert_eq!(status.code(), Some(0), "{}", daemon.log());
}
