//! Everything this project knows about LiteLLM's configuration file.

mod cache;
mod deployment;
pub(crate) mod environ;
mod file;
mod model_id;
pub(crate) mod provider;
mod python;
mod settings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use watchkeeper_core::check::Check;
use watchkeeper_core::secret::Secret;

pub(crate) use self::cache::Cache;
pub(crate) use self::settings::Setting;
use crate::error::ConfigError;
use crate::layers::shown_path;
use crate::yaml::Node;

/// A LiteLLM file that has been read: what it sets, and the deployments that still lack their timeout.
#[derive(Debug)]
pub(crate) struct LitellmFile {
    /// As shown in messages.
    pub(crate) name: String,
    /// Every file read, includes too.
    pub(crate) files: Vec<PathBuf>,
    /// Our keys that it sets.
    pub(crate) settings: Vec<Setting>,
    /// The Redis that it names.
    pub(crate) cache: Cache,
    /// `use_shared_health_check: true` stands in it.
    pub(crate) shared: bool,
    /// `store_model_in_db`.
    pub(crate) store_model_in_db: bool,
    /// `master_key`.
    pub(crate) master_key: Option<Secret>,
    /// What `environment_variables` exports.
    pub(crate) exported: BTreeMap<String, String>,
    root: Node,
}

impl LitellmFile {
    /// Reads a file, what it includes, and the variables that it refers to.
    pub(crate) fn read(
        path: &Path,
        base: &Path,
        env: &BTreeMap<String, String>,
        warnings: &mut Vec<String>,
    ) -> Result<Self, ConfigError> {
        let merged = file::read(path, base)?;
        let name = shown_path(path, base);
        warnings.extend(merged.warnings);
        let mut unset = environ::Unset::new();
        let root = environ::resolve(&merged.root, env, &mut unset);
        if !unset.is_empty() {
            let names: Vec<String> = unset.iter().map(|name| format!("`{name}`")).collect();
            warnings.push(format!(
                "{name}: references to unset variables count as null, as in LiteLLM: {}",
                names.join(", ")
            ));
        }
        let settings = settings::read(&root, &name, warnings);
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
            .is_some_and(|node| node.truthy());
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

    /// The deployments, in file order. Empty where there is no `model_list`.
    pub(crate) fn checks(
        &self,
        env: &BTreeMap<String, String>,
        timeout: Duration,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Check>, ConfigError> {
        let fail = |why: String| ConfigError::Litellm {
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
        let context = deployment::Context {
            file: &self.name,
            timeout,
            environment: environment.map(String::as_str),
            groups: settings::groups(&self.root).map_err(fail)?,
        };
        deployment::checks(entries, &context, warnings).map_err(|error| fail(error.to_string()))
    }

    /// The line of a section, for messages.
    pub(crate) fn line_of(&self, key: &str) -> Option<usize> {
        self.root.get(key).map(|node| node.line)
    }
}
