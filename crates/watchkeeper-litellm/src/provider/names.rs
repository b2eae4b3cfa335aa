//! Model names that LiteLLM 1.106.2 knows by its own cost map: who serves them and what they do.

use std::collections::HashMap;
use std::sync::OnceLock;

/// A name without a provider's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bare {
    /// Who serves it.
    pub(super) provider: &'static str,
    /// What it does.
    pub(super) mode: &'static str,
}

/// All names without a prefix.
pub(super) fn bare() -> &'static HashMap<&'static str, Bare> {
    static NAMES: OnceLock<HashMap<&str, Bare>> = OnceLock::new();
    NAMES.get_or_init(|| {
        rows(include_str!("../bare-names.tsv"))
            .filter_map(|row| {
                let (name, rest) = row.split_once('\t')?;
                let (provider, mode) = rest.split_once('\t')?;
                Some((name, Bare { provider, mode }))
            })
            .collect()
    })
}

/// The mode of a name with its prefix, if it is one of those that do anything but chat.
pub(super) fn prefixed_mode(name: &str) -> Option<&'static str> {
    static NAMES: OnceLock<HashMap<&str, &str>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        rows(include_str!("../prefixed-modes.tsv"))
            .filter_map(|row| row.split_once('\t'))
            .collect()
    });
    names.get(name).copied()
}

fn rows(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.starts_with('#'))
}
