//! From what was written to what holds: references followed, files located, units and relations checked.

mod budget;
pub(crate) mod checks;
mod coordination;
mod etcd;
mod headers;
mod http;
mod litellm;
mod native;
mod nodes;
mod probe;
mod redis;
mod store;
mod tls;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use watchkeeper_core::id::{FleetName, PodId};
use watchkeeper_core::secret::Secret;
use watchkeeper_litellm::disk::{read_bounded, shown_path};
use watchkeeper_litellm::{ENVIRON_PREFIX, LitellmFile};

use crate::config::{Config, Fleet, Log, LogFormat, LogLevel};
use crate::error::ConfigError;
use crate::keys;
use crate::layers::{Layers, Rank, shown_key};
use crate::load::BuiltIn;
use crate::raw::{self, Raw};
use crate::show;
use crate::units;

/// Largest secret file. A private key has some kilobytes.
const MAX_SECRET_BYTES: usize = 64 * 1024;

/// Everything that resolving needs.
pub(crate) struct Resolver<'a> {
    pub(crate) layers: &'a Layers,
    /// The environment as the process has it.
    pub(crate) env: &'a BTreeMap<String, String>,
    /// The LiteLLM file.
    pub(crate) litellm: Option<&'a LitellmFile>,
    /// Where paths in the TOML file start.
    pub(crate) toml_dir: PathBuf,
    /// Where all other paths start.
    pub(crate) working_dir: &'a Path,
    /// The stores that this build has.
    pub(crate) built_in: BuiltIn,
    /// The files read, for messages about what is in none of them.
    pub(crate) files: String,
    /// What is wrong with the store is a warning: nobody is going to use it.
    pub(crate) without_store: bool,
    /// A check's key that cannot be had is a warning: nobody is going to send it.
    pub(crate) without_secrets: bool,
    pub(crate) warnings: Vec<String>,
    /// Authors of what is no layer's own.
    pub(crate) origins: BTreeMap<String, String>,
    /// The files of secrets that were read.
    pub(crate) secret_files: RefCell<BTreeSet<PathBuf>>,
}

/// Stands for a key that is not there. Long and odd enough to be part of nothing else that is printed.
const PLACEHOLDER: &str = "placeholder-for-a-key-that-is-not-set";

/// Whether a value only names the place of the real one.
fn is_reference(raw: &str) -> bool {
    ["env:", ENVIRON_PREFIX, "file:"]
        .iter()
        .any(|prefix| raw.starts_with(prefix))
}

