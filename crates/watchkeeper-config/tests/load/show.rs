//! `config show`.

use crate::{CHECK, World};

#[test]
fn every_value_stands_on_a_line_with_its_origin_and_no_secret() {
    let text = format!(
        "[fleet]\nsecret = \"hunter22\"\n[http]\napi_keys = [\"hunter22\"]\n[backend.redis]\nhost = \"h\"\n\
         password = \"hunter22\"\n[coordination]\nlock_ttl = \"30s\"\n{CHECK}api_key = \"hunter22\"\n"
    );
    let shown = World::toml(&text)
        .env("WATCHKEEPER__PROBE__CONCURRENCY", "7")
        .load()
        .unwrap()
        .show();
    let line = |key: &str| {
        let found = shown.lines().find(|line| line.starts_with(key));
        let found = found.unwrap_or_else(|| panic!("no `{key}` in {shown}"));
        found.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    for (key, expected) in [
        ("fleet.secret", "fleet.secret *** watchkeeper.toml, line 2"),
        (
            "http.api_keys",
            "http.api_keys [***] watchkeeper.toml, line 4",
        ),
        (
            "backend.kind",
            "backend.kind redis watchkeeper.toml, line 6",
        ),
        (
            "backend.redis.password",
            "backend.redis.password *** watchkeeper.toml, line 7",
        ),
        ("backend.redis.port", "backend.redis.port 6379 default"),
        (
            "coordination.lock_ttl",
            "coordination.lock_ttl 30s watchkeeper.toml, line 9",
        ),
        ("coordination.jitter", "coordination.jitter 0.05 default"),
        (
            "probe.concurrency",
            "probe.concurrency 7 WATCHKEEPER__PROBE__CONCURRENCY",
        ),
        (
            "checks[m]",
            "checks[m] openai/m, 1m watchkeeper.toml, line 10",
        ),
    ] {
        assert_eq!(line(key), expected);
    }
    assert!(!shown.contains("hunter22"), "{shown}");
}

#[test]
fn printing_the_inputs_shows_names_only() {
    let world = World::toml(CHECK)
        .env("KEY", "hunter22")
        .flag("fleet.secret", "hunter22", "--x");
    let text = format!("{:?}", world.inputs);
    assert!(text.contains("KEY") && !text.contains("hunter22"), "{text}");
}

#[test]
fn the_columns_are_aligned() {
    let shown = World::toml(CHECK).load().unwrap().show();
    let columns: Vec<_> = shown
        .lines()
        .filter_map(|line| line.find("default"))
        .collect();
    let at = shown
        .lines()
        .find(|line| line.starts_with("fleet.secret"))
        .and_then(|line| line.find("default"));
    assert!(columns.len() > 20);
    assert!(
        columns.iter().filter(|column| Some(**column) == at).count() > 20,
        "{shown}"
    );
}

#[test]
fn deployments_of_one_name_stand_on_rows_that_can_be_told_apart() {
    let text = "model_list:\n\
        - {model_name: g, litellm_params: {model: openai/g, api_base: 'http://a/v1'}}\n\
        - {model_name: g, litellm_params: {model: openai/g, api_base: 'http://b/v1'}}\n\
        - {model_name: g, litellm_params: {model: openai/g}, model_info: {id: deployment-1}}\n\
        - {model_name: g, litellm_params: {model: openai/g}, model_info: {id: deployment-2}}\n";
    let loaded = World::litellm(text)
        .file("watchkeeper.toml", CHECK)
        .load()
        .unwrap();
    let shown = loaded.show();
    let rows: Vec<(&str, &str)> = shown
        .lines()
        .filter(|line| line.starts_with("checks["))
        .filter_map(|line| line.split_once(']'))
        .collect();
    let ids: Vec<_> = loaded.config.checks.iter().map(|c| c.id.as_str()).collect();
    let expected = [
        format!("checks[g, {:.8}", ids[0]),
        format!("checks[g, {:.8}", ids[1]),
        "checks[g, deployment-1".to_owned(),
        "checks[g, deployment-2".to_owned(),
        "checks[m".to_owned(),
    ];
    assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), expected);
    assert_ne!(expected[0], expected[1]);
    // Each finds its author.
    for (index, (_, rest)) in rows.iter().enumerate() {
        let author = if index < 4 {
            "proxy_config.yaml"
        } else {
            "watchkeeper.toml, line 1"
        };
        assert!(rest.ends_with(author), "{shown}");
    }
}
