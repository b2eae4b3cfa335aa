//! An address that is a URL.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use url::{Url, form_urlencoded};
use watchkeeper_core::secret::Secret;

use super::super::Resolver;
use super::{Access, MAX_DB, TLS, settings};
use crate::config::{RedisAddress, RedisSettings};
use crate::error::ConfigError;
use crate::layers::Rank;
use crate::lenient::Opaque;
use crate::raw;

const KEY: &str = "backend.redis.url";
/// Never with the URL itself: it may hold a password.
const BAD: &str = "must be like `redis://user:password@host:6379/0`, begin with `rediss://` for TLS, or be \
                   `unix:///path/to/socket`; reserved characters in user and password are percent-encoded";

const OPTIONS: &str = "may have nothing behind `?` or `#`: what TLS needs goes into `backend.redis.tls`, the database \
                       behind the last `/`, and these characters are percent-encoded in a password";

/// A `unix://` URL, taken apart.
struct Socket {
    path: PathBuf,
    db: Option<u32>,
    username: Option<String>,
    password: Option<String>,
}

impl Resolver<'_> {
    pub(super) fn by_url(
        &mut self,
        raw: &raw::Redis,
        text: &str,
        rank: Rank,
    ) -> Result<RedisSettings, ConfigError> {
        let ours = rank.max(Rank::Toml);
        for (name, given) in [
            ("port", raw.port.is_some()),
            ("db", raw.db.is_some()),
            ("ssl", raw.ssl.is_some()),
        ] {
            let name = format!("backend.redis.{name}");
            if given && self.layers.rank(&name) >= ours {
                return Err(self.invalid(
                    &name,
                    "stands beside `url`, which says it too: put it into the url, or give `host` in place of `url`",
                ));
            }
        }
        // User and password may stand beside the url, since a secret is best kept apart.
        let user = self.beside("backend.redis.username", raw.username.as_ref(), ours)?;
        let password = self.beside("backend.redis.password", raw.password.as_ref(), ours)?;
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| self.invalid(KEY, BAD))?;
        if matches!(scheme, "unix" | "redis+unix" | "valkey+unix") {
            let files = self.tls(TLS, &raw.tls)?;
            self.warn_of_unused_tls(&files, "name a server in place of the socket");
            return self.by_socket(rest, user, password);
        }
        let url = Url::parse(text).map_err(|_| self.invalid(KEY, BAD))?;
        let tls = match url.scheme() {
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            _ => return Err(self.invalid(KEY, BAD)),
        };
        if !url.has_host() || !is_database(url.path()) {
            return Err(self.invalid(KEY, BAD));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(self.invalid(KEY, OPTIONS));
        }
        self.said_once("username", user.is_some() && !url.username().is_empty())?;
        self.said_once("password", password.is_some() && url.password().is_some())?;
        // LiteLLM drops all that stands beside its url but the user, who is of use beside a password only.
        let theirs = rank <= Rank::Litellm && url.username().is_empty() && url.password().is_some();
        let user = if theirs {
            self.told("username", raw.username.as_ref(), "REDIS_USERNAME")?
        } else {
            user
        };
        let files = self.tls(TLS, &raw.tls)?;
        let files = self.in_pairs(TLS, files)?;
        if !tls {
            self.warn_of_unused_tls(&files, "write `rediss://` in `backend.redis.url`");
        }
        let access = Access {
            db: 0,
            username: user,
            password: password.map(Secret::new),
            ssl: tls,
            tls: files,
        };
        Ok(settings(RedisAddress::Url(Secret::new(text)), access))
    }

    fn by_socket(
        &mut self,
        rest: &str,
        user: Option<String>,
        password: Option<String>,
    ) -> Result<RedisSettings, ConfigError> {
        let socket = socket(rest).ok_or_else(|| {
            self.invalid(
                KEY,
                "must be like `unix:///path/to/socket` or `unix://user:password@/path/to/socket?db=0`; reserved characters \
                 are percent-encoded",
            )
        })?;
        self.said_once("username", user.is_some() && socket.username.is_some())?;
        self.said_once("password", password.is_some() && socket.password.is_some())?;
        let access = Access {
            db: socket.db.unwrap_or(0),
            username: user.or(socket.username),
            password: password.or(socket.password).map(Secret::new),
            ssl: false,
            tls: Default::default(),
        };
        Ok(settings(RedisAddress::Unix(socket.path), access))
    }

    fn said_once(&self, name: &str, twice: bool) -> Result<(), ConfigError> {
        if !twice {
            return Ok(());
        }
        Err(self.invalid(
            &format!("backend.redis.{name}"),
            "stands in the url too: leave one of them out",
        ))
    }

    /// A value that one of our own sources puts beside a URL.
    fn beside(
        &self,
        key: &str,
        raw: Option<&Opaque>,
        url: Rank,
    ) -> Result<Option<String>, ConfigError> {
        let text = match raw {
            Some(value) if self.layers.rank(key) >= url => Some(self.text(key, &value.0)?),
            _ => None,
        };
        Ok(text.filter(|text| !text.is_empty()))
    }
}

/// Whether a URL's path names a database, or nothing.
fn is_database(path: &str) -> bool {
    let name = path.trim_matches('/');
    let number = || name.parse().is_ok_and(|db: u64| db <= MAX_DB);
    name.is_empty() || number()
}

/// What stands behind `unix://`: `[user[:password]@]/path[?db=N&username=…&password=…]`.
fn socket(rest: &str) -> Option<Socket> {
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let at = place.find('/')?;
    let (user, path) = place.split_at(at);
    if path.len() < 2 || path.contains('#') {
        return None;
    }
    let mut socket = Socket {
        path: PathBuf::from(decoded(path)?),
        db: None,
        username: None,
        password: None,
    };
    if !user.is_empty() {
        let user = user.strip_suffix('@')?;
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        socket.username = Some(decoded(name)?).filter(|name| !name.is_empty());
        socket.password = Some(decoded(password)?).filter(|text| !text.is_empty());
    }
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "db" => socket.db = Some(value.parse().ok().filter(|db| u64::from(*db) <= MAX_DB)?),
            "username" | "user" => socket.username = Some(value.into_owned()),
            "password" | "pass" => socket.password = Some(value.into_owned()),
            _ => return None,
        }
    }
    Some(socket)
}

/// Percent-decoded; none where that is no UTF-8.
fn decoded(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    Some(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_has_a_path_and_maybe_a_user_and_a_database() {
        for (rest, path, db, user, password) in [
            ("/run/redis.sock", "/run/redis.sock", None, None, None),
            ("/a+b%20c.sock?db=3", "/a+b c.sock", Some(3), None, None),
            ("u:p%40s@/r.sock", "/r.sock", None, Some("u"), Some("p@s")),
            (":p@/r.sock", "/r.sock", None, None, Some("p")),
            (
                "/r.sock?db=0&username=u&password=p%26q",
                "/r.sock",
                Some(0),
                Some("u"),
                Some("p&q"),
            ),
        ] {
            let socket = socket(rest).unwrap();
            assert_eq!(socket.path, PathBuf::from(path), "{rest}");
            assert_eq!(socket.db, db, "{rest}");
            assert_eq!(socket.username.as_deref(), user, "{rest}");
            assert_eq!(socket.password.as_deref(), password, "{rest}");
        }
        for rest in [
            "",
            "/",
            "host/r.sock",
            "u:p@host/r.sock",
            "/r.sock?db=x",
            "/r.sock?ssl=1",
            "/%ff",
        ] {
            assert!(socket(rest).is_none(), "{rest}");
        }
    }
}
