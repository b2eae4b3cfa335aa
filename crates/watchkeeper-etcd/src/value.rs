//! What stands under the keys: short text that a person can read. Anything else is told from it without a copy.

use std::time::Duration;

use watchkeeper_core::id::{AttemptId, PodId};
use watchkeeper_core::lease::Token;

/// The first number that is no token: doubles, and so JSON, carry every number below it. etcd has no clock by which a
/// smaller one could be judged.
const NO_TOKEN: u64 = (1 << 53) - 1;

/// The longest lock that a pod writes is shorter.
const LONGEST_LOCK: usize = 512;
/// The longest head of a report is shorter.
const LONGEST_HEAD: usize = 64;

/// The token, unless it is larger than any that can have been given out.
pub(crate) fn possible(token: Token) -> Option<Token> {
    (token.0 < NO_TOKEN).then_some(token)
}

/// A lock as a pod writes it: `wk1|<token>|<attempt>|<ttl ms>|<pod>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lock {
    pub(crate) token: Token,
    pub(crate) attempt: AttemptId,
    /// How long it lasts after it was last kept alive: what was asked for, or more where etcd grants no less.
    pub(crate) ttl: Duration,
    pub(crate) pod: PodId,
}

impl Lock {
    pub(crate) fn encode(&self) -> String {
        let (attempt, ttl) = (self.attempt.0, self.ttl.as_millis());
        format!("wk1|{}|{attempt}|{ttl}|{}", self.token, self.pod)
    }

    /// `None` for anything that no pod wrote.
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        if value.len() > LONGEST_LOCK {
            return None;
        }
        let mut parts = std::str::from_utf8(value).ok()?.split('|');
        if parts.next()? != "wk1" {
            return None;
        }
        let lock = Self {
            token: possible(Token(number(parts.next()?)?))?,
            attempt: AttemptId(number(parts.next()?)?),
            ttl: Duration::from_millis(number(parts.next()?)?),
            pod: PodId::new(parts.next()?).ok()?,
        };
        parts.next().is_none().then_some(lock)
    }
}

/// The first line of a report: `wk1|<token>|<edition>`. The rest is the report's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) token: Token,
    pub(crate) edition: u32,
}

impl Head {
    /// The whole value.
    pub(crate) fn before(self, body: &[u8]) -> Vec<u8> {
        let mut value = format!("wk1|{}|{}\n", self.token, self.edition).into_bytes();
        value.extend_from_slice(body);
        value
    }

    /// The head and the report's bytes; `None` for anything that no pod wrote.
    pub(crate) fn parse(value: &[u8]) -> Option<(Self, &[u8])> {
        let end = value.iter().take(LONGEST_HEAD).position(|b| *b == b'\n')?;
        let (line, rest) = value.split_at_checked(end)?;
        let mut parts = std::str::from_utf8(line).ok()?.split('|');
        if parts.next()? != "wk1" {
            return None;
        }
        let head = Self {
            token: possible(Token(number(parts.next()?)?))?,
            edition: u32::try_from(number(parts.next()?)?).ok()?,
        };
        parts.next().is_none().then_some((head, rest.get(1..)?))
    }
}

/// A stored token: decimal digits alone.
pub(crate) fn parse_token(value: &[u8]) -> Option<Token> {
    possible(Token(number(std::str::from_utf8(value).ok()?)?))
}

/// What a pod says about itself, as it is stored: `wk1|<ttl ms>|<info>`.
pub(crate) fn encode_presence(ttl: Duration, info: &[u8]) -> Vec<u8> {
    let mut value = format!("wk1|{}|", ttl.as_millis()).into_bytes();
    value.extend_from_slice(info);
    value
}

/// Its ttl and what it said; `None` for anything that no pod wrote.
pub(crate) fn parse_presence(value: &[u8]) -> Option<(Duration, &[u8])> {
    let rest = value.strip_prefix(b"wk1|")?;
    let end = rest.iter().take(LONGEST_HEAD).position(|b| *b == b'|')?;
    let (ttl, rest) = rest.split_at_checked(end)?;
    let ttl = Duration::from_millis(number(std::str::from_utf8(ttl).ok()?)?);
    Some((ttl, rest.get(1..)?))
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> Lock {
        Lock {
            token: Token(7),
            attempt: AttemptId(u64::MAX),
            ttl: Duration::from_millis(2_500),
            pod: PodId::new("pod-a.x").unwrap(),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(lock().encode(), "wk1|7|18446744073709551615|2500|pod-a.x");
        assert_eq!(Lock::parse(lock().encode().as_bytes()), Some(lock()));
        let head = Head {
            token: Token(8),
            edition: u32::MAX,
        };
        for body in [&b""[..], b"\n", b"wk1|1|1\n", &[0, 255, b'\n']] {
            let value = head.before(body);
            assert_eq!(Head::parse(&value), Some((head, body)));
        }
        for info in [&b""[..], b"|", b"wk1|1|x", &[0, 255]] {
            let ttl = Duration::from_secs(15);
            let value = encode_presence(ttl, info);
            assert_eq!(parse_presence(&value), Some((ttl, info)));
        }
        assert_eq!(parse_token(b"12"), Some(Token(12)));
    }

    #[test]
    fn near_misses_are_no_values_of_ours() {
        let long = format!("wk1|1|1|1|{}", "x".repeat(600));
        for bad in [
            "",
            "wk1",
            "wk2|7|1|1000|a",
            "wk1|7|1|1000",
            "wk1|7|1|1000|",
            "wk1|7|1|1000|a b",
            "wk1|7|1|1000|a|b",
            "wk1|+7|1|1000|a",
            "wk1||1|1000|a",
            "wk1|9007199254740991|1|1000|a",
            "wk1|99999999999999999999999|1|1000|a",
            &long,
        ] {
            assert_eq!(Lock::parse(bad.as_bytes()), None, "{bad}");
        }
        for bad in [
            "",
            "wk1|7|1",
            "wk1|7|4294967296\nx",
            "wk1|7|1|2\nx",
            "wk1|7|-1\nx",
            "wk1|9007199254740991|1\nx",
        ] {
            assert_eq!(Head::parse(bad.as_bytes()), None, "{bad}");
        }
        for bad in ["", "wk1|", "wk1|x|", "wk1|5", "wk1||x"] {
            assert_eq!(parse_presence(bad.as_bytes()), None, "{bad}");
        }
        for bad in ["", "x", "1x", " 1", "-1", "9007199254740991"] {
            assert_eq!(parse_token(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(parse_token(&[0, 255]), None);
    }
}
