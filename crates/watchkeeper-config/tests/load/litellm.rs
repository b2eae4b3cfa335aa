//! LiteLLM files.

use watchkeeper_config::{BackendKind, LogLevel};
use watchkeeper_core::check::{Check, Target};

use crate::{World, millis};

fn model(check: &Check) -> &watchkeeper_core::check::ModelTarget {
    match &check.target {
        Target::Model(model) => model,
        other => panic!("{other:?}"),
    }
}

const ONE: &str = "model_list: [{model_name: g, litellm_params: {model: openai/g}}]\n";

#[test]
fn a_deployment_becomes_a_check() {
    let config = World::litellm(
        "model_list:\n\
         - model_name: gpt\n  litellm_params:\n    model: azure/dep\n    api_base: https://u:p@h/?code=c\n    api_key: os.environ/K\n\
         \x20   api_version: '2024-06-01'\n    rpm: 60\n    temperature: 0.5\n    extra_headers: {X: secret}\n    mode: chat\n\
         \x20 model_info:\n    mode: chat\n    health_check_timeout: 7\n    health_check_model: azure/probe\n    health_check_max_tokens: 4\n\
         \x20   health_check_params: {seed: 1}\n    disable_background_health_check: true\n",
    )
    .env("K", "sk-azure")
    .config();
    let check = &config.checks[0];
    assert_eq!(check.name, "gpt");
    assert_eq!(check.id.as_str().len(), 64);
    assert_eq!(check.timeout, millis(7_000));
    assert!(!check.background);
    let target = model(check);
    assert_eq!(target.model, "azure/dep");
    assert_eq!(target.provider.as_deref(), Some("azure"));
    assert_eq!(target.mode.as_deref(), Some("chat"));
    assert_eq!(target.api_key.as_ref().unwrap().expose(), "sk-azure");
    assert_eq!(
        target.api_base.as_ref().unwrap().expose(),
        "https://u:p@h/?code=c"
    );
    let params: Vec<_> = target.params.keys().map(String::as_str).collect();
    assert_eq!(
        params,
        [
            "api_version",
            "rpm",
            "temperature",
            "extra_headers",
            "mode",
            "seed"
        ]
    );
    assert_eq!(target.health.model.as_deref(), Some("azure/probe"));
    assert_eq!(target.health.max_tokens, Some(4));
    assert_eq!(
        serde_json::to_string(&check.shown).unwrap(),
        r#"{"api_base":"https://h/","api_version":"2024-06-01","rpm":60,"model":"azure/probe","mode":"chat"}"#
    );
}

#[test]
fn ids_are_litellms_own() {
    let world = World::litellm(
        "model_list:\n\
         - {model_name: m1, litellm_params: {model: openai/mock-1, api_base: 'http://127.0.0.1:18080/v1', api_key: sk-upstream}}\n\
         - {model_name: gpt-4o, litellm_params: {model: azure/gpt-4o-eu, api_base: 'http://127.0.0.1:18080', \
         api_key: os.environ/PEER_TEST_KEY, api_version: \"2024-06-01\", rpm: 600, timeout: 30.5, drop_params: true}}\n\
         - {model_name: x, litellm_params: {model: openai/x}, model_info: {id: 12}}\n",
    )
    .env("PEER_TEST_KEY", "sk-from-env");
    let checks = world.config().checks;
    let ids: Vec<_> = checks.iter().map(|check| check.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "25f652e5cd56b04218a54f66f9c6f4aace4a6b2c00fe9987a631a0ea99f0dcb7",
            "aa26491c86fe5b12810b31cdf68c1faae75265cf7e82d52f9d2b6cc206b7c490",
            "12"
        ]
    );
}

#[test]
fn what_cannot_be_asked_stays_with_its_reason() {
    let world = World::litellm(
        "model_list:\n- model_name: a\n  litellm_params: {model: os.environ/UNSET}\n- {model_name: b}\n\
         - {model_name: c, litellm_params: {}}\n- {model_name: d, litellm_params: {model: 7}}\n- just text\n\
         - {model_name: e, litellm_params: {model: ''}}\n- {litellm_params: {model: openai/f}}\n",
    );
    let checks = world.config().checks;
    let names: Vec<_> = checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(
        names,
        ["a", "b", "c", "d", "model_list[4]", "e", "openai/f"]
    );
    for (check, part) in checks.iter().zip([
        "null",
        "litellm_params",
        "missing",
        "a number",
        "a string",
        "not a string",
        "`model_name` is missing",
    ]) {
        match &check.target {
            Target::Invalid { reason, .. } => {
                assert!(
                    reason.contains("line ") && reason.contains(part),
                    "{}: {reason}",
                    check.name
                );
            }
            other => panic!("{}: {other:?}", check.name),
        }
    }
    assert!(
        world.warnings()[0].contains("`UNSET`"),
        "{:?}",
        world.warnings()
    );
}

