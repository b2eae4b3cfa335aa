//! What somebody else may have written where the results are.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;
use watchkeeper_integration_tests::daemon::Program;
use watchkeeper_integration_tests::litellm::{RESULTS_KEY, encode};

use crate::finding::Finding;
use crate::stand::{INTERVAL, LOCK, MODELS, Stand};
use crate::watch::{set_mark, shown};

/// The field of our report's hash that holds what is read.
const FIELD: &str = "body";
/// Two rounds of both programs come within this.
const WATCHED: Duration = Duration::from_secs(70);
const HOUR: f64 = 3600.0;

pub(crate) async fn run(program: Program) -> Vec<Finding> {
    let mut findings = Vec::new();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs_f64();
    let ahead =
        json!({"healthy_endpoints": [], "unhealthy_endpoints": [], "timestamp": now + HOUR});
    let null =
        json!({"healthy_endpoints": null, "unhealthy_endpoints": null, "timestamp": now + HOUR});
    // The worst comes last: pods may not be there afterwards.
    for (time, (what, value)) in [
        ("no JSON", "{oops".to_owned()),
        ("a time an hour ahead, and no models", encode(&ahead)),
        ("`null` in place of the lists", encode(&null)),
    ]
    .iter()
    .enumerate()
    {
        // Pods of its own: what the one before has done does not count.
        let mut stand = Stand::empty(program, LOCK).await;
        for _ in 0..2 {
            stand.spawn(&MODELS).await;
        }
        stand.wait_until_all_show(MODELS.len()).await;
        // Between two rounds: what is put during one is gone with its end.
        let (before, after) = (2 * time, 2 * time + 1);
        set_mark(&stand, before);
        shown(&stand.pods, before, WATCHED).await;
        stand.put(value).await;
        let poisoned = Instant::now();
        set_mark(&stand, after);
        let follow = shown(&stand.pods, after, WATCHED).await;
        let probes = stand.mock.asked().since(poisoned).count(MODELS[0]);
        let first = stand.mock.asked().since(poisoned).starts(MODELS[0]);
        let first = first.first().map(|at| at.duration_since(poisoned));
        findings.extend([
            Finding::seconds(format!("{what}: to the next probe"), first),
            Finding::numbers(
                format!(
                    "{what}: probes of a model until all follow, at most {} s",
                    WATCHED.as_secs()
                ),
                "",
                [probes as f64],
            ),
            Finding::numbers(
                format!("{what}: pods, of 2, that then follow what a model answers"),
                "",
                [follow.iter().flatten().count() as f64],
            ),
        ]);
    }
    findings
}

impl Stand {
    /// Puts a value where this program's pods keep their results, for [`INTERVAL`] and then some; ours also meet it in
    /// LiteLLM's place.
    async fn put(&self, value: &str) {
        let seconds = (3 * INTERVAL).as_secs().to_string();
        let () = self
            .redis
            .run(&["SET", RESULTS_KEY, value, "EX", &seconds])
            .await;
        if self.program == Program::Watchkeeper {
            for key in self.report_keys().await {
                let () = self.redis.run(&["HSET", &key, FIELD, value]).await;
            }
        }
    }
}
