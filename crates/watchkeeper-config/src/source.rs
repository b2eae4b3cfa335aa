//! Where text comes from.

pub(crate) mod toml;

use std::io::Read;
use std::path::Path;

use crate::error::ConfigError;

/// The bytes of a file that may have at most `limit` of them; `shown` is its name in messages.
pub(crate) fn read_bounded(path: &Path, shown: &str, limit: usize) -> Result<Vec<u8>, ConfigError> {
    let fail = |why: String| ConfigError::Unreadable {
        file: shown.to_owned(),
        why,
    };
    let file = std::fs::File::open(path)
        .map_err(|error| fail(format!("cannot be opened: {error}; check the path")))?;
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| fail(format!("cannot be read: {error}")))?;
    if bytes.len() > limit {
        return Err(fail(format!(
            "is larger than {limit} bytes, so it is no configuration"
        )));
    }
    Ok(bytes)
}
