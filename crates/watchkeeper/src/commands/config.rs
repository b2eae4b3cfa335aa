//! `watchkeeper config …`.

use std::process::ExitCode;

use crate::cli::ConfigCommand;
use crate::exit::Failure;
use crate::inputs;

/// Shows or validates the configuration.
#[allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the command's output"
)]
pub(crate) fn config(command: &ConfigCommand) -> Result<ExitCode, Failure> {
    let (ConfigCommand::Show(args) | ConfigCommand::Validate(args)) = command;
    let loaded = inputs::read(args, Vec::new())?;
    for warning in &loaded.warnings {
        eprintln!("warning: {warning}");
    }
    match command {
        ConfigCommand::Show(_) => print!("{}", loaded.show()),
        ConfigCommand::Validate(_) => println!(
            "the configuration is usable: {} checks",
            loaded.config.checks.len()
        ),
    }
    Ok(ExitCode::SUCCESS)
}
