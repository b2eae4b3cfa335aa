//! (to be filled)

use super::Provider;

/// The rows.
pub(super) static ROWS: [Provider; 0] = [];
