//! A pinned LiteLLM in a virtual environment of its own below the target directory; installed once.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;

/// The version that is compared with.
pub(crate) const VERSION: &str = "1.106.2";
/// Its name in the table.
pub(crate) const NAME: &str = "LiteLLM 1.106.2";

/// The path of its command.
pub(crate) fn litellm() -> Result<PathBuf, Error> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
        PathBuf::from,
    );
    std::fs::create_dir_all(&target)?;
    let venv = target
        .canonicalize()?
        .join(format!("bench-litellm-{VERSION}"));
    let command = venv.join("bin/litellm");
    let done = venv.join("installed");
    if !done.exists() {
        eprintln!(
            "  installing litellm[proxy]=={VERSION} into {}",
            venv.display()
        );
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&venv))?;
        run(Command::new(venv.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check"])
            .arg(format!("litellm[proxy]=={VERSION}")))?;
        // Written last: an installation that broke off is made anew.
        std::fs::write(&done, VERSION)?;
    }
    Ok(command)
}

fn run(command: &mut Command) -> Result<(), Error> {
    let status = command.status().map_err(|error| {
        format!("{command:?} cannot be run ({error}): install Python 3 with its `venv` module")
    })?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{command:?} failed ({status})").into())
    }
}
