//! Which of our keys a LiteLLM file sets.

use crate::python::str_of;
use crate::yaml::{Node, NodeInner, Yaml};

/// One of our keys, as a LiteLLM file sets it.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// Our dotted key.
    pub key: &'static str,
    /// The value, spelt for our reader.
    pub value: String,
    /// File, line and key.
    pub origin: String,
}

/// Reads `general_settings` and `litellm_settings`.
pub(super) fn read(root: &Node, file: &str, warnings: &mut Vec<String>) -> Vec<Setting> {
    let mut out = Vec::new();
    let mut found = |section: &str, name: &str, key: &'static str, read: Reader| {
        let Some(node) = root.get(section).and_then(|section| section.get_set(name)) else {
            return;
        };
        let place = format!("{file}, line {}: `{section}.{name}`", node.line);
        match read(node) {
            Read::Value(value) => out.push(Setting {
                key,
                value,
                origin: place,
            }),
            Read::Noted(value, note) => {
                warnings.push(format!("{place} {note}"));
                out.push(Setting {
                    key,
                    value,
                    origin: place,
                });
            }
            Read::Ignored(note) => warnings.push(format!("{place} {note}")),
        }
    };
    let general = "general_settings";
    found(
        general,
        "use_shared_health_check",
        "coordination.enabled",
        truth,
    );
    found(
        general,
        "background_health_checks",
        "coordination.background",
        truth,
    );
    found(
        general,
        "health_check_interval",
        "coordination.interval",
        interval,
    );
    found(
        general,
        "health_check_concurrency",
        "probe.concurrency",
        concurrency,
    );
    found(general, "health_check_details", "litellm.details", details);
    found("litellm_settings", "set_verbose", "log.level", verbose);
    out
}

/// Keys about health that do less than they say, and what to know of them.
const IDLE: [(&str, &str, &str); 6] = [
    (
        "general_settings",
        "health_check_endpoint",
        "does nothing, in LiteLLM either",
    ),
    (
        "general_settings",
        "disable_health_check_auth",
        "does nothing, in LiteLLM either",
    ),
    (
        "general_settings",
        "health_check",
        "does nothing, in LiteLLM either: `background_health_checks` starts its loop",
    ),
    (
        "general_settings",
        "health_check_timeout",
        "does nothing, in LiteLLM either: set `HEALTH_CHECK_TIMEOUT_SECONDS`, or `health_check_timeout` in `model_info`",
    ),
    (
        "router_settings",
        "health_check_interval",
        "is ignored, and LiteLLM does not start with it: it belongs to `general_settings`",
    ),
    (
        "router_settings",
        "health_check_concurrency",
        "is ignored, and LiteLLM does not start with it: it belongs to `general_settings`",
    ),
];

/// What is set in a file and does nothing, in words.
pub(super) fn idle(root: &Node, file: &str) -> Vec<String> {
    let set = |(section, key, what): &(&str, &str, &str)| {
        let node = root.get(section)?.get_set(key)?;
        Some(format!(
            "{file}, line {}: `{section}.{key}` {what}",
            node.line
        ))
    };
    IDLE.iter().filter_map(set).collect()
}

/// The value of `master_key`, if it is one.
pub(super) fn master_key(root: &Node) -> Option<String> {
    let key = root.get("general_settings")?.get_set("master_key")?;
    Some(str_of(key)).filter(|key| !key.is_empty())
}

/// The names in `background_health_check_model_groups`.
pub(super) fn groups(root: &Node) -> Result<Option<Vec<&str>>, String> {
    let Some(list) = root
        .get("general_settings")
        .and_then(|general| general.get_set("background_health_check_model_groups"))
    else {
        return Ok(None);
    };
    list.items()
        .and_then(|items| items.iter().map(|item| item.as_str()).collect::<Option<Vec<_>>>())
        .map(Some)
        .ok_or_else(|| {
            format!(
                "line {}: `general_settings.background_health_check_model_groups` must be a list of model names",
                list.line
            )
        })
}

type Reader = fn(&NodeInner) -> Read;

enum Read {
    Value(String),
    Noted(String, String),
    Ignored(String),
}