impl Resolver<'_> {
    /// The whole of it.
    pub(crate) fn config(&mut self, raw: &Raw) -> Result<Config, ConfigError> {
        let fleet = self.fleet(&raw.fleet)?;
        let backend = self.backend(raw)?;
        let coordination = self.coordination(&raw.coordination, &backend)?;
        let probe = self.probe(&raw.probe, &coordination)?;
        let budget = self.budget(&raw.budget, &coordination)?;
        let log = self.log(&raw.log)?;
        let http = self.http(&raw.http)?;
        let cost_map = self.cost_map(&raw.litellm)?;
        let (cost_map, prices) = cost_map.unzip();
        let interval = coordination.interval;
        let checks = self.checks(&raw.checks, &probe, interval, prices.as_ref())?;
        self.warn_of_no_price(&budget, &checks);
        let deployments = checks.len().saturating_sub(raw.checks.len());
        let litellm = self.litellm(raw, &backend, deployments, cost_map);
        Ok(Config {
            fleet,
            coordination,
            backend,
            probe,
            budget,
            checks,
            http,
            log,
            litellm,
        })
    }

    fn fleet(&mut self, raw: &raw::Fleet) -> Result<Fleet, ConfigError> {
        let name = self.text("fleet.name", &raw.name.0)?;
        let name = FleetName::new(name)
            .map_err(|error| self.invalid("fleet.name", format!("is not usable: {}", error.why)))?;
        let pod_id = match &raw.pod_id {
            None => None,
            Some(id) => {
                let id = self.text("fleet.pod_id", &id.0)?;
                Some(PodId::new(id).map_err(|error| {
                    self.invalid("fleet.pod_id", format!("is not usable: {}", error.why))
                })?)
            }
        };
        let secret = match &raw.secret {
            None => None,
            Some(secret) => Some(self.secret("fleet.secret", &secret.0)?),
        };
        Ok(Fleet {
            name,
            secret,
            pod_id,
            pod_name_hint: pod_name_hint(self.env),
        })
    }

    fn log(&mut self, raw: &raw::Log) -> Result<Log, ConfigError> {
        let level = self.choice(
            "log.level",
            &raw.level.0,
            &[
                ("error", LogLevel::Error),
                ("warn", LogLevel::Warn),
                ("info", LogLevel::Info),
                ("debug", LogLevel::Debug),
                ("trace", LogLevel::Trace),
            ],
        )?;
        let format = self.choice(
            "log.format",
            &raw.format.0,
            &[("text", LogFormat::Text), ("json", LogFormat::Json)],
        )?;
        Ok(Log { level, format })
    }

    /// An error about a key.
    fn invalid(&self, key: &str, why: impl Into<String>) -> ConfigError {
        ConfigError::Invalid {
            origin: self.origin(key),
            key: shown_key(key),
            why: why.into(),
        }
    }

    fn origin(&self, key: &str) -> String {
        match self.origins.get(key) {
            Some(origin) => origin.clone(),
            None => self.layers.origin(key),
        }
    }

    /// A text with its reference followed. What LiteLLM's file and the seed's variables say is taken as it is.
    fn text(&self, key: &str, raw: &str) -> Result<String, ConfigError> {
        self.follow(key, raw, self.layers.rank(key))
    }

    fn follow(&self, key: &str, raw: &str, rank: Rank) -> Result<String, ConfigError> {
        if rank < Rank::Toml {
            return Ok(raw.to_owned());
        }
        let variable = raw
            .strip_prefix("env:")
            .or_else(|| raw.strip_prefix(ENVIRON_PREFIX));
        if let Some(variable) = variable {
            return self.env.get(variable).cloned().ok_or_else(|| {
                self.invalid(
                    key,
                    format!(
                        "refers to the variable `{variable}`, which is not set: set it, or write `file:PATH` or the value itself"
                    ),
                )
            });
        }
        let Some(path) = raw.strip_prefix("file:") else {
            return Ok(raw.to_owned());
        };
        let path = self.base(rank).join(path);
        let shown = shown_path(&path, self.working_dir);
        self.secret_files.borrow_mut().insert(path.clone());
        let bytes = read_bounded(&path, &shown, MAX_SECRET_BYTES)
            .map_err(|error| self.invalid(key, format!("refers to a file: {error}")))?;
        let text = String::from_utf8(bytes).map_err(|_| {
            self.invalid(
                key,
                format!("refers to the file `{shown}`, which is not UTF-8"),
            )
        })?;
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// A secret with its reference followed; never empty.
    /// Where nothing is sent, one that cannot be had leaves a placeholder, so that a plan is the same without it.
    fn secret(&mut self, key: &str, raw: &str) -> Result<Secret, ConfigError> {
        let text = self.text(key, raw).and_then(|text| {
            if text.is_empty() {
                Err(self.invalid(key, "is empty: give it a value, or leave the key out"))
            } else {
                Ok(text)
            }
        });
        self.or_placeholder(raw, text).map(Secret::new)
    }

    /// A text that may be a secret, or empty, with its reference followed as one of that rank is.
    fn referred(&mut self, key: &str, raw: &str, rank: Rank) -> Result<String, ConfigError> {
        let text = self.follow(key, raw, rank);
        self.or_placeholder(raw, text)
    }

    fn or_placeholder(
        &mut self,
        raw: &str,
        text: Result<String, ConfigError>,
    ) -> Result<String, ConfigError> {
        match text {
            Err(error) if self.without_secrets && is_reference(raw) => {
                self.warnings
                    .push(format!("{error} (this command needs no key)"));
                Ok(PLACEHOLDER.to_owned())
            }
            text => text,
        }
    }

    /// A path, joined to where it starts.
    fn path(&self, key: &str, raw: &str) -> Result<PathBuf, ConfigError> {
        let text = self.text(key, raw)?;
        if text.is_empty() {
            return Err(self.invalid(key, "is empty: give a path, or leave the key out"));
        }
        Ok(self.base(self.layers.rank(key)).join(text))
    }

    /// Paths in a TOML file start where the file is; all others where the daemon was started.
    fn base(&self, rank: Rank) -> &Path {
        if rank == Rank::Toml {
            &self.toml_dir
        } else {
            self.working_dir
        }
    }

    fn choice<T: Copy>(&self, key: &str, raw: &str, known: &[(&str, T)]) -> Result<T, ConfigError> {
        let text = self.text(key, raw)?;
        let lower = text.trim().to_ascii_lowercase();
        if let Some((_, value)) = known.iter().find(|(name, _)| *name == lower) {
            return Ok(*value);
        }
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let near = keys::nearest(&lower, &names)
            .map(|near| format!(", did you mean `{near}`?"))
            .unwrap_or_default();
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        Err(self.invalid(
            key,
            format!("must be one of {}, not `{raw}`{near}", names.join(", ")),
        ))
    }

    fn within(
        &self,
        key: &str,
        value: Duration,
        least: Duration,
        most: Duration,
    ) -> Result<Duration, ConfigError> {
        if (least..=most).contains(&value) {
            return Ok(value);
        }
        Err(self.invalid(
            key,
            format!(
                "must be between {} and {}, not {}",
                units::show(least),
                units::show(most),
                units::show(value)
            ),
        ))
    }

    fn count<T: TryFrom<u64>>(
        &self,
        key: &str,
        value: u64,
        least: u64,
        most: u64,
    ) -> Result<T, ConfigError> {
        let out = T::try_from(value).ok();
        out.filter(|_| (least..=most).contains(&value))
            .ok_or_else(|| {
                self.invalid(
                    key,
                    format!("must be between {least} and {most}, not {value}"),
                )
            })
    }
}

