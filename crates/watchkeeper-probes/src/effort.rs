//! The least thinking that a model can be told to do.
//!
//! A parameter that a model refuses makes a healthy one red, so a value stands here only where the vendor documents it
//! for that very family. All others are told nothing: the limit of output tokens covers what they think, too.

use crate::tokens::{family_of, is_family};

/// The lowest `reasoning_effort` that one of OpenAI's models takes, by its name, whatever stands before its last slash.
/// `None` for a model that takes none, or of which it is not known.
pub(crate) fn of_openai(model: &str) -> Option<&'static str> {
    let name = family_of(model);
    for (family, effort) in EXCEPTIONS {
        if is_family(name, family) {
            return effort;
        }
    }
    if name.contains("-deep-research") || name.contains("-chat") || name.contains("-search") {
        return None;
    }
    if ["o1", "o3", "o4"].iter().any(|one| is_family(name, one)) {
        return Some("low");
    }
    let version = name.strip_prefix("gpt-5")?;
    let (minor, rest) = match version.strip_prefix('.') {
        None => (0, version),
        Some(version) => {
            let end = version
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(version.len());
            let (minor, rest) = version.split_at_checked(end)?;
            (minor.parse::<u8>().ok()?, rest)
        }
    };
    match (minor, rest) {
        (_, rest) if is_family(rest, "-codex") => Some("low"),
        (0, rest) if is_family(rest, "-pro") => Some("high"),
        (_, rest) if is_family(rest, "-pro") => Some("medium"),
        (0, rest) if is_plain(rest) => Some("minimal"),
        (_, rest) if is_plain(rest) => Some("none"),
        _ => None,
    }
}

/// Families that are not what the rules below them say; first match wins.
const EXCEPTIONS: [(&str, Option<&str>); 4] = [
    ("o1-mini", None),
    ("o1-preview", None),
    ("gpt-6-sol", Some("none")),
    ("gpt-6-luna", Some("none")),
];

/// Whether what follows a version names a size or a date, and nothing that makes it another kind of model.
fn is_plain(rest: &str) -> bool {
    let rest = ["-mini", "-nano"]
        .iter()
        .find_map(|size| rest.strip_prefix(size))
        .unwrap_or(rest);
    let date = |rest: &str| rest.chars().all(|c| c.is_ascii_digit() || c == '-');
    // a fine-tuned model's name goes on behind a colon
    rest.is_empty() || rest.starts_with(':') || (rest.starts_with("-20") && date(rest))
}

/// The lowest effort among `known`, pairs of how a model's name begins and what it takes.
pub(crate) fn of_list(known: &[(&'static str, &'static str)], model: &str) -> Option<&'static str> {
    known
        .iter()
        .find(|(start, _)| model.starts_with(start))
        .map(|(_, effort)| *effort)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_openais_families_has_its_own_least_effort() {
        for (model, want) in [
            ("gpt-4o", None),
            ("o1", Some("low")),
            ("o1-2024-12-17", Some("low")),
            ("o1-mini", None),
            ("o1-preview-2024-09-12", None),
            ("o3-mini", Some("low")),
            ("o3-deep-research", None),
            ("o4-mini", Some("low")),
            ("ft:o4-mini-2025-04-16:org", Some("low")),
            ("gpt-5", Some("minimal")),
            ("gpt-5-2025-08-07", Some("minimal")),
            ("gpt-5-mini", Some("minimal")),
            ("gpt-5-nano-2025-08-07", Some("minimal")),
            ("openai/gpt-5", Some("minimal")),
            ("gpt-5-chat-latest", None),
            ("gpt-5-search-api", None),
            ("gpt-5-codex", Some("low")),
            ("gpt-5-pro-2025-10-06", Some("high")),
            ("gpt-5.1", Some("none")),
            ("gpt-5.1-chat-latest", None),
            ("gpt-5.1-codex-max", Some("low")),
            ("gpt-5.2-pro", Some("medium")),
            ("gpt-5.4-mini-2026-03-17", Some("none")),
            ("gpt-5.5-cyber", None),
            ("gpt-5.", None),
            ("gpt-50", None),
            ("gpt-6-luna", Some("none")),
            ("gpt-6-astra", None),
            ("", None),
        ] {
            assert_eq!(of_openai(model), want, "{model}");
        }
    }
}
