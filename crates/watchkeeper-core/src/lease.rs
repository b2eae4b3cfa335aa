//! The lock trait: who may probe a group now.
//!
//! A lease is a key that the store keeps until a time judged by the store, with a fencing token that only rises. The
//! holder's own window is shorter: it is counted from the moment its request *left* (see the coordinator), so that a
//! holder stops before the store can hand the lease to somebody else.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::id::{AttemptId, GroupId, PodId};

/// A fencing token: per group it only rises, across releases, expiry and a store that lost its data.
///
/// Not larger than 2^53 in practice (microseconds since 1970 until the year 2255), so Lua and JSON numbers carry it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(pub u64);

impl Token {
    /// Lower than any token that a store gives out.
    pub const ZERO: Self = Self(0);
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A digest of what stands in the lock's place, to take it only if it is still that.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Marker(pub String);

/// A request for the lease of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acquire {
    /// Which group's lease.
    pub group: GroupId,
    /// Who asks.
    pub pod: PodId,
    /// Which attempt this is; asking again with the same one is the same question.
    pub attempt: AttemptId,
    /// How long the lease is to last from the moment the store grants it; whole milliseconds, at least one second.
    pub ttl: Duration,
    /// The highest token this pod has ever seen for the group: a granted token is higher.
    pub floor: Token,
    /// Take the lock by force if exactly this stands there: for locks without an end and for garbage, once this pod
    /// has seen them unchanged for a whole `lock_ttl`.
    pub take: Option<Marker>,
}

/// What stands in the lock's place when it is not ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Busy {
    /// The holder, if the value is one that Watchkeeper writes.
    pub holder: Option<PodId>,
    /// The holder's token, as far as it can be read.
    pub token: Option<Token>,
    /// How long until the store ends it, or until it is worth asking again where nobody tells of its end (a companion
    /// lock); `None` for a lock without an end, for garbage, and where the end lies beyond what the lock itself asked for.
    pub remaining: Option<Duration>,
    /// For [`Acquire::take`].
    pub marker: Marker,
}

/// The answer to [`LeaseStore::acquire`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// The lease is held by the asking pod, for the whole `ttl` from some moment after the request left.
    Held {
        /// The grant's fencing token, to be sent with every write it guards.
        token: Token,
    },
    /// Somebody else holds it.
    Busy(Busy),
}

/// A lease as its holder names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRef {
    /// Which group's lease.
    pub group: GroupId,
    /// Its holder.
    pub pod: PodId,
    /// Its fencing token.
    pub token: Token,
}

/// The answer to [`LeaseStore::renew`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// The lease now lasts the whole `ttl` again.
    Extended,
    /// The lease is not held by this pod under this token any more. Nothing was changed.
    Lost {
        /// Who holds it now, if anybody.
        holder: Option<PodId>,
    },
}

/// The answer to [`LeaseStore::release`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    /// The lease was held under this token and is free now.
    Done,
    /// The lease was not held under this token; nothing was changed. Also what a repeated release answers.
    NotHeld,
}

/// The answer to [`LeaseStore::inspect`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockState {
    /// Nobody holds the lease.
    Free,
    /// Somebody does, or garbage stands in its place.
    Held(Busy),
}

/// What a backend promises about its leases when its own servers fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarantee {
    /// An acknowledged write is never lost, and reads see it (etcd; memory within its process).
    Linearizable,
    /// One primary with asynchronous replication: a failover or a loss of data may forget the last acknowledged
    /// writes. Tokens still rise, since the store's time is their floor.
    SinglePrimary,
}

impl Guarantee {
    /// The word used in status answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Linearizable => "linearizable",
            Self::SinglePrimary => "single-primary",
        }
    }

    /// What it means, in one sentence for people: what a failure of the servers may cost, and what holds all the same.
    #[must_use]
    pub const fn promise(self) -> &'static str {
        match self {
            Self::Linearizable => {
                "a write that was acknowledged is never lost, so no two pods hold one lease and no token is given twice"
            }
            Self::SinglePrimary => {
                "a failover may lose the last acknowledged writes, so a lease may be granted twice and a report may be \
                 published again; tokens still rise, so the older holder is refused"
            }
        }
    }
}

/// Leases with fencing tokens. One type per backend implements this and [`crate::cache::ReportCache`].
///
/// For every method: the call ends within the time limit that the backend was built with; an `Err` is a failure, never
/// an answer about who holds what, and says whether the write may have landed.
#[async_trait]
pub trait LeaseStore: Send + Sync + 'static {
    /// Takes the lease if it is free, has ended, is held by the asking pod already, or matches [`Acquire::take`].
    ///
    /// * `Held`: the store will not grant the lease to another pod before `ttl` has passed since the request left.
    ///   The token is higher than every token the store remembers for the group, than `floor`, and at least the
    ///   store's own time in microseconds, so it rises after the store lost its data.
    /// * The same pod asking again with the same attempt while its lease stands gets the same token and a full `ttl`;
    ///   with another attempt a new, higher token (its older lease is the same pod's, so nobody is robbed).
    /// * `Busy`: nothing was changed.
    async fn acquire(&self, request: &Acquire) -> Result<Acquired, StoreError>;

    /// Makes the lease last `ttl` from now, if it is still held under its token.
    async fn renew(&self, lease: &LeaseRef, ttl: Duration) -> Result<Renewed, StoreError>;

    /// Frees the lease if it is still held under its token, and tells the watchers.
    async fn release(&self, lease: &LeaseRef) -> Result<Released, StoreError>;

    /// Who holds the lease. Changes nothing.
    async fn inspect(&self, group: &GroupId) -> Result<LockState, StoreError>;

    /// Answers `Ok` only where this pod could take a lease now, as far as one cheap round trip can tell: the store is
    /// reachable, lets us in, and takes writes.
    async fn ping(&self) -> Result<(), StoreError>;

    /// What the backend promises when its servers fail.
    fn guarantee(&self) -> Guarantee;
}
