//! Every failure of the driver, mapped by hand: what kind it is, whether the write may have landed, what to do.

use std::error::Error as _;
use std::io;
use std::sync::Arc;

use redis::{ErrorKind, RedisError};
use rustls::{AlertDescription, CertificateError, Error as TlsError};
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};

/// The longest piece of a server's own words that is shown.
const MAX_DETAIL_CHARS: usize = 160;

/// A failure before it is known which operation it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: StoreErrorKind,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// As the error of an operation; `sent`: its request left before the failure.
    pub(crate) fn of(self, op: StoreOp, sent: bool) -> StoreError {
        // An answer that names another kind comes from a server that refused the step before its first write.
        let in_doubt = matches!(
            self.kind,
            StoreErrorKind::Unreachable | StoreErrorKind::Timeout | StoreErrorKind::Protocol
        );
        if sent && in_doubt && writes(op) {
            StoreError::unknown(self.kind, op, self.message)
        } else {
            StoreError::refused(self.kind, op, self.message)
        }
    }
}

fn writes(op: StoreOp) -> bool {
    match op {
        StoreOp::Acquire
        | StoreOp::Renew
        | StoreOp::Release
        | StoreOp::Publish
        | StoreOp::Read
        | StoreOp::Announce => true,
        StoreOp::Inspect | StoreOp::Ping | StoreOp::Pods | StoreOp::Connect => false,
    }
}

/// The server's or driver's words, cut and on one line. The driver never puts credentials into them.
fn brief(text: &str) -> String {
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(MAX_DETAIL_CHARS).collect()
}

