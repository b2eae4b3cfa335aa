//! `watchkeeper check`: probes everything once, from here, or says what would be asked.

mod plan;
mod probe;
mod progress;

use std::process::ExitCode;
use std::sync::Arc;

use serde::Serialize;
use tracing::warn;
use watchkeeper_config::{Loaded, Log, LogLevel};
use watchkeeper_core::check::{Check, Target};
use watchkeeper_core::probe::{ProbeKind, Prober};
use watchkeeper_core::time::Clock;
use watchkeeper_runtime::BootClock;

use self::progress::Progress;
use crate::cli::{CheckArgs, Output};
use crate::exit::Failure;
use crate::out::{self, Screen};
use crate::{inputs, telemetry, wiring};

/// Exit code where a check is not healthy.
const UNHEALTHY: u8 = 1;

/// Probes, or plans. No signal is caught: Ctrl-C ends the command at once, as it does any other.
pub(crate) fn check(args: &CheckArgs) -> Result<ExitCode, Failure> {
    let mut loaded = if args.plan {
        inputs::read_to_plan(&args.from)?
    } else {
        inputs::read_without_store(&args.from)?
    };
    telemetry::start(&log(&loaded));
    for warning in &loaded.warnings {
        warn!("{warning}");
    }
    let kind = args.probe.as_deref();
    if let Some(kind) = ProbeKind::ALL
        .into_iter()
        .find(|k| kind == Some(k.as_str()))
    {
        ask_by(kind, &mut loaded.config.checks);
    }
    let clock: Arc<dyn Clock> = Arc::new(BootClock);
    let prober = wiring::probes::build(&clock, &loaded.config)?;
    let config = &loaded.config;
    if args.plan {
        let rows = plan::rows(&config.checks, &*prober);
        // A reader that went away has what it wanted.
        let _ = out::write(&match args.output {
            Output::Json => json(&rows)?,
            Output::Table => {
                let cost = wiring::pod::cost(config, None, &*prober);
                plan::table(&rows, &cost, &Screen::now())
            }
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let prober: Arc<dyn Prober> = prober;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("the runtime could not be started: {error}")))?;
    let terms = probe::Terms {
        concurrency: config.probe.concurrency,
        lanes: &config.probe.lanes,
        passes: config.probe.passes.iter().copied().collect(),
    };
    let progress = Progress::of(config.checks.len());
    let rows = runtime.block_on(async {
        tokio::select! {
            biased;
            rows = probe::rows(&config.checks, &*prober, &terms, &progress) => rows,
            never = progress.show(&*clock) => match never {},
        }
    });
    // Names being looked up for connections that were given up do not hold back the exit.
    runtime.shutdown_background();
    let _ = out::write(&match args.output {
        Output::Json => json(&rows)?,
        Output::Table => probe::table(&rows, &Screen::now()),
    })?;
    Ok(if probe::all_healthy(&rows) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(UNHEALTHY)
    })
}

/// Every model is asked in this way, each time.
fn ask_by(kind: ProbeKind, checks: &mut [Check]) {
    for check in checks {
        if let Target::Model(model) = &mut check.target {
            model.health.kind = kind;
            check.full_every = None;
        }
    }
}

/// Unless somebody set a level, only what is odd is logged: the result is what was asked for.
fn log(loaded: &Loaded) -> Log {
    let mut log = loaded.config.log.clone();
    let origin = loaded.origins.get("log.level").map_or("default", |o| o);
    if origin == "default" {
        log.level = LogLevel::Warn;
    }
    log
}

fn json(rows: &[impl Serialize]) -> Result<String, Failure> {
    serde_json::to_string_pretty(rows)
        .map(|text| text + "\n")
        .map_err(|error| Failure::failed(format!("the result cannot be written: {error}")))
}
