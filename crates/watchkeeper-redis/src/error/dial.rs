//! Failures on the way to a server: its name, its port, its TLS.

use std::io;

use rustls::{CertificateError, Error as TlsError};
use watchkeeper_core::error::StoreErrorKind;
use watchkeeper_remote::{Reason, Server, tls_error};

use super::{Failure, Peer, brief};
use crate::place::Place;

/// Why the name could not be turned into a connection, or why the connection ended.
pub(crate) fn dial(error: &io::Error, peer: &Peer) -> Failure {
    let address = &peer.place;
    match (tls_error(error), error.kind(), address) {
        (
            Some(TlsError::InvalidCertificate(
                why @ (CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. }),
            )),
            ..,
        ) => Failure::new(
            StoreErrorKind::Config,
            format!(
                "the certificate of `{address}` does not hold for this name: give the name that it carries as `tls.server_name` ({})",
                brief(&why.to_string())
            ),
        ),
        (None, io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound, Place::Unix(_)) => {
            Failure::new(
                StoreErrorKind::Unreachable,
                format!(
                    "nothing listens at the socket `{address}`: is redis running, and is `unixsocket` set there"
                ),
            )
        }
        (None, io::ErrorKind::PermissionDenied, Place::Unix(_)) => Failure::new(
            StoreErrorKind::Config,
            format!(
                "this user of the system may not open the socket `{address}`: see `unixsocketperm` of redis"
            ),
        ),
        (None, io::ErrorKind::InvalidData, _) => Failure::new(
            StoreErrorKind::Protocol,
            format!("`{address}` does not speak as redis does"),
        ),
        _ => Reason::of(
            error,
            address,
            Server {
                name: peer.door.who,
                store: "redis",
                instead_of_tls: "`redis://`, or the server's TLS port",
            },
        )
        .into(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::error::tests::peer;

    #[test]
    fn each_failure_of_the_network_has_its_kind() {
        let io = |kind: io::ErrorKind| dial(&io::Error::from(kind), &peer());
        for kind in [
            io::ErrorKind::ConnectionRefused,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::BrokenPipe,
            io::ErrorKind::UnexpectedEof,
            io::ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied,
        ] {
            let failure = io(kind);
            assert_eq!(failure.kind, StoreErrorKind::Unreachable, "{kind:?}");
            assert!(failure.message.contains("`h:1`"), "{}", failure.message);
        }
        assert_eq!(io(io::ErrorKind::TimedOut).kind, StoreErrorKind::Timeout);
        assert_eq!(
            io(io::ErrorKind::InvalidData).kind,
            StoreErrorKind::Protocol
        );
        let tls = |error: TlsError| dial(&io::Error::other(error), &peer()).kind;
        let issuer = TlsError::InvalidCertificate(CertificateError::UnknownIssuer);
        assert_eq!(tls(issuer), StoreErrorKind::Config);
        let plain = TlsError::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        let told = dial(&io::Error::new(io::ErrorKind::InvalidData, plain), &peer()).message;
        assert!(
            told.ends_with("use `redis://`, or the server's TLS port"),
            "{told}"
        );
    }

    #[test]
    fn a_certificate_for_another_name_points_to_the_option() {
        let other = TlsError::InvalidCertificate(CertificateError::NotValidForName);
        let failure = dial(&io::Error::other(other), &peer());
        assert_eq!(failure.kind, StoreErrorKind::Config);
        assert!(failure.message.contains("`tls.server_name`"));
    }

    #[test]
    fn a_socket_says_what_is_amiss_with_it() {
        let mut peer = peer();
        peer.place = Place::Unix(PathBuf::from("/run/redis.sock"));
        for (kind, told, words) in [
            (
                io::ErrorKind::NotFound,
                StoreErrorKind::Unreachable,
                "`unixsocket`",
            ),
            (
                io::ErrorKind::ConnectionRefused,
                StoreErrorKind::Unreachable,
                "`unixsocket`",
            ),
            (
                io::ErrorKind::PermissionDenied,
                StoreErrorKind::Config,
                "`unixsocketperm`",
            ),
        ] {
            let failure = dial(&kind.into(), &peer);
            assert_eq!(failure.kind, told, "{kind:?}");
            let message = failure.message;
            assert!(
                message.contains(words) && message.contains("`/run/redis.sock`"),
                "{message}"
            );
        }
    }
}
