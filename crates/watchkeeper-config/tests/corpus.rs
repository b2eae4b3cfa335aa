//! Real LiteLLM files, if there is a folder of them: `WATCHKEEPER_CORPUS=DIR cargo test -p watchkeeper-config --test corpus`.
//!
//! `expected.json` beside them says what LiteLLM itself made of each in an empty environment. Every fact in it is
//! compared: how many deployments and in which order, their names, models, providers, modes, ids, which of them LiteLLM
//! drops, which health settings stand in a file, and which files are no YAML.
#![allow(clippy::expect_used, clippy::indexing_slicing)] // a test may

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;
use watchkeeper_config::{ConfigError, Inputs, Loaded, load};
use watchkeeper_core::check::{Check, Target};

/// What an entry without a known mode is probed as.
const PROBED_AS: &str = "chat";

fn read(path: PathBuf) -> Result<Loaded, ConfigError> {
    load(&Inputs {
        env: BTreeMap::new(),
        litellm_config: Some(path),
        working_dir: PathBuf::from("/nowhere"),
        ..Inputs::default()
    })
}

/// How often each kind of fact was compared, and what differs.
#[derive(Default)]
struct Tally {
    /// Models and the modes given for them in any file. All files were read by one process of LiteLLM, which keeps the
    /// mode given for a model as that model's for all that follows.
    given: Vec<(Value, Value)>,
    compared: BTreeMap<&'static str, usize>,
    differences: Vec<String>,
}

impl Tally {
    fn same(&mut self, what: &'static str, place: &str, ours: &Value, theirs: &Value) {
        *self.compared.entry(what).or_default() += 1;
        if ours != theirs {
            self.differences
                .push(format!("{place}: {what} is {ours} here, {theirs} there"));
        }
    }
}

/// To the real standard output: what a passing test prints is not shown otherwise.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").expect("stdout");
}

fn id_of(entry: &Value) -> Option<&str> {
    let declared = entry.get("declared_id").and_then(Value::as_str);
    declared.or_else(|| entry.get("id_empty_env").and_then(Value::as_str))
}

/// Entries as the health check sees them: the first of those that share an id.
fn distinct(entries: &[Value]) -> Vec<&Value> {
    let mut out: Vec<&Value> = Vec::new();
    for entry in entries {
        let id = id_of(entry);
        if id.is_none() || !out.iter().any(|before| id_of(before) == id) {
            out.push(entry);
        }
    }
    out
}

/// What became of the keys of `model_info` about health.
fn compare_health(tally: &mut Tally, place: &str, check: &Check, keys: &Value) {
    let Target::Model(model) = &check.target else {
        return;
    };
    let health = &model.health;
    for (key, theirs) in keys.as_object().into_iter().flatten() {
        let ours = match key.as_str() {
            "disable_background_health_check" => Value::from(!check.background),
            "health_check_timeout" => Value::from(check.timeout.as_secs()),
            "health_check_model" => Value::from(health.model.clone()),
            "health_check_max_tokens" => Value::from(health.max_tokens),
            "health_check_max_tokens_reasoning" => Value::from(health.max_tokens_reasoning),
            "health_check_max_tokens_non_reasoning" => Value::from(health.max_tokens_other),
            "health_check_supports_max_tokens" => Value::from(health.sends_max_tokens),
            "health_check_reasoning_effort" => Value::from(health.reasoning_effort.clone()),
            "health_check_voice" => Value::from(health.voice.clone()),
            _ => continue,
        };
        tally.same("health key", place, &ours, theirs);
    }
}

fn compare(tally: &mut Tally, place: &str, check: &Check, entry: &Value) {
    let text = |text: Option<&str>| Value::from(text.map(str::to_owned));
    if !entry["model_name"].is_null() {
        tally.same(
            "name",
            place,
            &text(Some(&check.name)),
            &entry["model_name"],
        );
    }
    if let Some(id) = id_of(entry) {
        tally.same("id", place, &text(Some(check.id.as_str())), &text(Some(id)));
    }
    let deployed = entry.get("deployed").and_then(Value::as_bool) == Some(true);
    let (provider, mode) = match &check.target {
        Target::Model(model) => {
            tally.same("model", place, &text(Some(&model.model)), &entry["model"]);
            let inner = entry["provider_model"].as_str().unwrap_or_default();
            let ends = model.model.ends_with(inner);
            tally.same("inner model", place, &Value::from(ends), &Value::from(true));
            (model.provider.as_deref(), model.mode.as_deref())
        }
        Target::Invalid { provider, reason } => {
            assert!(reason.contains("line "), "{place}: {reason}");
            (provider.as_deref(), None)
        }
        Target::Http { .. } | Target::Tcp { .. } => (None, None),
    };
    compare_health(tally, place, check, &entry["health_keys"]);
    tally.same("provider", place, &text(provider), &entry["provider"]);
    let kept = matches!(check.target, Target::Model(_));
    tally.same("kept", place, &Value::from(kept), &Value::from(deployed));
    if kept {
        let theirs = match entry["mode"].as_str() {
            // Corrected here, with a warning.
            Some("embeddings") => "embedding",
            Some("tts") => "audio_speech",
            other => other.unwrap_or(PROBED_AS),
        };
        let kept_from_before = || {
            let given = (entry["model"].clone(), entry["mode"].clone());
            entry["explicit_mode"].is_null() && tally.given.contains(&given)
        };
        let ours = match mode {
            None if kept_from_before() => theirs,
            mode => mode.unwrap_or(PROBED_AS),
        };
        tally.same("mode", place, &text(Some(ours)), &text(Some(theirs)));
    }
}

