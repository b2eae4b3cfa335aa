//! Two of three etcd members die, and come back after two intervals.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::etcd_cluster::EtcdCluster;
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::fleet::assert_apart;

use crate::scene::{INTERVAL, ISOLATED_AFTER, LEAST, MODELS, PODS, SOON, Scene};

/// Until the first ping fails: one is made each second and ends after half a second.
const FIRST_FAILURE: Duration = Duration::from_millis(1500);
/// For a machine that also builds.
const SLACK: Duration = Duration::from_secs(1);
const OUTAGE: Duration = Duration::from_secs(12);

#[tokio::test]
async fn without_a_quorum_each_pod_checks_for_itself_and_with_it_they_are_one_fleet_again() {
    let mut servers = EtcdCluster::start().await;
    let scene = Scene::start(|config| config.etcd(&servers.endpoints())).await;
    let token = scene.highest_token().await;

    let killed = Instant::now();
    scene
        .watched(async {
            servers.kill(0).await;
            servers.kill(1).await;
            let alone = eventually("every pod is on its own", SOON, async || {
                for pod in scene.fleet.pods() {
                    if pod.shared_status().await["mode"] != "isolated" {
                        return false;
                    }
                }
                true
            })
            .await
            .duration_since(killed);
            println!("on their own after {alone:.1?}");
            assert!(
                alone <= FIRST_FAILURE + ISOLATED_AFTER + SLACK,
                "on their own after {alone:?}:\n{}",
                scene.fleet.logs()
            );
            tokio::time::sleep(OUTAGE.saturating_sub(killed.elapsed())).await;
        })
        .await;
    let during = scene.mock.asked().since(killed);
    for pod in 1..=PODS {
        let own = during.only(|asked| asked.pod() == Some(&format!("pod-{pod}")));
        assert_apart(&own, &MODELS, LEAST);
        for model in MODELS {
            let count = own.count(model);
            assert!((1..=3).contains(&count), "{}", scene.evidence());
        }
    }

    servers.start_all_again().await;
    let back = scene.fleet.wait_for_store(true, SOON).await;
    let last = MODELS.map(|model| *scene.mock.asked().starts(model).last().unwrap());
    scene
        .watched(async {
            scene.all_show_more_than(token).await;
            scene.one_more_round().await;
            scene.one_more_round().await;
            scene.fleet.wait_for_same_report(SOON).await;
        })
        .await;
    let after = scene.mock.asked().since(back);
    assert_apart(&after, &MODELS, LEAST);
    for (model, last) in MODELS.iter().zip(last) {
        let first = after.starts(model)[0];
        let next = first.duration_since(last);
        let silent = first.duration_since(back);
        assert!(
            next >= LEAST && silent <= INTERVAL + SLACK,
            "{model} was asked {next:?} after its last, {silent:?} after etcd was back:\n{}",
            scene.evidence()
        );
    }
    for pod in scene.fleet.pods() {
        // One warning for the whole of it.
        assert_eq!(pod.lines_with("WARN").len(), 1, "{}", pod.log());
    }
    scene.assert_grants(3);
}
