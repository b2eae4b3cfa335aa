//! Probing because somebody asks for it: the port by which calls reach the coordinators.

use std::time::Duration;

use async_trait::async_trait;

use crate::coordinator::{Answered, NotForced};
use crate::id::CheckId;

/// No call waits longer than this, however long the rounds of its groups may take.
pub const MAX_CALL: Duration = Duration::from_secs(15 * 60);

/// Why a call brought no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotRun {
    /// It was turned away.
    #[error(transparent)]
    Refused(#[from] NotForced),
    /// The pod has stopped.
    #[error("this pod has stopped")]
    Stopped,
    /// Not every check had a result by then. Probes that run go on, and are published as any other.
    #[error("no result within {} s", .0.as_secs_f64())]
    Late(Duration),
}

/// Probes checks when somebody asks for it, in one round of the fleet that all who ask share.
#[async_trait]
pub trait OnDemand: Send + Sync + 'static {
    /// Has these checks probed now: each is answered by a probe that starts after the call, whoever makes it, once its
    /// result is shown to everybody. Ends within [`MAX_CALL`]. A caller that drops the future gives up its place; what is
    /// asked already goes on.
    ///
    /// # Errors
    /// [`NotRun`] where the call was turned away, or is not answered in time.
    async fn run(&self, checks: Vec<CheckId>) -> Result<Vec<Answered>, NotRun>;
}
