//! How TLS is spoken with the servers.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use watchkeeper_core::error::StoreError;
use watchkeeper_remote::{TlsOptions, client_config, config};

/// How TLS is spoken.
pub(crate) struct Tls {
    pub(crate) connector: TlsConnector,
    /// The name that is asked for and checked in place of the host's.
    pub(crate) name: Option<ServerName<'static>>,
}

/// A connector for the options.
///
/// # Errors
/// Of kind `Config`, naming the option that cannot be used.
pub(crate) fn connector(options: &TlsOptions) -> Result<Tls, StoreError> {
    let name = options.server_name.clone().map(ServerName::try_from);
    let name = name
        .transpose()
        .map_err(|_| config("redis `tls.server_name` is neither a host's name nor an address"))?;
    Ok(Tls {
        connector: TlsConnector::from(Arc::new(client_config("redis", options)?)),
        name,
    })
}

#[cfg(test)]
mod tests {
    use watchkeeper_core::error::StoreErrorKind;

    use super::*;

    #[test]
    fn a_name_that_no_certificate_can_have_is_refused() {
        let named = |name: &str| TlsOptions {
            server_name: Some(name.to_owned()),
            ..TlsOptions::default()
        };
        assert!(connector(&named("redis.internal")).is_ok());
        let Err(error) = connector(&named("no name")) else {
            panic!("a name that is none was taken");
        };
        assert_eq!(error.kind, StoreErrorKind::Config);
        assert!(error.message.contains("`tls.server_name`"), "{error}");
    }
}
