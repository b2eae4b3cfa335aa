//! One file per command.

mod config;
mod run;

use std::process::ExitCode;

use crate::cli::{Cli, Command};
use crate::exit::{self, Failure};

/// Does what was asked.
pub(crate) fn dispatch(cli: Cli) -> ExitCode {
    exit::code(match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Config(command) => config::config(&command),
        Command::Check(_) | Command::Status(_) | Command::Demo(_) => {
            Err(Failure::failed("not there yet"))
        }
    })
}
