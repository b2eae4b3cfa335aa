//! `watchkeeper demo`: a fleet at work, to be watched.

use std::process::ExitCode;

use crate::cli::DemoArgs;
use crate::exit::Failure;

/// Plays until Ctrl-C or SIGTERM, or for the seconds asked for.
pub(crate) fn demo(args: &DemoArgs) -> Result<ExitCode, Failure> {
    let _ = (args.pods, args.interval, args.seconds);
    Err(Failure::failed("not there yet"))
}
