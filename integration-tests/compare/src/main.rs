//! The same scenarios with LiteLLM pods and with our pods in their place, both on the same file and the same settings:
//! one table with both side by side, written into `docs/comparison.md`.
//!
//! `just compare` builds everything for release and runs this. Each side has a Redis and a mock upstream of its own.
//! Where figures come from timers of seconds both sides, and some scenarios, run at the same time; load, memory and
//! start-up are taken alone.

// A tool for people: it prints, reads real time, and fails by panicking like the harness that it uses.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

mod document;
mod finding;
mod scenario;
mod stand;
mod watch;

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use futures_util::FutureExt;
use futures_util::future::join_all;
use watchkeeper_integration_tests::daemon::{Program, binary};
use watchkeeper_integration_tests::litellm;
use watchkeeper_integration_tests::measure::machine::Machine;
use watchkeeper_integration_tests::measure::said;

use crate::finding::{Side, beside};
use crate::scenario::{GROUPS, Scenario};

/// Runs LiteLLM's pods and ours through the same scenarios.
#[derive(Parser, Debug)]
#[command(name = "compare", version)]
struct Cli {
    /// Only these scenarios, by name.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    only: Vec<String>,
    /// Where the table goes; without it, and with `--only`, it is only printed.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Names the scenarios and leaves.
    #[arg(long)]
    list: bool,
}

/// Both programs, in the order of the table.
const BOTH: [Program; 2] = [Program::Litellm, Program::Watchkeeper];

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let all = || GROUPS.iter().flat_map(|group| group.scenarios);
    if cli.list {
        for scenario in all() {
            println!("{:<10} {}", scenario.name, scenario.what);
        }
        return ExitCode::SUCCESS;
    }
    for name in &cli.only {
        if !all().any(|scenario| scenario.name == name) {
            eprintln!("error: no scenario is named `{name}`; `--list` names them");
            return ExitCode::from(2);
        }
    }
    let machine = Machine::look();
    let date = jiff::Timestamp::now();
    // Installed before anything is measured; missing binaries are told before half an hour has passed.
    let _ = (binary(), litellm::command());
    let began = Instant::now();
    let mut done = Vec::new();
    for group in &GROUPS {
        let wanted = group.scenarios.iter().filter(|scenario| {
            cli.only.is_empty() || cli.only.iter().any(|name| name == scenario.name)
        });
        let wanted: Vec<&Scenario> = wanted.collect();
        if group.alone {
            for scenario in wanted {
                let mut sides = Vec::new();
                for program in BOTH {
                    sides.push(take(scenario, program).await);
                }
                done.push((scenario, sides));
            }
        } else {
            let taken = wanted.iter().map(async |scenario| {
                let sides = BOTH.map(|program| take(scenario, program));
                (*scenario, join_all(sides).await)
            });
            done.extend(join_all(taken).await);
        }
    }
    let failed = done
        .iter()
        .any(|(_, sides)| sides.iter().any(Result::is_err));
    let parts = done
        .into_iter()
        .map(|(scenario, sides)| (scenario, beside(sides)));
    let text = document::text(&machine, date, began.elapsed(), parts);
    println!("{text}");
    if let Some(path) = cli.out.filter(|_| cli.only.is_empty())
        && let Err(error) = std::fs::write(&path, &text)
    {
        eprintln!("error: `{}` cannot be written: {error}", path.display());
        return ExitCode::from(2);
    }
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Runs one side of a scenario. The harness fails by panicking, and the other scenarios shall still be shown.
async fn take(scenario: &Scenario, program: Program) -> Side {
    let began = Instant::now();
    eprintln!("{} with {program:?} ...", scenario.name);
    let side = AssertUnwindSafe((scenario.run)(program))
        .catch_unwind()
        .await;
    eprintln!(
        "{} with {program:?} took {:.0?}",
        scenario.name,
        began.elapsed()
    );
    side.map_err(|panic| said(&*panic))
}
