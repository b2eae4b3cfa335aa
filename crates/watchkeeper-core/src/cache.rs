//! The cache trait: what the fleet found, and who belongs to it. Values are opaque bytes to a backend.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_core::Stream;

use crate::companion::{CompanionFound, CompanionReport, CompanionState};
use crate::error::StoreError;
use crate::id::{GroupId, PodId};
use crate::lease::{LeaseRef, Token};

/// What becomes of the lease in the step that publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Keep it, and make it last this long from now.
    Keep(Duration),
    /// Free it.
    Release,
}

/// A report to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// The lease it is published under.
    pub lease: LeaseRef,
    /// Counts the publications under one token, from 1. A repeat of one that landed is recognised by it.
    pub edition: u32,
    /// The report's bytes.
    pub value: Arc<[u8]>,
    /// The store may forget the report after this long without a new one; at least one minute.
    pub retain: Duration,
    /// What becomes of the lease.
    pub then: Then,
    /// What is written in the same step for programs that know nothing of ours; only where the backend keeps companions
    /// and their place is this group's.
    pub companion: Option<CompanionReport>,
}

/// The answer to [`ReportCache::publish`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// The report stands in the store, from this call or from an earlier one with the same token and edition.
    Done,
    /// The lease is not held under this token: nothing was changed.
    Fenced {
        /// The highest token the store knows for the group.
        current: Token,
    },
}

/// A report as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The token it was published under.
    pub token: Token,
    /// Which publication under that token it is.
    pub edition: u32,
    /// How long ago it was published, by the store's own judgement.
    pub age: Duration,
    /// The report's bytes.
    pub value: Vec<u8>,
}

/// What stands in a report's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// No report.
    Nothing,
    /// A report.
    Report(Stored),
    /// Something that no backend of ours wrote. The next publish replaces it.
    Garbage {
        /// What it is, without its content.
        why: String,
    },
}

/// The answer to [`ReportCache::read`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The highest token the store knows for the group, after it was raised to the reader's floor. Lower than the
    /// floor only where the store judges that floor impossible (a day ahead of its own time).
    pub fence: Token,
    /// What stands there.
    pub found: Found,
    /// What stands in the companion report's place.
    pub companion: CompanionFound,
}

/// What a pod tells the others about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Who.
    pub pod: PodId,
    /// Facts for the fleet view, opaque to a backend; at most [`MAX_PRESENCE_BYTES`].
    pub info: Arc<[u8]>,
    /// Forgotten after this long without a new announcement.
    pub ttl: Duration,
}

/// The most that a pod may say about itself. It travels every second.
pub const MAX_PRESENCE_BYTES: usize = 1024;

/// A pod as the store last heard of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodSeen {
    /// Who.
    pub pod: PodId,
    /// What it said.
    pub info: Vec<u8>,
    /// How long ago, by the store's own judgement.
    pub age: Duration,
}

/// A hint that something may have changed. Hints may be lost, repeated or late; acting on the timer alone is correct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A report was published.
    Report {
        /// Which group's.
        group: GroupId,
    },
    /// A lease was released.
    Released {
        /// Which group's.
        group: GroupId,
    },
    /// The subscription was made anew: anything may have been missed.
    Resumed,
}

/// A stream of hints. It ends only when the backend is dropped.
pub type Notices = Pin<Box<dyn Stream<Item = Notice> + Send>>;

/// Reports and presence. One type per backend implements this and [`crate::lease::LeaseStore`].
///
/// For every method: the call ends within the time limit that the backend was built with; an `Err` is a failure and
/// says whether the write may have landed.
#[async_trait]
pub trait ReportCache: Send + Sync + 'static {
    /// Stores the report and keeps or frees the lease in one step, if the lease is held under its token; then tells the
    /// watchers.
    ///
    /// * A report of a lower token never replaces one of a higher token.
    /// * A repeat of a publication that landed (same token and edition, or one that is older than what landed under the
    ///   same token) answers `Done` and changes nothing, whatever became of the lease since.
    /// * Whatever stood in the report's place, garbage included, is replaced.
    async fn publish(&self, publish: &Publish) -> Result<Published, StoreError>;

    /// The group's report with its age. Raises the group's stored token to `floor`, so that a store which forgot its
    /// tokens gives out higher ones again.
    async fn read(&self, group: &GroupId, floor: Token) -> Result<Read, StoreError>;

    /// Tells the fleet that this pod lives.
    async fn announce(&self, presence: &Presence) -> Result<(), StoreError>;

    /// Takes this pod out of the fleet's list. Repeating it is harmless.
    async fn leave(&self, pod: &PodId) -> Result<(), StoreError>;

    /// The pods that announced themselves within their `ttl`, by name.
    async fn pods(&self) -> Result<Vec<PodSeen>, StoreError>;

    /// What this backend saw of its companions: a look at memory.
    fn companion(&self) -> CompanionState;

    /// Hints about changes of this fleet's groups. Resubscribes by itself and then yields [`Notice::Resumed`]; a new
    /// stream starts with one.
    fn watch(&self) -> Notices;
}

/// Both traits of a backend in one object.
pub trait Store: crate::lease::LeaseStore + ReportCache {}

impl<T: crate::lease::LeaseStore + ReportCache> Store for T {}
