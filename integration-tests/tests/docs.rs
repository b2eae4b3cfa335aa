//! What the documents say of the code is so.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::fs;
use std::path::{Path, PathBuf};

use watchkeeper_core::invariant::Invariant;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

fn proof() -> String {
    fs::read_to_string(root().join("docs/proof.md")).unwrap()
}

/// All Rust text below a folder.
fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, text);
        } else if path.extension().is_some_and(|e| e == "rs") {
            *text += &fs::read_to_string(path).unwrap();
        }
    }
}

/// Whether a test or a promise of the conformance suite has this name.
fn is_test(text: &str, name: &str) -> bool {
    let promise = format!("pub async fn {name}(harness: &dyn Harness)");
    let definition = format!("fn {name}(");
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let has_attribute = |line: &str| line == "#[test]" || line.starts_with("#[tokio::test");
    let is_defined = |two: &[&str]| has_attribute(two[0]) && two[1].contains(&definition);
    text.contains(&promise) || lines.windows(2).any(is_defined)
}

/// The row of the first table that speaks of an invariant: its sentence, and its tests.
fn row(proof: &str, invariant: Invariant) -> (String, Vec<String>) {
    let start = format!("| {invariant} | ");
    let line = proof.lines().find(|line| line.starts_with(&start));
    let line = line.unwrap_or_else(|| panic!("docs/proof.md has no row for {invariant}"));
    let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    let tests = cells[2].split(", ").map(|t| t.trim_matches('`').to_owned());
    (cells[1].to_owned(), tests.collect())
}

#[test]
fn every_invariant_is_told_in_the_words_of_the_code() {
    let proof = proof();
    for invariant in Invariant::ALL {
        assert_eq!(row(&proof, invariant).0, invariant.says(), "{invariant}");
    }
}

#[test]
fn every_test_that_is_said_to_hold_an_invariant_exists() {
    let (proof, mut text) = (proof(), String::new());
    for folder in ["crates", "integration-tests"] {
        sources(&root().join(folder), &mut text);
    }
    for invariant in Invariant::ALL {
        let tests = row(&proof, invariant).1;
        assert!(tests.len() > 1, "{invariant} is held by {tests:?} alone");
        for test in tests {
            assert!(is_test(&text, &test), "{invariant}: no test `{test}`");
        }
    }
}

/// The targets of a document's links to files of this project.
fn links(text: &str) -> Vec<String> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .map(|target| target.split('#').next().unwrap_or_default().to_owned())
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .collect()
}

#[test]
fn every_link_to_a_file_leads_somewhere() {
    let mut seen = 0;
    for folder in ["", "docs", "docs/adr"] {
        let folder = root().join(folder);
        let Ok(files) = fs::read_dir(&folder) else {
            continue;
        };
        for file in files.map(|entry| entry.unwrap().path()) {
            if file.extension().is_none_or(|e| e != "md") {
                continue;
            }
            for target in links(&fs::read_to_string(&file).unwrap()) {
                let there = folder.join(&target).exists();
                assert!(there, "{} links to `{target}`", file.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "only {seen} links were found");
}
