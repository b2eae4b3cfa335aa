//! A cluster that is none yet, or is elsewhere.

use watchkeeper_integration_tests::process::free_address;
use watchkeeper_integration_tests::redis_process::RedisProcess;

use super::harness::{Trouble, case, side_by_side};

/// A node that knows no other and has no slot, not started.
fn node() -> RedisProcess {
    let bus = free_address().port().to_string();
    RedisProcess::not_started(&[
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        &bus,
        // A node that lacked a majority waits this long before it takes writes.
        "--cluster-node-timeout",
        "1000",
    ])
}

/// Gives it all slots: a cluster of one.
async fn form(node: &RedisProcess) {
    let _: String = node.run(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
}

fn lines(node: &RedisProcess) -> String {
    format!("cluster = [\"{}\"]", node.address())
}

async fn not_formed() {
    let mut node = node();
    node.start_again().await;
    let says = &[
        "knows no node for slot",
        "give all slots of the cluster to nodes",
    ];
    Trouble::redis(lines(&node), says)
        .mended_by(async || form(&node).await)
        .await;
}

/// All but some slots are served: the fleet's own may be there, and yet nothing is taken.
async fn a_part_missing() {
    let mut node = node();
    node.start_again().await;
    // The fleet's keys lie in one slot; it is left with the node, another is not.
    let slot: i64 = node
        .run(&["CLUSTER", "KEYSLOT", "watchkeeper:{default}:"])
        .await;
    form(&node).await;
    let other = ((slot + 1) % 16_384).to_string();
    let _: String = node.run(&["CLUSTER", "DELSLOTS", &other]).await;
    let says = &[
        "says that the cluster is down",
        "look whether all its slots have a primary",
    ];
    Trouble::redis(lines(&node), says)
        .mended_by(async || {
            let _: String = node.run(&["CLUSTER", "ADDSLOTS", &other]).await;
        })
        .await;
}

async fn no_node_of_a_cluster() {
    let mut single = RedisProcess::start().await;
    let mut node = node().listening_at(single.address());
    let says = &[
        "is no node of a cluster",
        "give its address as `url` or `host` in place of `backend.redis.cluster`",
    ];
    Trouble::redis(lines(&single), says)
        .mended_by(async || {
            single.kill().await;
            node.start_again().await;
            form(&node).await;
        })
        .await;
}

async fn nothing_listens() {
    let mut node = node();
    let says = &["nothing listens at", "is redis running there"];
    Trouble::redis(lines(&node), says)
        .mended_by(async || {
            node.start_again().await;
            form(&node).await;
        })
        .await;
}

#[tokio::test]
async fn a_cluster_that_is_none_is_told_once_and_used_when_it_is_one() {
    side_by_side([
        case("not formed", not_formed()),
        case("a part missing", a_part_missing()),
        case("no node of a cluster", no_node_of_a_cluster()),
        case("nothing listens", nothing_listens()),
    ])
    .await;
}
