//! TLS by rustls and ring, with roots of our own so that it works where no system has any.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;
use watchkeeper_core::error::StoreError;

use crate::error::config;
use crate::options::TlsOptions;

/// A connector for the options.
///
/// # Errors
/// Of kind `Config`, naming the option that cannot be used.
pub(crate) fn connector(options: &TlsOptions) -> Result<TlsConnector, StoreError> {
    let mut roots = RootCertStore::empty();
    if options.ca.is_none() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    // An authority of one's own stands in place of the public ones: nobody else is to vouch for the store.
    if let Some(pem) = &options.ca {
        for certificate in certificates(pem, "ca")? {
            roots.add(certificate).map_err(|error| {
                config(format!(
                    "etcd `tls.ca` has a certificate that cannot be a root: {error}"
                ))
            })?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| config(format!("etcd tls cannot be set up: {error}")))?
        .with_root_certificates(roots);
    let mut client = match (&options.cert, &options.key) {
        (None, None) => builder.with_no_client_auth(),
        (Some(cert), Some(key)) => {
            let chain = certificates(cert, "cert")?;
            // Nothing of the parser's error is shown: it may hold a piece of the key.
            let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
                .map_err(|_| config("etcd `tls.key` holds no private key in PEM form"))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                config(format!(
                    "etcd `tls.cert` and `tls.key` do not belong together: {error}"
                ))
            })?
        }
        (Some(_), None) => return Err(config("etcd `tls.cert` needs `tls.key` beside it")),
        (None, Some(_)) => return Err(config("etcd `tls.key` needs `tls.cert` beside it")),
    };
    // Its servers refuse who does not name it.
    client.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsConnector::from(Arc::new(client)))
}

fn certificates(pem: &[u8], option: &str) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(config(format!(
            "etcd `tls.{option}` holds no certificate in PEM form"
        ))),
        Err(error) => Err(config(format!(
            "etcd `tls.{option}` cannot be read as PEM: {error}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use watchkeeper_core::error::StoreErrorKind;
    use watchkeeper_core::secret::Secret;

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
            let Err(error) = connector(&options) else {
                panic!("{options:?} was taken");
            };
            assert_eq!(error.kind, StoreErrorKind::Config);
            assert!(error.message.contains(named), "{error}");
            assert!(!error.message.contains("hunter2"), "{error}");
        }
        assert!(connector(&none()).is_ok());
    }
}
