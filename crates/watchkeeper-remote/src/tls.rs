//! TLS by rustls and ring, with roots of our own so that it works where no system has any.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use watchkeeper_core::error::StoreError;
use watchkeeper_core::secret::Secret;

use crate::reason::config;

/// How to speak TLS. Servers are checked against [`Self::ca`], or the usual public roots where there is none; nothing
/// is taken from the system.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// Certificates of one's own authority, PEM; trusted in place of the public ones.
    pub ca: Option<Vec<u8>>,
    /// This client's certificate chain, PEM; needs [`Self::key`].
    pub cert: Option<Vec<u8>>,
    /// The key of [`Self::cert`], PEM.
    pub key: Option<Secret>,
    /// The name that the servers' certificates have to carry, where it is not the host's.
    pub server_name: Option<String>,
}

impl fmt::Debug for TlsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions")
            .field("ca", &self.ca.as_ref().map(Vec::len))
            .field("cert", &self.cert.as_ref().map(Vec::len))
            .field("key", &self.key)
            .field("server_name", &self.server_name)
            .finish()
    }
}

/// How a client of this store (`redis`, say) speaks TLS. The server's name is the caller's to give, for each connection.
///
/// # Errors
/// Of kind `Config`, naming the option that cannot be used.
pub fn client_config(store: &str, options: &TlsOptions) -> Result<ClientConfig, StoreError> {
    let mut roots = RootCertStore::empty();
    if options.ca.is_none() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    // An authority of one's own stands in place of the public ones: nobody else is to vouch for the store.
    if let Some(pem) = &options.ca {
        for certificate in certificates(store, pem, "ca")? {
            roots.add(certificate).map_err(|error| {
                config(format!(
                    "{store} `tls.ca` has a certificate that cannot be a root: {error}"
                ))
            })?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| config(format!("{store} tls cannot be set up: {error}")))?
        .with_root_certificates(roots);
    match (&options.cert, &options.key) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(cert), Some(key)) => {
            let chain = certificates(store, cert, "cert")?;
            // Nothing of the parser's error is shown: it may hold a piece of the key.
            let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(|_| {
                config(format!(
                    "{store} `tls.key` holds no private key in PEM form"
                ))
            })?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                config(format!(
                    "{store} `tls.cert` and `tls.key` do not belong together: {error}"
                ))
            })
        }
        (Some(_), None) => Err(config(format!(
            "{store} `tls.cert` needs `tls.key` beside it"
        ))),
        (None, Some(_)) => Err(config(format!(
            "{store} `tls.key` needs `tls.cert` beside it"
        ))),
    }
}

fn certificates(
    store: &str,
    pem: &[u8],
    option: &str,
) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(config(format!(
            "{store} `tls.{option}` holds no certificate in PEM form"
        ))),
        Err(error) => Err(config(format!(
            "{store} `tls.{option}` cannot be read as PEM: {error}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use watchkeeper_core::error::StoreErrorKind;

    use super::*;

    #[test]
    fn options_that_cannot_work_are_named() {
        let pem = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
        let key = Some(Secret::new("hunter2"));
        let none = TlsOptions::default;
        for (options, named) in [
            (
                TlsOptions {
                    ca: Some(b"no pem".to_vec()),
                    ..none()
                },
                "tls.ca",
            ),
            (
                TlsOptions {
                    ca: Some(pem.clone()),
                    ..none()
                },
                "tls.ca",
            ),
            (
                TlsOptions {
                    cert: Some(pem.clone()),
                    ..none()
                },
                "tls.key",
            ),
            (
                TlsOptions {
                    key: key.clone(),
                    ..none()
                },
                "tls.cert",
            ),
            (
                TlsOptions {
                    cert: Some(pem),
                    key,
                    ..none()
                },
                "tls.key",
            ),
        ] {
            let Err(error) = client_config("redis", &options) else {
                panic!("{options:?} was taken");
            };
            assert_eq!(error.kind, StoreErrorKind::Config);
            assert!(error.message.starts_with("redis `tls."), "{error}");
            assert!(error.message.contains(named), "{error}");
            assert!(!error.message.contains("hunter2"), "{error}");
        }
        assert!(client_config("redis", &none()).is_ok());
    }

    #[test]
    fn debug_shows_no_key() {
        let options = TlsOptions {
            key: Some(Secret::new("-----BEGIN")),
            ..TlsOptions::default()
        };
        let text = format!("{options:?}");
        assert!(!text.contains("BEGIN"), "{text}");
    }
}
