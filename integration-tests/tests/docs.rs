//! What the documents say of the code is so.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// A log line's words without what is put in, so that code and documents compare.
fn words(line: &str) -> String {
    let mut out = String::new();
    let mut depth = 0;
    for c in line.replace('`', "").chars() {
        match c {
            '{' => {
                depth += 1;
                out.push('…');
            }
            '}' => depth -= 1,
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

#[test]
fn every_log_line_is_told_with_its_level_and_none_that_is_not_logged() {
    let listed = Command::new(root().join(".ci/log-words.sh"))
        .arg("--list")
        .output()
        .unwrap();
    assert!(listed.status.success(), "{listed:?}");
    let logged: BTreeSet<(String, String)> = String::from_utf8(listed.stdout)
        .unwrap()
        .lines()
        .map(|line| line.split_once('\t').unwrap())
        .map(|(level, text)| (words(text), level.to_owned()))
        // A remark on the configuration, as it stands.
        .filter(|(text, _)| text != "…")
        .collect();
    assert!(logged.len() > 40, "{logged:?}");

    let page = fs::read_to_string(root().join("docs/log-lines.md")).unwrap();
    let (fixed, composed) = page.split_once("## Remarks on the configuration").unwrap();
    assert!(composed.contains("| line |"));
    let mut told = BTreeSet::new();
    for row in fixed.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split(" | ").map(str::trim).collect();
        let [line, levels, means, _] = cells[..] else {
            panic!("not four cells: {row}");
        };
        assert!(!means.is_empty(), "{row}");
        for level in levels.split(", ") {
            let text = words(line.trim_start_matches("| "));
            assert!(told.insert((text, level.to_owned())), "twice: {row}");
        }
    }
    let missing: Vec<_> = logged.difference(&told).collect();
    assert!(missing.is_empty(), "docs/log-lines.md lacks {missing:#?}");
    let invented: Vec<_> = told.difference(&logged).collect();
    assert!(invented.is_empty(), "nobody logs {invented:#?}");
}

/// The headings of a document as anchors, as GitHub and mdBook make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut fenced = false;
    let mut out = BTreeSet::new();
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        }
        let heading = line.trim_start_matches('#');
        if fenced || heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let anchor = heading.trim().to_lowercase().replace(' ', "-");
        out.insert(
            anchor
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
                .collect(),
        );
    }
    out
}

#[test]
fn every_link_to_a_heading_finds_it() {
    let mut seen = 0;
    for (file, text) in documents() {
        for target in text.split("](").skip(1) {
            let target = target.split(')').next().unwrap();
            let Some((page, anchor)) = target.split_once('#') else {
                continue;
            };
            if target.contains("://") {
                continue;
            }
            let page = match page {
                "" => file.clone(),
                page => file.parent().unwrap().join(page),
            };
            let there = anchors(&fs::read_to_string(&page).unwrap());
            assert!(
                there.contains(anchor),
                "{} links to `{target}`",
                file.display()
            );
            seen += 1;
        }
    }
    assert!(seen > 10, "only {seen} links were found");
}

/// The README, ARCHITECTURE.md and every page in `docs/`.
fn documents() -> Vec<(PathBuf, String)> {
    let mut out = Vec::new();
    for folder in ["", "docs"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "md") {
                let text = fs::read_to_string(&path).unwrap();
                out.push((path, text));
            }
        }
    }
    out
}

#[test]
fn every_page_is_a_chapter_of_the_book_and_in_its_index() {
    let summary = links(&fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap());
    let index = links(&fs::read_to_string(root().join("docs/README.md")).unwrap());
    let mut chapters = summary.clone();
    chapters.sort();
    chapters.dedup();
    assert_eq!(chapters.len(), summary.len(), "a chapter stands twice");
    let mut pages: Vec<String> = fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".md") && name != "SUMMARY.md")
        .collect();
    pages.sort();
    assert_eq!(pages, chapters);
    for page in pages.iter().filter(|page| *page != "README.md") {
        assert!(index.contains(page), "docs/README.md does not name {page}");
    }
}

#[test]
fn captured_sessions_are_as_wide_as_they_say() {
    for columns in [80, 140] {
        let path = root().join(format!("docs/sessions/status-{columns}.txt"));
        let text = fs::read_to_string(&path).unwrap();
        let frames: Vec<&str> = text.split(&"=".repeat(columns)).collect();
        // What it is, then for each frame its title and the screen.
        assert_eq!(frames.len(), 9, "{}", path.display());
        for screen in frames.iter().skip(2).step_by(2) {
            assert!(screen.lines().count() <= 25, "{screen}");
            for line in screen.lines() {
                assert!(line.chars().count() <= columns, "{line:?}");
            }
            for part in ["fleet  default", "FRESHNESS", "embeddings", "Ctrl-C leaves"] {
                assert!(screen.contains(part), "{part}: {screen}");
            }
        }
    }
}
