//! Members of an etcd die one at a time, and forget their past under a running fleet.

use std::time::Instant;

use watchkeeper_integration_tests::etcd_cluster::EtcdCluster;

use crate::scene::{REJOIN, Scene};

async fn start() -> (EtcdCluster, Scene) {
    let servers = EtcdCluster::start().await;
    let scene = Scene::start(|config| config.etcd(&servers.endpoints())).await;
    (servers, scene)
}

#[tokio::test]
async fn a_follower_and_then_the_leader_may_die() {
    let (mut servers, scene) = start().await;
    let leader = servers.leader().await;
    scene
        .watched(async {
            let follower = (leader + 1) % 3;
            servers.kill(follower).await;
            scene.one_more_round().await;
            servers.start_again(follower).await;
        })
        .await;
    scene.assert_extra_probes(1);

    let token = scene.highest_token().await;
    let leader = servers.leader().await;
    let killed = Instant::now();
    scene
        .watched(async {
            servers.kill(leader).await;
            servers.new_leader(leader).await;
            let outage = killed.elapsed();
            let back = scene.fleet.wait_for_store(true, REJOIN).await;
            let (back, alone) = (back.duration_since(killed), scene.isolated_since(killed));
            println!(
                "leader after {outage:.1?}, all back after {back:.1?}, {alone} were on their own"
            );
            scene.all_show_more_than(token).await;
            servers.start_again(leader).await;
            scene.one_more_round().await;
        })
        .await;
    scene.assert_extra_probes(1);
    scene.assert_grants(4);
}

#[tokio::test]
async fn compaction_and_defragmentation_cost_no_probe_and_no_notice() {
    let (servers, scene) = start().await;
    let began = Instant::now();
    scene
        .watched(async {
            for held in [false, true] {
                let token = scene.highest_token().await;
                if held {
                    scene.held_round().await;
                }
                let revision = servers.members()[0].revision().await;
                servers.members()[0].compact(revision).await;
                for member in servers.members() {
                    member.defrag().await;
                }
                scene.let_go();
                scene.all_show_more_than(token).await;
            }
            scene.assert_notices().await;
        })
        .await;
    assert_eq!(scene.isolated_since(began), 0, "{}", scene.evidence());
    scene.assert_no_warnings();
    scene.assert_extra_probes(0);
    scene.assert_grants(4);
}
