//! Two pods with other models on one Redis.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::daemon::Program;

use crate::finding::Finding;
use crate::stand::{LOCK, Stand, health, models};

const OF_A: [&str; 3] = ["m1", "m2", "m3"];
const OF_B: [&str; 3] = ["m3", "m4", "m5"];
const TIME: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_secs(2);

pub(crate) async fn run(program: Program) -> Vec<Finding> {
    let mut stand = Stand::empty(program, LOCK).await;
    stand.spawn(&OF_A).await;
    stand.wait_until_all_show(OF_A.len()).await;
    stand.spawn(&OF_B).await;
    stand.wait_until_all_show(OF_B.len()).await;
    let began = Instant::now();
    let (mut looks, mut wrong) = (0_u32, [0_u32; 2]);
    while began.elapsed() < TIME {
        looks += 1;
        for (at, own) in [OF_A, OF_B].iter().enumerate() {
            let shown = health(&stand.pods[at]).await.map(|body| models(&body));
            let own: Vec<String> = own.iter().map(|model| format!("openai/{model}")).collect();
            wrong[at] += u32::from(shown != Some(own));
        }
        tokio::time::sleep(LOOK).await;
    }
    let seen = stand.mock.asked().since(began);
    let of_one = stand.pods[1].get("/health?model=m4-group").await;
    let share = |count: u32| [100.0 * f64::from(count) / f64::from(looks)];
    vec![
        Finding::numbers(
            "time in which A shows other models than its own",
            "%",
            share(wrong[0]),
        ),
        Finding::numbers(
            "time in which B shows other models than its own",
            "%",
            share(wrong[1]),
        ),
        Finding::numbers("probes of A's first model", "", [seen.count("m1") as f64]),
        Finding::numbers("probes of the model of both", "", [seen.count("m3") as f64]),
        Finding::numbers("probes of B's last model", "", [seen.count("m5") as f64]),
        Finding::text(
            "B's `/health?model=` for its healthy second model",
            of_one.status.as_str(),
        ),
    ]
}
