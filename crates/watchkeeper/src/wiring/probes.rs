//! How checks are asked.

use std::collections::BTreeMap;
use std::sync::Arc;

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
