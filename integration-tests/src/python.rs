//! Virtual environments of Python packages from the package index: made once below the target directory, then used by
//! every run.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// An environment and what is in it.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Whose it is, for messages.
    pub users: &'static str,
    /// Its directory below the target directory.
    pub directory: String,
    /// Names its directory, where it is not to lie below the target directory.
    pub variable: &'static str,
    /// What is installed, as `pip` takes it. Another list makes the environment anew.
    pub packages: Vec<String>,
}

impl Environment {
    /// The directory, filled if it is not yet; the error is a sentence that says what is missing. Takes a minute or two
    /// when there is something to do.
    pub fn install(&self) -> Result<PathBuf, String> {
        let venv = std::env::var_os(self.variable)
            .map_or_else(|| target().join(&self.directory), PathBuf::from);
        let failed = |error: std::io::Error| format!("`{}`: {error}", venv.display());
        fs::create_dir_all(&venv).map_err(failed)?;
        let venv = venv.canonicalize().map_err(failed)?;
        // Another test process may be at it; the system gives the lock up with the process.
        let mut beside = venv.clone().into_os_string();
        beside.push(".lock");
        let lock = File::create(PathBuf::from(beside)).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let done = venv.join("installed");
        let packages = self.packages.join("\n");
        if fs::read_to_string(&done).is_ok_and(|installed| installed == packages) {
            return Ok(venv);
        }
        // It is emptied first: a directory of something else, named by mistake, stays as it is.
        let empty = fs::read_dir(&venv).map_err(failed)?.next().is_none();
        if !empty && !venv.join("pyvenv.cfg").exists() {
            return Err(format!(
                "`{}` is neither empty nor a Python environment: name another directory in {}",
                venv.display(),
                self.variable
            ));
        }
        self.fill(&venv)?;
        // Written last: an installation that broke off is made anew.
        fs::write(&done, packages).map_err(failed)?;
        Ok(venv)
    }

    fn fill(&self, venv: &Path) -> Result<(), String> {
        self.run(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(venv),
        )?;
        self.run(
            Command::new(venv.join("bin/pip"))
                .args(["install", "--quiet", "--disable-pip-version-check"])
                .args(&self.packages),
        )
    }

    fn run(&self, command: &mut Command) -> Result<(), String> {
        let hint = format!(
            "{} need Python 3 with `venv` and `pip` (`apt-get install -y python3 python3-venv`) and a package index; \
             {} names a directory that keeps them",
            self.users, self.variable
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
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
        PathBuf::from,
    )
}
