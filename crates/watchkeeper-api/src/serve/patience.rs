//! Answers that may take longer than others.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// By what a handler says that its answer may take longer than [`super::Limits::request`]. Stands among the extensions of
/// a `POST` request; a read is never waited for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patience(Arc<OnceLock<Duration>>);

impl Patience {
    /// The answer may take this much longer. Said once per request; later words do not count.
    pub(crate) fn extend(&self, more: Duration) {
        let _ = self.0.set(more);
    }

    /// How much longer the answer may take.
    pub(super) fn granted(&self) -> Option<Duration> {
        self.0.get().copied()
    }
}
