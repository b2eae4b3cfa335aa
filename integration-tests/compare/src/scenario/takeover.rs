//! The pod that checks is killed in the middle.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::daemon::Program;
use watchkeeper_integration_tests::mock_llm::Behaviour;

use crate::finding::Finding;
use crate::stand::{INTERVAL, LAST, Stand};
use crate::watch::{set_mark, shown, since, written};

const RUNS: usize = 2;
/// Into a round: what a model needs that is not the slowest.
const INTO: Duration = Duration::from_secs(3);
/// Longer than LiteLLM needs with a lock of a minute.
const LIMIT: Duration = Duration::from_secs(130);

pub(crate) async fn run(program: Program, lock: Duration) -> Vec<Finding> {
    let mut stand = Stand::of_pods(program, lock).await;
    let mut probed = Vec::new();
    let mut results = Vec::new();
    let mut published = Vec::new();
    let mut probes = Vec::new();
    for run in 0..RUNS {
        stand.mock.set(LAST, Behaviour::Hold);
        let round = stand.next_round().await;
        tokio::time::sleep_until((round + INTO).into()).await;
        let seen = stand.mock.asked().since(round);
        let holder = seen
            .of(LAST)
            .last()
            .and_then(|asked| asked.pod())
            .unwrap()
            .to_owned();
        let mut victim = stand.take(&holder);
        victim.kill();
        victim.wait_for_end(INTO).await;
        let killed = Instant::now();
        // What is held is answered to nobody: its connection went with the pod.
        set_mark(&stand, run);
        let (shown, written) = tokio::join!(shown(&stand.pods, run, LIMIT), written(&stand, LIMIT));
        let new = stand.mock.asked().since(killed);
        probed.extend(new.starts(LAST).first().map(|at| *at - killed));
        results.extend(since(killed, &shown));
        published.extend(written.map(|at| at - killed));
        probes.push(new.count(LAST) as f64);
        // The fleet comes to rest before it is hit again.
        tokio::time::sleep(INTERVAL).await;
    }
    vec![
        Finding::seconds("kill to the first new probe", probed),
        Finding::seconds("kill to new results of each survivor", results),
        Finding::seconds("kill to the next publication", published),
        Finding::numbers(
            "probes of a model until all survivors had results and they were published",
            "",
            probes,
        ),
    ]
}
