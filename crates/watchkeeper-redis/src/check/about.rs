//! What a refusal is about, by the server's words.

use redis::RedisError;
use watchkeeper_core::error::StoreErrorKind;

use crate::error::{self, Peer, Sign};

/// What a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    Command,
    Key,
    Channel,
    /// The server lacks the command.
    Unknown,
    /// The state of the server; operations say so themselves.
    State,
}

/// The server's words as it sent them.
pub(super) fn words(error: &RedisError) -> String {
    format!(
        "{} {}",
        error.code().unwrap_or("ERR"),
        error.detail().unwrap_or_default()
    )
}

/// What a refusal is about. Each version has words of its own.
pub(super) fn about(error: &str, peer: &Peer) -> About {
    let (code, detail) = match error.split_once(' ') {
        Some((code, detail)) if code.chars().all(|c| c.is_ascii_uppercase()) => (code, detail),
        _ => ("ERR", error),
    };
    let failure = error::server(code, detail, peer);
    match failure.kind {
        StoreErrorKind::Denied if detail.contains("channel") => About::Channel,
        StoreErrorKind::Denied if detail.contains(" key") => About::Key,
        StoreErrorKind::Denied => About::Command,
        StoreErrorKind::Config if failure.sign == Sign::None && is_unknown(detail) => {
            About::Unknown
        }
        _ => About::State,
    }
}

fn is_unknown(detail: &str) -> bool {
    detail.to_lowercase().contains("unknown") && detail.contains("command")
}