fn truth(node: &NodeInner) -> Read {
    let Some(text) = node.as_str() else {
        return Read::Value(node.truthy().to_string());
    };
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Read::Value("true".into()),
        "" => Read::Value("false".into()),
        "false" | "no" | "off" | "0" => Read::Noted(
            "false".into(),
            "is a string, which LiteLLM takes for true: read here as false; leave out the quotes"
                .into(),
        ),
        _ => Read::Ignored("is ignored: it must be true or false".into()),
    }
}

fn interval(node: &NodeInner) -> Read {
    let text = str_of(node);
    match &node.value {
        Yaml::Int(_) => Read::Value(text),
        Yaml::Float(_) | Yaml::Str(_) => Read::Noted(
            text,
            format!(
                "is {}, with which LiteLLM's own loop ends silently; it works here",
                node.kind()
            ),
        ),
        _ => Read::Ignored(format!(
            "is ignored: it must be seconds, not {}",
            node.kind()
        )),
    }
}

fn concurrency(node: &NodeInner) -> Read {
    let text = str_of(node);
    match &node.value {
        Yaml::Int(_) if !text.starts_with('-') && text != "0" => Read::Value(text),
        _ => Read::Ignored("is ignored, as LiteLLM does: it must be a whole number above 0".into()),
    }
}

fn details(node: &NodeInner) -> Read {
    // Only the literal false counts there.
    Read::Value((!matches!(node.value, Yaml::Bool(false))).to_string())
}

fn verbose(node: &NodeInner) -> Read {
    if node.truthy() {
        Read::Value("debug".into())
    } else {
        Read::Value("info".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::load;

    fn settings(text: &str) -> (Vec<(&'static str, String)>, Vec<String>) {
        let mut warnings = Vec::new();
        let root = load(text.as_bytes()).unwrap().root;
        let settings = read(&root, "f.yaml", &mut warnings);
        (
            settings.into_iter().map(|s| (s.key, s.value)).collect(),
            warnings,
        )
    }

    #[test]
    fn each_key_finds_its_place() {
        let (found, warnings) = settings(
            "general_settings:\n  background_health_checks: yes\n  use_shared_health_check: false\n  \
             health_check_interval: 30\n  health_check_concurrency: 4\n  health_check_details: off\n\
             litellm_settings: {set_verbose: true}\n",
        );
        let expected = [
            ("coordination.enabled", "false"),
            ("coordination.background", "true"),
            ("coordination.interval", "30"),
            ("probe.concurrency", "4"),
            ("litellm.details", "false"),
            ("log.level", "debug"),
        ];
        let found: Vec<_> = found.iter().map(|(k, v)| (*k, v.as_str())).collect();
        assert_eq!(found, expected);
        assert!(warnings.is_empty(), "{warnings:?}");
    }

    #[test]
    fn an_interval_that_ends_litellms_loop_works_with_a_note() {
        for value in ["'30'", "30.0"] {
            let (found, warnings) = settings(&format!(
                "general_settings: {{health_check_interval: {value}}}\n"
            ));
            assert_eq!(found.len(), 1, "{value}");
            assert!(warnings[0].contains("f.yaml, line 1"), "{warnings:?}");
        }
    }

    #[test]
    fn what_does_nothing_is_named_with_its_line() {
        let root = load(
            b"general_settings: {health_check_endpoint: /h, health_check: ~}\n\
              router_settings: {health_check_interval: 5, num_retries: 1}\n",
        )
        .unwrap()
        .root;
        let said = idle(&root, "f.yaml");
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].starts_with("f.yaml, line 1: `general_settings.health_check_endpoint`"));
        assert!(said[1].contains("line 2") && said[1].contains("belongs to `general_settings`"));
    }

    #[test]
    fn a_null_says_nothing_and_nonsense_is_ignored_aloud() {
        let (found, warnings) = settings(
            "general_settings: {use_shared_health_check: ~, health_check_interval: [], \
             health_check_concurrency: 0, background_health_checks: maybe}\n",
        );
        assert!(found.is_empty(), "{found:?}");
        assert_eq!(warnings.len(), 3, "{warnings:?}");
    }

    #[test]
    fn a_quoted_false_is_read_as_meant_with_a_note() {
        let (found, warnings) = settings("general_settings: {use_shared_health_check: 'no'}\n");
        assert_eq!(found, [("coordination.enabled", "false".to_owned())]);
        assert_eq!(warnings.len(), 1);
    }
}
