//! What a `/health` answer of either program says, by model id: what both have to agree on.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The verdicts of one answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Ids of the healthy.
    pub healthy: BTreeSet<String>,
    /// Ids of the unhealthy, with their `exception_status`.
    pub unhealthy: BTreeMap<String, Option<u64>>,
}

impl Shown {
    /// Reads an answer; `{}`, which is what comes before the first results, shows nothing.
    ///
    /// # Panics
    /// When an entry has no `model_id`; the message shows the answer.
    #[must_use]
    pub fn of(body: &Value) -> Self {
        let entries = |list: &str| body[list].as_array().cloned().unwrap_or_default();
        let id = |entry: &Value| match entry["model_id"].as_str() {
            Some(id) => id.to_owned(),
            None => panic!("an entry without `model_id` in {body}"),
        };
        Self {
            healthy: entries("healthy_endpoints").iter().map(id).collect(),
            unhealthy: entries("unhealthy_endpoints")
                .iter()
                .map(|entry| (id(entry), entry["exception_status"].as_u64()))
                .collect(),
        }
    }

    /// How many models it has a verdict on.
    #[must_use]
    pub fn len(&self) -> usize {
        self.healthy.len() + self.unhealthy.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
