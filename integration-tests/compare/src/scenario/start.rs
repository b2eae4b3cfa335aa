//! One pod, alone on the machine.

use std::time::Duration;

use watchkeeper_integration_tests::daemon::Program;
use watchkeeper_integration_tests::measure::machine::{cpu_seconds, resident_mib};

use crate::finding::Finding;
use crate::stand::{LOCK, MODELS, Stand};

const STARTS: usize = 3;
/// What a start still does after the first results.
const SETTLED: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(30);

pub(crate) async fn run(program: Program) -> Vec<Finding> {
    let (mut answers, mut results, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    let mut last = None;
    for _ in 0..STARTS {
        drop(last.take());
        let mut stand = Stand::empty(program, LOCK).await;
        stand.spawn(&MODELS).await;
        answers.extend(stand.wait_until_all_answer().await);
        results.extend(stand.wait_until_all_show(MODELS.len()).await);
        cpu.push(cpu_seconds(stand.pods[0].id()).unwrap());
        last = Some(stand);
    }
    let stand = last.expect("the last of them");
    let pod = stand.pods[0].id();
    tokio::time::sleep(SETTLED).await;
    let before = cpu_seconds(pod).unwrap();
    tokio::time::sleep(IDLE).await;
    let per_minute = (cpu_seconds(pod).unwrap() - before) * 60.0 / IDLE.as_secs_f64();
    vec![
        Finding::seconds("start to the first answer", answers),
        Finding::seconds("start to the first results", results),
        Finding::numbers("CPU of a start", "s", cpu),
        Finding::numbers(
            "CPU of a pod that makes all rounds, per minute",
            "s",
            [per_minute],
        ),
        Finding::numbers("resident memory", "MiB", [resident_mib(pod).unwrap()]),
    ]
}
