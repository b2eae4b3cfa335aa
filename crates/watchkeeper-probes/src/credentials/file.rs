//! Reads a small file.

use std::io;
use std::path::Path;

use tokio::io::AsyncReadExt;
use watchkeeper_core::secret::Secret;

use super::refusal::Refusal;

/// Longest file that is read, in bytes: a key file has about 2,500, a token a few thousand.
const MAX_FILE_BYTES: usize = 64 * 1024;

/// Why a file was not read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is not there.
    Missing,
    /// It is there and cannot be used; why, in words that stand after the file's name.
    Unusable(String),
}

/// The text of a file, without surrounding space. Only regular files are read, and only up to a bound.
pub(crate) async fn read(path: &Path) -> Result<Secret, Unread> {
    let unusable = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Unread::Missing,
        kind => Unread::Unusable(format!("cannot be read ({kind})")),
    };
    // a pipe in its place would be waited for without end
    let meta = tokio::fs::metadata(path).await.map_err(|e| unusable(&e))?;
    if !meta.is_file() {
        return Err(Unread::Unusable("is no regular file".into()));
    }
    let file = tokio::fs::File::open(path)
        .await
        .map_err(|e| unusable(&e))?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .await
        .map_err(|e| unusable(&e))?;
    if bytes.len() > MAX_FILE_BYTES {
        let text = format!("is longer than {} KiB", MAX_FILE_BYTES / 1024);
        return Err(Unread::Unusable(text));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Secret::new(text.trim())),
        Err(_) => Err(Unread::Unusable("is no UTF-8 text".into())),
    }
}

/// As [`read`], for a file that has to be there. `name` says where its path was given.
pub(crate) async fn need(path: &Path, name: &str) -> Result<Secret, Refusal> {
    read(path).await.map_err(|unread| {
        let why = match unread {
            Unread::Missing => "does not exist".to_owned(),
            Unread::Unusable(why) => why,
        };
        Refusal::config(format!(
            "the file `{}` of `{name}` {why}; mount it, or correct the path",
            path.display()
        ))
    })
}
