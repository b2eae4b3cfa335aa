//! What wire mode has to know of LiteLLM's own pods.

use crate::{World, millis};

const SHARED: &str = "model_list: [{model_name: g, litellm_params: {model: openai/g}}]\ngeneral_settings: {use_shared_health_check: true}\n";
const CACHED: &str =
    "litellm_settings: {cache: true, cache_params: {type: redis, host: h, namespace: n}}\n";

/// With a TOML file beside LiteLLM's.
fn with_toml(toml: &str) -> World {
    World::litellm(&format!("{SHARED}{CACHED}")).file("watchkeeper.toml", toml)
}

fn times(world: &World) -> (u64, u64) {
    let litellm = world.config().litellm;
    (
        litellm.readers_ttl.as_secs(),
        litellm.readers_wait.as_secs(),
    )
}

#[test]
fn their_times_are_those_of_their_variables_and_never_longer_for_what_only_we_are_told() {
    assert_eq!(times(&with_toml("")), (300, 60));
    // A TOML file is not theirs.
    let ours = "[coordination]\ncache_ttl = \"10m\"\nlock_ttl = \"15s\"\n";
    assert_eq!(times(&with_toml(ours)), (300, 60));
    assert_eq!(
        times(&with_toml(
            "[coordination]\ncache_ttl = \"20s\"\ninterval = 20\n"
        )),
        (20, 60)
    );
    let theirs = with_toml(ours)
        .env("DEFAULT_SHARED_HEALTH_CHECK_TTL", "900")
        .env("DEFAULT_SHARED_HEALTH_CHECK_LOCK_TTL", "90");
    assert_eq!(times(&theirs), (900, 90));
}

#[test]
fn it_is_expected_where_litellm_shares_over_the_redis_that_is_our_store() {
    let expected = |world: World| world.config().litellm.shares;
    assert!(expected(World::litellm(&format!("{SHARED}{CACHED}"))));
    // LiteLLM shares over `REDIS_*` where it has no cache of its own there.
    assert!(expected(World::litellm(SHARED).env("REDIS_HOST", "h")));
    assert!(!expected(World::litellm(SHARED)));
    assert!(!expected(World::litellm(&format!(
        "model_list: [{{model_name: g, litellm_params: {{model: openai/g}}}}]\n{CACHED}"
    ))));
    assert!(!expected(with_toml("[backend.redis]\nhost = \"other\"\n")));
    assert!(!expected(with_toml("[backend]\nkind = \"memory\"\n")));
    // Whether the two keys may lie there is not decided here.
    let cluster = CACHED.replace("host: h", "redis_startup_nodes: [{host: c, port: 1}]");
    assert!(expected(World::litellm(&format!("{SHARED}{cluster}"))));
    let etcd = "[backend.etcd]\nendpoints = [\"http://e:1\"]\n";
    assert!(expected(with_toml(etcd)));
    assert!(!expected(
        World::litellm(SHARED).file("watchkeeper.toml", etcd)
    ));
}

#[test]
fn only_the_files_own_deployments_are_theirs() {
    let world = with_toml("[[checks]]\nname = \"own\"\nhttp = \"http://h/\"\ntimeout = 1\n");
    let config = world.config();
    assert_eq!((config.checks.len(), config.litellm.deployments), (2, 1));
    assert_eq!(config.checks[1].timeout, millis(1_000));
}
