//! How checks are asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use watchkeeper_core::check::Check;
use watchkeeper_core::probe::{Effort, Prober};
use watchkeeper_core::secret::Secret;
use watchkeeper_core::time::Clock;
use watchkeeper_probes::{HttpProber, ProberOptions, ProviderKeys};

use crate::exit::Failure;
use crate::inputs;

/// The prober, with the providers' own key variables from the environment and, over them, from LiteLLM's
/// `environment_variables`.
pub(crate) fn build(
    clock: &Arc<dyn Clock>,
    litellm: &BTreeMap<String, Secret>,
) -> Result<Arc<HttpProber>, Failure> {
    let mut variables = inputs::environment();
    variables.extend(
        litellm
            .iter()
            .map(|(name, value)| (name.clone(), value.expose().to_owned())),
    );
    let mut options = ProberOptions::new(Arc::clone(clock));
    options.keys = ProviderKeys::from_vars(variables);
    HttpProber::new(options)
        .map(Arc::new)
        .map_err(Failure::failed)
}

/// One line that names the checks which cannot be asked as they are configured; `None` if all can.
pub(crate) fn unaskable(checks: &[Check], prober: &dyn Prober) -> Option<String> {
    let reasons: Vec<(&str, String)> = checks
        .iter()
        .filter_map(|check| Some((check.name.as_str(), prober.plan(check, Effort::Full).err()?)))
        .collect();
    let (name, why) = reasons.first()?;
    Some(format!(
        "{} of {} checks cannot be asked and are shown as `config_error`; the first is `{name}`: {why}; \
         `watchkeeper check --plan` lists all",
        reasons.len(),
        checks.len()
    ))
}
