//! What can happen to a coordinator.

use std::time::Duration;

use super::command::{Op, ProbeId, Ticket};
use crate::cache::Published;
use crate::companion::ForeignFindings;
use crate::error::StoreError;
use crate::id::CheckId;
use crate::lease::{Acquired, Released, Renewed, Token};
use crate::report::Report;
use crate::time::{Moment, UnixMillis};
use crate::verdict::Verdict;

/// The time at which something happened, on both clocks of the pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Decides.
    pub steady: Moment,
    /// Is shown to people.
    pub unix: UnixMillis,
}

/// What was read from the store, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadReport {
    /// The highest token the store knows.
    pub fence: Token,
    /// What stands in the report's place.
    pub found: FoundReport,
    /// What stands beside it.
    pub beside: Beside,
}

/// What stands beside a report, in the companion's place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Beside {
    /// Nothing that matters.
    #[default]
    Nothing,
    /// A publication is owed there, whatever is due.
    Owed,
    /// What another program found.
    Findings(Box<ForeignFindings>),
}

/// What stands in a report's place, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundReport {
    /// No report.
    Nothing,
    /// A report.
    Report {
        /// The token it was published under.
        token: Token,
        /// How long ago, by the store's judgement.
        age: Duration,
        /// What it says.
        report: Box<Report>,
    },
    /// Something else, which the next publish replaces.
    Garbage {
        /// What it is, without its content.
        why: String,
    },
}

/// A hint that something may have changed in the store. May be lost, repeated or late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// A report was published.
    Report,
    /// The lease was released.
    Released,
    /// The subscription was made anew; anything may have been missed.
    Resumed,
}

/// What can happen to a coordinator. Each store operation that was commanded is answered exactly once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The pod runs. First of all events.
    Started,
    /// The time that [`super::Coordinator::deadline`] named has come.
    Woke,
    /// The answer to [`super::Command::Acquire`].
    Acquired(Op, Result<Acquired, StoreError>),
    /// The answer to [`super::Command::Renew`].
    Renewed(Op, Result<Renewed, StoreError>),
    /// The answer to [`super::Command::Release`].
    Released(Op, Result<Released, StoreError>),
    /// The answer to [`super::Command::Publish`].
    Published(Op, Result<Published, StoreError>),
    /// The answer to [`super::Command::Read`].
    Read(Op, Result<ReadReport, StoreError>),
    /// A probe ended. Cancelled probes do not answer.
    Probed(ProbeId, Verdict),
    /// The store hints at a change.
    Noticed(Hint),
    /// The pod's ping of the store failed.
    StoreDown,
    /// The pod's ping of the store succeeds again.
    StoreUp,
    /// Somebody wants these checks probed now.
    Force {
        /// To be answered by [`super::Command::Answer`].
        ticket: Ticket,
        /// Which checks.
        checks: Vec<CheckId>,
    },
    /// Who asked for a forced run does not wait any more.
    CallerGone(Ticket),
    /// The pod is leaving.
    Drain,
}
