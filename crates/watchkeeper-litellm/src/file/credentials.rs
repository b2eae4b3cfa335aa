//! `credential_list`: keys that entries name by `litellm_credential_name`.

use crate::python::str_of;
use crate::yaml::{Node, NodeInner, Yaml};

/// What an entry names a credential by.
const NAME: &str = "litellm_credential_name";

/// The credentials of a file, references in them replaced.
#[derive(Debug, Default)]
pub(super) struct Credentials(Vec<(String, Node)>);

impl Credentials {
    /// Reads the section. What is wrong with it is added to `notes`.
    pub(super) fn read(root: &Node, notes: &mut Vec<String>) -> Self {
        let Some(list) = root.get_set("credential_list") else {
            return Self::default();
        };
        let Some(items) = list.items() else {
            notes.push(format!(
                "line {}: `credential_list` must be a list, not {}; litellm does not start with it",
                list.line,
                list.kind()
            ));
            return Self::default();
        };
        let mut out = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let wrong = |what: &str| {
                format!(
                    "line {}: `credential_list[{index}]` {what}; litellm does not start with it",
                    item.line
                )
            };
            let name = item.get("credential_name").and_then(|name| name.as_str());
            let values = item.get("credential_values").filter(|node| node.is_map());
            let (Some(name), Some(values)) = (name, values) else {
                notes.push(wrong(
                    "must have a text `credential_name` and a mapping `credential_values`, and is left out",
                ));
                continue;
            };
            if !item
                .get("credential_info")
                .is_some_and(|info| info.is_map())
            {
                notes.push(wrong("must have a mapping `credential_info`"));
            }
            // The first of a name counts.
            if !out.iter().any(|(known, _)| known == name) {
                out.push((name.to_owned(), values.clone()));
            }
        }
        Self(out)
    }

    /// The parameters of an entry with what its credential adds to them: its own values go first, a null is none. The
    /// same parameters where it names no credential.
    ///
    /// # Errors
    /// The name, where no credential has it.
    pub(super) fn fill(&self, params: &Node) -> Result<Node, String> {
        let Some(name) = params.get_set(NAME).filter(|name| name.truthy()) else {
            return Ok(params.clone());
        };
        let name = str_of(name);
        let Some((_, values)) = self.0.iter().find(|(known, _)| *known == name) else {
            return Err(name);
        };
        let own = |key: &Node| {
            key.as_str()
                .is_some_and(|key| params.get_set(key).is_some())
        };
        let added = values.pairs().iter().filter(|(key, _)| !own(key));
        let replaced = |key: &Node| {
            let mut values = values.pairs().iter();
            values.any(|(added, _)| added.as_str() == key.as_str())
        };
        let kept = params
            .pairs()
            .iter()
            .filter(|(key, value)| !(value.is_null() && replaced(key)));
        let pairs = kept.chain(added).cloned().collect();
        Ok(NodeInner::new(Yaml::Map(pairs), params.line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::to_json;
    use crate::yaml::load;

    fn filled(list: &str, params: &str) -> (Result<serde_json::Value, String>, Vec<String>) {
        let root = load(format!("credential_list: {list}").as_bytes())
            .unwrap()
            .root;
        let params = load(params.as_bytes()).unwrap().root;
        let mut notes = Vec::new();
        let credentials = Credentials::read(&root, &mut notes);
        (
            credentials.fill(&params).map(|params| to_json(&params)),
            notes,
        )
    }

    const LIST: &str = "[{credential_name: c, credential_values: {api_key: sk, api_base: 'http://c'}, credential_info: {}},\
                         {credential_name: c, credential_values: {api_key: second}, credential_info: {}}]";

    #[test]
    fn an_entrys_own_values_go_before_its_credentials() {
        for (params, expected) in [
            (
                "{model: m, litellm_credential_name: c}",
                serde_json::json!({"model": "m", "litellm_credential_name": "c", "api_key": "sk", "api_base": "http://c"}),
            ),
            (
                "{api_base: 'http://own', litellm_credential_name: c, api_key: ~}",
                serde_json::json!({"api_base": "http://own", "litellm_credential_name": "c", "api_key": "sk"}),
            ),
            ("{model: m}", serde_json::json!({"model": "m"})),
            (
                "{litellm_credential_name: ''}",
                serde_json::json!({"litellm_credential_name": ""}),
            ),
        ] {
            let (filled, notes) = filled(LIST, params);
            assert_eq!(filled.unwrap(), expected, "{params}");
            assert!(notes.is_empty(), "{notes:?}");
        }
        let (unknown, _) = filled(LIST, "{litellm_credential_name: d}");
        assert_eq!(unknown, Err("d".to_owned()));
    }

    #[test]
    fn what_litellm_does_not_start_with_is_named_without_its_values() {
        for (list, part) in [
            ("5", "must be a list"),
            (
                "[sk-live]",
                "`credential_list[0]` must have a text `credential_name`",
            ),
            (
                "[{credential_name: c, credential_values: sk-live, credential_info: {}}]",
                "`credential_values`",
            ),
            (
                "[{credential_name: c, credential_values: {api_key: sk-live}}]",
                "`credential_info`",
            ),
        ] {
            let (_, notes) = filled(list, "{model: m}");
            assert_eq!(notes.len(), 1, "{list}: {notes:?}");
            assert!(
                notes[0].starts_with("line 1: ") && notes[0].contains(part),
                "{notes:?}"
            );
            assert!(!notes[0].contains("sk-live"), "{notes:?}");
        }
    }
}
