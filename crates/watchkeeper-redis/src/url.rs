//! Options in the form of a URL.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use redis::{ConnectionAddr, IntoConnectionInfo};
use watchkeeper_core::error::StoreError;
use watchkeeper_core::id::FleetName;
use watchkeeper_core::secret::Secret;
use watchkeeper_remote::{TlsOptions, config};

use crate::options::{RedisOptions, Topology};

impl RedisOptions {
    /// From `redis://[user[:password]@]host[:port][/db]`, `rediss://` for TLS, or
    /// `unix://[user[:password]@]/path/to/socket[?db=N][&username=…][&password=…]`. Each may begin with `valkey` in
    /// place of `redis`, the last with `redis+unix` as well. Reserved characters in user and password are
    /// percent-encoded.
    ///
    /// # Errors
    /// Of kind `Config`, never with the URL's text, since that may hold a password.
    pub fn from_url(fleet: FleetName, url: &str) -> Result<Self, StoreError> {
        let (tls, rest) = match url.split_once("://") {
            Some(("redis" | "valkey", rest)) => (false, rest),
            Some(("rediss" | "valkeys", rest)) => (true, rest),
            Some(("unix" | "redis+unix" | "valkey+unix", rest)) => return socket(fleet, rest),
            _ => {
                return Err(unusable(
                    "it begins with none of `redis://`, `rediss://` and `unix://`",
                ));
            }
        };
        if rest.contains(['?', '#']) {
            return Err(unusable(
                "nothing may follow after `?` or `#`: give such options as keys of their own, and percent-encode these characters in a password",
            ));
        }
        // The driver's own reading of the rest; without its TLS, which is done here.
        let plain = format!("redis://{rest}");
        let info = plain.as_str().into_connection_info();
        let info = info.map_err(|error| {
            // Of the driver's words only those that are constant: a detail may repeat the url.
            unusable(match error.to_string() {
                text if text.contains("database") => "the part after the last `/` is no database number",
                text if text.contains("wildcard") => "`0.0.0.0` and `::` are addresses to listen on, not to connect to",
                text if text.contains("hostname") => "the host is missing",
                text if text.contains("UTF-8") => "user and password have to be UTF-8",
                _ => "expected `redis://[user[:password]@]host[:port][/db]`, with reserved characters in user and password percent-encoded",
            })
        })?;
        let ConnectionAddr::Tcp(host, port) = info.addr() else {
            return Err(unusable("the host is missing"));
        };
        let settings = info.redis_settings();
        let filled = |text: &&str| !text.is_empty();
        Ok(Self {
            db: u32::try_from(settings.db())
                .map_err(|_| unusable("a database number is not negative"))?,
            username: settings.username().filter(filled).map(str::to_owned),
            password: settings.password().filter(filled).map(Secret::new),
            tls: tls.then(TlsOptions::default),
            ..Self::new(fleet, host, *port)
        })
    }
}

/// What follows after `unix://`.
fn socket(fleet: FleetName, rest: &str) -> Result<RedisOptions, StoreError> {
    let expected = "expected `unix://[user[:password]@]/path/to/socket[?db=N]`, with reserved characters in user and password percent-encoded";
    if rest.contains('#') {
        return Err(unusable(
            "nothing may follow after `#`: percent-encode it in a password or path",
        ));
    }
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    // A path begins with a slash, which stands in no encoded user or password.
    let begin = place.find('/').ok_or_else(|| unusable(expected))?;
    let (who, path) = place.split_at(begin);
    let path = PathBuf::from(decoded(path)?);
    let mut options = RedisOptions::new(fleet, "", 0);
    options.topology = Topology::Unix { path };
    if !who.is_empty() {
        let who = who.strip_suffix('@').ok_or_else(|| unusable(expected))?;
        let (user, password) = who.split_once(':').unwrap_or((who, ""));
        options.username = Some(decoded(user)?).filter(|text| !text.is_empty());
        options.password = secret(decoded(password)?);
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value)?;
        match key {
            "db" => {
                let db = value.parse();
                options.db = db.map_err(|_| unusable("`db` is no database number"))?;
            }
            "username" | "user" => options.username = Some(value).filter(|text| !text.is_empty()),
            "password" | "pass" => options.password = secret(value),
            // The key is not repeated: it may be a piece of a password.
            _ => {
                return Err(unusable(
                    "after `?` it may have `db`, `username` and `password` only",
                ));
            }
        }
    }
    Ok(options)
}

