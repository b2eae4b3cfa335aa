//! One LiteLLM file and what it includes, as one mapping.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::disk::{read_bounded, shown_path};
use crate::error::LitellmError;
use crate::yaml::{self, Node, NodeInner, Yaml};

/// Most files that one configuration may be made of.
const MAX_FILES: usize = 100;

/// The merged file.
#[derive(Debug)]
pub(super) struct Merged {
    /// The mapping at the top.
    pub(super) root: Node,
    /// Every file read, the root first.
    pub(super) files: Vec<PathBuf>,
    /// What is odd.
    pub(super) warnings: Vec<String>,
}

/// Reads a file and everything that it includes. Messages leave out `base` from paths.
///
/// Included top-level lists are appended; any other included value replaces the one that was there, whole sections at
/// a time. A path is relative to the file that has it, else to the root file. A file is read once.
pub(super) fn read(path: &Path, base: &Path) -> Result<Merged, LitellmError> {
    let mut reader = Reader {
        base,
        root_dir: parent(path),
        seen: BTreeSet::new(),
        files: Vec::new(),
        warnings: Vec::new(),
    };
    let root = reader.file(path)?;
    Ok(Merged {
        root,
        files: reader.files,
        warnings: reader.warnings,
    })
}

struct Reader<'a> {
    base: &'a Path,
    root_dir: PathBuf,
    seen: BTreeSet<PathBuf>,
    files: Vec<PathBuf>,
    warnings: Vec<String>,
}

impl Reader<'_> {
    fn file(&mut self, path: &Path) -> Result<Node, LitellmError> {
        let shown = shown_path(path, self.base);
        let fail = |why: String| {
            Err(LitellmError::Refused {
                file: shown.clone(),
                why,
            })
        };
        if self.files.len() >= MAX_FILES {
            return fail(format!("more than {MAX_FILES} files are included"));
        }
        let bytes = read_bounded(path, &shown, yaml::MAX_FILE_BYTES)?;
        self.seen.insert(identity(path));
        self.files.push(path.to_owned());
        let document = yaml::load(&bytes).map_err(|error| LitellmError::Syntax {
            file: shown.clone(),
            line: error.at.line,
            column: error.at.column,
            why: error.why,
        })?;
        for (line, key) in document.duplicates {
            self.warnings.push(format!(
                "{shown}, line {line}: the key `{key}` stands twice in one mapping; the last one counts"
            ));
        }
        if let Some(line) = std::str::from_utf8(&bytes)
            .ok()
            .and_then(yaml::quoted_template)
        {
            self.warnings.push(format!(
                "{shown}, line {line}: `{{{{` is left as it is: if the file is a template, render it first"
            ));
        }
        let root = document.root;
        if !root.is_map() {
            return fail(format!(
                "the file must be a mapping with `model_list` at its top, not {}",
                root.kind()
            ));
        }
        let manifest = ["apiVersion", "kind"]
            .iter()
            .all(|key| root.get(key).is_some());
        if manifest && root.get("model_list").is_none() {
            return fail(yaml::MANIFEST_HINT.into());
        }
        let Some(include) = root.get("include").cloned() else {
            return Ok(root);
        };
        let Some(names) = include
            .items()
            .and_then(|items| items.iter().map(|i| i.as_str()).collect::<Option<Vec<_>>>())
        else {
            return fail(format!(
                "line {}: `include` must be a list of file names",
                include.line
            ));
        };
        let mut merged: Vec<(Node, Node)> = root
            .pairs()
            .iter()
            .filter(|(key, _)| key.as_str() != Some("include"))
            .cloned()
            .collect();
        for name in names {
            let Some(found) = self.find(path, name) else {
                return fail(format!(
                    "line {}: the included file `{name}` does not exist beside it: give a path relative to this file",
                    include.line
                ));
            };
            if self.seen.contains(&identity(&found)) {
                continue;
            }
            let included = self.file(&found)?;
            for (key, value) in included.pairs() {
                merge(&mut merged, key, value);
            }
        }
        Ok(NodeInner::new(Yaml::Map(merged), root.line))
    }

    fn find(&mut self, from: &Path, name: &str) -> Option<PathBuf> {
        let beside = parent(from).join(name);
        if beside.is_file() {
            return Some(beside);
        }
        let at_root = self.root_dir.join(name);
        if !at_root.is_file() {
            return None;
        }
        self.warnings.push(format!(
            "{}: the included file `{name}` was found beside the root file only",
            shown_path(from, self.base)
        ));
        Some(at_root)
    }
}

