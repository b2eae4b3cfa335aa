//! One file per command.

mod check;
mod completions;
mod config;
mod demo;
mod run;
mod status;

use std::process::ExitCode;

use crate::cli::{Cli, Command};
use crate::exit;

/// Does what was asked.
pub(crate) fn dispatch(cli: Cli) -> ExitCode {
    exit::code(match cli.command {
        Command::Run(args) => run::run(args),
        Command::Config(command) => config::config(&command),
        Command::Check(args) => check::check(&args),
        Command::Status(args) => status::status(&args),
        Command::Demo(args) => demo::demo(&args),
        Command::Completions { shell } => completions::completions(shell),
    })
}
