use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::rows::ROWS;
use super::*;
use crate::keys::{CHECK_KEYS, KEYS, Kind};

/// Set to have the files written anew.
const UPDATE: &str = "WATCHKEEPER_UPDATE_DOCS";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_reference_and_the_schema_are_what_the_code_says() {
    for (file, made) in [
        ("docs/configuration.md", markdown()),
        ("docs/watchkeeper.schema.json", schema()),
    ] {
        let path = root().join(file);
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            there == made,
            "{file} differs from the code; run `{UPDATE}=1 cargo test -p watchkeeper-config --lib reference` and look at \
             what changed"
        );
    }
}

#[test]
fn every_key_is_told_of_and_no_other() {
    let mut told = BTreeSet::new();
    for row in ROWS {
        assert!(told.insert(row.path), "{} stands twice", row.path);
        assert!(row.help.ends_with(['.', ')']), "{}: {}", row.path, row.help);
        let has_default = row.default().is_some();
        assert!(!has_default || row.unset.is_empty(), "{}", row.path);
    }
    let below = |path: &str| {
        let prefix = format!("{path}.");
        told.iter().any(|told| told.starts_with(&prefix))
    };
    for key in KEYS {
        let known = told.contains(key.path) || (key.kind == Kind::Tables && below(key.path));
        assert!(known || key.path == "checks", "{} is not told of", key.path);
    }
    for name in CHECK_KEYS {
        let path = format!("checks[].{name}");
        assert!(told.contains(path.as_str()) || below(&path), "{path}");
    }
    for path in &told {
        let known = KEYS.iter().any(|key| {
            key.path == *path || (key.kind == Kind::Tables && path.starts_with(key.path))
        });
        assert!(known, "there is no key {path}");
    }
}

fn validator() -> Validator {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    jsonschema::draft202012::new(&schema).unwrap()
}

fn toml(text: &str) -> Value {
    let table: toml::Table = text.parse().unwrap();
    serde_json::to_value(table).unwrap()
}

#[test]
fn the_files_that_are_shipped_fit_the_schema() {
    let validator = validator();
    let mut files = vec![root().join("config/watchkeeper.toml")];
    let examples = std::fs::read_dir(root().join("config/examples")).unwrap();
    files.extend(examples.map(|entry| entry.unwrap().path()));
    files.retain(|file| file.extension().is_some_and(|e| e == "toml"));
    assert!(files.len() > 5, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        // What is commented out is to fit as well.
        let commented: Vec<&str> = text
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(rest) if rest.split(' ').nth(1) == Some("=") => rest,
                _ => line,
            })
            .collect();
        for text in [text.clone(), commented.join("\n")] {
            let wrong: Vec<String> = validator
                .iter_errors(&toml(&text))
                .map(|error| format!("{error} at {}", error.instance_path()))
                .collect();
            assert!(wrong.is_empty(), "{}: {wrong:?}", file.display());
        }
    }
}

#[test]
fn what_is_no_key_or_no_value_is_refused() {
    let validator = validator();
    for (text, fits) in [
        ("[coordination]\ninterval = '30s'", true),
        ("[coordination]\ninterval = 30", true),
        ("[coordination]\ninterval = '1h 30m'", true),
        ("[coordination]\ninterval = 'env:INTERVAL'", true),
        ("[coordination]\ninterval = 'soon'", false),
        ("[coordination]\ninterval = -1", false),
        ("[coordination]\nintervall = '30s'", false),
        ("[coordination]\njitter = 0.6", false),
        ("[coordination]\nlock_scope = 'pod'", false),
        ("[coordinations]\n", false),
        ("[backend.redis]\npassword = 123", true),
        ("[backend.redis]\nport = 70000", false),
        ("[backend.redis.tls]\ncaa = 'x'", false),
        ("[backend.etcd]\nendpoints = 'http://a:1,http://b:1'", true),
        ("[probe.providers.openai]\nconcurrency = 2", true),
        ("[probe.providers.openai]\nconcurency = 2", false),
        ("[probe]\nhealthy_outcomes = ['rate_limited']", true),
        ("[probe]\nhealthy_outcomes = ['ok']", false),
        ("[budget.providers]\nopenai = 'much'", false),
        ("[http]\nmetrics_auth = 'yes'", true),
        ("[http]\nmetrics_auth = 'maybe'", false),
        ("[[checks]]\nname = 'a'\ntcp = 'a:1'", true),
        ("[[checks]]\ntcp = 'a:1'", false),
        ("[[checks]]\nname = 'a'", false),
        (
            "[[checks]]\nname = 'a'\ntcp = 'a:1'\nhttp = 'http://a'",
            false,
        ),
        (
            "[[checks]]\nname = 'a'\ntcp = 'a:1'\nparams = { x = { y = 1 } }",
            true,
        ),
        ("[[checks]]\nname = 'a'\ntcp = 'a:1'\nurl = 'x'", false),
    ] {
        assert_eq!(validator.is_valid(&toml(text)), fits, "{text}");
    }
}

#[test]
fn defaults_have_the_types_of_a_file() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    for (key, default) in [
        ("/coordination/properties/interval", json!("5m")),
        ("/coordination/properties/enabled", json!(true)),
        ("/coordination/properties/jitter", json!(0.05)),
        ("/probe/properties/concurrency", json!(16)),
        ("/http/properties/listen", json!("127.0.0.1:4100")),
    ] {
        let leaf = schema.pointer(&format!("/properties{key}/default"));
        assert_eq!(leaf, Some(&default), "{key}");
    }
    let without = schema.pointer("/properties/backend/properties/kind/default");
    assert_eq!(without, None);
}
