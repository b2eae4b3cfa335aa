//! `[backend.etcd]`.

use watchkeeper_core::secret::Secret;

use super::Resolver;
use super::nodes::host_port;
use crate::config::{EtcdSettings, TlsFiles};
use crate::error::ConfigError;
use crate::raw;

/// Where the endpoints stand.
pub(super) const ENDPOINTS: &str = "backend.etcd.endpoints";
/// Where what TLS needs stands.
const TLS: &str = "backend.etcd.tls";

impl Resolver<'_> {
    pub(super) fn etcd(&mut self, raw: &raw::Etcd) -> Result<EtcdSettings, ConfigError> {
        let endpoints = match &raw.endpoints {
            Some(endpoints) => self.listed(ENDPOINTS, &endpoints.0)?,
            None => Vec::new(),
        };
        if endpoints.is_empty() {
            return Err(self.invalid(
                "backend.kind",
                "is `etcd`, but nothing says where it is: set `backend.etcd.endpoints`, such as `[\"http://etcd-0:2379\"]`",
            ));
        }
        let tls = self.tls(TLS, &raw.tls)?;
        let tls = self.in_pairs(TLS, tls)?;
        self.check_endpoints(&endpoints, &tls)?;
        let username = match &raw.username {
            Some(name) => Some(self.text("backend.etcd.username", &name.0)?),
            None => None,
        };
        let password = match &raw.password {
            Some(password) => Some(self.text("backend.etcd.password", &password.0)?),
            None => None,
        };
        let username = username.filter(|name| !name.is_empty());
        let password = password.filter(|text| !text.is_empty()).map(Secret::new);
        let alone = match (&username, &password) {
            (Some(_), None) => Some(("username", "password")),
            (None, Some(_)) => Some(("password", "username")),
            _ => None,
        };
        if let Some((given, lacking)) = alone {
            return Err(self.invalid(
                &format!("backend.etcd.{given}"),
                format!("stands alone: etcd wants both, give `{lacking}` too"),
            ));
        }
        Ok(EtcdSettings {
            endpoints,
            username,
            password,
            tls,
        })
    }

    /// Never repeats an endpoint: somebody may have put a password into it.
    fn check_endpoints(&self, endpoints: &[String], tls: &TlsFiles) -> Result<(), ConfigError> {
        let mut first = None;
        for (index, endpoint) in endpoints.iter().enumerate() {
            let (scheme, rest) = match endpoint.split_once("://") {
                Some((scheme @ ("http" | "https"), rest)) => (Some(scheme), rest),
                Some(_) => (Some(""), ""),
                None => (None, endpoint.as_str()),
            };
            if host_port(rest.strip_suffix('/').unwrap_or(rest)).is_none() {
                return Err(self.invalid(
                    ENDPOINTS,
                    format!(
                        "must list members as `http://host:port`, `https://host:port` or `host:port`, which entry {} of \
                         it is not; user and password have keys of their own",
                        index + 1
                    ),
                ));
            }
            if *first.get_or_insert(scheme) != scheme {
                return Err(self.invalid(
                    ENDPOINTS,
                    format!(
                        "mixes schemes: entry {} begins otherwise than the first, and all must begin alike",
                        index + 1
                    ),
                ));
            }
        }
        if first == Some(Some("http")) && !tls.is_empty() {
            return Err(self.invalid(
                ENDPOINTS,
                format!("begins with `http://`, beside `{TLS}`: write `https://`, or leave the table out"),
            ));
        }
        Ok(())
    }
}
