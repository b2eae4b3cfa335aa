//! Prices, budgets, the cost map.

use watchkeeper_core::check::{Check, HealthParams, ModelTarget, Target};
use watchkeeper_core::money::{Price, Usd};

use crate::{CHECK, World};

const MAP: &str = r#"{"gpt-4o": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-6, "output_cost_per_token": 1e-5},
    "draw": {"litellm_provider": "openai", "mode": "image_generation", "output_cost_per_image": 0.04},
    "odd": 5}"#;

fn usd(dollars: f64) -> Usd {
    Usd::from_dollars(dollars).unwrap()
}

fn model(check: &Check) -> &ModelTarget {
    match &check.target {
        Target::Model(model) => model,
        other => panic!("{other:?}"),
    }
}

fn priced(input: f64, output: f64, call: f64) -> Option<Price> {
    Some(Price {
        input: usd(input),
        output: usd(output),
        call: usd(call),
    })
}

#[test]
fn a_cost_map_prices_native_checks_and_deployments() {
    let world = World::litellm("model_list:\n- {model_name: a, litellm_params: {model: gpt-4o}}\n")
        .file("sub/map.json", MAP)
        .file(
            "watchkeeper.toml",
            "[litellm]\ncost_map = \"sub/map.json\"\n\
             [[checks]]\nname = \"b\"\nmodel = \"openai/draw\"\n\
             [[checks]]\nname = \"c\"\nmodel = \"openai/mine\"\nbase_model = \"gpt-4o\"\noutput_cost_per_token = \"0\"\n\
             [[checks]]\nname = \"d\"\nmodel = \"openai/gpt-4o\"\ncost_per_call = 0.5\n\
             [[checks]]\nname = \"e\"\nmodel = \"openai/mine\"\n",
        );
    let loaded = world.load().unwrap();
    let checks = &loaded.config.checks;
    let prices: Vec<_> = checks
        .iter()
        .map(|check| model(check).health.price)
        .collect();
    assert_eq!(
        prices,
        [
            priced(2.5e-6, 1e-5, 0.0),
            priced(0.0, 0.0, 0.04),
            priced(2.5e-6, 0.0, 0.0),
            priced(0.0, 0.0, 0.5),
            None
        ]
    );
    assert_eq!(model(&checks[1]).mode.as_deref(), Some("image_generation"));
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
    assert!(loaded.warnings[0].starts_with("sub/map.json: `odd`"));
    assert!(
        loaded
            .files
            .iter()
            .any(|file| file.ends_with("sub/map.json"))
    );
    let shown = loaded.show();
    for part in ["$2.5 in and $10 out per million tokens", "$0.04 per call"] {
        assert!(shown.contains(part), "{shown}");
    }
}

#[test]
fn a_cost_map_that_is_none_is_an_error_with_its_path() {
    for (text, parts) in [
        ("[]", &["map.json", "JSON object"][..]),
        ("{", &["map.json, line 1"]),
    ] {
        World::toml(&format!("[litellm]\ncost_map = \"map.json\"\n{CHECK}"))
            .file("map.json", text)
            .refused(parts);
    }
    World::toml(&format!("[litellm]\ncost_map = \"none.json\"\n{CHECK}")).refused(&["none.json"]);
}

#[test]
fn a_budget_is_read_as_numbers_or_texts() {
    let text = format!(
        "[budget]\nper_day = \"2.50\"\n[budget.providers]\nopenai = 1\n{CHECK}input_cost_per_token = 1e-6\n"
    );
    let world = World::toml(&text);
    let budget = world.config().budget;
    assert_eq!(budget.fleet, Some(usd(2.5)));
    assert_eq!(budget.providers, [("openai".to_owned(), usd(1.0))].into());
    assert!(world.warnings().is_empty(), "{:?}", world.warnings());
    let shown = world.load().unwrap().show();
    let row = |key: &str| shown.lines().find(|line| line.starts_with(key)).unwrap();
    assert!(row("budget.per_day").contains("$2.5"), "{shown}");
    assert!(
        row("budget.providers.openai").ends_with("watchkeeper.toml, line 4"),
        "{shown}"
    );
    let from_env = World::toml(CHECK).env("WATCHKEEPER__BUDGET__PROVIDERS__OPENAI", "0.5");
    assert_eq!(from_env.config().budget.providers["openai"], usd(0.5));
}

