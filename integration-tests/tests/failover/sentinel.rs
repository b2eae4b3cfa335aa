//! The master that sentinels watch over dies.

use std::time::{Duration, Instant};

use watchkeeper_integration_tests::redis_process::RedisProcess;
use watchkeeper_integration_tests::sentinel::{MASTER_NAME, Sentinels};

use crate::scene::{MODELS, REJOIN, SOON, Scene, allowed_extra};

/// A master is taken for dead after a second; electing who replaces it takes one or two more, and as much again when
/// the first election fails.
const FAILOVER: Duration = Duration::from_secs(12);

async fn start() -> (Sentinels, Scene) {
    let servers = Sentinels::start().await;
    let scene = Scene::start(|config| config.sentinel(MASTER_NAME, &servers.sentinels())).await;
    (servers, scene)
}

/// From the kill on: the fleet is whole again soon after the servers are. Returns how long they took.
async fn wait_for_failover(
    servers: &Sentinels,
    scene: &Scene,
    old: std::net::SocketAddr,
    killed: Instant,
) -> Duration {
    servers.wait_for_new_master(old).await;
    let outage = killed.elapsed();
    assert!(outage <= FAILOVER, "no new master for {outage:?}");
    let back = scene.fleet.wait_for_store(true, REJOIN).await;
    let (back, alone) = (back.duration_since(killed), scene.isolated_since(killed));
    println!(
        "failover after {outage:.1?}, all pods back after {back:.1?}, {alone} were on their own"
    );
    outage
}

/// The old master comes back empty and is told that it is a replica; the fleet goes on as if nothing was.
async fn the_old_master_comes_back(
    servers: &mut Sentinels,
    scene: &Scene,
    old: std::net::SocketAddr,
) {
    let warnings = scene.fleet.count_lines("WARN");
    let returned = Instant::now();
    servers.start_again(old).await;
    let server = servers.servers().iter().find(|one| one.address() == old);
    let server: &RedisProcess = server.unwrap();
    watchkeeper_integration_tests::eventually("it is a replica", SOON, async || {
        let role: Result<String, _> = server.try_run(&["INFO", "replication"]).await;
        role.is_ok_and(|role| role.contains("role:slave") && role.contains("link_status:up"))
    })
    .await;
    scene.one_more_round().await;
    assert_ne!(servers.master().await, old);
    assert_eq!(
        (scene.isolated_since(returned), warnings),
        (0, scene.fleet.count_lines("WARN")),
        "{}",
        scene.evidence()
    );
}

#[tokio::test]
async fn a_master_killed_between_rounds_is_followed_and_comes_back_as_a_replica() {
    let (mut servers, scene) = start().await;
    let token = scene.highest_token().await;
    let killed = Instant::now();
    let outage = scene
        .watched(async {
            let old = servers.kill_master().await;
            let outage = wait_for_failover(&servers, &scene, old, killed).await;
            scene.all_show_more_than(token).await;
            the_old_master_comes_back(&mut servers, &scene, old).await;
            outage
        })
        .await;
    scene.assert_extra_probes(allowed_extra(outage));
    scene.assert_grants(3);
}

#[tokio::test]
async fn a_master_killed_during_a_round_costs_at_most_one_probe_more() {
    let (mut servers, scene) = start().await;
    let token = scene.highest_token().await;
    scene.held_round().await;
    let killed = Instant::now();
    scene
        .watched(async {
            let old = servers.kill_master().await;
            scene.let_go();
            wait_for_failover(&servers, &scene, old, killed).await;
            scene.all_show_more_than(token).await;
            scene.one_more_round().await;
        })
        .await;
    scene.assert_extra_probes(1);
    scene.assert_grants(3);
    let rounds = scene.mock.asked().count(MODELS[0]);
    assert!(rounds >= 3, "{}", scene.evidence());
}
