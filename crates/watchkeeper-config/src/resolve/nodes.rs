//! Lists of servers.

use super::Resolver;
use crate::config::HostPort;
use crate::error::ConfigError;

/// More servers than anybody lists; the others are learned from them.
pub(super) const MAX_NODES: usize = 256;

impl Resolver<'_> {
    /// A list with its references followed; what one of them holds may be a list with commas.
    pub(super) fn listed(&self, key: &str, items: &[String]) -> Result<Vec<String>, ConfigError> {
        let mut out = Vec::new();
        for item in items {
            let text = self.text(key, item)?;
            let parts = text.split(',').map(str::trim);
            out.extend(parts.filter(|part| !part.is_empty()).map(str::to_owned));
        }
        if out.len() > MAX_NODES {
            return Err(self.invalid(
                key,
                format!("has {} entries, at most {MAX_NODES} are taken", out.len()),
            ));
        }
        Ok(out)
    }

    /// The servers of a list. Never repeats an entry: somebody may have put a password into it.
    pub(super) fn servers(
        &self,
        key: &str,
        items: &[String],
    ) -> Result<Vec<HostPort>, ConfigError> {
        let read = |(index, item): (usize, &String)| {
            host_port(item).ok_or_else(|| {
                self.invalid(
                    key,
                    format!(
                        "must list servers as `host:port`, which entry {} of it is not",
                        index + 1
                    ),
                )
            })
        };
        items.iter().enumerate().map(read).collect()
    }
}

/// `host:port`, an IPv6 address in brackets.
pub(super) fn host_port(text: &str) -> Option<HostPort> {
    let (host, port) = text.trim().rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?,
        None if host.contains(':') => return None,
        None => host,
    };
    let port: u16 = port.parse().ok().filter(|port| *port > 0)?;
    is_host(host).then(|| HostPort {
        host: host.to_owned(),
        port,
    })
}

/// Whether a text may be a host's name or address; it is not looked up.
pub(super) fn is_host(text: &str) -> bool {
    let odd =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '@' | '?' | '#' | ',');
    !text.is_empty() && !text.contains(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_host_and_a_port() {
        for (text, expected) in [
            ("a:1", Some(("a", 1))),
            (
                " redis-0.redis.svc:6379 ",
                Some(("redis-0.redis.svc", 6379)),
            ),
            ("[::1]:7001", Some(("::1", 7001))),
            ("10.0.0.1:65535", Some(("10.0.0.1", 65_535))),
            ("a", None),
            ("a:", None),
            (":1", None),
            ("a:0", None),
            ("a:65536", None),
            ("::1:7001", None),
            ("[::1]", None),
            ("redis://a:1", None),
            ("u:p@a:1", None),
            ("a b:1", None),
        ] {
            let read = host_port(text);
            let read = read.as_ref().map(|node| (node.host.as_str(), node.port));
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn a_server_prints_as_it_is_written() {
        for text in ["a:1", "[::1]:7001"] {
            assert_eq!(host_port(text).unwrap().to_string(), text);
        }
    }
}
