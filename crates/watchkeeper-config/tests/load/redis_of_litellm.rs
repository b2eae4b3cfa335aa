//! Which Redis LiteLLM's own settings name: its file's and the variables', by its own order.

use watchkeeper_config::BackendKind;

use crate::{World, address, redis};

const ONE: &str = "model_list: [{model_name: g, litellm_params: {model: openai/g}}]\n";

fn cached(params: &str) -> World {
    World::litellm(&format!(
        "{ONE}litellm_settings: {{cache: true, cache_params: {{type: redis, {params}}}}}\n"
    ))
}

fn with_env(world: World, env: &[(&str, &str)]) -> World {
    env.iter()
        .fold(world, |world, (name, value)| world.env(name, value))
}

const CLUSTER: (&str, &str) = ("REDIS_CLUSTER_NODES", r#"[{"host": "ec", "port": 7001}]"#);
const SENTINELS: (&str, &str) = ("REDIS_SENTINEL_NODES", r#"[["es", 26379]]"#);
const SERVICE: (&str, &str) = ("REDIS_SERVICE_NAME", "em");
const URL: (&str, &str) = ("REDIS_URL", "redis://eu");
const HOST: (&str, &str) = ("REDIS_HOST", "eh");

/// What stands in the file, which variables are set, and the address that holds.
type Row = (
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
    &'static str,
);

#[test]
fn the_address_is_the_one_that_litellm_takes() {
    const C: &str = "redis_startup_nodes: [{host: c, port: 1}]";
    const S: &str = "sentinel_nodes: [[s, 1]], service_name: m";
    const U: &str = "url: 'redis://u'";
    const H: &str = "host: h";
    let rows: [Row; 22] = [
        // The file alone: cluster, url, sentinel, host.
        (&[C, U, S, H], &[], "cluster c:1"),
        (&[U, S, H], &[], "redis://u"),
        (&[S, H], &[], "sentinel m s:1"),
        (&[H], &[], "h:6379"),
        // The variables alone, in the same order.
        (
            &[],
            &[CLUSTER, URL, SENTINELS, SERVICE, HOST],
            "cluster ec:7001",
        ),
        (&[], &[URL, SENTINELS, SERVICE, HOST], "redis://eu"),
        (&[], &[SENTINELS, SERVICE, HOST], "sentinel em es:26379"),
        (&[], &[HOST], "eh:6379"),
        // REDIS_URL is nothing beside a host, a cluster or sentinels of the file.
        (&[H], &[URL], "h:6379"),
        (&[C], &[URL], "cluster c:1"),
        (&[S], &[URL], "sentinel m s:1"),
        (&[U], &[URL], "redis://u"),
        // REDIS_CLUSTER_NODES beats all of the file but its own nodes.
        (&[H], &[CLUSTER], "cluster ec:7001"),
        (&[U], &[CLUSTER], "cluster ec:7001"),
        (&[S], &[CLUSTER], "cluster ec:7001"),
        (&[C], &[CLUSTER], "cluster c:1"),
        // Sentinels of the variables beat a host of the file, not a url.
        (&[H], &[SENTINELS, SERVICE], "sentinel em es:26379"),
        (&[U], &[SENTINELS, SERVICE], "redis://u"),
        // Nodes and service fill each other in.
        (&["sentinel_nodes: [[s, 1]]"], &[SERVICE], "sentinel em s:1"),
        (&["service_name: m"], &[SENTINELS], "sentinel m es:26379"),
        (&[S], &[SENTINELS, SERVICE], "sentinel m s:1"),
        // An empty list is none, and so is an empty variable.
        (
            &["redis_startup_nodes: []", H],
            &[("REDIS_CLUSTER_NODES", "")],
            "h:6379",
        ),
    ];
    for (params, env, expected) in rows {
        let world = with_env(cached(&params.join(", ")), env);
        assert_eq!(address(&redis(&world)), expected, "{params:?} {env:?}");
    }
}

#[test]
fn the_variables_alone_need_no_file_of_litellms() {
    for (env, expected) in [
        (vec![CLUSTER], "cluster ec:7001"),
        (vec![SENTINELS, SERVICE], "sentinel em es:26379"),
        (vec![("REDIS_URL", "unix:///r?db=2")], "unix /r"),
    ] {
        let world = with_env(World::toml(crate::CHECK), &env);
        assert_eq!(address(&redis(&world)), expected);
        assert_eq!(world.origins()["backend.kind"], env[0].0);
    }
}

#[test]
fn a_block_of_its_own_goes_before_the_cache() {
    let block = |params: &str| {
        World::litellm(&format!(
            "{ONE}general_settings: {{coordination_redis: {params}}}\n\
             litellm_settings: {{cache: true, cache_params: {{type: redis, host: cache}}}}\n"
        ))
    };
    for (params, expected) in [
        (
            "{startup_nodes: [{host: c, port: '1'}], password: p}",
            "cluster c:1",
        ),
        (
            "{sentinel_nodes: [[s, 1]], service_name: m}",
            "sentinel m s:1",
        ),
        ("{url: 'rediss://u', host: h}", "rediss://u"),
        ("{host: h, port: 1}", "h:1"),
    ] {
        assert_eq!(address(&redis(&block(params))), expected);
    }
    block("{port: 1}").refused(&[
        "proxy_config.yaml",
        "`general_settings.coordination_redis`",
        "`startup_nodes`",
    ]);
}

#[test]
fn what_is_told_beside_an_address_is_filled_in_key_by_key() {
    let env = [
        ("REDIS_USERNAME", "eu"),
        ("REDIS_PASSWORD", "ep"),
        ("REDIS_SSL", "true"),
        ("REDIS_SSL_CA_CERTS", "ca.pem"),
        ("REDIS_SENTINEL_PASSWORD", "esp"),
    ];
    let world = with_env(
        cached("redis_startup_nodes: [{host: c, port: 1}], password: p"),
        &env,
    );
    let settings = redis(&world);
    assert_eq!(settings.username.as_deref(), Some("eu"));
    assert_eq!(settings.password.unwrap().expose(), "p");
    assert!(settings.ssl);
    assert_eq!(settings.tls.ca, Some(world.dir.path().join("ca.pem")));

    // LiteLLM has one user for data nodes and sentinels, and a password for each.
    let world = with_env(
        cached("sentinel_nodes: [[s, 1]], service_name: m, db: 3"),
        &env,
    );
    let settings = redis(&world);
    assert_eq!(address(&settings), "sentinel m s:1 eu:esp");
    assert_eq!(settings.db, 3);
    assert_eq!(settings.password.unwrap().expose(), "ep");
    assert_eq!(
        world.origins()["backend.redis.sentinel.password"],
        "REDIS_SENTINEL_PASSWORD"
    );

    // Beside a url only the user is of use, where the url has a password alone.
    for (url, user) in [
        ("redis://:p@u", Some("eu")),
        ("redis://a:p@u", None),
        ("redis://u", None),
    ] {
        let settings = redis(&with_env(
            cached(&format!("url: '{url}', password: x, db: 7, ssl: true")),
            &env,
        ));
        assert_eq!(settings.username.as_deref(), user, "{url}");
        assert_eq!((settings.password, settings.ssl), (None, false), "{url}");
    }
}

#[test]
fn what_litellm_would_not_start_with_is_refused_with_its_origin() {
    for (params, env, parts) in [
        (
            "host: h",
            vec![("REDIS_CLUSTER_NODES", "hunter22")],
            ["REDIS_CLUSTER_NODES", "must be a list of nodes"],
        ),
        (
            "host: h",
            vec![("REDIS_CLUSTER_NODES", "[]")],
            ["REDIS_CLUSTER_NODES", "must be a list of nodes"],
        ),
        (
            "host: h",
            vec![("REDIS_SENTINEL_NODES", r#"[["hunter22"]]"#), SERVICE],
            ["REDIS_SENTINEL_NODES", "entry 1"],
        ),
        (
            "host: h",
            vec![SENTINELS],
            ["REDIS_SENTINEL_NODES", "`REDIS_SERVICE_NAME`"],
        ),
        (
            "sentinel_nodes: [[s, 1]]",
            vec![],
            ["proxy_config.yaml", "`service_name`"],
        ),
        (
            "service_name: m, host: h",
            vec![],
            ["proxy_config.yaml", "`sentinel_nodes`"],
        ),
        (
            "redis_startup_nodes: [hunter22]",
            vec![],
            ["redis_startup_nodes", "entry 1"],
        ),
        (
            "redis_startup_nodes: [{host: c, port: 1}], db: 1",
            vec![],
            ["`backend.redis.db`", "only database 0"],
        ),
        (
            "redis_startup_nodes: [{host: c, port: 1}]",
            vec![("REDIS_DB", "1")],
            ["REDIS_DB", "only database 0"],
        ),
        (
            "host: h, aws_iam_auth: true",
            vec![],
            ["aws_iam_auth", "`[backend.redis]`"],
        ),
        (
            "host: h",
            vec![("REDIS_AWS_IAM_AUTH", "true")],
            ["REDIS_AWS_IAM_AUTH", "`[backend.redis]`"],
        ),
        (
            "host: h",
            vec![("REDIS_GCP_SERVICE_ACCOUNT", "x")],
            ["REDIS_GCP_SERVICE_ACCOUNT", "password"],
        ),
    ] {
        let error = with_env(cached(params), &env).refused(&parts);
        assert!(!error.contains("hunter22"), "{error}");
    }
}

#[test]
fn a_redis_that_cannot_be_used_is_no_reason_to_take_another() {
    for env in [vec![], vec![URL], vec![HOST]] {
        let world =
            cached("host: h, aws_iam_auth: true").env("WATCHKEEPER__BACKEND__KIND", "redis");
        with_env(world, &env).refused(&["proxy_config.yaml", "aws_iam_auth", "`[backend.redis]`"]);
    }
}

#[test]
fn our_own_address_goes_before_all_of_it() {
    let broken = "redis_startup_nodes: [nonsense], aws_iam_auth: true";
    let env = [
        ("REDIS_CLUSTER_NODES", "nonsense"),
        ("REDIS_AWS_IAM_AUTH", "true"),
        URL,
    ];
    let world = with_env(cached(broken), &env);
    let own = world.env("WATCHKEEPER__BACKEND__REDIS__HOST", "own");
    assert_eq!(address(&redis(&own)), "own:6379");
    let memory = cached(broken).env("WATCHKEEPER__BACKEND__KIND", "memory");
    assert_eq!(memory.config().backend.kind, BackendKind::Memory);
    let mut plan = cached(broken);
    plan.inputs.without_store = true;
    assert_eq!(plan.config().checks.len(), 1);
}
