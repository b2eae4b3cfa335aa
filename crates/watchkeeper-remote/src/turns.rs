//! Several servers that are tried one after the other, none waited for so long that the others cannot be tried.

use std::time::Duration;

/// How long one of so many is waited for before the next is tried as well: a fair share of the limit.
#[must_use]
pub fn share(limit: Duration, ways: usize) -> Duration {
    // One share more than there are ways, so that the last one has time to answer too.
    let shares = u32::try_from(ways.saturating_add(1)).unwrap_or(u32::MAX);
    limit / shares
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(400);

    #[test]
    fn shares_leave_time_for_the_last_one() {
        assert_eq!(share(LIMIT, 1), LIMIT / 2);
        assert_eq!(share(LIMIT, 3), LIMIT / 4);
        assert!(share(LIMIT, 1_000_000) > Duration::ZERO);
    }
}
