//! The members' addresses, read once.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use watchkeeper_core::error::StoreError;
use watchkeeper_remote::config;

use crate::options::EtcdOptions;

/// A member's client address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Speak TLS there.
    pub(crate) tls: bool,
    /// Name or address; an IPv6 address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Endpoint {
    /// As requests name it: `https://host:port`.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{self}")
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// All endpoints of the options; at least one, all of one scheme.
///
/// # Errors
/// Of kind `Config`, with the endpoint's number but never its text, since that may hold a password.
pub(crate) fn endpoints(options: &EtcdOptions) -> Result<Vec<Endpoint>, StoreError> {
    let tls = options.tls.is_some();
    let mut found: Vec<Endpoint> = Vec::with_capacity(options.endpoints.len());
    for (at, text) in options.endpoints.iter().enumerate() {
        let endpoint = parse(text, tls).map_err(|why| {
            let number = at.saturating_add(1);
            config(format!(
                "etcd `endpoints`: number {number} is not usable: {why}"
            ))
        })?;
        found.push(endpoint);
    }
    let Some(first) = found.first() else {
        return Err(config(
            "etcd `endpoints` is empty: name at least one member",
        ));
    };
    if found.iter().any(|endpoint| endpoint.tls != first.tls) {
        return Err(config(
            "etcd `endpoints` mixes `http://` and `https://`: all members have to be asked the same way",
        ));
    }
    Ok(found)
}

fn parse(text: &str, tls: bool) -> Result<Endpoint, &'static str> {
    let (tls, rest) = match text.split_once("://") {
        None => (tls, text),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") && tls => {
            return Err("`http://` does not go with the `tls` options: write `https://`");
        }
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
        Some(_) => return Err("it begins with neither `http://` nor `https://`"),
    };
    if rest.contains('@') {
        return Err("user and password do not belong there: see `username` and `password`");
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['/', '?', '#']) {
        return Err("nothing may follow the port");
    }
    let (host, port) = rest
        .rsplit_once(':')
        .filter(|(host, _)| !host.starts_with('[') || host.ends_with(']'))
        .ok_or("the port is missing; etcd's usual one is 2379")?;
    let port = match port.parse() {
        Ok(port) if port != 0 && port_is_plain(rest) => port,
        _ => return Err("the part after the last `:` is no port"),
    };
    Ok(Endpoint {
        tls,
        host: host_of(host)?,
        port,
    })
}

/// Numbers parse with a sign before them, ports have none.
fn port_is_plain(rest: &str) -> bool {
    rest.rsplit(':')
        .next()
        .is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
}

fn host_of(host: &str) -> Result<String, &'static str> {
    const TO_LISTEN: &str = "`0.0.0.0` and `::` are addresses to listen on, not to connect to";
    if let Some(inside) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        return match inside.parse::<Ipv6Addr>() {
            Ok(address) if address.is_unspecified() => Err(TO_LISTEN),
            Ok(_) => Ok(inside.to_owned()),
            Err(_) => Err("between the brackets stands no IPv6 address"),
        };
    }
    if host.contains(':') {
        return Err("an IPv6 address stands in brackets: `[::1]:2379`");
    }
    if host.is_empty() {
        return Err("the host is missing");
    }
    if host
        .parse::<Ipv4Addr>()
        .is_ok_and(|address| address.is_unspecified())
    {
        return Err(TO_LISTEN);
    }
    let of_a_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if !host.chars().all(of_a_name) {
        return Err("the host has a character that no name has");
    }
    Ok(host.to_owned())
}

#[cfg(test)]
mod tests {
    use watchkeeper_core::error::StoreErrorKind;
    use watchkeeper_core::id::FleetName;
    use watchkeeper_remote::TlsOptions;

    use super::*;

    fn read(texts: &[&str], tls: bool) -> Result<Vec<String>, StoreError> {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        let mut options = EtcdOptions::new(FleetName::new("test").unwrap(), texts);
        options.tls = tls.then(TlsOptions::default);
        Ok(endpoints(&options)?.iter().map(Endpoint::url).collect())
    }

    #[test]
    fn an_endpoint_is_read_with_and_without_its_scheme() {
        for (text, tls, url) in [
            ("http://etcd-0:2379", false, "http://etcd-0:2379"),
            ("HTTP://etcd-0:2379/", false, "http://etcd-0:2379"),
            ("https://etcd-0.svc:2379", false, "https://etcd-0.svc:2379"),
            ("https://etcd-0:2379", true, "https://etcd-0:2379"),
            ("10.0.0.1:2379", false, "http://10.0.0.1:2379"),
            ("10.0.0.1:2379", true, "https://10.0.0.1:2379"),
            ("[::1]:2379", false, "http://[::1]:2379"),
            ("https://[fd00::1]:2379", true, "https://[fd00::1]:2379"),
        ] {
            assert_eq!(read(&[text], tls).unwrap(), [url], "{text}");
        }
    }

    #[test]
    fn an_endpoint_that_cannot_work_is_refused_without_repeating_it() {
        for (text, tls, words) in [
            ("", false, "port is missing"),
            ("hunter2", false, "port is missing"),
            ("http://hunter2", false, "port is missing"),
            ("http://[::1]", false, "port is missing"),
            ("http://hunter2:", false, "no port"),
            ("http://hunter2:+1", false, "no port"),
            ("http://hunter2:0", false, "no port"),
            ("http://hunter2:99999", false, "no port"),
            ("redis://hunter2:1", false, "neither"),
            ("http://root:hunter2@etcd:2379", false, "username"),
            ("etcd:2379/hunter2", false, "follow"),
            ("etcd:2379?hunter2", false, "follow"),
            ("etcd:2379#hunter2", false, "follow"),
            ("::1:2379", false, "brackets"),
            ("[hunter2]:2379", false, "IPv6"),
            (":2379", false, "host is missing"),
            ("0.0.0.0:2379", false, "listen"),
            ("[::]:2379", false, "listen"),
            ("hunter2 x:2379", false, "character"),
            ("http://hunter2:2379", true, "https://"),
        ] {
            let error = read(&["etcd:1", text], tls).unwrap_err();
            assert_eq!(error.kind, StoreErrorKind::Config, "{text}");
            assert!(error.message.contains(words), "{text}: {error}");
            assert!(error.message.contains("number 2"), "{text}: {error}");
            assert!(!error.message.contains("hunter2"), "{text}: {error}");
        }
        let error = read(&[], false).unwrap_err();
        assert!(error.message.contains("is empty"), "{error}");
        let error = read(&["http://a:1", "https://b:1"], false).unwrap_err();
        assert!(error.message.contains("mixes"), "{error}");
    }
}
