//! What a coordinator wants done.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::Then;
use crate::error::StoreError;
use crate::id::{CheckId, PodId};
use crate::lease::{Acquire, LeaseRef, Token};
use crate::money::Usd;
use crate::probe::Effort;
use crate::report::{Report, Transition};
use crate::status::Known;
use crate::verdict::Spared;

/// One store operation of one coordinator; its answer names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Op(pub u64);

/// One probe of one coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeId(pub u64);

/// One call that waits for forced results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What a forced run brought for one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Which check.
    pub check: CheckId,
    /// What is known of it now, by a probe that started after the call came.
    pub known: Known,
    /// The probe was made for a round or for another call, of this pod or another one; else it was made for this call.
    pub joined: bool,
}

/// Why a forced run was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotForced {
    /// The group has no such check.
    #[error("no such check in this group")]
    UnknownCheck,
    /// Too many calls wait already.
    #[error("too many forced runs are waiting, try again later")]
    TooMany,
    /// The pod is leaving.
    #[error("this pod is shutting down, ask another one")]
    Draining,
    /// The pod's checks are others now.
    #[error("the checks were changed while this waited, ask again")]
    Reloaded,
}

/// What a coordinator wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Ask for the lease.
    Acquire(Op, Acquire),
    /// Renew the lease.
    Renew(Op, LeaseRef, Duration),
    /// Release the lease.
    Release(Op, LeaseRef),
    /// Read the report; the token is this pod's floor.
    Read(Op, Token),
    /// Publish a report.
    Publish(Op, Publication),
    /// Probe a check, once, with this effort.
    Probe(ProbeId, CheckId, Effort),
    /// Stop a probe; its answer is not wanted any more.
    Cancel(ProbeId),
    /// Answer a forced run: [`super::Coordinator::take_answered`] has what was found, or the reason why not.
    Answer(Ticket, Result<(), NotForced>),
    /// Tell people: logs, metrics, status.
    Tell(Happening),
}

/// A report to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Under which lease.
    pub lease: LeaseRef,
    /// Counts the publications under its token.
    pub edition: u32,
    /// What is published.
    pub report: Arc<Report>,
    /// How long the store keeps it without a new one.
    pub retain: Duration,
    /// What becomes of the lease.
    pub then: Then,
}

/// How a round was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoundKind {
    /// Under a lease.
    Led,
    /// For the pod alone.
    Isolated,
    /// Under a lease or alone, because somebody asked.
    Forced,
}

/// Why a lease is not ours any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossReason {
    /// The store says that another pod holds it, or nobody.
    Taken,
    /// It could not be renewed before its window closed.
    WindowClosed,
    /// The store refused what was published under it.
    Fenced,
    /// The store could not be reached for too long.
    StoreAway,
}

impl LossReason {
    /// The word used in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::WindowClosed => "window closed",
            Self::Fenced => "fenced",
            Self::StoreAway => "store away",
        }
    }
}

/// What people should hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The lease is ours.
    LeaseAcquired(Token),
    /// The lease is free again.
    LeaseReleased(Token),
    /// The lease is not ours any more, against our will.
    LeaseLost(Token, LossReason),
    /// A report of ours was refused because its token is not the lease's.
    Fenced {
        /// Ours.
        token: Token,
        /// The highest that the store knows.
        current: Token,
    },
    /// A report of ours stands in the store, and the lease is free again.
    Published {
        /// Its token.
        token: Token,
        /// How many checks count as healthy.
        healthy: usize,
        /// How many do not.
        unhealthy: usize,
    },
    /// What a round found so far stands in the store; the round goes on.
    PublishedSoFar {
        /// Its token.
        token: Token,
        /// How many checks the report has.
        entries: usize,
    },
    /// Results of the fleet were used instead of probes: by this many checks new to us.
    Adopted {
        /// Who published them.
        by: PodId,
        /// Under which token.
        token: Token,
        /// How many entries were new to us.
        entries: usize,
        /// What other pods paid for them, by provider, where that is known.
        saved: BTreeMap<Arc<str>, Usd>,
    },
    /// A probe of ours cost money, or may have: one that was given up counts with the most that it can cost.
    Spent {
        /// Who was asked.
        provider: Arc<str>,
        /// How much.
        cost: Usd,
    },
    /// A check is asked by a cheaper probe than its own.
    Spared {
        /// Who is asked.
        provider: Arc<str>,
        /// Why.
        why: Spared,
    },
    /// The day's budget does not bear the next full probe. Told once per limit and day.
    BudgetSpent {
        /// Whose budget: a provider's, or the whole fleet's.
        provider: Option<Arc<str>>,
        /// What is spent.
        spent: Usd,
        /// What may be spent.
        budget: Usd,
    },
    /// What another program found was used instead of probes, for this many checks. It is offered to the fleet.
    AdoptedForeign {
        /// Who found it.
        by: PodId,
        /// How many entries were newer than ours.
        entries: usize,
    },
    /// A check turned healthy or unhealthy in what this pod shows. With a token once the fleet's list has it; what a pod
    /// sees on its own comes without, and is not told again when it is published.
    Turned(Box<Transition>),
    /// The lease was taken and nothing was due: what stands there is used.
    NothingDue,
    /// A round ended.
    RoundEnded {
        /// How it was made.
        kind: RoundKind,
        /// How many probes it brought to an end.
        probes: usize,
    },
    /// What stands in the report's place cannot be read; the next publish replaces it.
    UnreadableReport(String),
    /// A lock without an end, or garbage, was taken over.
    TookDeadLock,
    /// Another pod's lease stands longer than any honest round, and nothing came of it: this pod checks for itself.
    HolderSilent(Option<PodId>),
    /// A store operation failed.
    StoreFailed(StoreError),
    /// The store will not take our reports until somebody changes something.
    PublishRefused(StoreError),
    /// The store is away: this group checks for itself.
    Isolated,
    /// The store is back: this group is part of the fleet again.
    Rejoined,
    /// The store's tokens fell below what was seen, and could not be raised.
    TokensReset,
    /// Everything is handed over; nothing more will be commanded.
    Stopped,
}
