//! From the command line and the process to what the configuration is read from.

use std::path::PathBuf;

use watchkeeper_config::{Inputs, Loaded, load};

use crate::cli::{ConfigArgs, RunArgs};
use crate::exit::Failure;

/// Reads the configuration that these arguments name.
pub(crate) fn read(
    args: &ConfigArgs,
    extra: Vec<(String, String, String)>,
) -> Result<Loaded, Failure> {
    read_for(args, extra, false)
}

/// Reads the configuration for a command that uses no store: what is wrong with the store's settings is a warning.
pub(crate) fn read_without_store(args: &ConfigArgs) -> Result<Loaded, Failure> {
    read_for(args, Vec::new(), true)
}

fn read_for(
    args: &ConfigArgs,
    extra: Vec<(String, String, String)>,
    without_store: bool,
) -> Result<Loaded, Failure> {
    let mut overrides = extra;
    for pair in &args.set {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(Failure::bad_config(format!(
                "`--set {pair}` has no `=`: write `--set coordination.interval=30s`"
            )));
        };
        overrides.push((key.to_owned(), value.to_owned(), format!("--set {key}")));
    }
    flag(
        &mut overrides,
        "log.level",
        args.log_level.as_ref(),
        "--log-level",
    );
    flag(
        &mut overrides,
        "log.format",
        args.log_format.as_ref(),
        "--log-format",
    );
    let inputs = Inputs {
        env: environment(),
        config: args.config.clone(),
        litellm_config: args.litellm_config.clone(),
        overrides,
        working_dir: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
        without_store,
    };
    load(&inputs).map_err(Failure::bad_config)
}

/// The keys that only `run` has flags for.
pub(crate) fn run_overrides(args: &RunArgs) -> Vec<(String, String, String)> {
    let mut out = Vec::new();
    flag(&mut out, "http.listen", args.listen.as_ref(), "--listen");
    flag(&mut out, "backend.kind", args.backend.as_ref(), "--backend");
    flag(&mut out, "fleet.pod_id", args.pod_id.as_ref(), "--pod-id");
    out
}

fn flag(out: &mut Vec<(String, String, String)>, key: &str, value: Option<&String>, name: &str) {
    if let Some(value) = value {
        out.push((key.to_owned(), value.clone(), name.to_owned()));
    }
}

/// The process environment, as far as it is text.
pub(crate) fn environment() -> std::collections::BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
