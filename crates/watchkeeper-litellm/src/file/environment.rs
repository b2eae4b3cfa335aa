//! `model_info.supported_environments` and `LITELLM_ENVIRONMENT`: which pods have a deployment.

use crate::yaml::Node;

/// The only names that LiteLLM takes.
const KNOWN: [&str; 3] = ["development", "staging", "production"];

/// What becomes of a deployment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is for here.
    Here,
    /// It is for pods elsewhere.
    Elsewhere,
    /// LiteLLM drops it: why, with the remedy.
    Dropped(String),
}

/// The place of a deployment whose `model_info` this is, on a pod with this `LITELLM_ENVIRONMENT`.
pub(super) fn place(info: Option<&Node>, here: Option<&str>) -> Place {
    let Some(wanted) = info.and_then(|info| info.get_set("supported_environments")) else {
        return Place::Here;
    };
    let drop = |what: &str| {
        Place::Dropped(format!(
            "line {}: {what} `development`, `staging` or `production`; litellm drops such a deployment",
            wanted.line
        ))
    };
    let Some(names) = wanted.items() else {
        return drop("`model_info.supported_environments` must be a list of");
    };
    let Some(here) = here else {
        return drop("`model_info.supported_environments` wants `LITELLM_ENVIRONMENT` set to");
    };
    if !KNOWN.contains(&here) {
        return drop("`LITELLM_ENVIRONMENT` must be");
    }
    let known = |name: &Node| name.as_str().is_some_and(|name| KNOWN.contains(&name));
    if !names.iter().all(known) {
        return drop("`model_info.supported_environments` may only have");
    }
    if names.iter().any(|name| name.as_str() == Some(here)) {
        Place::Here
    } else {
        Place::Elsewhere
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::load;

    fn at(environments: &str, here: Option<&str>) -> Place {
        let text = format!("{{supported_environments: {environments}}}");
        place(Some(&load(text.as_bytes()).unwrap().root), here)
    }

    #[test]
    fn a_deployment_is_here_where_the_list_names_the_environment() {
        assert_eq!(place(None, None), Place::Here);
        assert_eq!(at("~", None), Place::Here);
        assert_eq!(at("[staging, production]", Some("production")), Place::Here);
        assert_eq!(at("[staging]", Some("production")), Place::Elsewhere);
    }

    #[test]
    fn what_litellm_does_not_understand_is_dropped_with_a_reason() {
        for (environments, here, word) in [
            ("[production]", None, "wants `LITELLM_ENVIRONMENT` set"),
            (
                "[production]",
                Some("prod"),
                "`LITELLM_ENVIRONMENT` must be",
            ),
            ("[prod]", Some("production"), "may only have"),
            ("production", Some("production"), "must be a list"),
        ] {
            match at(environments, here) {
                Place::Dropped(why) => assert!(why.contains(word), "{why}"),
                other => panic!("{environments}: {other:?}"),
            }
        }
    }
}
