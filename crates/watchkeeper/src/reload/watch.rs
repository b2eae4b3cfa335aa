//! When files count as changed: by their contents, and once these stand still.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// The digest of its bytes.
    Bytes([u8; 32]),
    /// It cannot be read.
    Unreadable,
}

/// Contents by path.
pub(super) type Contents = BTreeMap<PathBuf, Content>;

/// A refused configuration is tried again after so many looks: what was missing may lie in a file that nobody watches yet.
const TRY_AGAIN: u32 = 15;

/// Why the files are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    /// They have other contents.
    Changed,
    /// They were refused, some time ago.
    AnotherTry,
}

/// What was read last, and what was seen since.
#[derive(Debug, Default)]
pub(super) struct Watch {
    read: Contents,
    seen: Contents,
    refused: Option<u32>,
}

impl Watch {
    /// Starts from what was read.
    pub(super) fn new(read: Contents) -> Self {
        Self {
            seen: read.clone(),
            read,
            refused: None,
        }
    }

    /// Takes a look's finding. A change counts once two looks in a row see the same: who writes a file in pieces is not
    /// read in the middle of it.
    pub(super) fn look(&mut self, now: Contents) -> Option<Wants> {
        let settled = now == self.seen;
        self.seen = now;
        if settled && self.seen != self.read {
            return Some(Wants::Changed);
        }
        let looks = self.refused.as_mut()?;
        *looks += 1;
        if *looks < TRY_AGAIN {
            return None;
        }
        *looks = 0;
        Some(Wants::AnotherTry)
    }

    /// These contents were read, and used or refused.
    pub(super) fn done(&mut self, read: Contents, refused: bool) {
        self.seen = read.clone();
        self.read = read;
        self.refused = refused.then_some(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(files: &[(&str, u8)]) -> Contents {
        let files = files.iter();
        files
            .map(|(path, byte)| {
                let content = match byte {
                    0 => Content::Unreadable,
                    byte => Content::Bytes([*byte; 32]),
                };
                (PathBuf::from(path), content)
            })
            .collect()
    }

    #[test]
    fn a_change_counts_once_it_stands_still() {
        let mut watch = Watch::new(contents(&[("a", 1), ("b", 1)]));
        for (a, b, wants) in [
            (1, 1, None),
            // In the middle of a write, and gone for a moment.
            (2, 1, None),
            (3, 1, None),
            (0, 1, None),
            (4, 1, None),
            (4, 1, Some(Wants::Changed)),
            // As it was, or only for a moment.
            (5, 1, None),
            (1, 1, None),
            (1, 1, None),
            // A file that stays away is a change.
            (1, 0, None),
            (1, 0, Some(Wants::Changed)),
        ] {
            assert_eq!(
                watch.look(contents(&[("a", a), ("b", b)])),
                wants,
                "{a} {b}"
            );
        }
    }

    #[test]
    fn contents_that_were_read_are_no_news_whatever_came_of_them() {
        let mut watch = Watch::new(contents(&[("a", 1)]));
        watch.look(contents(&[("a", 2)]));
        assert!(watch.look(contents(&[("a", 2)])).is_some());
        watch.done(contents(&[("a", 2)]), true);
        for _ in 1..TRY_AGAIN {
            assert_eq!(watch.look(contents(&[("a", 2)])), None);
        }
        assert_eq!(watch.look(contents(&[("a", 2)])), Some(Wants::AnotherTry));
        watch.done(contents(&[("a", 2)]), false);
        for _ in 0..2 * TRY_AGAIN {
            assert_eq!(watch.look(contents(&[("a", 2)])), None);
        }
    }
}
