//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::wiring::store::LONG_VERSION;

/// Health checks for fleets of LLM proxy pods: asked once, known everywhere.
#[derive(Debug, Parser)]
#[command(name = "watchkeeper", version, long_version = LONG_VERSION, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the daemon: probe with the fleet, answer on HTTP, until SIGTERM or Ctrl-C.
    ///
    /// Exit code 0 after a drained stop, 1 if it could not start, 2 if the configuration is wrong.
    Run(RunArgs),
    /// Probe everything once, from here, and print what was found.
    ///
    /// Needs no store. Exit code 0 if all checks are healthy, 1 if some are not, 2 if the configuration is wrong.
    Check(CheckArgs),
    /// Ask a running pod for its fleet, the lease's holder and every check.
    ///
    /// Exit code 1 if the pod does not answer.
    Status(StatusArgs),
    /// Show or validate the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Watch a fleet at work: several pods, mock model endpoints and the in-memory store in this process.
    ///
    /// Needs no network and no keys. Runs until Ctrl-C, or for `--seconds`.
    Demo(DemoArgs),
    /// Print a script that completes this command's words in a shell.
    ///
    /// For bash: `source <(watchkeeper completions bash)`, in `~/.bashrc` to keep it. `docs/cli.md` has the other shells.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Where the configuration comes from.
#[derive(Clone, Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Configuration file (TOML). Without one, `watchkeeper.toml` in the working directory is taken if it is there.
    #[arg(long, value_name = "FILE", env = "WATCHKEEPER_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// LiteLLM's `proxy_config.yaml`: its models become checks, its settings are honoured.
    #[arg(long, value_name = "FILE")]
    pub(crate) litellm_config: Option<PathBuf>,
    /// Sets any key, for example `--set coordination.interval=30s`. Wins over files and environment. May be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Least level that is logged.
    #[arg(long, value_name = "LEVEL", value_parser = ["error", "warn", "info", "debug", "trace"])]
    pub(crate) log_level: Option<String>,
    /// How a log line looks.
    #[arg(long, value_name = "FORMAT", value_parser = ["text", "json"])]
    pub(crate) log_format: Option<String>,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) from: ConfigArgs,
    /// Where to listen, for example `0.0.0.0:4100` (needs a key) or `127.0.0.1:0` (any free port).
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// The store: `memory` for a single pod, `redis` or `etcd` for a fleet.
    #[arg(long, value_name = "KIND", value_parser = ["memory", "redis", "etcd"])]
    pub(crate) backend: Option<String>,
    /// This pod's name; made from the host's name and a random suffix if not given.
    #[arg(long, value_name = "NAME")]
    pub(crate) pod_id: Option<String>,
}

/// How data is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) from: ConfigArgs,
    /// Send nothing; print what would be asked. Needs no key.
    #[arg(long)]
    pub(crate) plan: bool,
    /// Ask every model like this, whatever the configuration says; `free` and `reachability` cost nothing.
    #[arg(long, value_name = "KIND", value_parser = ["auto", "inference", "free", "reachability"])]
    pub(crate) probe: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The pod to ask.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:4100",
        env = "WATCHKEEPER_URL"
    )]
    pub(crate) url: String,
    /// Its key.
    #[arg(
        long,
        value_name = "KEY",
        env = "WATCHKEEPER_API_KEY",
        hide_env_values = true
    )]
    pub(crate) api_key: Option<String>,
    /// Ask again and again, until Ctrl-C.
    ///
    /// On a terminal the page is redrawn in its place; in a pipe each change is one block, and with `--output json` each
    /// answer one line. A pod that is away is waited for.
    #[arg(long)]
    pub(crate) watch: bool,
    /// With `--watch`, from one question to the next, for example `5s` or `500ms`; 100 ms at least.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = watch_interval, requires = "watch")]
    pub(crate) interval: Duration,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
}

/// Between two questions of `status --watch`: so many that a pod does not mind, and often enough to be a watch.
fn watch_interval(text: &str) -> Result<Duration, String> {
    let interval = watchkeeper_config::duration(text)?;
    if interval < Duration::from_millis(100) || interval > Duration::from_secs(3_600) {
        return Err("give at least `100ms` and at most `1h`".to_owned());
    }
    Ok(interval)
}

/// `config …`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every value with its origin; secrets are hidden.
    Show(ConfigArgs),
    /// Read and check the configuration; say what is wrong with it. Exit code 2 if anything is.
    Validate(ConfigArgs),
    /// Print the configuration file's JSON Schema, for editors.
    Schema,
    /// Print the reference of all keys, as Markdown.
    #[command(hide = true)]
    Reference,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// How many pods.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
    pub(crate) pods: u8,
    /// Time between two rounds, in seconds; at least 3, since the slowest model takes 2.5.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(3..=3600))]
    pub(crate) interval: u16,
    /// Stop after this many seconds instead of at Ctrl-C.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) seconds: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_takes_durations_that_make_sense() {
        let every = |words: &[&str]| {
            let line = ["watchkeeper", "status"].iter().chain(words);
            match Cli::try_parse_from(line).map(|cli| cli.command) {
                Ok(Command::Status(args)) => Ok(args.interval),
                Ok(other) => panic!("{other:?}"),
                Err(error) => Err(error.to_string()),
            }
        };
        assert_eq!(every(&["--watch"]).unwrap(), Duration::from_secs(1));
        assert_eq!(
            every(&["--watch", "--interval", "500ms"]).unwrap(),
            Duration::from_millis(500)
        );
        assert_eq!(
            every(&["--watch", "--interval", "5"]).unwrap(),
            Duration::from_secs(5)
        );
        for refused in ["0", "99ms", "2h", "soon"] {
            let error = every(&["--watch", "--interval", refused]).unwrap_err();
            assert!(error.contains("--interval"), "{error}");
        }
        assert!(
            every(&["--interval", "5s"]).is_err(),
            "it says nothing without --watch"
        );
    }
}
