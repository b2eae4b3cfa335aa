//! The way in.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use figment::value::Value;
use watchkeeper_litellm::disk::{read_bounded, shown_path};
use watchkeeper_litellm::{Cache, LitellmFile, MAX_FILE_BYTES};

use crate::config::Config;
use crate::error::{ConfigError, cut};
use crate::layers::{ENV_PREFIX, Layers, Rank};
use crate::resolve::Resolver;
use crate::show;
use crate::source::toml;

/// The file that is found without being named.
const FOUND: &str = "watchkeeper.toml";
/// Names the TOML file where no flag does.
const CONFIG_VARIABLE: &str = "WATCHKEEPER_CONFIG";

/// Most remarks that are passed on.
const MAX_WARNINGS: usize = 100;
/// The most characters of one: whole lists of names stand in them, but no file's longest words.
const MAX_WARNING_CHARS: usize = 1_800;

/// The stores that a build has beside the in-memory one, which is always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// Redis.
    pub redis: bool,
    /// etcd.
    pub etcd: bool,
}

impl Default for BuiltIn {
    fn default() -> Self {
        Self {
            redis: true,
            etcd: true,
        }
    }
}

/// What a pod was started with. Prints the names of its variables only.
#[derive(Clone, Default)]
pub struct Inputs {
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// `--config`. Else `WATCHKEEPER_CONFIG` in the environment, else `watchkeeper.toml` in the working directory.
    pub config: Option<PathBuf>,
    /// `--litellm-config`. Else `litellm.config`.
    pub litellm_config: Option<PathBuf>,
    /// Dotted key, value, and where it came from (`--listen`).
    pub overrides: Vec<(String, String, String)>,
    /// The stores that this build has.
    pub built_in: BuiltIn,
    /// Where relative paths start, and where `watchkeeper.toml` is looked for. Left out of paths in messages.
    pub working_dir: PathBuf,
    /// The command uses no store (`check`, `check --plan`): what is wrong with its settings is a warning, and the
    /// backend is memory.
    pub without_store: bool,
    /// The command sends nothing (`check --plan`): where a check's `api_key` refers to a variable that is not set, or to
    /// a file that cannot be read, that is a warning, and a placeholder stands for the key. Never set it where a probe
    /// may be sent.
    pub without_secrets: bool,
}

impl fmt::Debug for Inputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let overrides: Vec<_> = self.overrides.iter().map(|(key, _, _)| key).collect();
        f.debug_struct("Inputs")
            .field("env", &self.env.keys())
            .field("config", &self.config)
            .field("litellm_config", &self.litellm_config)
            .field("overrides", &overrides)
            .field("built_in", &self.built_in)
            .field("working_dir", &self.working_dir)
            .field("without_store", &self.without_store)
            .field("without_secrets", &self.without_secrets)
            .finish()
    }
}

/// A configuration with its history.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is odd but usable, one line each, to be logged at start. At most 100 and a last one that counts the rest.
    pub warnings: Vec<String>,
    /// The files that were read and may change: TOML, LiteLLM's, what that includes, the cost map. Not those of secrets.
    pub files: Vec<PathBuf>,
    /// The files of secrets that were read (`file:PATH`).
    pub secret_files: Vec<PathBuf>,
    /// Who set a key, by dotted key: `default`, a file and line, a variable, a flag. Checks by `checks[NAME]`, or
    /// `checks[NAME, ID]` where the id is another (64 hex digits cut to 8).
    pub origins: BTreeMap<String, String>,
}

impl Loaded {
    /// Every value with its origin, secrets as stars, as an aligned table of three columns without a head.
    #[must_use]
    pub fn show(&self) -> String {
        let rows: Vec<_> = show::rows(&self.config)
            .into_iter()
            .map(|(key, value)| {
                let origin = self.origins.get(&key).cloned();
                (key, value, origin.unwrap_or_else(|| "default".into()))
            })
            .collect();
        show::table(&rows)
    }
}

