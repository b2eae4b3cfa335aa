//! The primary that holds the fleet's slot dies, and the slot moves.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::redis_cluster::RedisCluster;

use crate::scene::{REJOIN, Scene, allowed_extra};

/// In the slot of all that the fleet keeps.
const KEY: &str = "watchkeeper:{default}:events";
/// A node is taken for dead after a second; the replica's election takes one or two more, and as much again when the
/// first fails.
const FAILOVER: Duration = Duration::from_secs(12);

async fn start() -> (RedisCluster, Scene) {
    let servers = RedisCluster::start().await;
    let scene = Scene::start(|config| config.cluster(&servers.addresses())).await;
    (servers, scene)
}

async fn wait_for_failover(
    servers: &RedisCluster,
    scene: &Scene,
    old: usize,
    killed: Instant,
) -> Duration {
    servers.wait_for_new_primary(KEY, old).await;
    let outage = killed.elapsed();
    assert!(outage <= FAILOVER, "no new primary for {outage:?}");
    let back = scene.fleet.wait_for_store(true, REJOIN).await;
    let (back, alone) = (back.duration_since(killed), scene.isolated_since(killed));
    println!(
        "failover after {outage:.1?}, all pods back after {back:.1?}, {alone} were on their own"
    );
    outage
}

#[tokio::test]
async fn a_primary_killed_between_rounds_is_followed_and_comes_back_as_a_replica() {
    let (mut servers, scene) = start().await;
    let token = scene.highest_token().await;
    let killed = Instant::now();
    let outage = scene
        .watched(async {
            let old = servers.kill_primary_of(KEY).await;
            let outage = wait_for_failover(&servers, &scene, old, killed).await;
            scene.all_show_more_than(token).await;
            let (warnings, returned) = (scene.fleet.count_lines("WARN"), Instant::now());
            servers.start_again(old).await;
            servers.until_healthy().await;
            scene.one_more_round().await;
            assert_ne!(servers.primary_of(KEY).await, old);
            assert_eq!(
                (scene.isolated_since(returned), warnings),
                (0, scene.fleet.count_lines("WARN")),
                "{}",
                scene.evidence()
            );
            outage
        })
        .await;
    scene.assert_extra_probes(allowed_extra(outage));
    scene.assert_grants(3);
}

#[tokio::test]
async fn a_primary_killed_during_a_round_costs_at_most_one_probe_more() {
    let (mut servers, scene) = start().await;
    let token = scene.highest_token().await;
    scene.held_round().await;
    let killed = Instant::now();
    scene
        .watched(async {
            let old = servers.kill_primary_of(KEY).await;
            scene.let_go();
            wait_for_failover(&servers, &scene, old, killed).await;
            scene.all_show_more_than(token).await;
            scene.one_more_round().await;
        })
        .await;
    scene.assert_extra_probes(1);
    scene.assert_grants(3);
}

#[tokio::test]
async fn a_slot_that_moves_while_the_fleet_works_costs_no_probe_and_no_warning() {
    let (servers, scene) = start().await;
    let (began, home) = (Instant::now(), servers.primary_of(KEY).await);
    let other = (home + 1) % 3;
    scene
        .watched(async {
            // Between two rounds there is no lock, in the middle of one there is.
            servers.move_slot(KEY, other).await;
            let token = scene.highest_token().await;
            scene.held_round().await;
            servers.move_slot(KEY, home).await;
            scene.let_go();
            scene.all_show_more_than(token).await;
            scene.one_more_round().await;
            // Notices come from where the slot is now.
            scene.assert_notices().await;
        })
        .await;
    assert_eq!(scene.isolated_since(began), 0, "{}", scene.evidence());
    scene.assert_no_warnings();
    scene.assert_extra_probes(0);
    scene.assert_grants(4);
}
