//! Who said what: the sources, one over the other, with figment keeping the author of each value.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};

use figment::error::{Actual, Error, Kind as Wrong};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider, Source};

use crate::error::ConfigError;
use crate::keys::{self, KEYS, Kind};
use crate::raw::Raw;
use crate::source::toml::{self, TomlFile};

/// Where a value came from, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    Default,
    Seed,
    Litellm,
    Toml,
    Env,
    Flag,
}

const RANKS: [Rank; 6] = [
    Rank::Default,
    Rank::Seed,
    Rank::Litellm,
    Rank::Toml,
    Rank::Env,
    Rank::Flag,
];

/// The prefix of our own variables. Two underscores: Kubernetes sets `WATCHKEEPER_PORT` and the like for a service of
/// this name.
pub(crate) const ENV_PREFIX: &str = "WATCHKEEPER__";

/// Deepest key taken from a variable or a flag; ours have four parts.
const MAX_KEY_DEPTH: usize = 8;

/// The seed's variables and the keys that they set.
const SEED: [(&str, &str); 5] = [
    ("USE_SHARED_HEALTH_CHECK", "coordination.enabled"),
    ("DEFAULT_SHARED_HEALTH_CHECK_TTL", "coordination.cache_ttl"),
    (
        "DEFAULT_SHARED_HEALTH_CHECK_LOCK_TTL",
        "coordination.lock_ttl",
    ),
    ("DEFAULT_HEALTH_CHECK_INTERVAL", "coordination.interval"),
    ("HEALTH_CHECK_TIMEOUT_SECONDS", "probe.timeout"),
];

/// The sources so far.
pub(crate) struct Layers {
    figment: Figment,
    /// What they come to: figment would make it anew for every question.
    merged: OnceCell<Dict>,
    /// Lines of the TOML file, by dotted key.
    lines: HashMap<String, usize>,
}

struct Layer {
    rank: Rank,
    name: String,
    dict: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        let rank = RANKS.iter().position(|rank| *rank == self.rank);
        Metadata::from(
            self.name.clone(),
            Source::Custom(rank.unwrap_or(0).to_string()),
        )
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(self.dict.clone()))
    }
}

impl Layers {
    /// The defaults, and the seed's variables over them. Empty variables count as unset.
    pub(crate) fn new(env: &BTreeMap<String, String>) -> Self {
        let mut layers = Self {
            figment: Figment::new(),
            merged: OnceCell::new(),
            lines: HashMap::new(),
        };
        for key in KEYS {
            if let Some(default) = key.default {
                layers.put(Rank::Default, "default", key.path, Value::from(default));
            }
        }
        for (variable, key) in SEED {
            if let Some(value) = env.get(variable).filter(|value| !value.trim().is_empty()) {
                layers.put(Rank::Seed, variable, key, Value::from(value.as_str()));
            }
        }
        layers
    }

    /// Lays one value over the rest.
    pub(crate) fn put(&mut self, rank: Rank, origin: &str, key: &str, value: Value) {
        let dict = match figment::util::nest(key, value) {
            Value::Dict(_, dict) => dict,
            _ => return,
        };
        self.merge(Layer {
            rank,
            name: origin.to_owned(),
            dict,
        });
    }

    /// Lays a text over the rest: a list or table where the key is one.
    pub(crate) fn put_text(
        &mut self,
        rank: Rank,
        origin: &str,
        key: &str,
        text: &str,
    ) -> Result<(), ConfigError> {
        let depth = key.split('.').count();
        if depth > MAX_KEY_DEPTH || key.split('.').any(str::is_empty) {
            return Err(ConfigError::UnknownKey {
                origin: origin.to_owned(),
                key: shown_key(key),
                hint: format!(
                    ", write it like `coordination.interval` or `{ENV_PREFIX}COORDINATION__INTERVAL`"
                ),
            });
        }
        let structured = match keys::find(key).map(|key| key.kind) {
            Some(Kind::Tables) => true,
            Some(Kind::List | Kind::Secrets) => text.trim_start().starts_with('['),
            _ => false,
        };
        let value = if structured {
            toml::value(text).map_err(|why| ConfigError::Invalid {
                origin: origin.to_owned(),
                key: key.to_owned(),
                why: format!("must be written as in a TOML file: {why}"),
            })?
        } else {
            Value::from(text)
        };
        self.put(rank, origin, key, value);
        Ok(())
    }

    /// Lays a TOML file over the rest.
    pub(crate) fn put_toml(&mut self, file: TomlFile) {
        self.lines = file.lines;
        self.merge(Layer {
            rank: Rank::Toml,
            name: file.name,
            dict: file.dict,
        });
    }

    /// Lays our own variables over the rest.
    pub(crate) fn put_env(&mut self, env: &BTreeMap<String, String>) -> Result<(), ConfigError> {
        for (variable, value) in env {
            if let Some(rest) = variable.strip_prefix(ENV_PREFIX) {
                let key = rest.to_ascii_lowercase().replace("__", ".");
                self.put_text(Rank::Env, variable, &key, value)?;
            }
        }
        Ok(())
    }

