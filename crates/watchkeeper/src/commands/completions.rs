//! `watchkeeper completions`: scripts that make a shell complete our words.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::Failure;
use crate::out;

/// Prints the script.
pub(crate) fn completions(shell: Shell) -> Result<ExitCode, Failure> {
    // A reader that went away has what it wanted.
    let _ = out::write(&script(shell))?;
    Ok(ExitCode::SUCCESS)
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    /// Every subcommand's path and every long flag, as clap knows them.
    fn words(command: &clap::Command, out: &mut Vec<String>) {
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            out.push(sub.get_name().to_owned());
            words(sub, out);
        }
        let flags = command.get_arguments().filter(|flag| !flag.is_hide_set());
        out.extend(flags.filter_map(|flag| flag.get_long().map(str::to_owned)));
    }

    #[test]
    fn every_shells_script_knows_every_subcommand_and_flag() {
        let mut known = Vec::new();
        words(&Cli::command(), &mut known);
        assert!(known.len() > 20, "{known:?}");
        for shell in Shell::value_variants() {
            let script = script(*shell);
            for word in &known {
                assert!(script.contains(word), "{shell} does not know `{word}`");
            }
        }
    }
}