#[test]
fn of_two_equal_ids_the_first_counts_with_a_warning() {
    let world = World::litellm(
        "model_list:\n- {model_name: a, litellm_params: {model: openai/a}}\n- {model_name: a, litellm_params: {model: openai/a}}\n\
         - {model_name: b, litellm_params: {model: openai/b}, model_info: {id: i}}\n\
         - {model_name: c, litellm_params: {model: openai/c}, model_info: {id: i}}\n",
    );
    let checks = world.config().checks;
    let names: Vec<_> = checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    let warnings = world.warnings();
    assert!(
        warnings[0].contains("line 3") && warnings[0].contains("line 2"),
        "{warnings:?}"
    );
    assert_eq!(warnings.len(), 2);
}

#[test]
fn native_checks_stand_behind_and_may_not_take_an_id() {
    let toml = "[litellm]\nconfig = \"p.yaml\"\n[[checks]]\nname = \"n\"\ntcp = \"h:1\"\n";
    let yaml =
        "model_list: [{model_name: g, litellm_params: {model: openai/g}, model_info: {id: ID}}]\n";
    let world = World::toml(toml).file("p.yaml", yaml);
    let names: Vec<_> = world
        .config()
        .checks
        .into_iter()
        .map(|check| check.name)
        .collect();
    assert_eq!(names, ["g", "n"]);
    assert_eq!(world.origins()["checks[g, ID]"], "p.yaml");
    assert_eq!(world.origins()["checks[n]"], "watchkeeper.toml, line 3");
    World::toml(toml)
        .file("p.yaml", &yaml.replace("ID", "n"))
        .refused(&["`checks[0].name`", "`n`"]);
}

#[test]
fn a_file_that_does_not_say_is_coordinated_in_the_background() {
    let config = World::litellm(ONE).config();
    assert!(config.coordination.enabled && config.coordination.background);
    let off = World::litellm(&format!(
        "{ONE}general_settings: {{use_shared_health_check: false, background_health_checks: no}}\n"
    ));
    let coordination = off.config().coordination;
    assert!(!coordination.enabled && !coordination.background);
}

#[test]
fn settings_master_key_and_verbosity_are_taken_over() {
    let world = World::litellm(&format!(
        "{ONE}general_settings: {{master_key: os.environ/MK, health_check_details: false, health_check_concurrency: 3, \
         store_model_in_db: true}}\nlitellm_settings: {{set_verbose: true}}\n"
    ))
    .env("MK", "sk-master")
    .env("LITELLM_MASTER_KEY", "sk-other");
    let config = world.config();
    let keys: Vec<_> = config
        .http
        .api_keys
        .iter()
        .map(|key| key.expose())
        .collect();
    assert_eq!(keys, ["sk-master", "sk-other"]);
    assert_eq!(config.log.level, LogLevel::Debug);
    assert!(!config.litellm.details && config.litellm.store_model_in_db);
    assert_eq!(config.probe.concurrency, 3);
    assert!(config.probe.concurrency_is_explicit);
    assert_eq!(
        config.litellm.config,
        Some(world.dir.path().join("proxy_config.yaml"))
    );
}

