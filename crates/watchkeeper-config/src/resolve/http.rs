//! `[http]`.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use watchkeeper_core::secret::Secret;

use super::Resolver;
use crate::config::Http;
use crate::error::ConfigError;
use crate::raw;

/// Longest stop. Orchestrators kill long before.
const MAX_DRAIN: Duration = Duration::from_secs(3_600);
/// LiteLLM's variable for its master key.
const MASTER_KEY: &str = "LITELLM_MASTER_KEY";

impl Resolver<'_> {
    pub(super) fn http(&mut self, raw: &raw::Http) -> Result<Http, ConfigError> {
        let listen = self.text("http.listen", &raw.listen.0)?;
        let listen = address(&listen).ok_or_else(|| {
            self.invalid(
                "http.listen",
                format!("must be an address and a port such as `127.0.0.1:4100`, not `{listen}`"),
            )
        })?;
        let api_keys = self.api_keys(raw)?;
        let allow_anonymous = raw.allow_anonymous.0;
        if api_keys.is_empty() && !is_loopback(listen.ip()) {
            if !allow_anonymous {
                return Err(self.invalid(
                    "http.listen",
                    format!(
                        "{listen} is open to the network, but no key is configured: set `http.api_keys` (such as \
                         `[\"env:WATCHKEEPER_API_KEY\"]`), listen on 127.0.0.1, or set `http.allow_anonymous = true`"
                    ),
                ));
            }
            self.warnings.push(format!(
                "{}: {listen} is open to the network and answers everybody, as `http.allow_anonymous` says",
                self.origin("http.allow_anonymous")
            ));
        }
        Ok(Http {
            listen,
            api_keys,
            allow_anonymous,
            metrics_auth: raw.metrics_auth.0,
            public_dashboard: raw.public_dashboard.0,
            drain: self.within("http.drain", raw.drain.0, Duration::ZERO, MAX_DRAIN)?,
        })
    }

    /// Our own keys, and LiteLLM's master key from its file and its variable; each once.
    fn api_keys(&mut self, raw: &raw::Http) -> Result<Vec<Secret>, ConfigError> {
        let mut keys = Vec::new();
        let mut authors = Vec::new();
        for key in raw.api_keys.iter().flat_map(|keys| &keys.0) {
            keys.push(self.secret("http.api_keys", key)?);
        }
        if !keys.is_empty() {
            authors.push(self.layers.origin("http.api_keys"));
        }
        if let Some(file) = self.litellm
            && let Some(master) = &file.master_key
        {
            keys.push(master.clone());
            authors.push(format!("{}: `general_settings.master_key`", file.name));
        }
        let exported = self.litellm.and_then(|file| file.exported.get(MASTER_KEY));
        let variable = exported.or_else(|| self.env.get(MASTER_KEY));
        if let Some(key) = variable.filter(|key| !key.is_empty()) {
            keys.push(Secret::new(key));
            authors.push(MASTER_KEY.to_owned());
        }
        let mut seen = HashSet::new();
        keys.retain(|key| seen.insert(key.clone()));
        if !authors.is_empty() {
            self.origins
                .insert("http.api_keys".into(), authors.join(", "));
        }
        Ok(keys)
    }
}

fn address(text: &str) -> Option<SocketAddr> {
    if let Some(port) = text.strip_prefix("localhost:") {
        return Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?)));
    }
    text.parse().ok()
}

/// Whether only this machine can reach an address.
fn is_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback(),
        IpAddr::V6(v6) => {
            v6.is_loopback() || v6.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
        }
    }
}
