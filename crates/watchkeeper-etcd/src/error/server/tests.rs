use std::io;
use std::sync::Arc;

use super::*;

/// As if the server had sent this status.
pub(in crate::error) fn answered(code: Code, message: &str) -> Failure {
    etcd_client::Error::GRpcStatus(Status::new(code, message)).into()
}

#[test]
fn each_answer_of_the_server_has_its_kind_and_remedy() {
    use StoreErrorKind::{
        Auth, Config, Denied, Protocol, Timeout, TooLarge, Unreachable, Unwritable,
    };
    for (code, message, kind, words) in [
        (
            Code::InvalidArgument,
            "etcdserver: authentication failed, invalid user ID or password",
            Auth,
            "`password`",
        ),
        (
            Code::InvalidArgument,
            "etcdserver: user name is empty",
            Auth,
            "set `username`",
        ),
        (
            Code::FailedPrecondition,
            "etcdserver: authentication is not enabled",
            Auth,
            "remove `username`",
        ),
        (
            Code::Unauthenticated,
            "etcdserver: invalid auth token",
            Unwritable,
            "anew",
        ),
        (
            Code::InvalidArgument,
            "etcdserver: revision of auth store is old",
            Unwritable,
            "anew",
        ),
        (
            Code::PermissionDenied,
            "etcdserver: permission denied",
            Denied,
            "does not let",
        ),
        (
            Code::ResourceExhausted,
            "etcdserver: mvcc: database space exceeded",
            Unwritable,
            "alarm disarm",
        ),
        (
            Code::DataLoss,
            "etcdserver: corrupt cluster",
            Unwritable,
            "CORRUPT",
        ),
        (
            Code::Unavailable,
            "etcdserver: no leader",
            Unwritable,
            "no leader",
        ),
        (
            Code::FailedPrecondition,
            "etcdserver: not leader",
            Unwritable,
            "cannot serve",
        ),
        (
            Code::FailedPrecondition,
            "etcdserver: rpc not supported for learner",
            Unwritable,
            "votes",
        ),
        (
            Code::Unavailable,
            "etcdserver: leader changed",
            Unreachable,
            "leader",
        ),
        (
            Code::Unavailable,
            "etcdserver: server stopped",
            Unreachable,
            "stopping",
        ),
        (
            Code::Unavailable,
            "etcdserver: request timed out, possibly due to previous leader failure",
            Timeout,
            "in time",
        ),
        (
            Code::ResourceExhausted,
            "etcdserver: too many requests",
            Unwritable,
            "behind",
        ),
        (
            Code::InvalidArgument,
            "etcdserver: request is too large",
            TooLarge,
            "--max-request-bytes",
        ),
        (
            Code::ResourceExhausted,
            "grpc: received message larger than max (9 vs. 8)",
            TooLarge,
            "--max-request-bytes",
        ),
        (
            Code::OutOfRange,
            "Error, decoded message length too large: found 9 bytes, the limit is: 8 bytes",
            TooLarge,
            "than we read",
        ),
        (
            Code::InvalidArgument,
            "etcdserver: too many operations in txn request",
            Config,
            "--max-txn-ops",
        ),
        (
            Code::NotFound,
            "etcdserver: requested lease not found",
            Protocol,
            "lease",
        ),
        (
            Code::OutOfRange,
            "etcdserver: mvcc: required revision has been compacted",
            Protocol,
            "remembers",
        ),
        (Code::Unavailable, "something new", Unreachable, "serve"),
        (Code::Cancelled, "", Unreachable, "serve"),
        (Code::DeadlineExceeded, "", Timeout, "in time"),
        (Code::PermissionDenied, "new words", Denied, "does not let"),
        (Code::Unauthenticated, "new words", Unwritable, "anew"),
        (Code::Unimplemented, "unknown service", Config, "3.4"),
        (Code::ResourceExhausted, "new words", Unwritable, "no room"),
        (Code::Internal, "new words", Protocol, "refused"),
    ] {
        let failure = answered(code, message);
        assert_eq!(failure.kind, kind, "{message}: {}", failure.message);
        assert!(
            failure.message.contains(words),
            "{message}: {}",
            failure.message
        );
        assert!(!failure.message.ends_with('.'), "{}", failure.message);
    }
}

#[test]
fn what_the_callers_act_on_is_recognised() {
    let lease = answered(Code::NotFound, "etcdserver: requested lease not found");
    assert!(lease.is_lease_gone() && !lease.ends_connection());
    let right = canceled("rpc error: code = PermissionDenied desc = etcdserver: permission denied");
    assert!(right.is_missing_right() && right.kind == StoreErrorKind::Denied);
    for (message, ends) in [
        ("etcdserver: invalid auth token", true),
        ("etcdserver: no leader", true),
        ("etcdserver: leader changed", true),
        ("etcdserver: permission denied", false),
        ("etcdserver: mvcc: database space exceeded", false),
        ("etcdserver: request is too large", false),
    ] {
        assert_eq!(
            answered(Code::Unknown, message).ends_connection(),
            ends,
            "{message}"
        );
    }
}

#[test]
fn a_status_made_on_this_side_is_a_broken_connection() {
    let mut status = Status::new(Code::Unknown, "transport error");
    status.set_source(Arc::new(io::Error::from(io::ErrorKind::BrokenPipe)));
    let failure = Failure::from(etcd_client::Error::GRpcStatus(status));
    assert_eq!(failure.kind, StoreErrorKind::Unreachable);
    assert!(failure.is_transport() && failure.ends_connection());
}

#[test]
fn a_long_answer_is_cut_to_one_line() {
    let failure = answered(
        Code::Internal,
        &format!("a\n\u{1b}[31m{}", "x".repeat(10_000)),
    );
    let message = failure.message;
    assert!(message.len() < 400, "{message}");
    assert!(!message.chars().any(char::is_control), "{message:?}");
}
