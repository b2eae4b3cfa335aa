//! Real LiteLLM files, if there is a folder of them: `WATCHKEEPER_CORPUS=DIR cargo test -p watchkeeper-config --test corpus`.
//!
//! `expected.json` beside them says what LiteLLM itself made of each in an empty environment.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)] // a test may

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use watchkeeper_config::{ConfigError, Inputs, Loaded, load};
use watchkeeper_core::check::Target;

fn read(path: PathBuf) -> Result<Loaded, ConfigError> {
    load(&Inputs {
        env: BTreeMap::new(),
        litellm_config: Some(path),
        working_dir: PathBuf::from("/nowhere"),
        without_store: true,
        ..Inputs::default()
    })
}

fn first_ids(entries: &[Value]) -> Vec<&str> {
    let mut seen = Vec::new();
    for entry in entries {
        let id = entry["declared_id"]
            .as_str()
            .or(entry["id_empty_env"].as_str());
        if let Some(id) = id
            && !seen.contains(&id)
        {
            seen.push(id);
        }
    }
    seen
}

#[test]
fn every_file_that_litellm_reads_gives_its_model_list() {
    let Ok(folder) = std::env::var("WATCHKEEPER_CORPUS") else {
        // Nothing to prove without the files; they are not ours to ship.
        return;
    };
    let folder = Path::new(&folder);
    let expected = std::fs::read(folder.join("expected.json")).expect("expected.json");
    let expected: Value = serde_json::from_slice(&expected).expect("JSON");
    let mut failures = Vec::new();
    let (mut models, mut ids, mut providers, mut other_ids, mut other_providers) = (0, 0, 0, 0, 0);
    for (name, file) in expected["files"].as_object().expect("files") {
        let entries = file["entries"].as_array().expect("entries");
        let loaded = match read(folder.join(name)) {
            Ok(loaded) => loaded,
            Err(error) => {
                if !entries.is_empty() {
                    failures.push(format!("{name}: {error}"));
                }
                continue;
            }
        };
        let checks = &loaded.config.checks;
        models += checks.len();
        let expected_ids = first_ids(entries);
        let got: Vec<&str> = checks.iter().map(|check| check.id.as_str()).collect();
        for id in &expected_ids {
            if got.contains(id) {
                ids += 1;
            } else {
                other_ids += 1;
                println!("{name}: no id {id}");
            }
        }
        for check in checks {
            let entry = entries.iter().find(|entry| {
                entry["declared_id"]
                    .as_str()
                    .or(entry["id_empty_env"].as_str())
                    == Some(check.id.as_str())
            });
            let Some(entry) = entry else { continue };
            let provider = match &check.target {
                Target::Model(model) => model.provider.as_deref(),
                Target::Invalid { provider, .. } => provider.as_deref(),
                _ => None,
            };
            if provider == entry["provider"].as_str() {
                providers += 1;
            } else {
                other_providers += 1;
                println!(
                    "{name}: {:?} is of {provider:?}, not {}",
                    check.model(),
                    entry["provider"]
                );
            }
        }
    }
    for name in expected["not_yaml"].as_object().expect("not_yaml").keys() {
        match read(folder.join(name)) {
            Ok(_) => failures.push(format!("{name}: read, but LiteLLM refuses it")),
            Err(error) if error.to_string().contains("line ") => println!("refused: {error}"),
            Err(error) => failures.push(format!("{name}: no line: {error}")),
        }
    }
    println!(
        "{models} checks; ids {ids} equal, {other_ids} other; providers {providers} equal, {other_providers} other"
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(other_ids, 0, "ids that LiteLLM has and we do not");
    assert_eq!(other_providers, 0, "providers that LiteLLM finds otherwise");
}
