//! Wire mode: LiteLLM's own pods live off our report, and we off theirs, over the two keys that they use in Redis.
//!
//! ```text
//!   facts of the configuration ──▶ plan ──▶ when rounds have to start, or why not at all
//!   our report ──▶ codec ──▶ health_check_results      (JSON inside a JSON string, as they write it)
//!   health_check_results of theirs ──▶ codec ──▶ findings
//! ```
//!
//! As observed on LiteLLM 1.106.2: `health_check_lock` holds its owner as a JSON string and is taken by `SET NX EX`;
//! `health_check_results` counts for its readers until `timestamp` lies more than their TTL back. A reader that finds it
//! too old and the lock taken looks again every 5 s, as long as a lock can live, and then checks for itself.

mod codec;
mod dumps;
mod plan;

pub use codec::Codec;
pub use plan::{Facts, Plan, Store, Timing};

/// The name of their lock.
const LOCK: &str = "health_check_lock";
/// The name of their report.
const RESULTS: &str = "health_check_results";
/// The name of our claim on both.
const CLAIM: &str = "health_check_claim:watchkeeper";

/// The keys that LiteLLM's pods use, and ours beside them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Their lock.
    pub lock: String,
    /// Their report.
    pub results: String,
    /// Who serves them.
    pub claim: String,
}

impl Keys {
    /// The keys behind a `namespace` of `cache_params`, and a colon.
    #[must_use]
    pub fn new(namespace: Option<&str>) -> Self {
        let prefix = match namespace.filter(|name| !name.is_empty()) {
            None => String::new(),
            Some(name) => format!("{name}:"),
        };
        Self {
            lock: format!("{prefix}{LOCK}"),
            results: format!("{prefix}{RESULTS}"),
            claim: format!("{prefix}{CLAIM}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_stands_before_each_key() {
        let keys = Keys::new(Some("prod"));
        assert_eq!(keys.lock, "prod:health_check_lock");
        assert_eq!(keys.results, "prod:health_check_results");
        assert_eq!(keys.claim, "prod:health_check_claim:watchkeeper");
        assert_eq!(Keys::new(None).lock, "health_check_lock");
        assert_eq!(Keys::new(Some("")), Keys::new(None));
    }
}
