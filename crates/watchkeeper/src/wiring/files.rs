//! Files that keys name.

use std::fs::File;
use std::io::Read;
use std::path::Path;

#[cfg(any(feature = "redis", feature = "etcd"))]
use watchkeeper_config::TlsFiles;
#[cfg(any(feature = "redis", feature = "etcd"))]
use watchkeeper_core::secret::Secret;

use crate::exit::Failure;

/// Largest file of certificates. Those of all public authorities have some hundred kilobytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// The file that a key names.
///
/// # Errors
/// Where it cannot be read or is larger than 4 MiB; names key and file.
pub(super) fn read(key: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    let refused =
        |why: String| Failure::bad_config(format!("`{key}` names {}, which {why}", path.display()));
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| refused(format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(refused(format!("is larger than {MAX_BYTES} bytes")));
    }
    Ok(bytes)
}

/// What a table `tls` names, read.
#[cfg(any(feature = "redis", feature = "etcd"))]
pub(super) struct Pem {
    pub(super) ca: Option<Vec<u8>>,
    pub(super) cert: Option<Vec<u8>>,
    pub(super) key: Option<Secret>,
    pub(super) server_name: Option<String>,
}

#[cfg(any(feature = "redis", feature = "etcd"))]
impl Pem {
    /// Reads the files of a table `tls`.
    ///
    /// # Errors
    /// Where one cannot be read or is no PEM file at all; names its key. Whether they fit together is not looked at.
    pub(super) fn read(table: &str, files: &TlsFiles) -> Result<Self, Failure> {
        let pem = |name: &str, path: Option<&Path>| {
            let Some(path) = path else {
                return Ok(None);
            };
            let key = format!("{table}.{name}");
            let text = String::from_utf8(read(&key, path)?).ok();
            match text.filter(|text| text.contains("-----BEGIN ")) {
                Some(text) => Ok(Some(text)),
                None => Err(Failure::bad_config(format!(
                    "`{key}` names {}, which is no PEM file: it has to hold `-----BEGIN …`",
                    path.display()
                ))),
            }
        };
        Ok(Self {
            ca: pem("ca", files.ca.as_deref())?.map(String::into_bytes),
            cert: pem("cert", files.cert.as_deref())?.map(String::into_bytes),
            key: pem("key", files.key.as_deref())?.map(Secret::new),
            server_name: files.server_name.clone(),
        })
    }
}
