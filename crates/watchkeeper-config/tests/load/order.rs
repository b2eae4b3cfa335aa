//! Who wins.

use watchkeeper_config::{BackendKind, LogLevel};

use crate::{CHECK, World, millis};

const YAML: &str = "model_list: [{model_name: g, litellm_params: {model: openai/g}}]\n\
                    general_settings: {health_check_interval: 30}\n";

#[test]
fn each_source_goes_before_the_one_below_it() {
    let key = "coordination.interval";
    let world = World::toml(CHECK);
    assert_eq!(world.config().coordination.interval, millis(300_000));
    assert_eq!(world.origins()[key], "default");

    let world = world.env("DEFAULT_HEALTH_CHECK_INTERVAL", "20");
    assert_eq!(world.config().coordination.interval, millis(20_000));
    assert_eq!(world.origins()[key], "DEFAULT_HEALTH_CHECK_INTERVAL");

    let mut world = world.file("proxy_config.yaml", YAML);
    world.inputs.litellm_config = Some("proxy_config.yaml".into());
    assert_eq!(world.config().coordination.interval, millis(30_000));
    assert_eq!(
        world.origins()[key],
        "proxy_config.yaml, line 2: `general_settings.health_check_interval`"
    );

    let text = format!("[coordination]\ninterval = 40\n{CHECK}");
    let world = world.file("watchkeeper.toml", &text);
    assert_eq!(world.config().coordination.interval, millis(40_000));
    assert_eq!(world.origins()[key], "watchkeeper.toml, line 2");

    let world = world.env("WATCHKEEPER__COORDINATION__INTERVAL", "50s");
    assert_eq!(world.config().coordination.interval, millis(50_000));
    assert_eq!(world.origins()[key], "WATCHKEEPER__COORDINATION__INTERVAL");

    let world = world.flag(key, "1m", "--interval");
    assert_eq!(world.config().coordination.interval, millis(60_000));
    assert_eq!(world.origins()[key], "--interval");
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let config = World::toml(CHECK).config();
    assert_eq!(config.fleet.name.as_str(), "default");
    assert_eq!((config.fleet.secret, config.fleet.pod_id), (None, None));
    let coordination = config.coordination;
    assert!(coordination.enabled && coordination.background);
    assert_eq!(coordination.lock_ttl, millis(60_000));
    assert_eq!(coordination.cache_ttl, millis(300_000));
    assert!((coordination.jitter - 0.05).abs() < 1e-9);
    assert_eq!(config.backend.kind, BackendKind::Memory);
    assert_eq!(config.backend.timeout, millis(500));
    assert_eq!(config.probe.concurrency, 16);
    assert!(!config.probe.concurrency_is_explicit);
    assert_eq!(config.probe.timeout, millis(60_000));
    assert_eq!(
        (config.probe.healthy_after, config.probe.unhealthy_after),
        (1, 1)
    );
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:4100");
    assert_eq!(config.http.drain, millis(10_000));
    assert!(!config.http.allow_anonymous && !config.http.metrics_auth);
    assert_eq!(config.log.level, LogLevel::Info);
    assert!(config.litellm.details && config.litellm.wire.is_none());
    assert!(World::toml(CHECK).warnings().is_empty());
}

#[test]
fn every_variable_of_the_seed_works() {
    let config = World::toml(CHECK)
        .env("USE_SHARED_HEALTH_CHECK", "False")
        .env("DEFAULT_SHARED_HEALTH_CHECK_TTL", "120")
        .env("DEFAULT_SHARED_HEALTH_CHECK_LOCK_TTL", "45")
        .env("DEFAULT_HEALTH_CHECK_INTERVAL", "90")
        .env("HEALTH_CHECK_TIMEOUT_SECONDS", "12.5")
        .config();
    assert!(!config.coordination.enabled);
    assert_eq!(config.coordination.cache_ttl, millis(120_000));
    assert_eq!(config.coordination.lock_ttl, millis(45_000));
    assert_eq!(config.coordination.interval, millis(90_000));
    assert_eq!(config.probe.timeout, millis(12_500));
    assert_eq!(config.checks[0].timeout, millis(12_500));
}

#[test]
fn an_empty_variable_of_the_seed_counts_as_unset() {
    let world = World::toml(CHECK)
        .env("USE_SHARED_HEALTH_CHECK", "")
        .env("DEFAULT_SHARED_HEALTH_CHECK_LOCK_TTL", " ");
    assert_eq!(world.config(), World::toml(CHECK).config());
}

#[test]
fn a_long_interval_makes_results_last_as_long() {
    let text = format!("[coordination]\ninterval = \"1h\"\n{CHECK}");
    assert_eq!(
        World::toml(&text).config().coordination.cache_ttl,
        millis(3_600_000)
    );
}

