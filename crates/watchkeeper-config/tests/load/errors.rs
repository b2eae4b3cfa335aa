//! What is refused, and how it is said.

use watchkeeper_config::Loaded;
use watchkeeper_core::check::Target;

use crate::{CHECK, World};

fn refused(section: &str, parts: &[&str]) -> String {
    World::toml(&format!("{section}\n{CHECK}")).refused(parts)
}

#[test]
fn an_unknown_key_is_named_with_file_line_table_and_nearest_key() {
    refused(
        "[coordination]\nintervall = 5",
        &[
            "watchkeeper.toml, line 2",
            "`coordination.intervall`",
            "did you mean `interval`?",
        ],
    );
    refused(
        "[bakend]\nkind = 1",
        &["`bakend`", "did you mean `backend`?"],
    );
    refused("interval = 5", &["`interval`", "`[coordination]`"]);
    refused(
        "[backend.redis.tls]\ncaa = \"x\"",
        &["`backend.redis.tls.caa`", "`ca`"],
    );
    World::toml(&format!("{CHECK}api_bas = \"x\"\n")).refused(&[
        "watchkeeper.toml, line 5",
        "`checks[0].api_bas`",
        "`api_base`",
    ]);
    World::toml(CHECK)
        .env("WATCHKEEPER__PROBE__TIMEOUTS", "1")
        .refused(&[
            "WATCHKEEPER__PROBE__TIMEOUTS",
            "`probe.timeouts`",
            "`timeout`",
        ]);
    World::toml("\"a\\nb\" = 1\n").refused(&["`a?b`"]);
    World::toml(CHECK)
        .env("WATCHKEEPER__PROBE__", "1")
        .refused(&["WATCHKEEPER__PROBE__", "write it like"]);
}

#[test]
fn a_flag_for_no_key_is_named() {
    for key in ["", "a..b", "x.y.z.x.y.z.x.y.z"] {
        World::toml(CHECK)
            .flag(key, "1", "--set")
            .refused(&["--set", "write it like"]);
    }
    World::toml(CHECK)
        .flag("http.listn", "1", "--set http.listn")
        .refused(&["--set", "`listen`"]);
}

#[test]
fn a_value_of_the_wrong_type_is_named() {
    refused(
        "[probe]\nconcurrency = \"many\"",
        &["watchkeeper.toml, line 2", "`probe.concurrency`", "`many`"],
    );
    refused("[probe]\nconcurrency = -1", &["`probe.concurrency`", "-1"]);
    refused(
        "[coordination]\ninterval = true",
        &["`coordination.interval`", "duration", "boolean"],
    );
    refused(
        "[coordination]\nenabled = \"maybe\"",
        &["`coordination.enabled`", "true or false"],
    );
    refused(
        "[coordination]\nenabled = 3",
        &["`coordination.enabled`", "a number"],
    );
    refused(
        "[fleet]\nname = 3",
        &["`fleet.name`", "a string", "a number"],
    );
    refused("fleet = 3", &["`fleet`", "a table"]);
    refused("backend = \"redis\"", &["`backend`", "a table", "a string"]);
    refused(
        "[http]\napi_keys = [[1]]",
        &["`http.api_keys", "a string", "a list"],
    );
    World::toml("[checks]\nname = \"x\"\n").refused(&["`checks`", "list"]);
    World::toml("[[checks]]\nmodel = \"x\"\n").refused(&["`checks[0]`", "`name`", "line 1"]);
    World::toml(CHECK)
        .env("WATCHKEEPER__COORDINATION__LOCK_TTL", "soon")
        .refused(&["WATCHKEEPER__COORDINATION__LOCK_TTL", "`soon`"]);
    World::toml(CHECK)
        .env("DEFAULT_SHARED_HEALTH_CHECK_TTL", "abc")
        .refused(&["DEFAULT_SHARED_HEALTH_CHECK_TTL", "`abc`"]);
    World::toml(CHECK)
        .env("WATCHKEEPER__CHECKS", "[{")
        .refused(&["WATCHKEEPER__CHECKS", "TOML"]);
}

