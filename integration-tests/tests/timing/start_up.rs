//! From the start of the process to its first answer.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::MockLlm;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_answer_comes_within_half_a_second_and_the_first_report_soon_after() {
    let mock = MockLlm::start().await;
    let config = NativeConfig::new(&mock.api_base(), &["m"]);
    let began = Instant::now();
    let daemon = Setup::new().toml(config.toml()).start().await;
    let answered = began.elapsed();
    watchkeeper_integration_tests::eventually("a report", Duration::from_secs(2), async || {
        daemon.get("/health/readiness").await.status == 200
    })
    .await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap();
    let memory = status.lines().find(|line| line.starts_with("VmRSS"));
    println!("{}", memory.unwrap_or_default());
    println!(
        "first answer after {answered:?}, ready after {:?}",
        began.elapsed()
    );
    // The target is 100 ms for a release build; a debug build and the poll's 20 ms get more.
    assert!(answered < Duration::from_millis(500), "{answered:?}");
}
