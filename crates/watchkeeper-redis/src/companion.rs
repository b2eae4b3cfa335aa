//! The lock and the report that are kept beside ours, and what was seen of them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use watchkeeper_core::companion::{Claim, CompanionFound, CompanionState};
use watchkeeper_core::error::StoreError;
use watchkeeper_core::id::{FleetName, GroupId};

use crate::reply::Reply;
use crate::store::millis;

/// Where the lock and the report of programs that know nothing of ours lie.
///
/// Their keys share no hash tag with ours, so they can only be kept on a single server, not in a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanionOptions {
    /// Their lock's key. Its value is a JSON string; ours are `"watchkeeper:<pod>:<token>"`.
    pub lock: String,
    /// Their report's key.
    pub report: String,
    /// The key of the claim: one group at a time serves the place.
    pub claim: String,
    /// How long a claim lasts after the group's last round.
    pub claim_ttl: Duration,
    /// Whether a server that refuses these keys is an error. If not, the store does without them and says so.
    pub required: bool,
}

/// The companions of one store.
pub(crate) struct Companions {
    pub(crate) keys: CompanionOptions,
    fleet: FleetName,
    state: Mutex<CompanionState>,
    /// Their lock was in the way when the lease was last asked for.
    waits: AtomicBool,
    /// Their lock was lost in this round.
    lost: AtomicBool,
    /// The server lets us have ours, but not theirs.
    given_up: AtomicBool,
}

impl Companions {
    pub(crate) fn new(keys: CompanionOptions, fleet: FleetName) -> Self {
        let state = CompanionState {
            claim: Claim::Unknown,
            ..CompanionState::default()
        };
        Self {
            keys,
            fleet,
            state: Mutex::new(state),
            waits: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
        }
    }

    pub(crate) fn are_kept(&self) -> bool {
        !self.given_up.load(Ordering::Relaxed)
    }

    /// Does without companions from now on, and says so once; ours works on.
    pub(crate) fn give_up(&self, error: &StoreError) {
        if !self.given_up.swap(true, Ordering::Relaxed) {
            self.state().claim = Claim::Off;
            tracing::warn!(
                %error,
                "wire mode is off: this store does not let us have LiteLLM's keys beside ours"
            );
        }
    }

    /// Who claims for a group.
    pub(crate) fn owner(&self, group: &GroupId) -> String {
        format!("{}/{group}", self.fleet)
    }

    pub(crate) fn claim_ttl(&self) -> String {
        millis(self.keys.claim_ttl)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, CompanionState> {
        // Nothing under this lock can panic half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the word on whose the place is off an answer.
    pub(crate) fn take_claim(&self, reply: &mut Reply) -> Result<(), StoreError> {
        let word = reply.text()?;
        let claim = match word.as_str() {
            "=" => Claim::Ours,
            "" => Claim::Unknown,
            owner => Claim::Theirs(owner.to_owned()),
        };
        let mut state = self.state();
        // Nobody's claim says nothing new: a lapsed one is taken by the next round.
        if claim != Claim::Unknown || matches!(state.claim, Claim::Theirs(_)) {
            state.claim = claim;
        }
        Ok(())
    }

    /// Takes whether it is their lock that is in the way off an answer.
    pub(crate) fn take_wait(&self, reply: &mut Reply) -> Result<(), StoreError> {
        let waits = match reply.text()?.as_str() {
            "" => false,
            "beside" => true,
            _ => return Err(reply.strange()),
        };
        let begins = waits && !self.waits.swap(waits, Ordering::Relaxed);
        self.waits.store(waits, Ordering::Relaxed);
        self.state().waited += u64::from(begins);
        Ok(())
    }

    /// The lease is granted, with their lock: nothing is waited for, and nothing lost.
    pub(crate) fn granted(&self) {
        self.waits.store(false, Ordering::Relaxed);
        self.lost.store(false, Ordering::Relaxed);
    }

    /// Takes whether their lock was taken from under us off an answer.
    pub(crate) fn take_loss(&self, reply: &mut Reply) -> Result<(), StoreError> {
        match reply.text()?.as_str() {
            "kept" => Ok(()),
            "lost" => {
                // Once in a round.
                let begins = !self.lost.swap(true, Ordering::Relaxed);
                self.state().lock_lost += u64::from(begins);
                Ok(())
            }
            _ => Err(reply.strange()),
        }
    }

    /// Takes whether a report of theirs was replaced off an answer.
    pub(crate) fn take_overtaking(&self, reply: &mut Reply) -> Result<(), StoreError> {
        match reply.text()?.as_str() {
            "" => Ok(()),
            "overtook" => {
                self.state().overtaken += 1;
                Ok(())
            }
            _ => Err(reply.strange()),
        }
    }

    /// Takes what stands in their report's place off an answer.
    pub(crate) fn take_found(&self, reply: &mut Reply) -> Result<CompanionFound, StoreError> {
        self.take_claim(reply)?;
        let what = reply.text()?;
        let why = reply.text()?;
        let left = Duration::from_millis(reply.number()?);
        let value = reply.bytes()?;
        match what.as_str() {
            "nothing" => Ok(CompanionFound::Nothing),
            "owed" => Ok(CompanionFound::Owed),
            "garbage" => Ok(CompanionFound::Garbage { why }),
            "foreign" => Ok(CompanionFound::Foreign {
                value,
                left,
                owed: why == "owed",
            }),
            _ => Err(reply.strange()),
        }
    }
}
