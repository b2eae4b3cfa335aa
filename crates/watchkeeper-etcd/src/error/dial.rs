//! Failures on the way to a member: its name, its port, its TLS.

use std::io;

use rustls::{AlertDescription, CertificateError, Error as TlsError};
use watchkeeper_core::error::StoreErrorKind;
use watchkeeper_remote::{Reason, Server, brief, tls_error};

use super::Failure;

const SERVER: Server = Server {
    name: "etcd",
    store: "etcd",
    instead_of_tls: "`http://`, or the member's TLS port",
};

/// Why the address could not be turned into a connection, or what became of one.
pub(crate) fn dial(error: &io::Error, address: &str) -> Failure {
    let config = |why: String| Failure::new(StoreErrorKind::Config, why);
    match tls_error(error) {
        Some(TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => config(format!(
            "the certificate of `{address}` is for another name: give the name that it carries as `tls.server_name`"
        )),
        Some(
            TlsError::AlertReceived(AlertDescription::NoApplicationProtocol)
            | TlsError::NoApplicationProtocol,
        ) => config(format!(
            "`{address}` speaks TLS but not HTTP/2: is it the client port of an etcd member"
        )),
        None if error.to_string().contains("failed to lookup address") => Failure::new(
            StoreErrorKind::Unreachable,
            format!(
                "the name in `{address}` leads nowhere: is it right, and does DNS know it ({})",
                brief(&error.to_string())
            ),
        ),
        _ => Reason::of(error, &address, SERVER).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_of_the_network_has_its_kind() {
        let io = |kind: io::ErrorKind| dial(&kind.into(), "h:1").kind;
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
        let name =
            io::Error::other("failed to lookup address information: Name or service not known");
        let name = dial(&name, "nowhere:1");
        assert!(name.message.contains("DNS"), "{}", name.message);
        let refused = dial(&io::ErrorKind::ConnectionRefused.into(), "h:1");
        assert!(refused.message.contains("`h:1`"), "{}", refused.message);
    }

    #[test]
    fn each_failure_of_tls_has_its_kind_and_remedy() {
        use StoreErrorKind::{Config, Unreachable};
        for (error, kind, words) in [
            (
                TlsError::InvalidCertificate(CertificateError::UnknownIssuer),
                Config,
                "`tls.ca`",
            ),
            (
                TlsError::InvalidCertificate(CertificateError::NotValidForName),
                Config,
                "`tls.server_name`",
            ),
            (
                TlsError::InvalidMessage(rustls::InvalidMessage::InvalidContentType),
                Config,
                "`http://`",
            ),
            (
                TlsError::AlertReceived(AlertDescription::NoApplicationProtocol),
                Config,
                "HTTP/2",
            ),
            (TlsError::NoApplicationProtocol, Config, "HTTP/2"),
            (TlsError::DecryptError, Unreachable, "tls with"),
        ] {
            let failure = dial(&io::Error::other(error), "h:1");
            assert_eq!(failure.kind, kind, "{}", failure.message);
            assert!(failure.message.contains(words), "{}", failure.message);
            assert!(failure.message.contains("`h:1`"), "{}", failure.message);
        }
    }
}
