//! From the files to what a running pod goes on with. Everything that may be refused is refused here.

use std::path::PathBuf;
use std::sync::Arc;

use watchkeeper_config::{Config, Loaded};
use watchkeeper_core::id::PodId;
use watchkeeper_core::probe::Prober;
use watchkeeper_core::time::Clock;
use watchkeeper_runtime::PodChange;

use super::difference::Difference;
use crate::cli::RunArgs;
use crate::exit::Failure;
use crate::{inputs, wiring};

/// Wire mode, which is built into the store: no key that a file has to name changes it.
pub(super) const WIRE: &str = "litellm.wire";

/// What the pod runs by.
#[derive(Clone)]
pub(super) struct Running {
    pub(super) args: Arc<RunArgs>,
    pub(super) config: Arc<Config>,
    pub(super) pod: PodId,
    pub(super) clock: Arc<dyn Clock>,
    /// The store was built to serve LiteLLM's own pods as well.
    pub(super) serves_litellm: bool,
    /// By the configuration in force it would be the other way round.
    pub(super) wire_waits: bool,
}

/// A configuration that can be used.
pub(super) struct Prepared {
    pub(super) difference: Difference,
    /// None where nothing takes effect.
    pub(super) change: Option<PodChange>,
    pub(super) warnings: Vec<String>,
    /// The files that it came from.
    pub(super) files: Vec<PathBuf>,
}

/// The files that a configuration came from: all that can change what it says.
pub(crate) fn files(loaded: &Loaded) -> Vec<PathBuf> {
    let mut files = loaded.files.clone();
    files.extend(loaded.secret_files.iter().cloned());
    files.extend(loaded.config.probe.ca.clone());
    files
}

/// Reads the configuration as at the start, and builds what depends on it. Takes as long as the files are large: call it
/// where waiting is allowed.
///
/// # Errors
/// Why it cannot be used, without any secret.
pub(super) fn prepare(running: &Running) -> Result<Prepared, String> {
    build(running).map_err(|failure| match failure {
        Failure::Failed(why) | Failure::BadConfig(why) => why,
    })
}

fn build(running: &Running) -> Result<Prepared, Failure> {
    let args = &running.args;
    let loaded = inputs::read(&args.from, inputs::run_overrides(args))?;
    let files = files(&loaded);
    let mut difference =
        Difference::between(&running.config, loaded.config).map_err(Failure::bad_config)?;
    let mut warnings = loaded.warnings;
    // A certificate may have been exchanged in its place.
    let unchanged = !difference.changes_anything() && difference.effective.probe.ca.is_none();
    if unchanged {
        if running.wire_waits {
            difference.restart_needed.push(WIRE);
        }
        return Ok(Prepared {
            difference,
            change: None,
            warnings,
            files,
        });
    }
    let config = &difference.effective;
    let prober: Arc<dyn Prober> = wiring::probes::build(&running.clock, config)?;
    let wire = wiring::wire::decide(config, &*prober)?;
    if wire.is_some() != running.serves_litellm {
        difference.restart_needed.push(WIRE);
    }
    let wire = wire.filter(|_| running.serves_litellm);
    let parts = wiring::pod::parts(config, &running.pod, wire.as_ref(), &*prober)?;
    warnings.extend(
        wiring::pending::warnings(config)
            .into_iter()
            .map(Into::into),
    );
    warnings.extend(wiring::probes::unaskable(&config.checks, &*prober));
    let change = PodChange {
        checks: config.checks.clone(),
        groups: parts.groups,
        shown: parts.shown,
        concurrency: parts.concurrency,
        companions: parts.companions,
        prober,
    };
    Ok(Prepared {
        difference,
        change: Some(change),
        warnings,
        files,
    })
}