fn secret(text: String) -> Option<Secret> {
    (!text.is_empty()).then(|| Secret::new(text))
}

fn decoded(text: &str) -> Result<String, StoreError> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| unusable("user, password and path have to be UTF-8"))?;
    Ok(decoded.into_owned())
}

fn unusable(why: &str) -> StoreError {
    config(format!("the redis url is not usable: {why}"))
}

#[cfg(test)]
mod tests {
    use watchkeeper_core::error::StoreErrorKind;

    use super::*;

    fn fleet() -> FleetName {
        FleetName::new("test").unwrap()
    }

    fn parse(url: &str) -> RedisOptions {
        RedisOptions::from_url(fleet(), url).unwrap()
    }

    #[test]
    fn a_url_says_where_and_who() {
        let options = parse("rediss://app:p%40ss%2Fw@redis.example:6380/3");
        assert_eq!(options.address(), "redis.example:6380");
        assert_eq!(options.db, 3);
        assert_eq!(options.username.as_deref(), Some("app"));
        assert_eq!(options.password, Some(Secret::new("p@ss/w")));
        assert!(options.tls.is_some());
        let options = parse("redis://:pw@[::1]");
        assert_eq!(options.address(), "[::1]:6379");
        assert_eq!((options.db, options.username), (0, None));
        assert_eq!(options.password, Some(Secret::new("pw")));
        assert!(options.tls.is_none());
        assert_eq!(parse("redis://:@h").password, None);
    }

    #[test]
    fn a_bad_url_is_refused_without_repeating_it() {
        for url in [
            "",
            "hunter2",
            "http://hunter2@host",
            "redis://",
            "redis://:hunter2@host/db",
            "redis://:hunter2@host/-1",
            "redis://:hunter2@host:99999",
            "redis://:hunter2@0.0.0.0",
            "redis://:hunter2#@host",
            "redis://:hunter2@host?db=1",
            "redis://:hunt/er2@host",
            "unix://",
            "unix://hunter2",
            "unix://:hunter2@",
            "unix://:hunter2/path",
            "unix://:hunter2@/path?database=hunter2",
            "unix://:hunter2@/path?db=hunter2",
            "unix://:hunter2@/path?db=-1",
            "unix://:hunter2@/path#db",
            "unix://:%ffhunter2@/path",
        ] {
            let error = RedisOptions::from_url(fleet(), url).unwrap_err();
            assert_eq!(error.kind, StoreErrorKind::Config, "{url}");
            assert!(!error.message.contains("hunt"), "{url}: {error}");
            assert!(error.message.contains("url"), "{url}: {error}");
        }
    }

    #[test]
    fn a_socket_is_named_by_its_path() {
        let whole = "unix://app:p%40ss%2Fw@/run/my%20redis.sock?db=3";
        let by_query = "unix:///run/my%20redis.sock?db=3&username=app&password=p%40ss%2Fw";
        for url in [
            whole.to_owned(),
            by_query.to_owned(),
            whole.replacen("unix", "redis+unix", 1),
            whole.replacen("unix", "valkey+unix", 1),
        ] {
            let options = parse(&url);
            let path = PathBuf::from("/run/my redis.sock");
            assert_eq!(options.topology, Topology::Unix { path }, "{url}");
            assert_eq!(options.address(), "/run/my redis.sock");
            assert_eq!(options.db, 3);
            assert_eq!(options.username.as_deref(), Some("app"));
            assert_eq!(options.password, Some(Secret::new("p@ss/w")));
            assert!(options.tls.is_none());
        }
        let plain = parse("unix:///run/redis.sock");
        assert_eq!((plain.db, plain.username, plain.password), (0, None, None));
        assert_eq!(parse("unix://:pw@/s").password, Some(Secret::new("pw")));
        assert_eq!(parse("unix://app@/s").username.as_deref(), Some("app"));
    }
}
