//! Providers with an API of their own that few configurations use, one file each.

use super::Provider;

/// The rows.
pub(super) static ROWS: [Provider; 0] = [];
