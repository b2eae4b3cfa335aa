//! The HTTP clients, with its own roots so that it works where the system has none.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::options::{ProbeSetupError, ProberOptions, Proxies};
use crate::proxies;

/// Idle connections kept per host: as many as a large round has in flight, so that none is closed only to be opened
/// again for the next check of the same endpoint.
const MAX_IDLE_PER_HOST: usize = 512;

/// How long an idle connection is kept: within a round it is used again, between rounds it is not. Servers close
/// theirs after 2 s (gunicorn), 5 s (uvicorn, Node) and more, so a probe does not run into a connection that is just
/// being closed; and each round looks the name up and shakes hands anew, which is part of what is to be known.
const IDLE_TIMEOUT: Duration = Duration::from_secs(1);

/// Builds the client: no redirect, no retry, no cookie, no time limit of its own (the check's covers all).
pub(crate) fn build(options: &ProberOptions) -> Result<reqwest::Client, ProbeSetupError> {
    let mut tls = tls(options.extra_ca_pem.as_deref())?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    finish(reqwest::Client::builder(), tls, options)
}

/// As [`build`], for what needs HTTP/1.1: the handshake of another protocol.
pub(crate) fn build_http1(options: &ProberOptions) -> Result<reqwest::Client, ProbeSetupError> {
    let mut tls = tls(options.extra_ca_pem.as_deref())?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    finish(reqwest::Client::builder().http1_only(), tls, options)
}

/// As [`build`], past every proxy: for the metadata services of a machine or cluster.
pub(crate) fn build_direct(options: &ProberOptions) -> Result<reqwest::Client, ProbeSetupError> {
    let direct = ProberOptions {
        proxies_from_env: false,
        proxies: Proxies::default(),
        ..options.clone()
    };
    build(&direct)
}

fn finish(
    builder: reqwest::ClientBuilder,
    tls: ClientConfig,
    options: &ProberOptions,
) -> Result<reqwest::Client, ProbeSetupError> {
    let mut builder = builder
        .tls_backend_preconfigured(tls)
        .user_agent(format!("watchkeeper/{}", options.version))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
        .pool_idle_timeout(IDLE_TIMEOUT);
    if !options.proxies_from_env || options.proxies.is_set() {
        builder = builder.no_proxy();
    }
    for proxy in proxies::build(&options.proxies)? {
        builder = builder.proxy(proxy);
    }
    builder
        .build()
        .map_err(|e| ProbeSetupError::Client(e.without_url().to_string()))
}

fn tls(extra_ca_pem: Option<&[u8]>) -> Result<ClientConfig, ProbeSetupError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(pem) = extra_ca_pem {
        let mut added = 0_usize;
        for cert in CertificateDer::pem_slice_iter(pem) {
            let cert = cert.map_err(|e| ProbeSetupError::ExtraCa(e.to_string()))?;
            roots
                .add(cert)
                .map_err(|e| ProbeSetupError::ExtraCa(e.to_string()))?;
            added += 1;
        }
        if added == 0 {
            return Err(ProbeSetupError::ExtraCa("it holds no certificate".into()));
        }
    }
    // the provider is given here, so no process-wide default has to be installed first
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| ProbeSetupError::Client(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extra_ca_without_a_certificate_is_refused() {
        for bad in [
            &b""[..],
            b"not pem",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            let error = tls(Some(bad)).unwrap_err().to_string();
            assert!(error.starts_with("the extra CA is not usable"), "{error}");
        }
    }

    #[test]
    fn the_built_in_roots_are_there_without_a_system_store() {
        assert!(tls(None).is_ok());
    }
}
