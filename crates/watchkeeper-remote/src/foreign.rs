//! What is said about values under our keys that no pod can have written.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A key is not named again sooner: pods look each second, and who keeps on writing there is told often enough.
const QUIET: Duration = Duration::from_secs(60);

/// More keys than these within [`QUIET`] are one event, and a line for each would be a flood.
const MOST_KEYS: usize = 64;

/// The keys that a warning named lately.
#[derive(Debug, Default)]
pub struct Foreign(Mutex<HashMap<String, Instant>>);

impl Foreign {
    /// Warns about the key, not what it held, if it held something foreign and was not named lately.
    pub fn met(&self, key: &str, foreign: bool) {
        if foreign && self.is_news(key, Instant::now()) {
            tracing::warn!(
                "found something in `{key}` that no pod wrote, it is ignored and replaced: who else writes there"
            );
        }
    }

    fn is_news(&self, key: &str, now: Instant) -> bool {
        // No step under this lock can panic half way.
        let mut named = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        named.retain(|_, at| now.duration_since(*at) < QUIET);
        if named.contains_key(key) || named.len() >= MOST_KEYS {
            return false;
        }
        named.insert(key.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_once_a_minute() {
        let (foreign, start) = (Foreign::default(), Instant::now());
        assert!(foreign.is_news("a", start));
        assert!(!foreign.is_news("a", start + QUIET / 2));
        assert!(foreign.is_news("b", start + QUIET / 2));
        assert!(foreign.is_news("a", start + QUIET));
    }

    #[test]
    fn a_flood_of_keys_is_cut_and_forgotten() {
        let (foreign, start) = (Foreign::default(), Instant::now());
        let told = |at| {
            let news = |n: &usize| foreign.is_news(&n.to_string(), at);
            (0..2 * MOST_KEYS).filter(news).count()
        };
        assert_eq!(told(start), MOST_KEYS);
        assert_eq!(told(start + QUIET), MOST_KEYS);
    }
}
