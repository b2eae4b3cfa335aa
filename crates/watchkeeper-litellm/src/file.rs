//! LiteLLM's configuration file: what it includes, what it sets, and the deployments in it.

mod cache;
mod credentials;
mod deployment;
pub(crate) mod environ;
mod environment;
mod health;
mod include;
mod known;
mod model_id;
mod settings;
mod validity;

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use watchkeeper_core::check::Check;
use watchkeeper_core::probe::ProbeKind;
use watchkeeper_core::secret::Secret;

pub use self::cache::Cache;
use self::credentials::Credentials;
pub use self::health::MAX_INFERENCE_INTERVAL;
pub use self::settings::Setting;
use crate::cost_map::CostMap;
use crate::disk::shown_path;
use crate::error::LitellmError;
use crate::yaml::{Node, Yaml};

/// A LiteLLM file that has been read: what it sets, and the deployments that still lack their timeout.
#[derive(Debug)]
pub struct LitellmFile {
    /// As shown in messages.
    pub name: String,
    /// Every file read, includes too.
    pub files: Vec<PathBuf>,
    /// Our keys that it sets.
    pub settings: Vec<Setting>,
    /// The Redis that it names.
    pub cache: Cache,
    /// `use_shared_health_check: true` stands in it.
    pub shared: bool,
    /// `store_model_in_db`.
    pub store_model_in_db: bool,
    /// `master_key`.
    pub master_key: Option<Secret>,
    /// What `environment_variables` exports.
    pub exported: BTreeMap<String, String>,
    root: Node,
}

/// A deployment, and what its entry says of how it is to be probed. What holds where it says nothing is not this file's
/// business.
#[derive(Debug, PartialEq)]
pub struct Deployment {
    /// The check. Its kind of probe is the default, and it has no `full_every`.
    pub check: Check,
    /// `model_info.health_check_probe`, which is ours: LiteLLM ignores it.
    pub probe: Option<ProbeKind>,
    /// `model_info.health_check_inference_interval`, ours as well.
    pub inference_every: Option<Duration>,
}

/// Names a bucket that LiteLLM reads in place of the file.
const BUCKET: &str = "LITELLM_CONFIG_BUCKET_NAME";

/// Entries of `model_list` that are an earlier one by an alias: index, and the line of what they name.
fn repeated(root: &Node) -> Vec<(usize, usize)> {
    let entries = root
        .get("model_list")
        .and_then(|list| list.items())
        .unwrap_or_default();
    let mut seen = HashSet::with_capacity(entries.len());
    entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| entry.is_map() && !seen.insert(Rc::as_ptr(entry)))
        .map(|(index, entry)| (index, entry.line))
        .collect()
}

impl LitellmFile {
    /// Reads a file, what it includes, and the variables that it refers to. Messages leave out `base` from paths; what is
    /// odd but usable is added to `warnings`.
    ///
    /// # Errors
    /// The first thing with which LiteLLM would not start.
    pub fn read(
        path: &Path,
        base: &Path,
        env: &BTreeMap<String, String>,
        warnings: &mut Vec<String>,
    ) -> Result<Self, LitellmError> {
        let merged = include::read(path, base)?;
        let name = shown_path(path, base);
        warnings.extend(merged.warnings);
        let mut unset = environ::Unset::new();
        let root = environ::resolve(&merged.root, env, &mut unset);
        let remarks = environ::remarks(&unset).into_iter();
        warnings.extend(remarks.map(|remark| format!("{name}: {remark}")));
        if env.get(BUCKET).is_some_and(|bucket| !bucket.is_empty()) {
            warnings.push(format!(
                "`{BUCKET}` is set: LiteLLM reads its configuration from that bucket and not from {name}; \
                 what is read here is {name}"
            ));
        }
        for (index, line) in repeated(&merged.root) {
            warnings.push(format!(
                "{name}, line {line}: `model_list[{index}]` repeats a whole entry by an alias, with which LiteLLM does \
                 not start (`KeyError`): write the entry out, or merge it with `<<`"
            ));
        }
        let settings = settings::read(&root, &name, warnings);
        warnings.extend(settings::idle(&root, &name));
        let mut notes = Vec::new();
        let cache = cache::choose(&root, &mut notes);
        let exported = environ::exported(&root, &mut notes);
        warnings.extend(notes.into_iter().map(|note| format!("{name}: {note}")));
        let shared = settings
            .iter()
            .any(|setting| setting.key == "coordination.enabled" && setting.value == "true");
        let store_model_in_db = root
            .get("general_settings")
            .and_then(|general| general.get("store_model_in_db"))
            // Only the literal true counts there.
            .is_some_and(|node| matches!(node.value, Yaml::Bool(true)));
        Ok(Self {
            name,
            files: merged.files,
            settings,
            cache,
            shared,
            store_model_in_db,
            master_key: settings::master_key(&root).map(Secret::new),
            exported,
            root,
        })
    }

    /// The deployments, in file order, ids unique. Empty where there is no `model_list`. `timeout` is that of entries
    /// without one of their own; `cost_map` tells modes and prices that the entries do not.
    ///
    /// # Errors
    /// Where `model_list` is no list.
    pub fn deployments(
        &self,
        env: &BTreeMap<String, String>,
        timeout: Duration,
        cost_map: Option<&CostMap>,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Deployment>, LitellmError> {
        let fail = |why: String| LitellmError::Refused {
            file: self.name.clone(),
            why,
        };
        let Some(list) = self.root.get_set("model_list") else {
            return Ok(Vec::new());
        };
        let Some(entries) = list.items() else {
            return Err(fail(format!(
                "line {}: `model_list` must be a list of deployments, not {}",
                list.line,
                list.kind()
            )));
        };
        let environment = env
            .get("LITELLM_ENVIRONMENT")
            .or_else(|| self.exported.get("LITELLM_ENVIRONMENT"));
        let mut notes = Vec::new();
        let credentials = Credentials::read(&self.root, &mut notes);
        warnings.extend(notes.iter().map(|note| format!("{}, {note}", self.name)));
        let context = deployment::Context {
            file: &self.name,
            timeout,
            environment: environment.map(String::as_str),
            groups: settings::groups(&self.root).map_err(fail)?,
            probes: health::Defaults::of(env),
            credentials,
            cost_map,
        };
        deployment::checks(entries, &context, warnings).map_err(|error| fail(error.to_string()))
    }

    /// The line of a section, for messages.
    #[must_use]
    pub fn line_of(&self, key: &str) -> Option<usize> {
        self.root.get(key).map(|node| node.line)
    }
}

#[cfg(test)]
mod tests;
