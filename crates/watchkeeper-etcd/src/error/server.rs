//! What etcd or its driver says: by etcd's words and, where these are new, by the status's code.

use std::error::Error as _;

use tonic::{Code, Status};
use watchkeeper_core::error::StoreErrorKind;
use watchkeeper_remote::brief;

use super::{Cause, Failure};

impl From<etcd_client::Error> for Failure {
    fn from(error: etcd_client::Error) -> Self {
        use etcd_client::Error;
        match &error {
            Error::GRpcStatus(status) => said(status),
            Error::TransportError(_) | Error::IoError(_) | Error::WatchError(_) => broke(),
            Error::InvalidUri(_)
            | Error::InvalidArgs(_)
            | Error::EndpointError(_)
            | Error::EndpointsNotManaged => Self::new(
                StoreErrorKind::Config,
                format!(
                    "the driver refuses its options: {}",
                    brief(&error.to_string())
                ),
            ),
            Error::Utf8Error(_)
            | Error::LeaseKeepAliveError(_)
            | Error::ElectError(_)
            | Error::InvalidMetadataValue(_)
            | Error::Internal(_) => Self::new(
                StoreErrorKind::Protocol,
                format!(
                    "it answered what etcd does not: {}",
                    brief(&error.to_string())
                ),
            ),
        }
    }
}

/// The connection broke; the wire may know why.
fn broke() -> Failure {
    Failure::new(StoreErrorKind::Unreachable, "the connection to etcd broke")
        .because(Cause::Transport)
}

/// The reason that etcd gave for ending a watch: the same words as in a status, with or without its code before them.
pub(crate) fn canceled(reason: &str) -> Failure {
    let words = reason
        .split_once("desc = ")
        .map_or(reason, |(_, after)| after);
    server(Code::Unknown, words)
}

/// A watch was to begin before what etcd still remembers.
pub(crate) fn compacted() -> Failure {
    server(
        Code::OutOfRange,
        "etcdserver: mvcc: required revision has been compacted",
    )
}

fn said(status: &Status) -> Failure {
    // Only a status made on this side has a source.
    if status.source().is_some() {
        return broke();
    }
    server(status.code(), status.message())
}

/// What etcd refused, by its words and, where these are new, by the code.
fn server(code: Code, message: &str) -> Failure {
    let detail = brief(message);
    let is = |kind, why: &str| Failure::new(kind, format!("{why} (`{detail}`)"));
    let words = message.strip_prefix("etcdserver: ").unwrap_or(message);
    let has = |part: &str| words.contains(part);
    match words {
        _ if has("authentication failed") => Failure::new(
            StoreErrorKind::Auth,
            "etcd refused the user or password: see `username` and `password` of the etcd backend",
        ),
        _ if has("user name is empty") => Failure::new(
            StoreErrorKind::Auth,
            "etcd wants a user: set `username` and `password` of the etcd backend",
        ),
        _ if has("authentication is not enabled") => Failure::new(
            StoreErrorKind::Auth,
            "a user is set here but etcd has authentication switched off: remove `username`, or `etcdctl auth enable` there",
        ),
        _ if has("invalid auth token") || has("revision of auth store is old") => is(
            StoreErrorKind::Unwritable,
            "etcd no longer knows who we are: we prove it anew",
        )
        .because(Cause::Token),
        _ if has("permission denied") => is(
            StoreErrorKind::Denied,
            "etcd does not let this user do that",
        )
        .because(Cause::Right),
        _ if has("database space exceeded") => is(
            StoreErrorKind::Unwritable,
            "etcd has used up its quota (alarm NOSPACE) and takes no writes: compact and defragment it, then `etcdctl alarm disarm`",
        ),
        _ if has("corrupt cluster") => is(
            StoreErrorKind::Unwritable,
            "etcd found its data damaged (alarm CORRUPT) and takes no writes: see `etcdctl alarm list` and replace the member",
        ),
        _ if has("no leader") => is(
            StoreErrorKind::Unwritable,
            "this etcd member sees no leader: are most members up and do they reach each other",
        )
        .because(Cause::Member),
        _ if has("not leader") || has("not capable") || has("unhealthy cluster") => is(
            StoreErrorKind::Unwritable,
            "this etcd member cannot serve now",
        )
        .because(Cause::Member),
        _ if has("not supported for learner") => is(
            StoreErrorKind::Unwritable,
            "this etcd member is only learning: give the address of one that votes",
        )
        .because(Cause::Member),
        // From here on the step may have been taken.
        _ if has("leader changed") => {
            is(StoreErrorKind::Unreachable, "etcd changed its leader").because(Cause::Member)
        }
        _ if has("server stopped") => {
            is(StoreErrorKind::Unreachable, "this etcd member is stopping").because(Cause::Member)
        }
        _ if has("request timed out") => is(
            StoreErrorKind::Timeout,
            "etcd did not agree in time: is its disk or network slow, or its leader lost",
        )
        .because(Cause::Member),
        _ if has("too many requests") => is(
            StoreErrorKind::Unwritable,
            "etcd is behind with its work and takes no more",
        ),
        _ if has("request is too large") || has("message larger than max") => is(
            StoreErrorKind::TooLarge,
            "larger than etcd takes: raise its `--max-request-bytes`",
        ),
        _ if has("message length too large") => is(
            StoreErrorKind::TooLarge,
            "what lies in etcd is larger than we read",
        ),
        _ if has("too many operations") => is(
            StoreErrorKind::Config,
            "etcd takes fewer steps in one transaction: raise its `--max-txn-ops`",
        ),
        _ if has("requested lease not found") => {
            is(StoreErrorKind::Protocol, "the lease is gone").because(Cause::LeaseGone)
        }
        _ if has("has been compacted") => is(
            StoreErrorKind::Protocol,
            "etcd no longer remembers that far back",
        ),
        _ => by_code(code, &detail),
    }
}

fn by_code(code: Code, detail: &str) -> Failure {
    let is = |kind, why: &str| Failure::new(kind, format!("{why} (`{detail}`)"));
    match code {
        Code::Unavailable | Code::Cancelled | Code::Aborted => is(
            StoreErrorKind::Unreachable,
            "this etcd member, or what stands before it, does not serve",
        )
        .because(Cause::Member),
        Code::DeadlineExceeded => {
            is(StoreErrorKind::Timeout, "etcd did not answer in time").because(Cause::Member)
        }
        Code::PermissionDenied => is(
            StoreErrorKind::Denied,
            "etcd does not let this user do that",
        )
        .because(Cause::Right),
        Code::Unauthenticated => is(
            StoreErrorKind::Unwritable,
            "etcd no longer knows who we are: we prove it anew",
        )
        .because(Cause::Token),
        Code::ResourceExhausted => is(StoreErrorKind::Unwritable, "etcd has no room for that now"),
        Code::DataLoss => is(StoreErrorKind::Unwritable, "etcd lost data"),
        Code::Unimplemented => is(
            StoreErrorKind::Config,
            "the server lacks a call: etcd 3.4 or later is needed, spoken to directly or through a gRPC proxy",
        ),
        _ => is(StoreErrorKind::Protocol, "etcd refused the step"),
    }
}

#[cfg(test)]
pub(super) mod tests;
