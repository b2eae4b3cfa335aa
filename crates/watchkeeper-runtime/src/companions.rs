//! What stands beside our reports for programs that know nothing of ours: coded, decoded, counted, and said once per
//! change.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::{info, warn};
use watchkeeper_core::cache::Then;
use watchkeeper_core::companion::{
    Claim, CompanionCodec, CompanionFound, CompanionReport, CompanionState,
};
use watchkeeper_core::coordinator::{Beside, Publication};
use watchkeeper_core::time::Clock;

use crate::metrics::Metrics;

/// The companions of one pod.
pub(crate) struct Companions {
    codec: Arc<dyn CompanionCodec>,
    clock: Arc<dyn Clock>,
    said: Mutex<Said>,
}

/// What people were told last.
#[derive(Default)]
struct Said {
    state: CompanionState,
    unreadable: Option<String>,
    unknown: usize,
}

impl Companions {
    pub(crate) fn new(codec: Arc<dyn CompanionCodec>, clock: Arc<dyn Clock>) -> Self {
        Self {
            codec,
            clock,
            said: Mutex::default(),
        }
    }

    /// What is written beside a publication: with the last one of a round only, since half a round is nothing that others
    /// should take for a whole one.
    pub(crate) fn beside(&self, publication: &Publication) -> Option<CompanionReport> {
        match publication.then {
            Then::Release => self.codec.encode(&publication.report),
            Then::Keep(_) => None,
        }
    }

    /// What was found beside a report, decoded.
    pub(crate) fn read(&self, found: CompanionFound) -> Beside {
        match found {
            CompanionFound::Nothing => Beside::Nothing,
            CompanionFound::Owed => Beside::Owed,
            CompanionFound::Garbage { why } => self.unreadable(why),
            CompanionFound::Foreign { value, left } => {
                match self.codec.decode(&value, left, self.clock.unix()) {
                    Err(why) => self.unreadable(why),
                    Ok(findings) => {
                        let mut said = self.said();
                        said.unreadable = None;
                        let unknown = findings.unknown.as_ref().map_or(0, |(count, _)| *count);
                        if let Some((count, example)) = &findings.unknown
                            && said.unknown != *count
                        {
                            warn!(
                                count,
                                example,
                                "a report of LiteLLM's names ids that this pod does not know: its pods have other models or other keys"
                            );
                        }
                        said.unknown = unknown;
                        Beside::Findings(Box::new(findings))
                    }
                }
            }
        }
    }

    fn unreadable(&self, why: String) -> Beside {
        let mut said = self.said();
        if said.unreadable.as_ref() != Some(&why) {
            warn!(
                why,
                "what stands in the place of LiteLLM's report is none, the next publication replaces it"
            );
            said.unreadable = Some(why);
        }
        Beside::Nothing
    }

    /// Says and counts what changed since it was looked at last. Answers whether anything did.
    pub(crate) fn observe(&self, state: CompanionState, metrics: &Metrics) -> bool {
        let mut said = self.said();
        if said.state == state {
            return false;
        }
        let before = std::mem::replace(&mut said.state, state.clone());
        drop(said);
        if before.claim != state.claim {
            match &state.claim {
                Claim::Off | Claim::Unknown => {}
                Claim::Ours => info!("LiteLLM's pods on this Redis live off this fleet's reports"),
                Claim::Theirs(owner) => warn!(
                    owner,
                    "another list of models serves LiteLLM's pods here: this one does not, and takes over when its claim lapses"
                ),
            }
        }
        if state.overtaken > before.overtaken {
            warn!("a LiteLLM pod had written a report of its own over ours, it is replaced");
        }
        if state.lock_lost > before.lock_lost {
            warn!("a LiteLLM pod took its lock during a round of ours: it may be probing as well");
        }
        metrics.companions(&before, &state);
        true
    }

    fn said(&self) -> std::sync::MutexGuard<'_, Said> {
        // Nothing under this lock can panic half way.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