#[test]
fn a_value_out_of_bounds_is_named_with_the_bounds() {
    for (section, parts) in [
        (
            "[coordination]\nlock_ttl = 0",
            &["`coordination.lock_ttl`", "0s"][..],
        ),
        (
            "[coordination]\ninterval = 0",
            &["`coordination.interval`", "100ms", "30days", "0s"],
        ),
        (
            "[coordination]\ninterval = \"1y\"",
            &["`coordination.interval`", "30days"],
        ),
        (
            "[coordination]\njitter = 0.6",
            &["`coordination.jitter`", "0.5", "0.6"],
        ),
        (
            "[coordination]\njitter = -0.1",
            &["`coordination.jitter`", "-0.1"],
        ),
        ("[coordination]\njitter = nan", &["`coordination.jitter`"]),
        (
            "[coordination]\nlock_scope = \"flet\"",
            &[
                "`coordination.lock_scope`",
                "`check`",
                "did you mean `fleet`?",
            ],
        ),
        (
            "[probe]\nconcurrency = 0",
            &["`probe.concurrency`", "1", "10000"],
        ),
        ("[probe]\ntimeout = 0", &["`probe.timeout`"]),
        ("[probe]\nhealthy_after = 0", &["`probe.healthy_after`"]),
        (
            "[probe]\nunhealthy_after = 65",
            &["`probe.unhealthy_after`", "64"],
        ),
        (
            "[probe]\nspread = \"5m\"",
            &["`probe.spread`", "`coordination.interval`", "5m"],
        ),
        ("[backend]\ntimeout = 0", &["`backend.timeout`"]),
        (
            "[backend]\nkind = \"mongodb\"",
            &[
                "`backend.kind`",
                "mongodb",
                "one of `memory`, `redis`, `etcd`, not",
            ],
        ),
        ("[fleet]\nname = \"a b\"", &["`fleet.name`", "letters"]),
        ("[fleet]\npod_id = \"a b\"", &["`fleet.pod_id`", "letters"]),
        ("[fleet]\nsecret = \"\"", &["`fleet.secret`", "empty"]),
        ("[http]\nlisten = \"here\"", &["`http.listen`", "`here`"]),
        ("[http]\ndrain = \"1d\"", &["`http.drain`"]),
        ("[log]\nlevel = \"loud\"", &["`log.level`", "`loud`"]),
        (
            "[log]\nformat = \"jsn\"",
            &["`log.format`", "did you mean `json`?"],
        ),
    ] {
        refused(section, parts);
    }
}

#[test]
fn a_broken_relation_is_told_with_both_values() {
    refused(
        "[coordination]\nlock_ttl = \"2s\"\n[backend]\ntimeout = \"500ms\"",
        &[
            "watchkeeper.toml, line 2",
            "`coordination.lock_ttl` 2s",
            "6 x `backend.timeout` 500ms",
            "3s",
        ],
    );
    let exact = format!("[coordination]\nlock_ttl = \"3s\"\n{CHECK}");
    assert!(World::toml(&exact).load().is_ok());
}

#[test]
fn results_that_last_shorter_than_the_interval_are_a_warning() {
    let text = format!("[coordination]\ninterval = 60\ncache_ttl = 30\n{CHECK}");
    let warnings = World::toml(&text).warnings();
    assert!(
        warnings[0].contains("line 3") && warnings[0].contains("30s"),
        "{warnings:?}"
    );
}

