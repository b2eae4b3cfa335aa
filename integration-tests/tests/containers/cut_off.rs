//! A pod loses its network and gets it back; another is stopped and replaced by a new one.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::mock_llm::{Asked, Behaviour, gaps};

use crate::rolling::gap;
use crate::stage::{MODELS, Pod, Stage, figures};
use crate::{LOCK_TTL, SOON};

async fn shows_all_healthy(pod: &Pod) -> bool {
    let health = pod.get("/health").await;
    health.is_ok_and(|health| health["healthy_count"] == MODELS.len())
}

#[tokio::test]
async fn a_pod_cut_off_and_joined_again_and_one_replaced_cost_no_round_and_at_most_its_own_probe() {
    let mut stage = Stage::set().await;
    let mut first = stage.start_pod("pod-1").await;
    let second = stage.start_pod("pod-2").await;
    let third = stage.start_pod("pod-3").await;
    stage.mock.wait_for_rounds(&MODELS, 2, SOON).await;

    let cut = Instant::now();
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
    let joined = eventually("it is one of the fleet again", SOON, async || {
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
    for model in MODELS {
        let asked: Vec<_> = seen.of(model).collect();
        // What it asks by itself does not get through, but for the moment between its network's return and its store's.
        let its_own = |asked: &Asked| {
            asked.pod() == Some(first.name.as_str()) && (cut..=joined).contains(&asked.started)
        };
        let own = asked.iter().filter(|asked| its_own(asked)).count();
        println!("of {model}'s requests {own} by the pod that was cut off");
        assert!(own <= 1, "{own} of its own got through");
        for pair in asked.windows(2) {
            let found = pair[1].started - pair[0].started;
            let beside_its_own = pair.iter().any(|asked| its_own(asked));
            assert!(
                found <= *gap().end() && (found >= *gap().start() || beside_its_own),
                "{model}: {found:?} between two requests:\n{}",
                seen.table()
            );
        }
    }
}

/// The pod that leads is cut off while its probes are under way: nobody can tell what became of them, and nothing more than
/// them is asked twice.
#[tokio::test]
async fn a_holder_cut_off_in_the_middle_of_its_round_costs_one_probe_more_and_no_round() {
    let mut stage = Stage::set().await;
    let mut pods = Vec::new();
    for name in ["pod-1", "pod-2", "pod-3"] {
        pods.push(stage.start_pod(name).await);
    }
    stage.mock.wait_for_rounds(&MODELS, 2, SOON).await;
    stage.mock.set_default(Behaviour::Hold);
    let seen = stage.mock.wait_for_rounds(&MODELS, 3, SOON).await;
    let holder = seen.all().last().unwrap().pod().unwrap().to_owned();
    let at = pods.iter().position(|pod| pod.name == holder).unwrap();
    stage.cut_off(&pods[at]).await;
    stage.mock.set_default(Behaviour::Ok);

    let seen = stage.mock.wait_for_rounds(&MODELS, 6, SOON).await;
    println!("{}", figures("the holder cut off in its round", &seen));
    for model in MODELS {
        let asked: Vec<_> = seen.of(model).collect();
        let (given_up, again) = (asked[2], asked[3]);
        assert_eq!(given_up.pod(), Some(holder.as_str()), "{}", seen.table());
        assert_ne!(again.pod(), Some(holder.as_str()), "{}", seen.table());
        // The lease's end, then the round of another.
        let waited = again.started - given_up.started;
        assert!(
            waited <= LOCK_TTL + Duration::from_secs(1),
            "{waited:?}\n{}",
            seen.table()
        );
        let later = gaps(&seen.starts(model)[3..]);
        assert!(
            later.iter().all(|found| gap().contains(found)),
            "{}",
            seen.table()
        );
    }
}