#[test]
fn a_budget_that_cannot_be_kept_is_refused() {
    for (text, parts) in [
        (
            "[coordination]\nlock_scope = \"check\"\n[budget]\nper_day = 2.5",
            &[
                "line 4",
                "`budget.per_day`",
                "$2.5",
                "`coordination.lock_scope` is `check`",
            ][..],
        ),
        (
            "[coordination]\nlock_scope = \"check\"\n[budget.providers]\nopenai = 3",
            &["`budget.providers.openai`", "$3", "`check`"],
        ),
        (
            "[budget]\nper_day = -1",
            &["line 2", "`budget.per_day`", "-1"],
        ),
        ("[budget]\nper_day = nan", &["`budget.per_day`"]),
        (
            "[budget]\nper_day = \"$2\"",
            &["`budget.per_day`", "a number"],
        ),
        ("[budget]\nper_week = 1", &["unknown key `budget.per_week`"]),
        (
            "[budget.providers]\nopenia = 1",
            &["line 2", "did you mean `openai`"],
        ),
        (
            "[[checks]]\nname = \"x\"\nmodel = \"openai/m\"\ncost_per_call = -0.1",
            &["`checks[0].cost_per_call`"],
        ),
        (
            "[[checks]]\nname = \"x\"\ntcp = \"h:1\"\ninput_cost_per_token = 1",
            &["`checks[0].input_cost_per_token`", "leave it out"],
        ),
    ] {
        World::toml(&format!("{text}\n{CHECK}")).refused(parts);
    }
}

#[test]
fn a_budget_without_a_price_is_a_warning() {
    let text = format!("[budget]\nper_day = 1\n[budget.providers]\ngroq = 1\n{CHECK}");
    let warnings = World::toml(&text).warnings();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[0].starts_with("watchkeeper.toml, line 2: `budget.per_day` limits nothing")
            && warnings[1].contains("of `groq`"),
        "{warnings:?}"
    );
    let warnings = World::toml(&format!("{text}input_cost_per_token = 1e-6\n")).warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[test]
fn a_native_check_has_what_litellms_entries_have() {
    let world = World::toml(
        "[[checks]]\nname = \"m\"\nmodel = \"azure/prod\"\nbase_model = \"gpt-4o\"\nmax_tokens = 5\nmode = \"embeddings\"\n\
         params = { api_version = \"2024-06-01\", n = 5, client_secret = \"env:S\", extra_headers = { x = \"env:S\" }, l = [\"env:S\"] }\n",
    )
    .env("S", "hunter22");
    let loaded = world.load().unwrap();
    let check = &loaded.config.checks[0];
    let target = model(check);
    assert_eq!(
        serde_json::to_value(&target.params).unwrap(),
        serde_json::json!({"api_version": "2024-06-01", "n": 5, "client_secret": "hunter22",
            "extra_headers": {"x": "hunter22"}, "l": ["hunter22"]})
    );
    let expected = HealthParams {
        max_tokens: Some(5),
        base_model: Some("gpt-4o".into()),
        ..HealthParams::default()
    };
    assert_eq!(target.health, expected);
    assert_eq!(target.mode.as_deref(), Some("embedding"));
    assert!(
        loaded.warnings[0].contains("line 6") && loaded.warnings[0].contains("`embedding`"),
        "{:?}",
        loaded.warnings
    );
    assert_eq!(
        serde_json::to_string(&check.shown).unwrap(),
        r#"{"api_version":"2024-06-01","model":"azure/prod"}"#
    );
    assert!(!loaded.show().contains("hunter22"));
    assert!(!format!("{:?}", loaded.config).contains("hunter22"));
}

#[test]
fn params_name_nothing_that_has_a_place_of_its_own_and_no_unset_variable() {
    for (params, parts) in [
        (
            "{ api_key = \"hunter22\" }",
            &[
                "line 5",
                "`checks[0].params.api_key`",
                "`api_key` of the check",
            ][..],
        ),
        ("{ base_url = \"http://x\" }", &["`api_base` of the check"]),
        ("{ a = { b = [\"env:NOPE\"] } }", &["`NOPE`", "line 5"]),
        ("\"hunter22\"", &["`checks[0].params`", "a table"]),
    ] {
        let error = World::toml(&format!("{CHECK}params = {params}\n")).refused(parts);
        assert!(!error.contains("hunter22"), "{error}");
    }
    let mut world = World::toml(&format!(
        "{CHECK}params = {{ client_secret = \"env:NOPE\" }}\n"
    ));
    world.inputs.without_secrets = true;
    let loaded = world.load().unwrap();
    assert!(
        loaded.warnings[0].contains("needs no key"),
        "{:?}",
        loaded.warnings
    );
}