/// Why the name could not be turned into a connection.
pub(crate) fn dial(error: &io::Error, address: &str) -> Failure {
    if let Some(tls) = inner_tls(error) {
        return tls_failure(tls, address);
    }
    let unreachable = |why: String| Failure::new(StoreErrorKind::Unreachable, why);
    match error.kind() {
        io::ErrorKind::ConnectionRefused => unreachable(format!(
            "nothing listens at `{address}`: is redis running there"
        )),
        io::ErrorKind::TimedOut => Failure::new(
            StoreErrorKind::Timeout,
            format!("`{address}` does not answer"),
        ),
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted => unreachable(format!(
            "`{address}` closed the connection: is it redis, and does it speak TLS where we do not, or the reverse"
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
    match error {
        TlsError::InvalidCertificate(CertificateError::UnknownIssuer) => Failure::new(
            StoreErrorKind::Config,
            format!(
                "the certificate of `{address}` is signed by no authority that we know: give it as `tls.ca`"
            ),
        ),
        TlsError::InvalidCertificate(why) => Failure::new(
            StoreErrorKind::Config,
            format!(
                "the certificate of `{address}` does not hold: {}",
                brief(&why.to_string())
            ),
        ),
        TlsError::InvalidMessage(_) => Failure::new(
            StoreErrorKind::Config,
            format!("`{address}` does not speak TLS: use `redis://`, or the server's TLS port"),
        ),
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

/// What the driver said while talking to the server.
pub(crate) fn driver(error: &RedisError, address: &str) -> Failure {
    if let Some(io) = inner_io(error) {
        return dial(io, address);
    }
    match error.kind() {
        ErrorKind::Server(_) | ErrorKind::Extension => {
            let code = error.code().unwrap_or("ERR");
            server(code, error.detail().unwrap_or_default())
        }
        ErrorKind::Io => Failure::new(
            StoreErrorKind::Unreachable,
            format!("the connection to `{address}` broke"),
        ),
        ErrorKind::AuthenticationFailed => wrong_password(),
        ErrorKind::InvalidClientConfig => Failure::new(
            StoreErrorKind::Config,
            format!(
                "the driver refuses its options: {}",
                brief(&error.to_string())
            ),
        ),
        _ => Failure::new(
            StoreErrorKind::Protocol,
            format!(
                "`{address}` answered what redis does not: {}",
                brief(&error.to_string())
            ),
        ),
    }
}

fn inner_io(error: &RedisError) -> Option<&io::Error> {
    let source = error.source()?;
    source.downcast_ref().or_else(|| {
        let shared = source.downcast_ref::<Arc<dyn std::error::Error + Send + Sync>>()?;
        shared.downcast_ref()
    })
}

/// Whether the connection that brought this error is not worth keeping: it broke, it was never let in, or its server
/// is no primary any more, so that the address may by now lead elsewhere.
pub(crate) fn ends_connection(error: &RedisError) -> bool {
    let code = unwrapped(
        error.code().unwrap_or_default(),
        error.detail().unwrap_or_default(),
    );
    error.is_unrecoverable_error() || matches!(code, "NOAUTH" | "READONLY" | "MASTERDOWN")
}

fn wrong_password() -> Failure {
    Failure::new(
        StoreErrorKind::Auth,
        "redis refused the user or password: see `username` and `password` of the redis backend",
    )
}

/// The code that a refused command had before a script wrapped it. Redis 6.2 answers
/// `ERR Error running script (call to f_…): @user_script:1: @user_script: 1: -READONLY You can't write …`.
fn unwrapped<'a>(code: &'a str, detail: &'a str) -> &'a str {
    if code != "ERR" {
        return code;
    }
    let inside = detail
        .split(": -")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    match inside {
        Some(inner) if !inner.is_empty() && inner.chars().all(|c| c.is_ascii_uppercase()) => inner,
        _ => code,
    }
}

/// What the server refused, by its error code and words.
pub(crate) fn server(code: &str, detail: &str) -> Failure {
    let (shown, words) = (brief(code), brief(detail));
    let is = |kind, why: &str| Failure::new(kind, format!("{why} (`{shown}` {words})"));
    match unwrapped(code, detail) {
        "NOAUTH" => Failure::new(
            StoreErrorKind::Auth,
            "redis wants a password: set `password` of the redis backend",
        ),
        "WRONGPASS" => wrong_password(),
        "NOPERM" => is(
            StoreErrorKind::Denied,
            "redis does not let this user do that: give it the rights that the operating guide lists",
        ),
        "DENIED" => is(
            StoreErrorKind::Denied,
            "redis is in protected mode: set a password there or let it listen on this network",
        ),
        "READONLY" => is(
            StoreErrorKind::Unwritable,
            "this redis is a replica: give the address of the primary",
        ),
        "OOM" => is(
            StoreErrorKind::Unwritable,
            "redis has reached its memory limit: raise `maxmemory` or let it evict",
        ),
        "LOADING" => is(
            StoreErrorKind::Unwritable,
            "redis is loading its data: wait",
        ),
        "MISCONF" => is(
            StoreErrorKind::Unwritable,
            "redis cannot save to its disk and takes no writes: look at its log",
        ),
        "NOREPLICAS" => is(
            StoreErrorKind::Unwritable,
            "redis has too few replicas to take writes",
        ),
        "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" => is(
            StoreErrorKind::Unwritable,
            "redis has no primary for this data now",
        ),
        "BUSY" => is(
            StoreErrorKind::Unwritable,
            "another script keeps redis busy",
        ),
        "MOVED" | "ASK" | "CROSSSLOT" => is(
            StoreErrorKind::Config,
            "this is a node of a redis cluster, which is not supported yet",
        ),
        // Up to 7.0 a right that is missing inside a script is only said in words.
        _ if detail.contains("ACL failure")
            || detail.contains("can't run this command")
            || detail.contains("can't access at least one of the keys") =>
        {
            is(
                StoreErrorKind::Denied,
                "redis does not let this user do that: give it the rights that the operating guide lists",
            )
        }
        _ if detail.contains("max number of clients") => is(
            StoreErrorKind::Unreachable,
            "redis has reached its limit of clients: raise `maxclients`",
        ),
        _ if detail.contains("AUTH") && detail.contains("without any password") => Failure::new(
            StoreErrorKind::Auth,
            "a password is set here but redis has none: remove `password`, or set one there",
        ),
        _ if detail.contains("DB index is out of range") || detail.contains("invalid DB index") => {
            is(
                StoreErrorKind::Config,
                "redis has no such database: see `db`",
            )
        }
        _ if detail.contains("unknown command") => is(
            StoreErrorKind::Config,
            "the server lacks a command: redis 6.2 or later, or valkey, is needed",
        ),
        _ => is(StoreErrorKind::Protocol, "redis refused the step"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As if the server had sent this line.
    fn said(line: &str) -> Failure {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        driver(&value.extract_error().unwrap_err(), "h:1")
    }

    #[test]
    fn a_foreign_error_code_is_cut_and_shown_on_one_line() {
        let failure = said(&format!("\u{0}\u{1b}[31m{} no", "X".repeat(5_000)));
        assert_eq!(failure.kind, StoreErrorKind::Protocol);
        let message = failure.message;
        assert!(!message.chars().any(char::is_control), "{message:?}");
        assert!(message.len() < 3 * MAX_DETAIL_CHARS, "{message}");
    }

    #[test]
    fn each_answer_of_the_server_has_its_kind() {
        use StoreErrorKind::{Auth, Config, Denied, Protocol, Unreachable, Unwritable};
        let wrapped = "ERR Error running script (call to f_0a): @user_script:9: @user_script: 9: ";
        for (line, kind) in [
            ("NOAUTH Authentication required.", Auth),
            (
                "WRONGPASS invalid username-password pair or user is disabled.",
                Auth,
            ),
            (
                "ERR AUTH <password> called without any password configured for the default user.",
                Auth,
            ),
            (
                "NOPERM this user has no permissions to run the 'evalsha' command",
                Denied,
            ),
            (
                "ERR ACL failure in script: User x has no permissions to run the 'set' command",
                Denied,
            ),
            (
                &format!("{wrapped}-NOPERM The user can't run this command"),
                Denied,
            ),
            (
                "ERR The user executing the script can't run this command or subcommand script: 0a",
                Denied,
            ),
            ("DENIED Redis is running in protected mode because", Denied),
            (
                "READONLY You can't write against a read only replica.",
                Unwritable,
            ),
            (
                &format!("{wrapped}-READONLY You can't write against a read only replica."),
                Unwritable,
            ),
            (
                "OOM command not allowed when used memory > 'maxmemory'.",
                Unwritable,
            ),
            (
                &format!("{wrapped}-OOM command not allowed when used memory > 'maxmemory'."),
                Unwritable,
            ),
            ("LOADING Redis is loading the dataset in memory", Unwritable),
            (
                "MISCONF Redis is configured to save RDB snapshots",
                Unwritable,
            ),
            ("NOREPLICAS Not enough good replicas to write.", Unwritable),
            ("MASTERDOWN Link with MASTER is down", Unwritable),
            ("CLUSTERDOWN The cluster is down", Unwritable),
            (
                "TRYAGAIN Multiple keys request during rehashing of slot",
                Unwritable,
            ),
            ("BUSY Redis is busy running a script.", Unwritable),
            ("MOVED 3999 127.0.0.1:6381", Config),
            (
                "CROSSSLOT Keys in request don't hash to the same slot",
                Config,
            ),
            ("ERR DB index is out of range", Config),
            ("ERR unknown command 'EVALSHA'", Config),
            ("ERR max number of clients reached", Unreachable),
            ("ERR Protocol error: invalid bulk length", Protocol),
            ("SOMETHING new", Protocol),
        ] {
            let failure = said(line);
            assert_eq!(failure.kind, kind, "{line}: {}", failure.message);
            assert!(!failure.message.ends_with('.'), "{}", failure.message);
        }
    }

    #[test]
    fn a_connection_to_a_former_primary_is_not_kept() {
        let ends = |line: &str| {
            let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
            ends_connection(&value.extract_error().unwrap_err())
        };
        assert!(ends(
            "READONLY You can't write against a read only replica."
        ));
        assert!(ends(
            "ERR Error running script (call to f_0a): @user_script: 9: -READONLY You can't write"
        ));
        assert!(ends("NOAUTH Authentication required."));
        assert!(!ends(
            "OOM command not allowed when used memory > 'maxmemory'."
        ));
        assert!(!ends("NOPERM this user has no permissions"));
        assert!(ends_connection(
            &io::Error::from(io::ErrorKind::BrokenPipe).into()
        ));
    }

    #[test]
    fn each_failure_of_the_network_has_its_kind() {
        let io = |kind: io::ErrorKind| driver(&RedisError::from(io::Error::from(kind)), "h:1").kind;
        for kind in [
            io::ErrorKind::ConnectionRefused,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::BrokenPipe,
            io::ErrorKind::UnexpectedEof,
            io::ErrorKind::NotFound,
        ] {
            assert_eq!(io(kind), StoreErrorKind::Unreachable, "{kind:?}");
        }
        assert_eq!(io(io::ErrorKind::TimedOut), StoreErrorKind::Timeout);
        let tls = |error: TlsError| dial(&io::Error::other(error), "h:1").kind;
        let issuer = TlsError::InvalidCertificate(CertificateError::UnknownIssuer);
        assert_eq!(tls(issuer), StoreErrorKind::Config);
        let expired = TlsError::InvalidCertificate(CertificateError::Expired);
        assert_eq!(tls(expired), StoreErrorKind::Config);
        let alert = TlsError::AlertReceived(AlertDescription::CertificateRequired);
        assert_eq!(tls(alert), StoreErrorKind::Auth);
        assert_eq!(tls(TlsError::DecryptError), StoreErrorKind::Unreachable);
        let refused = dial(&io::ErrorKind::ConnectionRefused.into(), "h:1");
        assert!(refused.message.contains("`h:1`"), "{}", refused.message);
    }

    #[test]
    fn the_drivers_own_errors_have_their_kind() {
        let kind = |kind: ErrorKind| driver(&RedisError::from((kind, "words")), "h:1").kind;
        assert_eq!(kind(ErrorKind::AuthenticationFailed), StoreErrorKind::Auth);
        assert_eq!(kind(ErrorKind::InvalidClientConfig), StoreErrorKind::Config);
        assert_eq!(kind(ErrorKind::Io), StoreErrorKind::Unreachable);
        assert_eq!(kind(ErrorKind::Parse), StoreErrorKind::Protocol);
        assert_eq!(
            kind(ErrorKind::UnexpectedReturnType),
            StoreErrorKind::Protocol
        );
    }

    #[test]
    fn only_a_sent_write_may_have_landed() {
        let failure = Failure::new(StoreErrorKind::Timeout, "late");
        assert!(failure.clone().of(StoreOp::Publish, true).may_have_landed);
        assert!(!failure.clone().of(StoreOp::Publish, false).may_have_landed);
        assert!(!failure.of(StoreOp::Inspect, true).may_have_landed);
        let full = said("OOM command not allowed");
        assert!(!full.of(StoreOp::Publish, true).may_have_landed);
    }

    #[test]
    fn a_long_answer_is_cut_to_one_line() {
        let failure = server("NOPERM", &format!("a\nb{}", "x".repeat(10_000)));
        assert!(failure.message.len() < 400 && !failure.message.contains('\n'));
    }
}
