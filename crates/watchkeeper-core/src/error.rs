//! What can go wrong with a store, said so that the caller knows what to do next.

use std::fmt;

/// The kind of a store failure. Callers branch on this, never on text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreErrorKind {
    /// No connection could be made, or it broke.
    Unreachable,
    /// No answer within the operation's time limit.
    Timeout,
    /// The store refused who we are (password, certificate, user).
    Auth,
    /// The store knows us and refuses the act (ACL, read-only user).
    Denied,
    /// The store cannot take writes now (replica, out of memory, loading, no quorum).
    Unwritable,
    /// The value is larger than the store takes.
    TooLarge,
    /// The store answered something that the protocol does not allow.
    Protocol,
    /// The options given cannot work (bad address, missing feature).
    Config,
}

impl StoreErrorKind {
    /// The name used in metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Auth => "auth",
            Self::Denied => "denied",
            Self::Unwritable => "unwritable",
            Self::TooLarge => "too_large",
            Self::Protocol => "protocol",
            Self::Config => "config",
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub const fn may_retry(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::Timeout | Self::Unwritable | Self::Protocol
        )
    }
}

/// The operation that failed; also the `op` label of store metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreOp {
    /// [`crate::lease::LeaseStore::acquire`]
    Acquire,
    /// [`crate::lease::LeaseStore::renew`]
    Renew,
    /// [`crate::lease::LeaseStore::release`]
    Release,
    /// [`crate::lease::LeaseStore::inspect`]
    Inspect,
    /// [`crate::lease::LeaseStore::ping`]
    Ping,
    /// [`crate::cache::ReportCache::publish`]
    Publish,
    /// [`crate::cache::ReportCache::read`]
    Read,
    /// [`crate::cache::ReportCache::announce`]
    Announce,
    /// [`crate::cache::ReportCache::pods`]
    Pods,
    /// Making the connection itself.
    Connect,
}

impl StoreOp {
    /// The name used in metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acquire => "acquire",
            Self::Renew => "renew",
            Self::Release => "release",
            Self::Inspect => "inspect",
            Self::Ping => "ping",
            Self::Publish => "publish",
            Self::Read => "read",
            Self::Announce => "announce",
            Self::Pods => "pods",
            Self::Connect => "connect",
        }
    }
}

/// A failed store operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    /// What kind of failure it is.
    pub kind: StoreErrorKind,
    /// What was being done.
    pub op: StoreOp,
    /// Whether the write may have been applied although no answer says so. Callers then ask again instead of assuming.
    pub may_have_landed: bool,
    /// Cause and remedy in words, without any secret.
    pub message: String,
}

impl StoreError {
    /// A failure that certainly changed nothing in the store.
    pub fn refused(kind: StoreErrorKind, op: StoreOp, message: impl Into<String>) -> Self {
        Self {
            kind,
            op,
            may_have_landed: false,
            message: message.into(),
        }
    }

    /// A failure after which the write may stand in the store or not.
    pub fn unknown(kind: StoreErrorKind, op: StoreOp, message: impl Into<String>) -> Self {
        Self {
            kind,
            op,
            may_have_landed: true,
            message: message.into(),
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub const fn may_retry(&self) -> bool {
        self.kind.may_retry()
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "store `{}` failed ({}): {}",
            self.op.as_str(),
            self.kind.as_str(),
            self.message
        )
    }
}

impl std::error::Error for StoreError {}
