//! How checks are asked.

use std::sync::Arc;

use watchkeeper_core::time::Clock;
use watchkeeper_probes::{HttpProber, ProberOptions, ProviderKeys};

use crate::exit::Failure;
use crate::inputs;

/// The prober, with the providers' own key variables from the environment.
pub(crate) fn build(clock: &Arc<dyn Clock>) -> Result<Arc<HttpProber>, Failure> {
    let mut options = ProberOptions::new(Arc::clone(clock));
    options.keys = ProviderKeys::from_vars(inputs::environment());
    HttpProber::new(options)
        .map(Arc::new)
        .map_err(Failure::failed)
}
