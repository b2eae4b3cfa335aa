//! Measures every figure that the project promises beside its limit or peer, in one run, and says which hold.
//!
//! `just bench` builds everything for release and runs this. Each repetition takes ours and the peer's value in turn,
//! so that what else the machine does falls on both; a verdict is about the median.

// A tool that measures real time, prints its table and may fail by panicking like the harness that it uses.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

mod endpoint;
mod fleet;
mod http;
mod idle;
mod outcome;
mod plots;
mod round;
mod row;
mod server;
mod sizes;
mod store;
mod stores;
mod table;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

use crate::outcome::Outcome;
use crate::row::Row;

pub(crate) use watchkeeper_integration_tests::measure::Error;
use watchkeeper_integration_tests::measure::said;

/// Threads of the load's runtime, whatever the machine has: the targets are stated for two cores.
const WORKERS: usize = 2;

/// Measures what the project promises, beside its peers.
#[derive(Parser, Debug)]
#[command(name = "bench", version)]
struct Cli {
    /// Only these measures, by name.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    only: Vec<String>,
    /// How often each value is taken; the verdict is about the median.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=99))]
    repeat: u16,
    /// Where the values go as JSON, each repetition included.
    #[arg(long, value_name = "PATH", default_value = "target/bench.json")]
    json: PathBuf,
    /// Small and short, to see that all of it works: the verdicts mean nothing.
    #[arg(long)]
    quick: bool,
    /// Also measures how cost grows with pods and checks, and draws it into `docs/performance/`; eight minutes.
    #[arg(long)]
    plots: bool,
    /// Is a model endpoint that takes so many milliseconds; the benches start it themselves.
    #[arg(long, hide = true, value_name = "MILLIS")]
    endpoint: Option<u64>,
    /// Is a server that answers with the bytes it is given; the benches start it themselves.
    #[arg(long, hide = true)]
    bare_axum: bool,
    /// Names the measures and leaves.
    #[arg(long)]
    list: bool,
}

/// What every measure is told.
#[derive(Clone, Debug)]
pub(crate) struct Ctx {
    /// How often each value is taken.
    pub(crate) repeat: usize,
    /// Small and short: shows that it works, measures nothing worth keeping.
    pub(crate) quick: bool,
}

type Rows<'a> = Pin<Box<dyn Future<Output = Result<Vec<Row>, Error>> + 'a>>;

/// One measure: its name on the command line, whether it runs unasked, and what takes it.
struct Measure {
    name: &'static str,
    unasked: bool,
    take: for<'a> fn(&'a Ctx) -> Rows<'a>,
}

const fn measure(name: &'static str, take: for<'a> fn(&'a Ctx) -> Rows<'a>) -> Measure {
    Measure {
        name,
        unasked: true,
        take,
    }
}

static MEASURES: [Measure; 8] = [
    measure("http", |ctx| Box::pin(http::rows(ctx))),
    measure("round", |ctx| Box::pin(round::rows(ctx))),
    measure("idle", |ctx| Box::pin(idle::rows(ctx))),
    measure("sizes", |ctx| Box::pin(sizes::rows(ctx))),
    measure("store", |ctx| Box::pin(store::rows(ctx))),
    measure("stores", |ctx| Box::pin(stores::rows(ctx))),
    measure("fleet", |ctx| Box::pin(fleet::rows(ctx))),
    Measure {
        name: "plots",
        unasked: false,
        take: |ctx| Box::pin(plots::rows(ctx)),
    },
];

fn main() -> ExitCode {
    let cli = Cli::parse();
    // A client without a provider of TLS cannot be made; set once, so a second attempt means nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if cli.list {
        for measure in &MEASURES {
            println!("{}", measure.name);
        }
        return ExitCode::SUCCESS;
    }
    let done = match cli.endpoint {
        Some(millis) => endpoint::serve(Duration::from_millis(millis)).map(|()| true),
        None if cli.bare_axum => http::serve_bare().map(|()| true),
        None => run(&cli),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether a measure was asked for, by its name or by naming none.
fn wanted(cli: &Cli, measure: &Measure) -> bool {
    let named = cli.only.iter().any(|name| name == measure.name);
    let asked = match measure.name {
        "plots" => cli.plots,
        _ => cli.only.is_empty() && measure.unasked,
    };
    named || asked
}

/// Takes the measures one after the other. True when every row with a target holds and every measure was taken.
fn run(cli: &Cli) -> Result<bool, Error> {
    if let Some(unknown) = cli
        .only
        .iter()
        .find(|name| !MEASURES.iter().any(|measure| measure.name == *name))
    {
        return Err(format!("no measure is named `{unknown}`; `--list` names them").into());
    }
    if std::env::var_os("WATCHKEEPER_BIN").is_none() {
        return Err(
            "WATCHKEEPER_BIN does not name the daemon's release build: run `just bench`, which sets it"
                .into(),
        );
    }
    let ctx = Ctx {
        repeat: usize::from(cli.repeat),
        quick: cli.quick,
    };
    let mut outcome = Outcome::begin(&ctx)?;
    for measure in MEASURES.iter().filter(|measure| wanted(cli, measure)) {
        eprintln!("{} ...", measure.name);
        let began = Instant::now();
        // A runtime each: what one measure leaves behind does not run during the next.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .enable_all()
            .build()?;
        // The harness fails by panicking; what else is measured shall still be shown.
        let taken = catch_unwind(AssertUnwindSafe(|| runtime.block_on((measure.take)(&ctx))))
            .unwrap_or_else(|panic| Err(said(&*panic).into()));
        runtime.shutdown_background();
        eprintln!("{} took {:.0?}", measure.name, began.elapsed());
        outcome.add(measure.name, taken);
    }
    outcome.write(&cli.json)?;
    println!("{}", table::draw(&outcome));
    eprintln!("all values: {}", cli.json.display());
    Ok(outcome.holds())
}