    fn merge(&mut self, layer: Layer) {
        self.figment = std::mem::take(&mut self.figment).merge(layer);
        self.merged = OnceCell::new();
    }

    fn find(&self, key: &str) -> Option<&Value> {
        let merged = self.merged.get_or_init(|| {
            let data = self.figment.data().unwrap_or_default();
            data.into_values().next().unwrap_or_default()
        });
        let mut parts = key.split('.');
        let mut value = merged.get(parts.next()?)?;
        for part in parts {
            value = match value {
                Value::Dict(_, dict) => dict.get(part)?,
                Value::Array(_, items) => items.get(part.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(value)
    }

    fn metadata(&self, key: &str) -> Option<&Metadata> {
        self.figment.get_metadata(self.find(key)?.tag())
    }

    /// A text that is needed before everything is read.
    pub(crate) fn peek(&self, key: &str) -> Option<String> {
        self.find(key)?.as_str().map(str::to_owned)
    }

    /// Whether anything stands at a key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// How many elements a list has.
    pub(crate) fn length(&self, key: &str) -> usize {
        match self.find(key) {
            Some(Value::Array(_, items)) => items.len(),
            _ => 0,
        }
    }

    /// How strong the author of a key's value is.
    pub(crate) fn rank(&self, key: &str) -> Rank {
        self.metadata(key)
            .and_then(|metadata| metadata.source.as_ref()?.custom()?.parse::<usize>().ok())
            .and_then(|at| RANKS.get(at).copied())
            .unwrap_or(Rank::Default)
    }

    /// The author of a key's value: `default`, file and line, variable, flag.
    pub(crate) fn origin(&self, key: &str) -> String {
        let Some(metadata) = self.metadata(key) else {
            return "default".into();
        };
        match self.line(key) {
            Some(line) if self.rank(key) == Rank::Toml => {
                format!("{}, line {line}", metadata.name)
            }
            _ => metadata.name.clone().into_owned(),
        }
    }

    fn line(&self, key: &str) -> Option<usize> {
        let mut key = key;
        loop {
            if let Some(line) = self.lines.get(key) {
                return Some(*line);
            }
            key = key.rsplit_once('.')?.0;
        }
    }

    /// Everything, typed.
    pub(crate) fn extract(&self) -> Result<Raw, ConfigError> {
        self.figment.extract().map_err(|error| self.explain(&error))
    }

    fn explain(&self, error: &Error) -> ConfigError {
        let mut path = error.path.clone();
        let table = path.join(".");
        match &error.kind {
            Wrong::UnknownField(name, _) => {
                if path.last() == Some(name) {
                    path.pop();
                }
                let table = path.join(".");
                path.push(name.clone());
                let key = path.join(".");
                ConfigError::UnknownKey {
                    origin: self.origin(&key),
                    hint: keys::hint(&table, name),
                    key: shown_key(&key),
                }
            }
            Wrong::MissingField(name) => ConfigError::Invalid {
                origin: self.origin(&table),
                key: shown_key(&table),
                why: format!("lacks the key `{name}`"),
            },
            Wrong::InvalidType(actual, expected) | Wrong::InvalidValue(actual, expected) => {
                let expected = if expected.starts_with("struct ") || expected.contains("map") {
                    "a table"
                } else if expected.contains("sequence") {
                    "a list; tables of it are written `[[checks]]`"
                } else {
                    expected
                };
                ConfigError::Invalid {
                    origin: self.origin(&table),
                    key: shown_key(&table),
                    why: format!("must be {expected}, not {}", kind_of(actual)),
                }
            }
            Wrong::Message(why) => ConfigError::Invalid {
                origin: self.origin(&table),
                key: shown_key(&table),
                why: why.clone(),
            },
            // Figment's own words may repeat a value.
            _ => ConfigError::Invalid {
                origin: self.origin(&table),
                key: shown_key(&table),
                why: "cannot be read".into(),
            },
        }
    }
}

fn kind_of(actual: &Actual) -> &'static str {
    match actual {
        Actual::Bool(_) => "a boolean",
        Actual::Unsigned(_) | Actual::Signed(_) | Actual::Float(_) => "a number",
        Actual::Char(_) | Actual::Str(_) | Actual::Bytes(_) => "a string",
        Actual::Seq => "a list",
        Actual::Map => "a table",
        _ => "this",
    }
}

/// A dotted key for people: `checks.0.name` is `checks[0].name`.
pub(crate) fn shown_key(key: &str) -> String {
    let mut out = String::new();
    for part in key.split('.') {
        if part.bytes().all(|b| b.is_ascii_digit()) && !out.is_empty() {
            out.push_str(&format!("[{part}]"));
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            // A quoted key may hold anything; a message is one line.
            out.extend(part.chars().map(|c| if c.is_control() { '?' } else { c }));
        }
    }
    out
}