fn includes(file: &Value) -> bool {
    let keys = file["top_level_keys"].as_array().expect("keys");
    keys.iter().any(|key| key == "include")
}

fn compare_file(tally: &mut Tally, name: &str, loaded: &Loaded, file: &Value) {
    let entries = file["entries"].as_array().expect("entries");
    tally.same(
        "entries",
        name,
        &Value::from(entries.len()),
        &file["models"],
    );
    let entries = distinct(entries);
    let checks = &loaded.config.checks;
    // What a file includes comes behind its own entries, and is not in its facts.
    let own = if includes(file) {
        checks.len().min(entries.len())
    } else {
        checks.len()
    };
    tally.same(
        "count",
        name,
        &Value::from(own),
        &Value::from(entries.len()),
    );
    for (index, (check, entry)) in checks.iter().zip(&entries).enumerate() {
        compare(tally, &format!("{name}[{index}]"), check, entry);
    }
    if let Some(interval) = file["health_settings"]["health_check_interval"].as_u64() {
        let ours = loaded.config.coordination.interval.as_secs();
        tally.same("interval", name, &Value::from(ours), &Value::from(interval));
    }
    for (theirs, key) in [
        ("background_health_checks", "coordination.background"),
        ("use_shared_health_check", "coordination.enabled"),
        ("health_check_interval", "coordination.interval"),
        ("health_check_details", "litellm.details"),
    ] {
        let stands = file["health_settings"].get(theirs).is_some();
        let read = loaded.origins.get(key).is_some_and(|o| o.contains(theirs));
        tally.same("setting", name, &Value::from(read), &Value::from(stands));
    }
}

#[test]
fn every_file_that_litellm_reads_gives_its_model_list() {
    let Ok(folder) = std::env::var("WATCHKEEPER_CORPUS") else {
        // The files are not ours to ship.
        say(
            "`WATCHKEEPER_CORPUS` is not set: only the project's own fixtures were read, in the other tests",
        );
        return;
    };
    let folder = Path::new(&folder);
    let expected = std::fs::read(folder.join("expected.json")).expect("expected.json");
    let expected: Value = serde_json::from_slice(&expected).expect("JSON");
    let mut tally = Tally::default();
    for file in expected["files"].as_object().expect("files").values() {
        for entry in file["entries"].as_array().expect("entries") {
            let given = entry.get("explicit_mode").filter(|mode| !mode.is_null());
            tally
                .given
                .extend(given.map(|mode| (entry["model"].clone(), mode.clone())));
        }
    }
    let (mut files, mut checks, mut refused, mut empty) = (0, 0, 0, 0);
    for (name, file) in expected["files"].as_object().expect("files") {
        match read(folder.join(name)) {
            Ok(loaded) => {
                files += 1;
                checks += loaded.config.checks.len();
                compare_file(&mut tally, name, &loaded, file);
            }
            // Nothing to check is an error here, and nothing else may be.
            Err(error) if file["models"] == 0 && error.to_string().contains("missing or empty") => {
                empty += 1;
            }
            // LiteLLM does not start with it either.
            Err(error) if includes(file) && error.to_string().contains("does not exist") => {
                say(&format!("refused: {error}"));
                refused += 1;
            }
            Err(error) => tally.differences.push(format!("{name}: {error}")),
        }
    }
    for (name, problem) in expected["not_yaml"].as_object().expect("not_yaml") {
        match read(folder.join(name)) {
            Ok(_) => tally
                .differences
                .push(format!("{name}: read, but LiteLLM refuses it")),
            Err(ConfigError::Syntax {
                line, column, why, ..
            }) => {
                refused += 1;
                say(&format!(
                    "refused: {name}, line {line} column {column}: {why} ({})",
                    problem["line"]
                ));
                assert!(line > 0 && column > 0, "{name}");
            }
            Err(error) => tally
                .differences
                .push(format!("{name}: no line and column: {error}")),
        }
    }
    for name in expected["templated_but_parses"].as_array().expect("a list") {
        say(&format!("templated, but read: {name}"));
    }
    say(&format!(
        "{files} files with {checks} checks, {empty} without any, {refused} refused; compared: {:?}; {} differences",
        tally.compared,
        tally.differences.len()
    ));
    assert!(
        tally.differences.is_empty(),
        "{}",
        tally.differences.join("\n")
    );
}
