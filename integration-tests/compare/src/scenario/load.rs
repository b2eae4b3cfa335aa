//! One pod, alone on the machine, asked as fast as it answers.

use std::time::Duration;

use watchkeeper_integration_tests::daemon::Program;
use watchkeeper_integration_tests::litellm::KEY;
use watchkeeper_integration_tests::measure::load;
use watchkeeper_integration_tests::measure::machine::resident_mib;

use crate::finding::Finding;
use crate::stand::{LOCK, MODELS, Stand};

const TIME: Duration = Duration::from_secs(5);
const WARM_UP: Duration = Duration::from_secs(2);
/// What is asked, over how many connections.
const LOADS: [(&str, usize); 7] = [
    ("/health/shared-status", 1),
    ("/health/shared-status", 8),
    ("/health/shared-status", 32),
    ("/health", 1),
    ("/health", 32),
    ("/health/liveliness", 1),
    ("/health/liveliness", 32),
];

pub(crate) async fn run(program: Program) -> Vec<Finding> {
    let mut stand = Stand::empty(program, LOCK).await;
    stand.quiet();
    stand.spawn(&MODELS).await;
    stand.wait_until_all_show(MODELS.len()).await;
    let pod = &stand.pods[0];
    let mut ids = Vec::new();
    for _ in 0..5 {
        let id = pod.shared_status().await["status"]["pod_id"].to_string();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let mut findings = vec![Finding::numbers(
        "different `pod_id`s in 5 answers of one pod's `/health/shared-status`",
        "",
        [ids.len() as f64],
    )];
    for (path, connections) in LOADS {
        load::run(pod.address(), path, Some(KEY), connections, WARM_UP)
            .await
            .unwrap();
        let load = load::run(pod.address(), path, Some(KEY), connections, TIME)
            .await
            .unwrap();
        let what = format!("`GET {path}`, connections: {connections}");
        findings.push(Finding::numbers(what.clone(), "1/s", [load.per_second]));
        let millis = [0.5, 0.99].map(|share| load.within(share).as_secs_f64() * 1e3);
        findings.push(Finding::numbers(
            format!("{what}, median"),
            "ms",
            [millis[0]],
        ));
        findings.push(Finding::numbers(
            format!("{what}, 99th percentile"),
            "ms",
            [millis[1]],
        ));
    }
    let memory = resident_mib(pod.id()).unwrap();
    findings.push(Finding::numbers(
        "resident memory after it",
        "MiB",
        [memory],
    ));
    findings
}
