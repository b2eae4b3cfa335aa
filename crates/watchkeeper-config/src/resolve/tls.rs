//! Tables `tls`: files, and the name to check.

use super::Resolver;
use super::nodes::is_host;
use crate::config::TlsFiles;
use crate::error::ConfigError;
use crate::lenient::Text;
use crate::raw;

impl Resolver<'_> {
    pub(super) fn tls(&self, table: &str, raw: &raw::Tls) -> Result<TlsFiles, ConfigError> {
        let path = |name: &str, text: &Option<Text>| match text {
            None => Ok(None),
            Some(text) => self.path(&format!("{table}.{name}"), &text.0).map(Some),
        };
        let server_name = match &raw.server_name {
            None => None,
            Some(name) => {
                let key = format!("{table}.server_name");
                let name = self.text(&key, &name.0)?;
                if !is_host(&name) {
                    return Err(self.invalid(
                        &key,
                        "must be the name or address that the server's certificate carries",
                    ));
                }
                Some(name)
            }
        };
        Ok(TlsFiles {
            ca: path("ca", &raw.ca)?,
            cert: path("cert", &raw.cert)?,
            key: path("key", &raw.key)?,
            server_name,
        })
    }

    /// A client certificate has a key, and a key a certificate.
    pub(super) fn in_pairs(&self, table: &str, files: TlsFiles) -> Result<TlsFiles, ConfigError> {
        if files.cert.is_some() == files.key.is_some() {
            return Ok(files);
        }
        let given = if files.cert.is_some() { "cert" } else { "key" };
        Err(self.invalid(
            &format!("{table}.{given}"),
            "stands alone: a client certificate needs both `cert` and `key`",
        ))
    }
}
