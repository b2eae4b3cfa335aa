//! A second lock and a second report beside ours, for programs that know nothing of Watchkeeper: LiteLLM's own pods.
//!
//! A backend that keeps them takes their lock in the same step as our lease, or neither, and writes their report in the
//! same step as ours. What the bytes mean is the codec's business; the backend only puts the time in.

use std::sync::Arc;
use std::time::Duration;

use crate::report::{Aged, Report};
use crate::time::UnixMillis;

/// What a publication writes into the companion report's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanionReport {
    /// The bytes before the time.
    pub head: Arc<[u8]>,
    /// The bytes after it.
    pub tail: Arc<[u8]>,
    /// Between them the backend writes the moment this long ago, by the store's own time, as decimal seconds since 1970.
    pub age: Duration,
    /// Its readers take it for current this long from that moment on; then it is gone.
    pub ttl: Duration,
}

/// What a reader finds in the companion report's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompanionFound {
    /// Nothing new: our own, nothing at all, or a place that other pods of ours claim.
    Nothing,
    /// The report that stands beside ours was published by a pod without companions: theirs is owed one.
    Owed,
    /// Written by another program since our last publication.
    Foreign {
        /// Its bytes.
        value: Vec<u8>,
        /// How long the store will keep it.
        left: Duration,
        /// As [`CompanionFound::Owed`].
        owed: bool,
    },
    /// Something that no program writes there; our next publication replaces it.
    Garbage {
        /// What it is, without its content.
        why: String,
    },
}

/// Whose the companion's place is, as this backend last saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Claim {
    /// This backend keeps no companions.
    #[default]
    Off,
    /// Not asked yet.
    Unknown,
    /// This group's.
    Ours,
    /// Another group's, which has another list of checks: fleet and group.
    Theirs(String),
}

/// What a backend saw of its companions since it was built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompanionState {
    /// Whose the place is.
    pub claim: Claim,
    /// Reports of another program that a publication of ours replaced.
    pub overtaken: u64,
    /// Times that another program held the lock when this pod wanted the lease.
    pub waited: u64,
    /// Times that another program held the lock during a round of ours.
    pub lock_lost: u64,
}

/// What another program found, in our words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignFindings {
    /// Its age by the store's judgement.
    pub age: Duration,
    /// A pod of this group wrote it: of use only where nothing else is known.
    pub ours: bool,
    /// The place is owed a publication of ours, whatever this says.
    pub owed: bool,
    /// One per check that both know; tokens and history are left empty.
    pub entries: Vec<Aged>,
    /// How many of its entries this pod does not know, and one of their names.
    pub unknown: Option<(usize, String)>,
}

/// Between our reports and the companion's bytes.
pub trait CompanionCodec: Send + Sync + 'static {
    /// What is written beside `report`; `None` where the report does not say enough.
    fn encode(&self, report: &Report) -> Option<CompanionReport>;

    /// Reads what another program wrote, as of `now`, which the store will keep for `left`.
    ///
    /// # Errors
    /// What is wrong with it, without its content.
    fn decode(
        &self,
        value: &[u8],
        left: Duration,
        now: UnixMillis,
    ) -> Result<ForeignFindings, String>;
}
