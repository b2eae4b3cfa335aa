//! A rule that was broken.

use std::fmt;

use watchkeeper_core::invariant::Invariant;

/// Which rule was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The promise, if it is one of those with a name.
    pub invariant: Option<Invariant>,
    /// What happened.
    pub why: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.invariant {
            Some(invariant) => write!(f, "{invariant}: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

/// A named promise was broken.
pub(super) fn broken<T>(invariant: Invariant, why: String) -> Result<T, Breach> {
    Err(Breach {
        invariant: Some(invariant),
        why,
    })
}

/// Something else went wrong that never may.
pub(super) fn wrong<T>(why: String) -> Result<T, Breach> {
    Err(Breach {
        invariant: None,
        why,
    })
}