#[test]
fn an_address_open_to_the_network_needs_a_key() {
    let open = "[http]\nlisten = \"0.0.0.0:4100\"";
    refused(
        open,
        &[
            "line 2",
            "`http.listen`",
            "http.api_keys",
            "allow_anonymous",
            "127.0.0.1",
        ],
    );
    let world = World::toml(&format!("{open}\n{CHECK}"));
    assert!(world.env("LITELLM_MASTER_KEY", "sk-1").load().is_ok());
    let anonymous = World::toml(&format!("{open}\nallow_anonymous = true\n{CHECK}"));
    assert!(anonymous.warnings()[0].contains("answers everybody"));
    for address in ["[::]:1", "10.0.0.1:1"] {
        refused(
            &format!("[http]\nlisten = \"{address}\""),
            &["http.api_keys"],
        );
    }
    for address in [
        "[::1]:1",
        "127.8.0.1:1",
        "localhost:1",
        "[::ffff:127.0.0.1]:1",
    ] {
        let text = format!("[http]\nlisten = \"{address}\"\n{CHECK}");
        assert!(World::toml(&text).load().is_ok(), "{address}");
    }
}

#[test]
fn an_unset_variable_is_named_with_file_key_and_remedy() {
    World::toml(&format!("{CHECK}api_key = \"env:NOT_SET\"\n")).refused(&[
        "watchkeeper.toml, line 5",
        "`checks[0].api_key`",
        "`NOT_SET`",
        "set it",
    ]);
    refused(
        "[http]\napi_keys = [\"os.environ/NOPE\"]",
        &["line 2", "`http.api_keys`", "`NOPE`"],
    );
}

#[test]
fn a_secret_file_that_cannot_be_read_is_named() {
    World::toml(&format!("{CHECK}api_key = \"file:/nowhere/key\"\n"))
        .refused(&["`checks[0].api_key`", "/nowhere/key"]);
    World::toml(&format!("{CHECK}api_key = \"file:empty\"\n"))
        .file("empty", "\n")
        .refused(&["`checks[0].api_key`", "empty"]);
    World::toml(&format!("{CHECK}api_key = \"file:huge\"\n"))
        .file("huge", &"x".repeat(70_000))
        .refused(&["`checks[0].api_key`", "larger"]);
}

#[test]
fn a_command_that_sends_nothing_needs_no_key_of_a_check() {
    for (reference, parts) in [
        ("env:NOT_SET", ["`NOT_SET`", "not set"]),
        ("os.environ/NOT_SET", ["`NOT_SET`", "not set"]),
        ("file:nowhere", ["nowhere", "cannot be opened"]),
    ] {
        let text = format!("{CHECK}api_key = \"{reference}\"\n");
        World::toml(&text).refused(&["`checks[0].api_key`", parts[0]]);

        let mut plan = World::toml(&text);
        plan.inputs.without_secrets = true;
        let Loaded {
            config, warnings, ..
        } = plan.load().unwrap();
        let Target::Model(model) = &config.checks[0].target else {
            panic!("{:?}", config.checks[0]);
        };
        // Something stands there, so that a plan says how it would be sent.
        assert!(model.api_key.is_some(), "{reference}");
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        for part in ["line 5", "`checks[0].api_key`", "needs no key"]
            .iter()
            .chain(&parts)
        {
            assert!(warnings[0].contains(part), "no `{part}` in {warnings:?}");
        }
    }
}

#[test]
fn a_command_that_sends_nothing_still_takes_what_is_there_and_refuses_the_rest() {
    let mut plan = World::toml(&format!("{CHECK}api_key = \"env:K\"\n")).env("K", "sk-1");
    plan.inputs.without_secrets = true;
    assert!(plan.warnings().is_empty(), "{:?}", plan.warnings());
    let checks = plan.config().checks;
    let Target::Model(model) = &checks[0].target else {
        panic!("{checks:?}");
    };
    assert_eq!(model.api_key.as_ref().unwrap().expose(), "sk-1");
    for (text, key) in [
        (format!("{CHECK}api_key = \"\"\n"), "`checks[0].api_key`"),
        (
            format!("{CHECK}mode = \"env:NOT_SET\"\n"),
            "`checks[0].mode`",
        ),
    ] {
        let mut plan = World::toml(&text);
        plan.inputs.without_secrets = true;
        plan.refused(&[key]);
    }
}

