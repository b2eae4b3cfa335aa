//! The virtual environment that LiteLLM pods run from: made once, then used by every run.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The version that everything here was observed with.
pub const VERSION: &str = "1.106.2";

/// Names the environment's directory, where it is not to lie below the target directory.
const WHERE: &str = "WATCHKEEPER_LITELLM_VENV";

/// LiteLLM's command, installed if it is not there yet.
///
/// # Panics
/// When it cannot be installed; the message says what is missing.
#[must_use]
pub fn command() -> PathBuf {
    static COMMAND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match COMMAND.get_or_init(install) {
        Ok(command) => command.clone(),
        Err(error) => panic!("{error}"),
    }
}

/// The same, with the error as a sentence. Takes a minute or two when there is something to do.
pub fn install() -> Result<PathBuf, String> {
    let venv = std::env::var_os(WHERE).map_or_else(
        || target().join(format!("litellm-{VERSION}")),
        PathBuf::from,
    );
    let failed = |error: std::io::Error| format!("`{}`: {error}", venv.display());
    fs::create_dir_all(&venv).map_err(failed)?;
    let venv = venv.canonicalize().map_err(failed)?;
    // Another test process may be at it; the system gives the lock up with the process.
    let mut beside = venv.clone().into_os_string();
    beside.push(".lock");
    let lock = File::create(PathBuf::from(beside)).map_err(failed)?;
    lock.lock().map_err(failed)?;
    let done = venv.join("installed");
    if fs::read_to_string(&done).is_ok_and(|version| version == VERSION) {
        return Ok(venv.join("bin/litellm"));
    }
    // It is emptied first: a directory of something else, named by mistake, stays as it is.
    let empty = fs::read_dir(&venv).map_err(failed)?.next().is_none();
    if !empty && !venv.join("pyvenv.cfg").exists() {
        return Err(format!(
            "`{}` is neither empty nor a Python environment: name another directory in {WHERE}",
            venv.display()
        ));
    }
    fill(&venv)?;
    // Written last: an installation that broke off is made anew.
    fs::write(&done, VERSION).map_err(failed)?;
    Ok(venv.join("bin/litellm"))
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
        PathBuf::from,
    )
}

fn fill(venv: &Path) -> Result<(), String> {
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(venv))?;
    run(Command::new(venv.join("bin/pip"))
        .args(["install", "--quiet", "--disable-pip-version-check"])
        .arg(format!("litellm[proxy]=={VERSION}"))
        // Without it every refused call is a bare 500; the `proxy` extra does not bring it.
        .arg("prisma"))
}

fn run(command: &mut Command) -> Result<(), String> {
    let hint = format!(
        "LiteLLM pods need Python 3 with `venv` and `pip` (`apt-get install -y python3 python3-venv`) and a package index; \
         {WHERE} names a directory that keeps them"
    );
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "`{command:?}` failed ({}): {}; {hint}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Err(error) => Err(format!("`{command:?}` cannot be run ({error}); {hint}")),
    }
}
