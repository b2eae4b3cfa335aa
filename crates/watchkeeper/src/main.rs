//! Watchkeeper: asks each model endpoint of a fleet of LLM proxy pods once, and lets every pod know.
//!
//! The only crate that knows every backend. `main` parses, and hands over to a command.

mod cli;
mod commands;
mod exit;
mod inputs;
mod out;
mod reload;
mod signals;
mod table;
mod telemetry;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    // One provider for every TLS connection of the process; set once, so a second attempt means nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    commands::dispatch(cli)
}
