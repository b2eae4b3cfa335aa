//! `watchkeeper config …`.

use std::process::ExitCode;
use std::sync::Arc;

use watchkeeper_core::time::Clock;
use watchkeeper_runtime::BootClock;

use crate::cli::ConfigCommand;
use crate::exit::Failure;
use crate::inputs;
use crate::out;
use crate::table::count;
use crate::wiring::pod::fits_in_a_report;
use crate::wiring::{pending, probes};

/// Shows or validates the configuration.
#[allow(clippy::print_stderr, reason = "warnings beside the command's output")]
pub(crate) fn config(command: &ConfigCommand) -> Result<ExitCode, Failure> {
    let args = match command {
        ConfigCommand::Show(args) | ConfigCommand::Validate(args) => args,
        // What holds for any configuration needs none.
        ConfigCommand::Schema => return print(&watchkeeper_config::reference_schema()),
        ConfigCommand::Reference => return print(&watchkeeper_config::reference_markdown()),
    };
    let loaded = inputs::read(args, Vec::new())?;
    for warning in &loaded.warnings {
        eprintln!("warning: {warning}");
    }
    for warning in pending::warnings(&loaded.config) {
        eprintln!("warning: {warning}");
    }
    fits_in_a_report(&loaded.config)?;
    let clock: Arc<dyn Clock> = Arc::new(BootClock);
    let prober = probes::build(&clock, &loaded.config)?;
    if let Some(warning) = probes::unaskable(&loaded.config.checks, &*prober) {
        eprintln!("warning: {warning}");
    }
    print(&match command {
        ConfigCommand::Show(_) => loaded.show(),
        _ => format!(
            "the configuration is usable: {}\n",
            count(loaded.config.checks.len(), "check", "checks")
        ),
    })
}

fn print(text: &str) -> Result<ExitCode, Failure> {
    // A reader that went away has what it wanted.
    let _ = out::write(text)?;
    Ok(ExitCode::SUCCESS)
}
