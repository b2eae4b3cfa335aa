//! A cost map in LiteLLM's format: what a model does and what a call of it costs.
//!
//! Only what a probe needs is kept of an entry; the rest is some hundred kilobytes of prices for what no probe asks.

mod names;
mod rates;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

pub use self::rates::{RATES, Rates};
use crate::disk::{read_bounded, shown_path};
use crate::error::LitellmError;

/// Largest cost map. LiteLLM's own has 3 MB.
pub const MAX_COST_MAP_BYTES: usize = 32 * 1024 * 1024;

/// The entry that only explains the format.
const SAMPLE: &str = "sample_spec";

/// Most wrong entries that are named.
const MAX_NAMED: usize = 20;

/// What a file says of models, by their names in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CostMap {
    entries: HashMap<String, CostEntry>,
    /// Names in lower case, for those that are configured in another one.
    lower: HashMap<String, String>,
}

/// What it says of one model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CostEntry {
    /// What the model does.
    pub mode: Option<String>,
    /// What calls cost.
    pub rates: Rates,
    /// Who serves it (`litellm_provider`); any provider where the entry does not say.
    provider: Option<String>,
}

impl CostMap {
    /// Reads a file of at most [`MAX_COST_MAP_BYTES`]. Messages leave out `base` from its path. An entry that makes no
    /// sense is left out, and named in `warnings`.
    ///
    /// # Errors
    /// Where the file cannot be read, or is no JSON object.
    pub fn read(
        path: &Path,
        base: &Path,
        warnings: &mut Vec<String>,
    ) -> Result<Self, LitellmError> {
        let name = shown_path(path, base);
        let bytes = read_bounded(path, &name, MAX_COST_MAP_BYTES)?;
        Self::parse(&name, &bytes, warnings)
    }

    /// The same of bytes in memory; `file` is their name in messages.
    ///
    /// # Errors
    /// Where they are no JSON object.
    pub fn parse(
        file: &str,
        bytes: &[u8],
        warnings: &mut Vec<String>,
    ) -> Result<Self, LitellmError> {
        let mut out = Self::default();
        let mut wrong = Wrong::default();
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut json = serde_json::Deserializer::from_slice(bytes);
        json.deserialize_map(Entries {
            map: &mut out,
            wrong: &mut wrong,
        })
        .and_then(|()| json.end())
        .map_err(|error| match error.classify() {
            Category::Data => LitellmError::Refused {
                file: file.to_owned(),
                why: "must be a JSON object with an entry for each model, as LiteLLM's \
                      `model_prices_and_context_window.json` is"
                    .into(),
            },
            _ => LitellmError::Syntax {
                file: file.to_owned(),
                line: error.line(),
                column: error.column().max(1),
                why: "the file is no JSON, or ends too early".into(),
            },
        })?;
        warnings.extend(wrong.remarks(file));
        Ok(out)
    }

    /// The entry of a model as configured, prefix included or not. `provider` is who serves it: an entry of another
    /// one's is not taken. The order of the names that are tried is LiteLLM's.
    #[must_use]
    pub fn find(&self, model: &str, provider: Option<&str>) -> Option<&CostEntry> {
        names::candidates(model, provider)
            .iter()
            .filter_map(|name| self.get(name))
            .find(|entry| match (provider, entry.provider.as_deref()) {
                (Some(provider), Some(listed)) => names::serves(listed, provider),
                _ => true,
            })
    }

    /// The entry of a deployment: that of its `base_model` where it has one and the map knows it, since the
    /// deployment's own name may say nothing; else that of its model. For images the one with the size that is asked for.
    #[must_use]
    pub fn of(
        &self,
        model: &str,
        base_model: Option<&str>,
        provider: Option<&str>,
    ) -> Option<&CostEntry> {
        base_model
            .and_then(|base| self.find(base, provider))
            .or_else(|| self.find(model, provider))
            .or_else(|| {
                let names = names::of_images(base_model.unwrap_or(model), provider);
                names.iter().find_map(|name| self.get(name))
            })
    }

    /// How many models it knows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it knows none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn get(&self, name: &str) -> Option<&CostEntry> {
        self.entries
            .get(name)
            .or_else(|| self.entries.get(self.lower.get(&name.to_lowercase())?))
    }

    fn put(&mut self, name: String, entry: CostEntry) {
        self.lower.insert(name.to_lowercase(), name.clone());
        self.entries.insert(name, entry);
    }
}

impl CostEntry {
    fn of(value: &Value) -> Result<Self, String> {
        let Value::Object(fields) = value else {
            return Err("is no object".into());
        };
        let text = |key: &str| match fields.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(format!("`{key}` must be a text")),
        };
        let mut rates = Rates::default();
        for key in RATES {
            match fields.get(key) {
                None | Some(Value::Null) => {}
                Some(value) => rates.put(key, value)?,
            }
        }
        Ok(Self {
            mode: text("mode")?,
            provider: text("litellm_provider")?,
            rates,
        })
    }
}

/// Entries left out, and why.
#[derive(Default)]
struct Wrong {
    named: Vec<String>,
    more: usize,
}

impl Wrong {
    fn add(&mut self, name: &str, why: &str) {
        if self.named.len() < MAX_NAMED {
            self.named.push(format!("`{name}` is left out: {why}"));
        } else {
            self.more += 1;
        }
    }

    fn remarks(self, file: &str) -> Vec<String> {
        let mut out: Vec<_> = self
            .named
            .iter()
            .map(|what| format!("{file}: {what}"))
            .collect();
        if self.more > 0 {
            out.push(format!("{file}: {} more entries are left out", self.more));
        }
        out
    }
}

/// Takes the entries one by one, so that the whole file never stands in memory as a tree.
struct Entries<'a> {
    map: &'a mut CostMap,
    wrong: &'a mut Wrong,
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if name == SAMPLE {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            match CostEntry::of(&map.next_value()?) {
                Ok(entry) => self.map.put(name, entry),
                Err(why) => self.wrong.add(&name, &why),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