/// `POD_NAME`, else `HOSTNAME`, made fit for a pod id; room is left for a random suffix.
fn pod_name_hint(env: &BTreeMap<String, String>) -> Option<String> {
    const MOST: usize = 64;
    let name = ["POD_NAME", "HOSTNAME"]
        .iter()
        .filter_map(|variable| env.get(*variable))
        .map(|name| name.trim())
        .find(|name| !name.is_empty())?;
    let fit = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
            c
        } else {
            '-'
        }
    };
    Some(name.chars().map(fit).take(MOST).collect())
}

impl Resolver<'_> {
    /// The author of everything that `config show` prints.
    pub(crate) fn all_origins(&self, config: &Config) -> BTreeMap<String, String> {
        let mut out: BTreeMap<String, String> = keys::KEYS
            .iter()
            .map(|key| key.path.to_owned())
            // Tables whose keys are names.
            .chain(show::rows(config).into_iter().map(|(key, _)| key))
            .map(|key| {
                let origin = self.origin(&key);
                (key, origin)
            })
            .collect();
        let ours = self.layers.origin("checks");
        let deployments = config
            .checks
            .len()
            .saturating_sub(self.layers.length("checks"));
        for (index, check) in config.checks.iter().enumerate() {
            let origin = match (self.litellm, index.checked_sub(deployments)) {
                (Some(file), None) => file.name.clone(),
                (_, Some(native)) => self.layers.origin(&format!("checks.{native}")),
                (None, None) => ours.clone(),
            };
            out.insert(checks::label(check), origin);
        }
        out
    }
}
