//! Real, unmodified LiteLLM pods: the pinned version from the package index in a virtual environment of its own, started
//! on the same files, the same Redis and the same mock upstream as our pods, and told apart from them by the mock.

mod install;
mod shown;
mod wire;

use crate::daemon::{Program, Setup};

pub use install::{VERSION, command, install};
pub use shown::Shown;
pub use wire::{LOCK_KEY, RESULTS_KEY, decode, encode};

/// The master key of every pod here, of both programs.
pub const KEY: &str = "sk-master";

/// The file that a pod reads, in its working directory.
const FILE: &str = "proxy_config.yaml";

/// Lists that LiteLLM otherwise fetches from the network when it starts; each has a copy in the package.
const LOCAL: [&str; 5] = [
    "MODEL_COST_MAP",
    "ANTHROPIC_BETA_HEADERS",
    "BLOG_POSTS",
    "POLICY_TEMPLATES",
    "AUTOROUTER_PRESETS",
];

/// A LiteLLM pod on this `proxy_config.yaml`, asked with [`KEY`]. The mock upstream knows its requests by `name`.
#[must_use]
pub fn pod(name: &str, yaml: impl Into<String>) -> Setup {
    let setup = Setup::of(Program::Litellm)
        .file(FILE, yaml)
        .arguments(&["--config", FILE])
        .arguments(&["--host", "127.0.0.1", "--telemetry", "False"])
        .key(KEY)
        .env("OPENAI_ORGANIZATION", name)
        .env("NO_PROXY", "127.0.0.1,localhost")
        .env("LITELLM_LOG", "INFO")
        .env("PYTHONUNBUFFERED", "1")
        .env("PYTHONUTF8", "1");
    LOCAL.iter().fold(setup, |setup, list| {
        setup.env(&format!("LITELLM_LOCAL_{list}"), "True")
    })
}

/// A pod of either program on the same file; both call it `name`.
#[must_use]
pub fn pod_of(program: Program, name: &str, yaml: impl Into<String>) -> Setup {
    match program {
        Program::Watchkeeper => Setup::new().litellm(yaml).key(KEY).env("POD_NAME", name),
        Program::Litellm => pod(name, yaml),
    }
}
