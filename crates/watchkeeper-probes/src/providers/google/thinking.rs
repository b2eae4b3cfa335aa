//! The least that a Gemini can be made to think, by its name.
//!
//! | model | `thinkingConfig` |
//! | --- | --- |
//! | 2.5 Flash, 2.5 Flash-Lite | `thinkingBudget` 0: none |
//! | 2.5 Pro | `thinkingBudget` 128, the least it takes |
//! | 3 to 3.6 Flash and Flash-Lite | `thinkingLevel` `MINIMAL` |
//! | other models of the third generation and later | `thinkingLevel` `LOW` |
//! | all else, also names without a version (`gemini-flash-latest`) | none: what such a model takes is not known |
//!
//! Thoughts count as output, so the limit of tokens holds for them too; a model that reaches it while it thinks is well.

use serde_json::{Value, json};

use crate::tokens::last_segment;

/// Kinds of Gemini that do not think, or not in a way that can be set.
const OTHER_KINDS: [&str; 7] = [
    "image",
    "tts",
    "audio",
    "live",
    "embedding",
    "computer-use",
    "robotics",
];

/// The latest Flash that takes `MINIMAL`, by its minor version within the third generation.
const LAST_MINIMAL: u32 = 6;

/// The `thinkingConfig` to send: the cheapest, or what `health_check_reasoning_effort` wants of it.
pub(super) fn config(model: &str, effort: Option<&str>) -> Option<Value> {
    let name = last_segment(model);
    let rest = name.strip_prefix("gemini-")?;
    if OTHER_KINDS.iter().any(|kind| rest.contains(kind)) {
        return None;
    }
    let (version, kind) = rest.split_once('-').unwrap_or((rest, ""));
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    let (major, minor) = (major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?);
    let flash = kind.starts_with("flash");
    let effort = effort.map(str::to_ascii_lowercase);
    match (major, minor) {
        (..2, _) | (2, ..5) => None,
        (2, _) => {
            let least = match kind {
                _ if flash => 0,
                _ if kind.starts_with("pro") => 128,
                _ => return None,
            };
            let budget = match effort.as_deref() {
                Some("low") => 1024,
                Some("medium") => 2048,
                Some("high") => 4096,
                _ => least,
            };
            Some(json!({"thinkingBudget": budget}))
        }
        _ => {
            let minimal = major == 3 && minor <= LAST_MINIMAL && flash;
            let level = match effort.as_deref() {
                Some("low") => "LOW",
                Some("medium") => "MEDIUM",
                Some("high") => "HIGH",
                _ if minimal => "MINIMAL",
                _ => "LOW",
            };
            Some(json!({"thinkingLevel": level}))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_thinks_as_little_as_it_can_be_told_to() {
        let (budget, level) = (
            |tokens: u32| Some(json!({"thinkingBudget": tokens})),
            |level: &str| Some(json!({"thinkingLevel": level})),
        );
        for (model, want) in [
            ("gemini-1.5-pro", None),
            ("gemini-2.0-flash", None),
            ("gemini-2.5-flash", budget(0)),
            ("gemini-2.5-flash-lite-preview-09-2025", budget(0)),
            ("gemini-2.5-pro", budget(128)),
            ("gemini-2.5-flash-image", None),
            ("gemini-2.5-pro-preview-tts", None),
            ("gemini-2.5-computer-use-preview-10-2025", None),
            ("gemini-3-pro-preview", level("LOW")),
            ("gemini-3-flash-preview", level("MINIMAL")),
            ("gemini-3.1-flash-lite", level("MINIMAL")),
            ("gemini-3.1-pro-preview", level("LOW")),
            ("gemini-3.8-flash", level("LOW")),
            ("gemini-4-argon", level("LOW")),
            ("gemini-3-pro-image", None),
            ("gemini-flash-latest", None),
            ("gemini-pro", None),
            ("gemma-3-27b-it", None),
            ("4965075652664360960", None),
        ] {
            assert_eq!(config(model, None), want, "{model}");
        }
    }

    #[test]
    fn an_effort_that_the_check_names_is_kept() {
        let of = |model, effort| config(model, Some(effort)).unwrap();
        assert_eq!(
            of("gemini-2.5-pro", "High"),
            json!({"thinkingBudget": 4096})
        );
        assert_eq!(of("gemini-2.5-flash", "none"), json!({"thinkingBudget": 0}));
        assert_eq!(
            of("gemini-3-flash-preview", "medium"),
            json!({"thinkingLevel": "MEDIUM"})
        );
        assert_eq!(
            of("gemini-3-pro-preview", "minimal"),
            json!({"thinkingLevel": "LOW"})
        );
    }
}
