//! Every failure of the driver and of etcd, mapped by hand: what kind it is, whether the write may have landed, what to
//! do.

use std::error::Error as _;
use std::io;

use rustls::{AlertDescription, CertificateError, Error as TlsError};
use tonic::{Code, Status};
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};

/// The longest piece of a server's own words that is shown.
const MAX_DETAIL_CHARS: usize = 160;

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

/// Options that cannot work.
pub(crate) fn config(message: impl Into<String>) -> StoreError {
    StoreError::refused(StoreErrorKind::Config, StoreOp::Connect, message)
}

/// The server's or driver's words, cut and on one line. The driver never puts credentials into them.
pub(crate) fn brief(text: &str) -> String {
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(MAX_DETAIL_CHARS).collect()
}

/// Why the address could not be turned into a connection, or what became of one.
pub(crate) fn dial(error: &io::Error, address: &str) -> Failure {
    if let Some(tls) = inner_tls(error) {
        return tls_failure(tls, address);
    }
    let unreachable = |why: String| Failure::new(StoreErrorKind::Unreachable, why);
    match error.kind() {
        io::ErrorKind::ConnectionRefused => unreachable(format!(
            "nothing listens at `{address}`: is etcd running there"
        )),
        io::ErrorKind::TimedOut => Failure::new(
            StoreErrorKind::Timeout,
            format!("`{address}` does not answer"),
        ),
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted => unreachable(format!(
            "`{address}` closed the connection: is it etcd, and does it speak TLS where we do not, or the reverse"
        )),
        _ if error.to_string().contains("failed to lookup address") => unreachable(format!(
            "the name in `{address}` leads nowhere: is it right, and does DNS know it ({})",
            brief(&error.to_string())
        )),
        _ => unreachable(format!(
            "no connection to `{address}`: {}",
            brief(&error.to_string())
        )),
    }
}

/// The rustls error inside an I/O error, if that is what it is.
fn inner_tls(error: &io::Error) -> Option<&TlsError> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

fn tls_failure(error: &TlsError, address: &str) -> Failure {
    let config = |why: String| Failure::new(StoreErrorKind::Config, why);
    match error {
        TlsError::InvalidCertificate(
            // The second is what another authority of the same name leads to.
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => config(format!(
            "the certificate of `{address}` is signed by no authority that we know: give it as `tls.ca`"
        )),
        TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => config(format!(
            "the certificate of `{address}` is for another name: give the name that it carries as `tls.server_name`"
        )),
        TlsError::InvalidCertificate(why) => config(format!(
            "the certificate of `{address}` does not hold: {}",
            brief(&why.to_string())
        )),
        TlsError::InvalidMessage(_) => config(format!(
            "`{address}` does not speak TLS: use `http://`, or the member's TLS port"
        )),
        TlsError::AlertReceived(AlertDescription::NoApplicationProtocol)
        | TlsError::NoApplicationProtocol => config(format!(
            "`{address}` speaks TLS but not HTTP/2: is it the client port of an etcd member"
        )),
        TlsError::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::AccessDenied
            | AlertDescription::HandshakeFailure,
        ) => Failure::new(
            StoreErrorKind::Auth,
            format!(
                "`{address}` refused our client certificate, or wants one: see `tls.cert` and `tls.key`"
            ),
        ),
        other => Failure::new(
            StoreErrorKind::Unreachable,
            format!("tls with `{address}` failed: {}", brief(&other.to_string())),
        ),
    }
}

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
mod tests;
