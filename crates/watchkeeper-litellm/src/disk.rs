//! Files, read within bounds and named as people know them.

use std::io::Read;
use std::path::Path;

use crate::error::LitellmError;

/// The bytes of a file that may have at most `limit` of them; `shown` is its name in messages.
///
/// # Errors
/// [`LitellmError::Unreadable`] where it cannot be opened or read, or is larger.
pub fn read_bounded(path: &Path, shown: &str, limit: usize) -> Result<Vec<u8>, LitellmError> {
    let fail = |why: String| LitellmError::Unreadable {
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

/// A path as messages name it: without `base` in front.
#[must_use]
pub fn shown_path(path: &Path, base: &Path) -> String {
    match path.strip_prefix(base) {
        Ok(rest) if !rest.as_os_str().is_empty() => rest.display().to_string(),
        _ => path.display().to_string(),
    }
}
