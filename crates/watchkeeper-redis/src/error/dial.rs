//! Failures on the way to a server: its name, its port, its TLS.

use std::io;

use rustls::{AlertDescription, CertificateError, Error as TlsError};
use watchkeeper_core::error::StoreErrorKind;

use super::{Failure, Peer, brief};
use crate::place::Place;

/// Why the name could not be turned into a connection, or why the connection ended.
pub(crate) fn dial(error: &io::Error, peer: &Peer) -> Failure {
    let address = &peer.place;
    if let Some(tls) = inner_tls(error) {
        return tls_failure(tls, address);
    }
    let unreachable = |why: String| Failure::new(StoreErrorKind::Unreachable, why);
    match (error.kind(), address) {
        (io::ErrorKind::ConnectionRefused, Place::Tcp(_)) => unreachable(format!(
            "nothing listens at `{address}`: is {} running there",
            peer.door.who
        )),
        (io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound, Place::Unix(_)) => {
            unreachable(format!(
                "nothing listens at the socket `{address}`: is redis running, and is `unixsocket` set there"
            ))
        }
        (io::ErrorKind::PermissionDenied, Place::Unix(_)) => Failure::new(
            StoreErrorKind::Config,
            format!(
                "this user of the system may not open the socket `{address}`: see `unixsocketperm` of redis"
            ),
        ),
        (io::ErrorKind::TimedOut, _) => Failure::new(
            StoreErrorKind::Timeout,
            format!("`{address}` does not answer"),
        ),
        (io::ErrorKind::InvalidData, _) => Failure::new(
            StoreErrorKind::Protocol,
            format!("`{address}` does not speak as redis does"),
        ),
        (
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted,
            _,
        ) => unreachable(format!(
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

fn tls_failure(error: &TlsError, address: &Place) -> Failure {
    match error {
        TlsError::InvalidCertificate(
            // The second is what another authority of the same name leads to.
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => Failure::new(
            StoreErrorKind::Config,
            format!(
                "the certificate of `{address}` is signed by no authority that we know: give it as `tls.ca`"
            ),
        ),
        TlsError::InvalidCertificate(
            why @ (CertificateError::NotValidForName
            | CertificateError::NotValidForNameContext { .. }),
        ) => Failure::new(
            StoreErrorKind::Config,
            format!(
                "the certificate of `{address}` does not hold for this name: give the name that it carries as `tls.server_name` ({})",
                brief(&why.to_string())
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
        let namesake = TlsError::InvalidCertificate(CertificateError::BadSignature);
        let told = dial(&io::Error::other(namesake), &peer()).message;
        assert!(told.contains("`tls.ca`"), "{told}");
        let expired = TlsError::InvalidCertificate(CertificateError::Expired);
        assert_eq!(tls(expired), StoreErrorKind::Config);
        let alert = TlsError::AlertReceived(AlertDescription::CertificateRequired);
        assert_eq!(tls(alert), StoreErrorKind::Auth);
        assert_eq!(tls(TlsError::DecryptError), StoreErrorKind::Unreachable);
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