/// Reads, merges, resolves and checks everything.
///
/// # Errors
/// The first [`ConfigError`] met.
pub fn load(inputs: &Inputs) -> Result<Loaded, ConfigError> {
    let mut warnings = Vec::new();
    let toml_path = toml_path(inputs);
    let toml_file = match &toml_path {
        None => None,
        Some(path) => {
            let name = shown_path(path, &inputs.working_dir);
            let bytes = read_bounded(path, &name, MAX_FILE_BYTES)?;
            Some(toml::parse(&name, &bytes)?)
        }
    };
    let toml_name = toml_file.as_ref().map(|file| file.name.clone());
    let toml_dir = toml_path
        .as_deref()
        .and_then(Path::parent)
        .map_or_else(|| inputs.working_dir.clone(), Path::to_owned);

    // What lies above the LiteLLM file may name it, so it is put together first.
    let above = |layers: &mut Layers| -> Result<(), ConfigError> {
        if let Some(file) = &toml_file {
            layers.put_toml(file.clone());
        }
        layers.put_env(&inputs.env)?;
        for (key, value, origin) in &inputs.overrides {
            layers.put_text(Rank::Flag, origin, key, value)?;
        }
        Ok(())
    };
    let mut upper = Layers::new(&BTreeMap::new());
    above(&mut upper)?;
    let litellm = match litellm_path(inputs, &upper, &toml_dir) {
        None => None,
        Some(path) => Some(LitellmFile::read(
            &path,
            &inputs.working_dir,
            &inputs.env,
            &mut warnings,
        )?),
    };
    if toml_path.is_none() && litellm.is_none() && !upper.has("checks") {
        return Err(nothing_given());
    }

    let mut layers = Layers::new(&inputs.env);
    if let Some(file) = &litellm {
        lay(&mut layers, file);
    }
    above(&mut layers)?;
    if let Some(path) = &inputs.litellm_config {
        let value = Value::from(path.display().to_string());
        layers.put(Rank::Flag, "--litellm-config", "litellm.config", value);
    }
    let raw = layers.extract()?;
    let files: Vec<String> = toml_name
        .into_iter()
        .chain(litellm.as_ref().map(|file| file.name.clone()))
        .collect();
    let mut resolver = Resolver {
        layers: &layers,
        env: &inputs.env,
        litellm: litellm.as_ref(),
        toml_dir,
        working_dir: &inputs.working_dir,
        built_in: inputs.built_in,
        files: if files.is_empty() {
            format!("{ENV_PREFIX}CHECKS")
        } else {
            files.join(", ")
        },
        without_store: inputs.without_store,
        without_secrets: inputs.without_secrets,
        warnings,
        origins: BTreeMap::new(),
        secret_files: RefCell::default(),
    };
    let config = resolver.config(&raw)?;
    let warnings = bounded(std::mem::take(&mut resolver.warnings));
    let origins = resolver.all_origins(&config);
    let secret_files = resolver.secret_files.take();
    let files = toml_path
        .into_iter()
        .chain(config.litellm.files.clone())
        .chain(config.litellm.cost_map.clone());
    Ok(Loaded {
        files: files.collect(),
        secret_files: secret_files.into_iter().collect(),
        config,
        warnings,
        origins,
    })
}

/// A file may be odd in thousands of places; a log need not be.
fn bounded(mut warnings: Vec<String>) -> Vec<String> {
    let more = warnings.len().saturating_sub(MAX_WARNINGS);
    warnings.truncate(MAX_WARNINGS);
    for warning in &mut warnings {
        *warning = cut(warning, MAX_WARNING_CHARS).into_owned();
    }
    if more > 0 {
        warnings.push(format!("and {more} more remarks of this kind"));
    }
    warnings
}

/// What a LiteLLM file sets.
fn lay(layers: &mut Layers, file: &LitellmFile) {
    for setting in &file.settings {
        let value = Value::from(setting.value.as_str());
        layers.put(Rank::Litellm, &setting.origin, setting.key, value);
    }
    if let Cache::Redis(values) = &file.cache {
        for (key, value, theirs) in values {
            let origin = format!("{}: `{theirs}`", file.name);
            layers.put(Rank::Litellm, &origin, key, Value::from(value.as_str()));
        }
    }
}

fn toml_path(inputs: &Inputs) -> Option<PathBuf> {
    let named = inputs.config.clone().or_else(|| {
        let name = inputs.env.get(CONFIG_VARIABLE)?;
        (!name.is_empty()).then(|| PathBuf::from(name))
    });
    match named {
        Some(path) => Some(inputs.working_dir.join(path)),
        None => Some(inputs.working_dir.join(FOUND)).filter(|path| path.is_file()),
    }
}

fn litellm_path(inputs: &Inputs, upper: &Layers, toml_dir: &Path) -> Option<PathBuf> {
    if let Some(path) = &inputs.litellm_config {
        return Some(inputs.working_dir.join(path));
    }
    let path = upper
        .peek("litellm.config")
        .filter(|path| !path.is_empty())?;
    let base = if upper.rank("litellm.config") == Rank::Toml {
        toml_dir
    } else {
        &inputs.working_dir
    };
    Some(base.join(path))
}

fn nothing_given() -> ConfigError {
    ConfigError::NothingGiven(format!(
        "nothing to check: give `--config FILE` (or `{CONFIG_VARIABLE}`, or a `{FOUND}` in the working directory), \
         or `--litellm-config FILE` with LiteLLM's own configuration"
    ))
}