#[test]
fn a_command_that_sends_nothing_needs_no_key_of_the_daemon_either() {
    let text =
        format!("{CHECK}[http]\napi_keys = [\"env:NOT_SET\"]\n[fleet]\nsecret = \"env:EMPTY\"\n");
    let mut plan = World::toml(&text).env("EMPTY", "");
    plan.refused(&["`fleet.secret`", "is empty"]);
    plan.inputs.without_secrets = true;
    assert_eq!(plan.warnings().len(), 2, "{:?}", plan.warnings());
    assert_eq!(plan.config().http.api_keys.len(), 1);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let mut world = World::new();
    world.inputs.config = Some("nowhere.toml".into());
    world.refused(&["nowhere.toml", "check the path"]);
    let mut world = World::new();
    world.inputs.litellm_config = Some("nowhere.yaml".into());
    world.refused(&["nowhere.yaml", "check the path"]);
}

#[test]
fn text_that_cannot_be_parsed_is_named_with_its_line() {
    World::toml(&format!("{CHECK}[http\n")).refused(&["watchkeeper.toml, line 5"]);
    World::litellm("a: 1\nb: [\n").refused(&["proxy_config.yaml, line "]);
}

#[test]
fn nothing_given_says_what_to_give() {
    World::new().refused(&[
        "--config",
        "--litellm-config",
        "watchkeeper.toml",
        "WATCHKEEPER_CONFIG",
    ]);
}

#[test]
fn nothing_to_check_is_refused() {
    World::toml("[backend]\nkind = \"memory\"\n").refused(&[
        "watchkeeper.toml",
        "`checks`",
        "[[checks]]",
    ]);
    for text in [
        "model_list: []\n",
        "model_list: ~\n",
        "general_settings: {}\n",
    ] {
        World::litellm(text).refused(&["proxy_config.yaml", "`model_list`"]);
    }
    World::litellm("model_list: 7\n").refused(&[
        "proxy_config.yaml",
        "line 1",
        "`model_list`",
        "a number",
    ]);
    World::litellm("- 1\n").refused(&["proxy_config.yaml", "mapping"]);
}

#[test]
fn no_refusal_repeats_a_secret() {
    for text in [
        "[backend]\nkind = \"redis\"\n[backend.redis]\nurl = \"http://:hunter22@h\"\n",
        "[backend.redis]\nurl = \"redis://:hunter22@\"\n",
        "[backend.redis]\nurl = \"unix://u:hunter22@host/r\"\n",
        "[backend]\nredis = \"redis://:hunter22@h\"\n",
        "[backend.redis]\nurl = \"redis://:hunter22@h\"\npassword = \"hunter22\"\n",
        "[backend.redis]\nhost = \"u:hunter22@h\"\n",
        "[backend.redis]\ncluster = [\"u:hunter22@h:1\"]\n",
        "[backend.redis.sentinel]\nmaster = \"m\"\nnodes = [\"hunter22\"]\n",
        "[backend.redis.sentinel]\nmaster = \"m\"\npassword = \"hunter22\"\n",
        "[backend.redis]\npassword = [\"hunter22\"]\n",
        "[backend.redis]\npassword = 22.5\n",
        "[backend]\nkind = \"etcd\"\n[backend.etcd]\nendpoints = [\"http://u:hunter22@h\"]\npassword = \"hunter22\"\n",
        "[http]\napi_keys = \"env:UNSET\"\nlisten = \"hunter2\"\n",
        "[[checks]]\nname = \"x\"\nhttp = \"ftp://u:hunter22@h\"\n",
        "[[checks]]\nname = \"x\"\nmodel = \"x\"\napi_base = \"u:hunter22@h\"\n",
        "[[checks]]\nname = \"x\"\napi_key = \"hunter22\"\n",
    ] {
        let error = World::toml(&format!("{text}{CHECK}")).refused(&[]);
        assert!(
            !error.contains("hunter22") && !error.contains("22.5"),
            "{error}"
        );
    }
}