#[test]
fn a_variable_may_hold_a_list_as_toml_or_with_commas() {
    for text in ["[\"a-key\", \"env:OTHER\"]", "a-key, env:OTHER"] {
        let keys = World::toml(CHECK)
            .env("WATCHKEEPER__HTTP__API_KEYS", text)
            .env("OTHER", "b-key")
            .config()
            .http
            .api_keys;
        let keys: Vec<_> = keys.iter().map(|key| key.expose()).collect();
        assert_eq!(keys, ["a-key", "b-key"]);
    }
}

#[test]
fn checks_may_come_from_a_variable_alone() {
    let world = World::new().env("WATCHKEEPER__CHECKS", "[{ name = \"t\", tcp = \"h:1\" }]");
    assert_eq!(world.config().checks[0].name, "t");
}

#[test]
fn the_variables_that_kubernetes_sets_for_a_service_of_this_name_are_left_alone() {
    let world = World::toml(CHECK)
        .env("WATCHKEEPER_PORT", "tcp://10.0.0.1:4100")
        .env("WATCHKEEPER_SERVICE_HOST", "10.0.0.1");
    assert_eq!(world.config(), World::toml(CHECK).config());
}

#[test]
fn secrets_of_digits_keep_every_digit() {
    let world = World::toml(CHECK)
        .env("WATCHKEEPER__FLEET__SECRET", "007")
        .env("WATCHKEEPER__BACKEND__REDIS__HOST", "h")
        .env("REDIS_PASSWORD", "0123");
    let config = world.config();
    assert_eq!(config.fleet.secret.unwrap().expose(), "007");
    let BackendKind::Redis(redis) = config.backend.kind else {
        panic!("a host selects redis");
    };
    assert_eq!(redis.password.unwrap().expose(), "0123");
    let text = format!("[fleet]\nsecret = 1234\n{CHECK}");
    assert_eq!(
        World::toml(&text).config().fleet.secret.unwrap().expose(),
        "1234"
    );
}

#[test]
fn references_are_followed_in_the_environment_and_in_files() {
    let text = "[fleet]\nsecret = \"env:A\"\nname = \"os.environ/B\"\n[http]\napi_keys = [\"file:keys/one\"]\n";
    let mut world = World::new()
        .file("etc/w.toml", &format!("{text}{CHECK}"))
        .file("etc/keys/one", "sk-from-file\r\n")
        .env("A", "aa")
        .env("B", "fleet-b");
    world.inputs.config = Some("etc/w.toml".into());
    let config = world.config();
    assert_eq!(config.fleet.secret.unwrap().expose(), "aa");
    assert_eq!(config.fleet.name.as_str(), "fleet-b");
    assert_eq!(config.http.api_keys[0].expose(), "sk-from-file");
}

#[test]
fn the_file_may_be_named_by_a_variable_and_lies_beside_otherwise() {
    let named = World::new()
        .file("other.toml", CHECK)
        .env("WATCHKEEPER_CONFIG", "other.toml");
    assert_eq!(named.origins()["checks[m]"], "other.toml, line 1");
    assert_eq!(
        World::toml(CHECK).origins()["checks[m]"],
        "watchkeeper.toml, line 1"
    );
}

#[test]
fn a_litellm_file_is_found_beside_the_toml_file_that_names_it() {
    let mut world = World::new()
        .file("etc/w.toml", "[litellm]\nconfig = \"p.yaml\"\n")
        .file("etc/p.yaml", YAML)
        .env("WATCHKEEPER__LOG__LEVEL", "debug");
    world.inputs.config = Some("etc/w.toml".into());
    let config = world.config();
    assert_eq!(config.checks[0].name, "g");
    let (toml, yaml) = (
        world.dir.path().join("etc/w.toml"),
        world.dir.path().join("etc/p.yaml"),
    );
    assert_eq!(config.litellm.files, std::slice::from_ref(&yaml));
    assert_eq!(world.load().unwrap().files, [toml, yaml]);
    assert_eq!(config.log.level, LogLevel::Debug);
}

#[test]
fn the_pods_name_is_made_fit() {
    let hint = |world: World| world.config().fleet.pod_name_hint;
    assert_eq!(hint(World::toml(CHECK)), None);
    let world = World::toml(CHECK).env("HOSTNAME", "my host/é");
    assert_eq!(hint(world).as_deref(), Some("my-host--"));
    let world = World::toml(CHECK)
        .env("HOSTNAME", "h")
        .env("POD_NAME", "pod-0");
    assert_eq!(hint(world).as_deref(), Some("pod-0"));
}
