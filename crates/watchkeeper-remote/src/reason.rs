//! The errors of sockets and TLS in words for people: what happened, where, and what to do.

use std::fmt::Display;
use std::io;

use rustls::{AlertDescription, CertificateError, Error as TlsError};
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};

/// The longest piece of foreign words that is shown.
const MAX_DETAIL_CHARS: usize = 160;

/// Why a connection could not be made, or why it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What can be done about it.
    pub kind: StoreErrorKind,
    /// The same for people; holds no secret.
    pub message: String,
}

/// What people call a server, for messages about it.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    /// What should run at the address: `redis`, `the sentinel`.
    pub name: &'static str,
    /// The store that it belongs to: `redis`, `etcd`.
    pub store: &'static str,
    /// What to use where it turns out not to speak TLS.
    pub instead_of_tls: &'static str,
}

impl Reason {
    /// A reason in the caller's own words.
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// What this error says of a TCP connection to the address, with or without TLS.
    #[must_use]
    pub fn of(error: &io::Error, address: &impl Display, server: Server) -> Self {
        if let Some(tls) = tls_error(error) {
            return tls_failure(tls, address, server);
        }
        let unreachable = |why: String| Self::new(StoreErrorKind::Unreachable, why);
        match error.kind() {
            io::ErrorKind::ConnectionRefused => unreachable(format!(
                "nothing listens at `{address}`: is {} running there",
                server.name
            )),
            io::ErrorKind::TimedOut => Self::new(
                StoreErrorKind::Timeout,
                format!("`{address}` does not answer"),
            ),
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted => unreachable(format!(
                "`{address}` closed the connection: is it {}, and does it speak TLS where we do not, or the reverse",
                server.store
            )),
            _ => unreachable(format!(
                "no connection to `{address}`: {}",
                brief(&error.to_string())
            )),
        }
    }
}

/// Options that cannot work: an error of kind `Config`, of connecting.
pub fn config(message: impl Into<String>) -> StoreError {
    StoreError::refused(StoreErrorKind::Config, StoreOp::Connect, message)
}

/// Foreign words, cut and on one line.
#[must_use]
pub fn brief(text: &str) -> String {
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(MAX_DETAIL_CHARS).collect()
}

/// The rustls error inside an I/O error, if that is what it is.
#[must_use]
pub fn tls_error(error: &io::Error) -> Option<&TlsError> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

fn tls_failure(error: &TlsError, address: &impl Display, server: Server) -> Reason {
    let config = |why: String| Reason::new(StoreErrorKind::Config, why);
    match error {
        TlsError::InvalidCertificate(
            // The second is what another authority of the same name leads to.
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => config(format!(
            "the certificate of `{address}` is signed by no authority that we know: give it as `tls.ca`"
        )),
        TlsError::InvalidCertificate(why) => config(format!(
            "the certificate of `{address}` does not hold: {}",
            brief(&why.to_string())
        )),
        TlsError::InvalidMessage(_) => config(format!(
            "`{address}` does not speak TLS: use {}",
            server.instead_of_tls
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
        ) => Reason::new(
            StoreErrorKind::Auth,
            format!(
                "`{address}` refused our client certificate, or wants one: see `tls.cert` and `tls.key`"
            ),
        ),
        other => Reason::new(
            StoreErrorKind::Unreachable,
            format!("tls with `{address}` failed: {}", brief(&other.to_string())),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: Server = Server {
        name: "the sentinel",
        store: "redis",
        instead_of_tls: "`redis://`",
    };

    fn of(error: &io::Error) -> Reason {
        Reason::of(error, &"h:1", SERVER)
    }

    #[test]
    fn each_failure_of_the_network_has_its_kind() {
        use StoreErrorKind::{Timeout, Unreachable};
        for (error, kind, words) in [
            (
                io::ErrorKind::ConnectionRefused,
                Unreachable,
                "is the sentinel running",
            ),
            (io::ErrorKind::ConnectionReset, Unreachable, "is it redis,"),
            (
                io::ErrorKind::ConnectionAborted,
                Unreachable,
                "is it redis,",
            ),
            (io::ErrorKind::BrokenPipe, Unreachable, "is it redis,"),
            (io::ErrorKind::UnexpectedEof, Unreachable, "is it redis,"),
            (io::ErrorKind::NotFound, Unreachable, "no connection to"),
            (
                io::ErrorKind::PermissionDenied,
                Unreachable,
                "no connection to",
            ),
            (io::ErrorKind::TimedOut, Timeout, "does not answer"),
        ] {
            let Reason {
                kind: told,
                message,
            } = of(&error.into());
            assert_eq!(told, kind, "{error:?}");
            assert!(
                message.contains(words) && message.contains("`h:1`"),
                "{message}"
            );
        }
    }

    #[test]
    fn each_failure_of_tls_has_its_kind_and_remedy() {
        use StoreErrorKind::{Auth, Config, Unreachable};
        for (error, kind, words) in [
            (
                TlsError::InvalidCertificate(CertificateError::UnknownIssuer),
                Config,
                "`tls.ca`",
            ),
            (
                TlsError::InvalidCertificate(CertificateError::BadSignature),
                Config,
                "`tls.ca`",
            ),
            (
                TlsError::InvalidCertificate(CertificateError::Expired),
                Config,
                "does not hold",
            ),
            (
                TlsError::InvalidMessage(rustls::InvalidMessage::InvalidContentType),
                Config,
                "use `redis://`",
            ),
            (
                TlsError::AlertReceived(AlertDescription::CertificateRequired),
                Auth,
                "`tls.cert`",
            ),
            (TlsError::DecryptError, Unreachable, "tls with"),
        ] {
            let Reason {
                kind: told,
                message,
            } = of(&io::Error::other(error));
            assert_eq!(told, kind, "{message}");
            assert!(
                message.contains(words) && message.contains("`h:1`"),
                "{message}"
            );
        }
    }

    #[test]
    fn foreign_words_are_cut_to_one_line() {
        let text = brief(&format!("a\n\u{1b}[31m{}", "x".repeat(10_000)));
        assert_eq!(text.chars().count(), MAX_DETAIL_CHARS);
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
}
