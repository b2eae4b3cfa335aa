//! How a command ends.

use std::fmt::Display;
use std::process::ExitCode;

/// Why a command did not do its work, worded for the person who has to act.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It could not start, or what it needed did not answer. Exit code 1.
    Failed(String),
    /// The configuration or the command line is wrong. Exit code 2.
    BadConfig(String),
}

impl Failure {
    /// It could not start.
    pub(crate) fn failed(why: impl Display) -> Self {
        Self::Failed(why.to_string())
    }

    /// The configuration is wrong.
    pub(crate) fn bad_config(why: impl Display) -> Self {
        Self::BadConfig(why.to_string())
    }
}

/// The exit code of a command's result; a failure is written to stderr in one line.
#[allow(
    clippy::print_stderr,
    reason = "the one place that tells a person why a command ended"
)]
pub(crate) fn code(result: Result<ExitCode, Failure>) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(Failure::Failed(why)) => {
            eprintln!("error: {why}");
            ExitCode::from(1)
        }
        Err(Failure::BadConfig(why)) => {
            eprintln!("error: {why}");
            ExitCode::from(2)
        }
    }
}
