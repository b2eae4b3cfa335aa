//! What stands beside our reports for programs that know nothing of ours: coded, decoded, counted, and said once per
//! change.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::{info, warn};
use watchkeeper_core::cache::Then;
use watchkeeper_core::companion::{
    Claim, CompanionCodec, CompanionFound, CompanionReport, CompanionState,
};
use watchkeeper_core::coordinator::{Beside, Publication};
use watchkeeper_core::report::MAX_REPORT_BYTES;
use watchkeeper_core::time::Clock;

use crate::metrics::Metrics;

/// The companions of one pod.
pub(crate) struct Companions {
    codec: Arc<dyn CompanionCodec>,
    clock: Arc<dyn Clock>,
    said: Mutex<Said>,
}

/// What people were told last.
#[derive(Clone, Default)]
struct Said {
    state: CompanionState,
    unreadable: Option<String>,
    unknown: usize,
    too_large: bool,
}

impl Companions {
    pub(crate) fn new(codec: Arc<dyn CompanionCodec>, clock: Arc<dyn Clock>) -> Self {
        Self {
            codec,
            clock,
            said: Mutex::default(),
        }
    }

    /// The same, coded in another way from now on.
    pub(crate) fn with_codec(&self, codec: Arc<dyn CompanionCodec>) -> Self {
        Self {
            codec,
            clock: Arc::clone(&self.clock),
            said: Mutex::new(self.said().clone()),
        }
    }

    /// What is written beside a publication: with the last one of a round only, since half a round is nothing that others
    /// should take for a whole one. One that no store takes is left out, and ours goes without.
    pub(crate) fn beside(&self, publication: &Publication) -> Option<CompanionReport> {
        let Then::Release = publication.then else {
            return None;
        };
        let report = self.codec.encode(&publication.report)?;
        let bytes = report.head.len() + report.tail.len();
        let fits = bytes <= MAX_REPORT_BYTES;
        if !fits && !std::mem::replace(&mut self.said().too_large, true) {
            warn!(
                bytes,
                "the report for LiteLLM's pods is larger than a store takes, it is not written: set `health_check_details` to false"
            );
        }
        fits.then_some(report)
    }

    /// What was found beside a report, decoded.
    pub(crate) fn read(&self, found: CompanionFound) -> Beside {
        match found {
            CompanionFound::Nothing => Beside::Nothing,
            CompanionFound::Owed => Beside::Owed,
            CompanionFound::Garbage { why } => {
                self.unreadable(why);
                Beside::Nothing
            }
            CompanionFound::Foreign { value, left, owed } => {
                match self.codec.decode(&value, left, self.clock.unix()) {
                    Err(why) => {
                        self.unreadable(why);
                        if owed { Beside::Owed } else { Beside::Nothing }
                    }
                    Ok(mut findings) => {
                        findings.owed = owed;
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

    fn unreadable(&self, why: String) {
        let mut said = self.said();
        if said.unreadable.as_ref() != Some(&why) {
            warn!(
                why,
                "what stands in the place of LiteLLM's report is none, the next publication replaces it"
            );
            said.unreadable = Some(why);
        }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use watchkeeper_core::companion::ForeignFindings;
    use watchkeeper_core::id::{GroupId, PodId};
    use watchkeeper_core::lease::{LeaseRef, Token};
    use watchkeeper_core::report::Report;
    use watchkeeper_core::time::UnixMillis;

    use super::*;
    use crate::BootClock;

    /// Writes so many bytes, and reads numbers as that many unknown ids.
    struct Fake(usize);

    impl CompanionCodec for Fake {
        fn encode(&self, _: &Report) -> Option<CompanionReport> {
            Some(CompanionReport {
                head: vec![b'x'; self.0].into(),
                tail: Vec::new().into(),
                age: Duration::ZERO,
                ttl: Duration::from_secs(300),
            })
        }

        fn decode(
            &self,
            value: &[u8],
            left: Duration,
            _: UnixMillis,
        ) -> Result<ForeignFindings, String> {
            let text = std::str::from_utf8(value).map_err(|_| "no text".to_owned())?;
            let unknown = text.parse().map_err(|_| "no number".to_owned())?;
            Ok(ForeignFindings {
                age: left,
                ours: false,
                owed: false,
                entries: Vec::new(),
                unknown: Some((unknown, "id".to_owned())),
            })
        }
    }

    fn companions(bytes: usize) -> Companions {
        Companions::new(Arc::new(Fake(bytes)), Arc::new(BootClock))
    }

    fn publication(then: Then) -> Publication {
        let pod = PodId::new("a").unwrap();
        Publication {
            lease: LeaseRef {
                group: GroupId::new("g").unwrap(),
                pod: pod.clone(),
                token: Token(1),
            },
            edition: 1,
            report: Arc::new(Report {
                pod,
                started: UnixMillis(0),
                took: Duration::ZERO,
                probes: 0,
                entries: Vec::new(),
                ledger: watchkeeper_core::money::Ledger::default(),
                transitions: None,
            }),
            retain: Duration::from_secs(60),
            then,
        }
    }

    #[test]
    fn only_a_whole_round_that_a_store_takes_is_written_beside() {
        let release = publication(Then::Release);
        assert!(companions(1).beside(&release).is_some());
        let half = publication(Then::Keep(Duration::from_secs(1)));
        assert!(companions(1).beside(&half).is_none());
        assert!(companions(MAX_REPORT_BYTES).beside(&release).is_some());
        assert!(companions(MAX_REPORT_BYTES + 1).beside(&release).is_none());
    }

    #[test]
    fn what_cannot_be_read_is_nothing_and_what_can_is_passed_on() {
        let companions = companions(1);
        let foreign = |value: &[u8]| CompanionFound::Foreign {
            value: value.to_vec(),
            left: Duration::from_secs(7),
            owed: false,
        };
        assert_eq!(companions.read(CompanionFound::Nothing), Beside::Nothing);
        assert_eq!(companions.read(CompanionFound::Owed), Beside::Owed);
        assert_eq!(companions.read(foreign(b"poison")), Beside::Nothing);
        let why = "a `list`".to_owned();
        assert_eq!(
            companions.read(CompanionFound::Garbage { why }),
            Beside::Nothing
        );
        match companions.read(foreign(b"2")) {
            Beside::Findings(findings) => assert_eq!(findings.age, Duration::from_secs(7)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_change_is_counted_once() {
        let (companions, metrics) = (companions(1), Metrics::new("0"));
        let state = CompanionState {
            claim: Claim::Ours,
            overtaken: 2,
            waited: 1,
            lock_lost: 0,
        };
        assert!(companions.observe(state.clone(), &metrics));
        assert!(!companions.observe(state.clone(), &metrics));
        let more = CompanionState {
            overtaken: 3,
            ..state
        };
        assert!(companions.observe(more, &metrics));
        assert_eq!(metrics.wire(), (3, 1, 0));
    }
}