fn merge(into: &mut Vec<(Node, Node)>, key: &Node, value: &Node) {
    let place = into
        .iter_mut()
        .find(|(k, _)| k.as_str().is_some() && k.as_str() == key.as_str());
    match place {
        None => into.push((key.clone(), value.clone())),
        Some((_, old)) => match (old.items(), value.items()) {
            (Some(base), Some(more)) => {
                let all = base.iter().chain(more).cloned().collect();
                *old = NodeInner::new(Yaml::Seq(all), old.line);
            }
            _ => *old = value.clone(),
        },
    }
}

fn parent(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}

/// One name per file, so that a cycle through `../` ends.
fn identity(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        dir
    }

    fn names(root: &Node) -> Vec<&str> {
        let items = root.get("model_list").and_then(|l| l.items()).unwrap();
        items.iter().filter_map(|i| i.as_str()).collect()
    }

    #[test]
    fn included_lists_are_appended_and_sections_replaced_whole() {
        let dir = folder(&[
            (
                "root.yaml",
                "include: [a.yaml, b.yaml]\nmodel_list: [r]\ngeneral_settings: {x: 1, y: 2}\n",
            ),
            (
                "a.yaml",
                "include: [sub/c.yaml]\nmodel_list: [a]\ngeneral_settings: {x: 3}\n",
            ),
            ("b.yaml", "include: [root.yaml, a.yaml]\nmodel_list: [b]\n"),
            ("sub/c.yaml", "include: [d.yaml]\nmodel_list: [c]\n"),
            ("d.yaml", "model_list: [d]\n"),
        ]);
        let merged = read(&dir.path().join("root.yaml"), dir.path()).unwrap();
        assert_eq!(names(&merged.root), ["r", "a", "c", "d", "b"]);
        let settings = merged.root.get("general_settings").unwrap();
        assert!(settings.get("x").is_some() && settings.get("y").is_none());
        assert!(merged.root.get("include").is_none());
        assert_eq!(merged.files.len(), 5);
        assert_eq!(merged.warnings.len(), 1, "{:?}", merged.warnings);
    }

    #[test]
    fn what_litellm_refuses_is_refused_with_the_files_name() {
        for (text, expected) in [
            ("include: a.yaml\n", "`include` must be a list"),
            ("include: [1]\n", "`include` must be a list"),
            ("include: [nope.yaml]\n", "`nope.yaml` does not exist"),
            ("- a\n", "must be a mapping"),
            ("# nothing\n", "line 1, column 1: the document is empty"),
            (
                "a: 1\n---\nb: 2\n",
                "line 2, column 1: one document was expected",
            ),
            ("a: [1\nb: 2\n", "line "),
            (
                "apiVersion: v1\nkind: ConfigMap\ndata:\n  config.yaml: |\n    model_list: []\n",
                "is a Kubernetes manifest",
            ),
        ] {
            let dir = folder(&[("root.yaml", text)]);
            let error = read(&dir.path().join("root.yaml"), dir.path())
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(error.contains("root.yaml"), "{error}");
        }
    }

    #[test]
    fn duplicate_keys_are_a_warning_with_file_and_line() {
        let dir = folder(&[("root.yaml", "model_list: []\nmodel_list: [a]\n")]);
        let merged = read(&dir.path().join("root.yaml"), dir.path()).unwrap();
        assert_eq!(names(&merged.root), ["a"]);
        assert!(
            merged.warnings[0].contains("root.yaml, line 2"),
            "{:?}",
            merged.warnings
        );
    }
}
