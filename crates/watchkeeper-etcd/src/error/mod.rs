//! Every failure of the driver and of etcd, mapped by hand: what kind it is, whether the write may have landed, what to
//! do.

mod dial;
mod server;

use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
use watchkeeper_remote::Reason;

pub(crate) use dial::dial;
pub(crate) use server::{canceled, compacted};

/// What else is known of a failure, for those who act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Other,
    /// The connection broke under the call; the wire knows more.
    Transport,
    /// This member cannot serve; another may.
    Member,
    /// The member does not know the token by which we proved who we are.
    Token,
    /// A right to the keys is missing.
    Right,
    LeaseGone,
}

/// A failure before it is known which operation it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: StoreErrorKind,
    pub(crate) message: String,
    cause: Cause,
    /// A write of the same operation was under way or done beside what failed.
    beside_a_write: bool,
}

impl Failure {
    pub(crate) fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            cause: Cause::Other,
            beside_a_write: false,
        }
    }

    /// Something else of the operation may have been written, whatever became of this.
    pub(crate) fn beside_a_write(mut self) -> Self {
        self.beside_a_write = true;
        self
    }

    fn because(mut self, cause: Cause) -> Self {
        self.cause = cause;
        self
    }

    /// As the error of an operation; `sent`: its request left before the failure.
    pub(crate) fn of(self, op: StoreOp, sent: bool) -> StoreError {
        // An answer that names another kind comes from a server that refused the step before its first write.
        let in_doubt = matches!(
            self.kind,
            StoreErrorKind::Unreachable | StoreErrorKind::Timeout | StoreErrorKind::Protocol
        );
        if sent && (in_doubt || self.beside_a_write) && writes(op) {
            StoreError::unknown(self.kind, op, self.message)
        } else {
            StoreError::refused(self.kind, op, self.message)
        }
    }

    /// The lease that the request named is none any more.
    pub(crate) fn is_lease_gone(&self) -> bool {
        self.cause == Cause::LeaseGone
    }

    /// The connection broke under the call.
    pub(crate) fn is_transport(&self) -> bool {
        self.cause == Cause::Transport
    }

    /// The user lacks a right to the keys.
    pub(crate) fn is_missing_right(&self) -> bool {
        self.cause == Cause::Right
    }

    /// Whether the connection that brought this is not worth keeping: it broke, it is not let in any more, or its
    /// member cannot serve.
    pub(crate) fn ends_connection(&self) -> bool {
        matches!(self.cause, Cause::Transport | Cause::Member | Cause::Token)
    }
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self::new(reason.kind, reason.message)
    }
}

impl From<Failure> for Reason {
    fn from(failure: Failure) -> Self {
        Self::new(failure.kind, failure.message)
    }
}

fn writes(op: StoreOp) -> bool {
    match op {
        StoreOp::Acquire
        | StoreOp::Renew
        | StoreOp::Release
        | StoreOp::Publish
        | StoreOp::Announce => true,
        StoreOp::Inspect | StoreOp::Read | StoreOp::Ping | StoreOp::Pods | StoreOp::Connect => {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::server::tests::answered;
    use super::*;

    #[test]
    fn only_a_sent_write_may_have_landed() {
        let failure = Failure::new(StoreErrorKind::Timeout, "late");
        assert!(failure.clone().of(StoreOp::Publish, true).may_have_landed);
        assert!(!failure.clone().of(StoreOp::Publish, false).may_have_landed);
        assert!(!failure.of(StoreOp::Inspect, true).may_have_landed);
        let full = answered(
            Code::ResourceExhausted,
            "etcdserver: mvcc: database space exceeded",
        );
        assert!(!full.of(StoreOp::Publish, true).may_have_landed);
        let late = answered(Code::Unavailable, "etcdserver: request timed out");
        assert!(late.of(StoreOp::Publish, true).may_have_landed);
    }

    #[test]
    fn a_refusal_beside_a_step_leaves_it_open_whether_the_step_was_taken() {
        let refused = || answered(Code::Unavailable, "etcdserver: no leader");
        assert!(!refused().of(StoreOp::Acquire, true).may_have_landed);
        let beside = || refused().beside_a_write();
        assert!(beside().of(StoreOp::Acquire, true).may_have_landed);
        assert!(!beside().of(StoreOp::Acquire, false).may_have_landed);
        assert!(!beside().of(StoreOp::Read, true).may_have_landed);
    }
}
