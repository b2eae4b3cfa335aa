//! The contents of files, looked at again and again.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use watchkeeper_litellm::MAX_FILE_BYTES;

use super::watch::{Content, Contents};

/// Bytes read at once.
const PIECE: usize = 64 * 1024;

/// A file's identity, length and times: while these stand still, its contents do.
type Stamp = (u64, u64, u64, (i64, i64), (i64, i64));

struct Known {
    stamp: Stamp,
    content: Content,
    /// It was read again a whole look after its stamp changed: two writes within one tick of the file system's clock leave
    /// the same stamp.
    is_sure: bool,
}

/// Reads files, those that stand still only twice.
#[derive(Default)]
pub(super) struct Files(HashMap<PathBuf, Known>);

impl Files {
    /// The contents of these files now. A path is followed anew each time: a link may point elsewhere. Of a file that no
    /// configuration may be as long as, as much is looked at. `is_apart`: the look before this one is more than a tick of any
    /// file system's clock ago.
    pub(super) fn contents(&mut self, paths: &[PathBuf], is_apart: bool) -> Contents {
        self.0.retain(|path, _| paths.contains(path));
        let mut contents = Contents::new();
        for path in paths {
            let content = self.content(path, is_apart);
            let content = content.unwrap_or(Content::Unreadable);
            contents.insert(path.clone(), content);
        }
        contents
    }

    fn content(&mut self, path: &PathBuf, is_apart: bool) -> io::Result<Content> {
        let file = File::open(path)?;
        let stamp = stamp(&file)?;
        let known = self.0.get(path).filter(|known| known.stamp == stamp);
        if let Some(known) = known.filter(|known| known.is_sure) {
            return Ok(known.content);
        }
        let is_sure = known.is_some() && is_apart;
        let content = Content::Bytes(digest(file)?);
        let known = Known {
            stamp,
            content,
            is_sure,
        };
        self.0.insert(path.clone(), known);
        Ok(content)
    }
}

fn stamp(file: &File) -> io::Result<Stamp> {
    let meta = file.metadata()?;
    Ok((
        meta.dev(),
        meta.ino(),
        meta.len(),
        (meta.mtime(), meta.mtime_nsec()),
        (meta.ctime(), meta.ctime_nsec()),
    ))
}

fn digest(file: File) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE];
    let mut file = file.take(MAX_FILE_BYTES as u64 + 1);
    loop {
        let length = file.read(&mut piece)?;
        match piece.get(..length) {
            Some(bytes) if !bytes.is_empty() => hash.update(bytes),
            _ => return Ok(hash.finalize().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_that_points_elsewhere_has_other_contents_and_a_copy_has_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for (name, text) in [("1", "one"), ("2", "two"), ("3", "one")] {
            fs::create_dir(path(name)).unwrap();
            fs::write(path(name).join("f"), text).unwrap();
        }
        symlink("..data/f", path("f")).unwrap();
        let mut files = Files::default();
        let mut seen = Vec::new();
        for target in ["1", "2", "3", "nowhere"] {
            symlink(target, path("new")).unwrap();
            fs::rename(path("new"), path("..data")).unwrap();
            let contents = files.contents(&[path("f")], true);
            seen.push(contents[&path("f")]);
        }
        assert_eq!(seen[0], seen[2]);
        assert_ne!(seen[0], seen[1]);
        assert_eq!(seen[3], Content::Unreadable);
    }

    #[test]
    fn a_write_that_leaves_no_trace_in_the_times_is_seen_at_the_next_look() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, "one").unwrap();
        let mut files = Files::default();
        let paths = [path.clone()];
        let first = files.contents(&paths, false);
        fs::write(&path, "two").unwrap();
        // As if the clock of the file system had not moved on.
        let stamp = stamp(&File::open(&path).unwrap()).unwrap();
        files.0.get_mut(&path).unwrap().stamp = stamp;
        assert_eq!(files.contents(&paths, false).len(), 1);
        assert!(!files.0[&path].is_sure);
        assert_ne!(files.contents(&paths, true), first);
        assert!(files.0[&path].is_sure);
    }
}
