//! A pod loses its network and gets it back; another is stopped and replaced by a new one.

use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::fleet::assert_rounds;

use crate::SOON;
use crate::rolling::gap;
use crate::stage::{MODELS, Pod, Stage, figures};

async fn shows_all_healthy(pod: &Pod) -> bool {
    let health = pod.get("/health").await;
    health.is_ok_and(|health| health["healthy_count"] == MODELS.len())
}

#[tokio::test]
async fn a_pod_cut_off_and_joined_again_and_one_replaced_cost_no_round_and_no_probe() {
    let mut stage = Stage::set().await;
    let mut first = stage.start_pod("pod-1").await;
    let second = stage.start_pod("pod-2").await;
    let third = stage.start_pod("pod-3").await;
    stage.mock.wait_for_rounds(&MODELS, 2, SOON).await;

    stage.cut_off(&first).await;
    eventually("the pod that is cut off is on its own", SOON, async || {
        first.status_inside().await["status"]["mode"] == "isolated"
    })
    .await;
    let during = stage.mock.asked().count(MODELS[0]) + 3;
    stage.mock.wait_for_rounds(&MODELS, during, SOON).await;
    // It found out for itself that it reaches no model, and tells nobody else.
    let alone = first.status_inside().await;
    assert_eq!(alone["status"]["mode"], "isolated", "{alone}");
    for pod in [&second, &third] {
        assert!(
            shows_all_healthy(pod).await,
            "{} was told of trouble",
            pod.name
        );
    }

    stage.join(&mut first).await;
    eventually("it is one of the fleet again", SOON, async || {
        first.status_inside().await["status"]["mode"] != "isolated"
    })
    .await;
    eventually("it shows what the fleet found", SOON, async || {
        shows_all_healthy(&first).await
    })
    .await;
    let after = stage.mock.asked().count(MODELS[0]) + 2;
    stage.mock.wait_for_rounds(&MODELS, after, SOON).await;

    assert_eq!(second.stop().await, "0", "it did not drain");
    let fourth = stage.start_pod("pod-4").await;
    assert!(
        shows_all_healthy(&fourth).await,
        "a new pod shows the report as soon as it is ready"
    );
    let rounds = stage.mock.asked().count(MODELS[0]) + 2;
    let seen = stage.mock.wait_for_rounds(&MODELS, rounds, SOON).await;
    println!(
        "{}",
        figures("one pod cut off and joined again, one replaced", &seen)
    );
    println!("{}", seen.table());
    assert_rounds(&seen, &MODELS, rounds, gap());
}
