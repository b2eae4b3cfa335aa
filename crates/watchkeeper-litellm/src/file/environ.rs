//! `os.environ/NAME` and `environment_variables`, by LiteLLM's rules.

use std::collections::BTreeMap;

use crate::python::str_of;
use crate::yaml::{Node, NodeInner, Yaml};

/// How a reference begins.
pub const PREFIX: &str = "os.environ/";

/// Names that `environment_variables` may not set: they change how programs are found and loaded.
const REFUSED: [&str; 14] = [
    "DYLD_INSERT_LIBRARIES",
    "DYLD_LIBRARY_PATH",
    "HOME",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "LOGNAME",
    "NO_PROXY",
    "PATH",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "SHELL",
    "USER",
    "no_proxy",
];

/// Keys whose references the client library follows, and not the proxy: those of a workload's identity.
const POINTERS: [&str; 2] = [
    "anthropic_issuer_signing_key_ref",
    "anthropic_keycloak_client_secret_ref",
];

/// Names of tokens that LiteLLM fetches; they are no variables.
const TOKEN: &str = "oidc/";

/// Environment references that named an unset variable.
pub(super) type Unset = std::collections::BTreeSet<String>;

/// The value with its references replaced: at any depth of mappings; in a list only below elements that are mappings.
/// An unset variable is null, and `true` and `false` in any case become booleans.
pub(super) fn resolve(node: &Node, env: &BTreeMap<String, String>, unset: &mut Unset) -> Node {
    match &node.value {
        Yaml::Str(text) => match reference(text) {
            Some(name) => NodeInner::new(lookup(&name, env, unset), node.line),
            None => node.clone(),
        },
        Yaml::Map(pairs) => {
            let pairs = pairs
                .iter()
                .map(|(key, value)| {
                    if key.as_str().is_some_and(|key| POINTERS.contains(&key)) {
                        (key.clone(), value.clone())
                    } else {
                        (key.clone(), resolve(value, env, unset))
                    }
                })
                .collect();
            NodeInner::new(Yaml::Map(pairs), node.line)
        }
        Yaml::Seq(items) => {
            let items = items
                .iter()
                .map(|item| {
                    if item.is_map() {
                        resolve(item, env, unset)
                    } else {
                        item.clone()
                    }
                })
                .collect();
            NodeInner::new(Yaml::Seq(items), node.line)
        }
        _ => node.clone(),
    }
}

/// What is odd about references that gave nothing, in words.
pub(super) fn remarks(unset: &Unset) -> Vec<String> {
    let (tokens, variables): (Vec<_>, Vec<_>) =
        unset.iter().partition(|name| name.starts_with(TOKEN));
    let list = |names: &[&String]| {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    };
    let mut out = Vec::new();
    if !variables.is_empty() {
        out.push(format!(
            "references to unset variables count as null, as in LiteLLM: {}",
            list(&variables)
        ));
    }
    if !tokens.is_empty() {
        out.push(format!(
            "references to tokens are not followed here and count as null, so another id is made than LiteLLM's; \
             set `model_info.id`: {}",
            list(&tokens)
        ));
    }
    out
}

/// The variable that a text refers to.
pub(super) fn reference(text: &str) -> Option<String> {
    text.starts_with(PREFIX).then(|| text.replace(PREFIX, ""))
}

fn lookup(name: &str, env: &BTreeMap<String, String>, unset: &mut Unset) -> Yaml {
    match env.get(name) {
        None => {
            unset.insert(name.to_owned());
            Yaml::Null
        }
        Some(value) if value.trim().eq_ignore_ascii_case("true") => Yaml::Bool(true),
        Some(value) if value.trim().eq_ignore_ascii_case("false") => Yaml::Bool(false),
        Some(value) => Yaml::Str(value.clone()),
    }
}

/// What the file's `environment_variables` add to the environment. They come too late for references in the same file.
pub(super) fn exported(root: &Node, warnings: &mut Vec<String>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (key, value) in root
        .get("environment_variables")
        .map_or(&[][..], |node| node.pairs())
    {
        let name = str_of(key);
        if value.is_null() {
            continue;
        }
        if REFUSED.contains(&name.as_str()) {
            warnings.push(format!(
                "`environment_variables.{name}` is ignored, as LiteLLM does: it changes how programs are loaded"
            ));
            continue;
        }
        out.insert(name, str_of(value));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::json_dumps;
    use crate::yaml::load;

    fn resolved(text: &str) -> (String, Vec<String>) {
        let env = [("A", "1"), ("T", "True"), ("F", "false"), ("X_REF", "x")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
        let mut unset = Unset::new();
        let root = resolve(&load(text.as_bytes()).unwrap().root, &env, &mut unset);
        (json_dumps(&root), unset.into_iter().collect())
    }

    #[test]
    fn references_are_replaced_by_litellms_rule() {
        let (text, unset) = resolved(
            "{a: os.environ/A, t: os.environ/T, f: os.environ/F, in: x os.environ/A, \
             deep: {a: os.environ/A}, list: [os.environ/A, {a: os.environ/A}, [os.environ/A]], \
             anthropic_issuer_signing_key_ref: os.environ/A, my_ref: os.environ/A, none: os.environ/NOPE, dollar: '${A}'}",
        );
        assert_eq!(
            text,
            "{\"a\": \"1\", \"t\": true, \"f\": false, \"in\": \"x os.environ/A\", \"deep\": {\"a\": \"1\"}, \
             \"list\": [\"os.environ/A\", {\"a\": \"1\"}, [\"os.environ/A\"]], \
             \"anthropic_issuer_signing_key_ref\": \"os.environ/A\", \"my_ref\": \"1\", \"none\": null, \"dollar\": \"${A}\"}"
        );
        assert_eq!(unset, ["NOPE"]);
    }

    #[test]
    fn a_token_is_not_followed_and_that_is_said_apart() {
        let (text, unset) = resolved("{a: os.environ/oidc/google/x, b: os.environ/NOPE}");
        assert_eq!(text, r#"{"a": null, "b": null}"#);
        let remarks = remarks(&unset.into_iter().collect());
        assert!(
            remarks[0].contains("`NOPE`") && !remarks[0].contains("oidc"),
            "{remarks:?}"
        );
        assert!(remarks[1].contains("not followed") && remarks[1].contains("`oidc/google/x`"));
    }

    #[test]
    fn every_occurrence_of_the_prefix_is_taken_out_of_the_name() {
        let (text, _) = resolved("{a: os.environ/os.environ/A, b: os.environ/, c: OS.ENVIRON/A}");
        assert_eq!(text, r#"{"a": "1", "b": null, "c": "OS.ENVIRON/A"}"#);
    }

    #[test]
    fn exported_names_are_texts_and_dangerous_ones_are_ignored() {
        let root = load(b"environment_variables: {N: 5, B: true, PATH: /x, LD_LIBRARY_PATH: /x, no_proxy: a, Z: ~}")
            .unwrap()
            .root;
        let mut warnings = Vec::new();
        let out = exported(&root, &mut warnings);
        let out: Vec<_> = out.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(out, [("B", "True"), ("N", "5")]);
        assert_eq!(warnings.len(), 3, "{warnings:?}");
    }
}
