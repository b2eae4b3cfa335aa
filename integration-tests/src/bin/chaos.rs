//! Chaos for as long as wanted: see `watchkeeper_integration_tests::chaos`.

// A tool for people: it prints, and fails by panicking.
#![allow(clippy::print_stdout, clippy::expect_used, clippy::disallowed_methods)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser;
use watchkeeper_integration_tests::chaos::{Options, run};

/// Real daemons on a real Redis, a random fault every few seconds, and a verdict
#[derive(Parser)]
#[command(name = "chaos")]
struct Arguments {
    /// How long, in minutes; parts of one are allowed, less than one and a half holds no storm
    #[arg(default_value_t = 10.0)]
    minutes: f64,
    /// Decides faults and times; without it the clock chooses one, and the report names it
    #[arg(long)]
    seed: Option<u64>,
    /// How many daemons
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(2..=20))]
    pods: u8,
    /// Only print what would strike when
    #[arg(long)]
    plan: bool,
    /// Where the daemons' logs go instead of `target/chaos/seed-<seed>`
    #[arg(long)]
    logs: Option<PathBuf>,
}

/// From this length on every rule has to be put to the test.
const WHOLE: Duration = Duration::from_secs(300);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let clock = || {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.expect("the clock is past 1970").as_secs() % 1_000_000
    };
    let options = Options {
        seed: arguments.seed.unwrap_or_else(clock),
        length: Duration::from_secs_f64(arguments.minutes.clamp(0.5, 1e4) * 60.0),
        pods: usize::from(arguments.pods),
        logs: arguments.logs,
    };
    println!("seed {}", options.seed);
    if arguments.plan {
        print!("{}", options.show_plan());
        return ExitCode::SUCCESS;
    }
    let outcome = run(&options).await;
    println!("{}", outcome.report());
    // A short run may have had no time for one; a longer one that judged nothing proves nothing.
    let untested = outcome.untested();
    if options.length >= WHOLE && !untested.is_empty() {
        println!("{untested:?} were not put to the test");
        return ExitCode::FAILURE;
    }
    if outcome.passed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
