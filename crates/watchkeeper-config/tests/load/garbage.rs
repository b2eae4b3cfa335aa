//! Whatever a file holds: a configuration or an error, never a panic.

use proptest::prelude::*;

use crate::World;

/// Words that lead deep into the reader.
const TOML: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    "=",
    ",",
    "\n",
    "\"",
    ".",
    "0",
    "-1",
    "1e9",
    "true",
    "\"env:X\"",
    "\"5m\"",
    "[[checks]]\n",
    "[coordination]\n",
    "[backend.redis]\n",
    "[http]\n",
    "[probe]\n",
    "[probe.providers.openai]\n",
    "[probe.headers]\n",
    "[budget]\n",
    "per_day",
    "intervals",
    "params",
    "name",
    "model",
    "http",
    "tcp",
    "interval",
    "lock_ttl",
    "url",
    "host",
    "listen",
    "api_keys",
    "\"redis://a:b@c/9\"",
    "\"h:1\"",
    "\"[::1]:1\"",
    " = ",
];
const YAML: &[&str] = &[
    "\n",
    "\n  ",
    "\n- ",
    "\n  - ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "'",
    "\"",
    "~",
    "no",
    "0x_",
    "1:2",
    "2024-13-01",
    "model_list",
    "model_name",
    "litellm_params",
    "model_info",
    "model",
    "id",
    "general_settings",
    "litellm_settings",
    "cache",
    "cache_params",
    "type",
    "redis",
    "true",
    "os.environ/X",
    "include",
    "# c",
    "health_check_timeout",
    "background_health_check_model_groups",
    "environment_variables",
    "credential_list",
    "credential_name",
    "litellm_credential_name",
    "health_check_probe",
    "input_cost_per_token",
    "openai/x",
];

fn words(known: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(known), 0..40)
        .prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_toml_file_makes_it_panic(text in words(TOML)) {
        let _ = World::toml(&text).load();
    }

    #[test]
    fn no_litellm_file_makes_it_panic(text in words(YAML)) {
        let _ = World::litellm(&text).load();
    }

    #[test]
    fn no_entry_of_a_model_list_makes_it_panic(text in words(YAML)) {
        let _ = World::litellm(&format!("model_list:\n- {text}")).load();
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        for name in ["watchkeeper.toml", "proxy_config.yaml"] {
            let mut world = World::new().file(name, "");
            std::fs::write(world.dir.path().join(name), &bytes).unwrap();
            if name.ends_with("yaml") {
                world.inputs.litellm_config = Some(name.into());
            }
            let _ = world.load();
        }
    }

    #[test]
    fn no_variable_makes_it_panic(key in "[A-Z_]{0,20}", value in ".{0,20}") {
        let _ = World::toml(crate::CHECK).env(&format!("WATCHKEEPER__{key}"), &value).load();
        for name in ["REDIS_URL", "REDIS_PORT", "REDIS_DB", "REDIS_SSL", "WATCHKEEPER__HTTP__LISTEN", "WATCHKEEPER__CHECKS"] {
            let _ = World::toml(crate::CHECK).env("REDIS_HOST", "h").env(name, &value).load();
        }
    }
}

#[test]
fn nesting_that_never_ends_is_refused() {
    World::toml(&format!("a = {}", "[".repeat(200_000))).refused(&["watchkeeper.toml, line 1"]);
    World::toml(&format!("{}b = 1", "a.".repeat(20_000))).refused(&["watchkeeper.toml"]);
    World::litellm(&format!("a: {}", "[".repeat(200_000))).refused(&["proxy_config.yaml, line 1"]);
    World::litellm(&"- ".repeat(200_000)).refused(&["proxy_config.yaml, line 1"]);
}
