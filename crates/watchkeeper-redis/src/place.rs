//! Where one server is reached.

use std::fmt;
use std::path::PathBuf;

use crate::options::Node;

/// A server's address, as it was configured or announced.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// By TCP.
    Tcp(Node),
    /// By a unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(node) => node.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}
