//! From the command line and the process to what the configuration is read from.

use std::path::PathBuf;

use watchkeeper_config::{Inputs, Loaded, load};

use crate::cli::{ConfigArgs, RunArgs};
use crate::exit::Failure;
use crate::wiring::store::BUILT_IN;

/// Reads the configuration that these arguments name.
pub(crate) fn read(
    args: &ConfigArgs,
    extra: Vec<(String, String, String)>,
) -> Result<Loaded, Failure> {
    read_for(args, extra, Spared::default())
}

/// Reads the configuration for a command that uses no store: what is wrong with the store's settings is a warning.
pub(crate) fn read_without_store(args: &ConfigArgs) -> Result<Loaded, Failure> {
    let spared = Spared {
        store: true,
        ..Spared::default()
    };
    read_for(args, Vec::new(), spared)
}

/// Reads the configuration for a command that sends nothing at all: a check's key that cannot be had is a warning too.
pub(crate) fn read_to_plan(args: &ConfigArgs) -> Result<Loaded, Failure> {
    let spared = Spared {
        store: true,
        secrets: true,
    };
    read_for(args, Vec::new(), spared)
}

/// What a command can do without.
#[derive(Clone, Copy, Default)]
struct Spared {
    store: bool,
    secrets: bool,
}

fn read_for(
    args: &ConfigArgs,
    extra: Vec<(String, String, String)>,
    spared: Spared,
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
        built_in: BUILT_IN,
        without_store: spared.store,
        without_secrets: spared.secrets,
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    /// A command line with one check, whose key is in a variable that nobody sets.
    fn args() -> ConfigArgs {
        let example = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../config/examples/single.toml"
        );
        let checks =
            "checks=[{name=\"m\", model=\"openai/m\", api_key=\"env:WATCHKEEPER_TEST_NEVER_SET\"}]";
        let cli = Cli::parse_from(["watchkeeper", "check", "--config", example, "--set", checks]);
        match cli.command {
            Command::Check(args) => args.from,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_plan_needs_no_key_and_all_else_does() {
        let planned = read_to_plan(&args()).unwrap();
        assert_eq!(planned.config.checks.len(), 1);
        assert_eq!(planned.warnings.len(), 1, "{:?}", planned.warnings);
        for refused in [read_without_store(&args()), read(&args(), Vec::new())] {
            match refused {
                Err(Failure::BadConfig(why)) => {
                    assert!(why.contains("WATCHKEEPER_TEST_NEVER_SET"), "{why}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