#[test]
fn a_redis_cache_selects_redis_and_the_variables_fill_in() {
    let world = World::litellm(&format!(
        "{ONE}general_settings: {{use_shared_health_check: true}}\nlitellm_settings:\n  cache: true\n  cache_params: \
         {{type: redis, host: os.environ/RH, port: os.environ/RP, namespace: ns, username: 'env:literal'}}\n"
    ))
    .env("RH", "redis.example")
    .env("RP", "6390")
    .env("REDIS_PASSWORD", "env:not-a-reference")
    .env("REDIS_SSL", "true");
    let config = world.config();
    assert!(config.litellm.shares);
    let BackendKind::Redis(redis) = config.backend.kind else {
        panic!("redis");
    };
    assert_eq!(crate::address(&redis), "redis.example:6390");
    assert!(redis.ssl);
    assert_eq!(redis.password.unwrap().expose(), "env:not-a-reference");
    assert_eq!(redis.namespace.as_deref(), Some("ns"));
    assert_eq!(redis.username.as_deref(), Some("env:literal"));
    let origins = world.origins();
    assert_eq!(
        origins["backend.redis.host"],
        "proxy_config.yaml: `litellm_settings.cache_params.host`"
    );
    assert!(world.warnings().is_empty(), "{:?}", world.warnings());
    // A Redis of our own is not the one that LiteLLM's pods use.
    let own = world
        .env("WATCHKEEPER__BACKEND__REDIS__URL", "redis://own")
        .config();
    assert!(!own.litellm.shares);
}

#[test]
fn a_file_that_is_odd_in_thousands_of_places_does_not_flood_the_log() {
    let entry = "- {model_name: a, litellm_params: {model: openai/a}}\n".repeat(300);
    let warnings = World::litellm(&format!("model_list:\n{entry}")).warnings();
    assert_eq!(warnings.len(), 101);
    assert!(warnings[100].contains("199 more"), "{}", warnings[100]);
}

#[test]
fn a_redis_cache_that_is_nowhere_leaves_memory_with_a_warning() {
    let world = World::litellm(&format!(
        "{ONE}litellm_settings: {{cache: true, cache_params: {{type: redis, host: os.environ/UNSET}}}}\n"
    ));
    assert_eq!(world.config().backend.kind, BackendKind::Memory);
    let warnings = world.warnings();
    assert!(
        warnings.iter().any(|w| w.contains("REDIS_HOST")),
        "{warnings:?}"
    );
}

#[test]
fn exported_variables_serve_fallbacks_but_no_reference_of_the_same_file() {
    let world = World::litellm(
        "environment_variables: {REDIS_HOST: exported, OPENAI_API_KEY: sk-exported, LITELLM_MASTER_KEY: sk-mk}\n\
         model_list: [{model_name: g, litellm_params: {model: openai/g, api_key: os.environ/OPENAI_API_KEY}}]\n\
         litellm_settings: {cache: true}\n",
    );
    let config = world.config();
    assert_eq!(model(&config.checks[0]).api_key, None);
    assert_eq!(
        config.litellm.environment["OPENAI_API_KEY"].expose(),
        "sk-exported"
    );
    assert_eq!(config.http.api_keys[0].expose(), "sk-mk");
    assert!(
        matches!(config.backend.kind, BackendKind::Redis(redis) if crate::address(&redis) == "exported:6379")
    );
}

#[test]
fn groups_limit_what_is_asked_in_the_background() {
    let yaml = "model_list: [{model_name: a, litellm_params: {model: openai/a}}, {model_name: b, litellm_params: {model: openai/b}}]\n\
                general_settings: {background_health_check_model_groups: GROUPS}\n";
    let config = World::litellm(&yaml.replace("GROUPS", "[b]")).config();
    let background: Vec<_> = config.checks.iter().map(|check| check.background).collect();
    assert_eq!(background, [false, true]);
    World::litellm(&yaml.replace("GROUPS", "b")).refused(&[
        "background_health_check_model_groups",
        "line 2",
        "list",
    ]);
}

#[test]
fn deployments_of_another_environment_are_left_out() {
    let yaml = "model_list: [{model_name: a, litellm_params: {model: openai/a}, model_info: {supported_environments: [production]}}, \
                {model_name: b, litellm_params: {model: openai/b}}]\n";
    let names = |world: World| -> Vec<String> {
        world
            .config()
            .checks
            .into_iter()
            .map(|check| check.name)
            .collect()
    };
    assert_eq!(
        names(World::litellm(yaml).env("LITELLM_ENVIRONMENT", "staging")),
        ["b"]
    );
    assert_eq!(
        names(World::litellm(yaml).env("LITELLM_ENVIRONMENT", "production")),
        ["a", "b"]
    );
}

