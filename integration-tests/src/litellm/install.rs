//! The virtual environment that LiteLLM pods run from.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::python::Environment;

/// The version that everything here was observed with.
pub const VERSION: &str = "1.106.2";

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
    let environment = Environment {
        users: "LiteLLM pods",
        directory: format!("litellm-{VERSION}"),
        variable: "WATCHKEEPER_LITELLM_VENV",
        packages: vec![
            format!("litellm[proxy]=={VERSION}"),
            // Without it every refused call is a bare 500; the `proxy` extra does not bring it.
            "prisma".to_owned(),
        ],
    };
    Ok(environment.install()?.join("bin/litellm"))
}