#[test]
fn nothing_of_a_deployments_secrets_is_printed() {
    let loaded = World::litellm(
        "model_list: [{model_name: g, litellm_params: {model: openai/g, api_key: hunter22, aws_secret_access_key: hunter22, \
         api_base: 'http://u:hunter22@h/v1'}}]\ngeneral_settings: {master_key: hunter22}\nenvironment_variables: {X: hunter22}\n",
    )
    .load()
    .unwrap();
    let text = format!("{loaded:?} {}", loaded.show());
    assert!(!text.contains("hunter22"), "{text}");
}

#[test]
fn the_calls_own_limit_ends_a_probe_too() {
    let timeout = |params: &str, info: &str| {
        let file = format!(
            "model_list: [{{model_name: g, litellm_params: {{model: openai/g{params}}}, model_info: {{{info}}}}}]\n"
        );
        World::litellm(&file).config().checks[0].timeout
    };
    assert_eq!(timeout(", timeout: 5", ""), millis(5_000));
    assert_eq!(
        timeout(", timeout: '2.5'", "health_check_timeout: 9"),
        millis(2_500)
    );
    assert_eq!(
        timeout(", timeout: 90", "health_check_timeout: 9"),
        millis(9_000)
    );
    assert_eq!(timeout(", timeout: 0", ""), millis(60_000));
}

#[test]
fn what_a_health_check_is_given_goes_before_the_entrys_own() {
    let config = World::litellm(
        "model_list:\n- model_name: g\n  litellm_params: {model: openai/g, api_base: 'http://a/v1', api_key: one, seed: 1}\n  \
         model_info: {health_check_params: {model: openai/small, api_base: 'http://b/v1', api_key: two, seed: 2}}\n",
    )
    .config();
    let check = &config.checks[0];
    let target = model(check);
    assert_eq!(target.api_base.as_ref().unwrap().expose(), "http://b/v1");
    assert_eq!(target.api_key.as_ref().unwrap().expose(), "two");
    assert_eq!(target.health.model.as_deref(), Some("openai/small"));
    assert_eq!(target.params["seed"], 2);
    assert!(!target.params.contains_key("api_key") && !target.params.contains_key("model"));
    assert_eq!(check.shown["model"], "openai/small");
    // What LiteLLM calls the deployment stays.
    assert_eq!(target.model, "openai/g");
}

#[test]
fn another_vendors_health_check_model_is_asked_there() {
    let target = |params: &str, info: &str| {
        let file = format!(
            "model_list: [{{model_name: g, litellm_params: {{{params}}}, model_info: {{{info}}}}}]\n"
        );
        World::litellm(&file).config().checks[0].target.clone()
    };
    let provider = |params: &str, info: &str| match target(params, info) {
        Target::Model(model) => model.provider,
        other => panic!("{other:?}"),
    };
    let other = "health_check_model: anthropic/claude-opus-5";
    assert_eq!(
        provider("model: '*', api_key: k", other).as_deref(),
        Some("anthropic")
    );
    assert_eq!(
        provider("model: openai/*", "health_check_params: {model: azure/x}").as_deref(),
        Some("azure")
    );
    assert_eq!(
        provider("model: openai/*", "health_check_model: gpt-4o").as_deref(),
        Some("openai")
    );
    let Target::Invalid { reason, .. } =
        target("model: openai/*", "health_check_model: nobody-knows")
    else {
        panic!("it is asked")
    };
    assert!(reason.contains("nobody-knows"), "{reason}");
}

#[test]
fn an_entry_is_asked_with_the_credential_that_it_names_and_with_no_other_key() {
    let file = |name: &str, key: &str| {
        format!(
            "model_list: [{{model_name: g, litellm_params: {{model: openai/g, litellm_credential_name: {name}{key}}}}}]\n\
             credential_list: [{{credential_name: c, credential_values: {{api_key: sk}}, credential_info: {{}}}}]\n"
        )
    };
    let target = |name: &str, key: &str| {
        let world = World::litellm(&file(name, key)).env("OPENAI_API_KEY", "other");
        world.config().checks[0].target.clone()
    };
    for (name, key, sent) in [
        ("c", "", "sk"),
        ("c", ", api_key: own", "own"),
        ("d", ", api_key: own", "own"),
    ] {
        let Target::Model(model) = target(name, key) else {
            panic!("{name}{key} is not asked")
        };
        assert_eq!(model.api_key.unwrap().expose(), sent, "{name}{key}");
    }
    let Target::Invalid { reason, .. } = target("d", "") else {
        panic!("it is asked")
    };
    assert!(reason.contains("credential_list"), "{reason}");
}
