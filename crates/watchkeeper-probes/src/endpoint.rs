//! URLs that may hold credentials: taken apart where they enter, shown without them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use url::Url;

/// A URL and, apart from it, the user and password that it held.
#[derive(Clone, PartialEq)]
pub(crate) struct Endpoint {
    /// Without user, password and fragment. The query stays and may hold a secret.
    pub(crate) url: Url,
    /// User and password, decoded.
    pub(crate) login: Option<(String, String)>,
}

impl Endpoint {
    /// Parses `text`; `what` names the setting in the error, which never quotes the URL.
    pub(crate) fn parse(what: &str, text: &str) -> Result<Self, String> {
        if ["{{", "${"].iter().any(|open| text.contains(open)) {
            return Err(format!(
                "`{what}` is a template that nothing has filled in; write the address itself, or `os.environ/NAME`"
            ));
        }
        let mut url = Url::parse(text.trim())
            .map_err(|e| format!("`{what}` is not a URL ({e}); write it as `https://host/path`"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("`{what}` must begin with `http://` or `https://`"));
        }
        let login = (!url.username().is_empty() || url.password().is_some()).then(|| {
            let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
            (
                decode(url.username()),
                decode(url.password().unwrap_or_default()),
            )
        });
        // these fail only for URLs without a host, which http and https always have
        let stripped = url.set_username("").and_then(|()| url.set_password(None));
        if stripped.is_err() {
            return Err(format!("`{what}` has no host"));
        }
        url.set_fragment(None);
        Ok(Self { url, login })
    }

    /// The URL with `path` appended: slashes at the join count once, the query stays behind it.
    pub(crate) fn join(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let base = url.path().trim_end_matches('/');
        url.set_path(&format!("{base}{path}"));
        url
    }

    /// The value of `Authorization` for the user and password, if the URL held them.
    pub(crate) fn basic(&self) -> Option<String> {
        let (user, password) = self.login.as_ref()?;
        Some(format!(
            "Basic {}",
            STANDARD.encode(format!("{user}:{password}"))
        ))
    }
}

/// The URL for people: no user, no password, no fragment, and stars for every value in the query but an API version.
pub(crate) fn shown(url: &Url) -> String {
    let mut out = url.clone();
    // fails only where there is nothing to remove
    let _ = out.set_username("");
    let _ = out.set_password(None);
    out.set_fragment(None);
    out.set_query(None);
    let mut text = out.to_string();
    for (i, (name, value)) in url.query_pairs().enumerate() {
        let value = if name == "api-version" {
            value.as_ref()
        } else {
            "***"
        };
        text.push(if i == 0 { '?' } else { '&' });
        text.push_str(&name);
        text.push('=');
        text.push_str(value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joining_follows_the_openai_sdk() {
        for (base, want) in [
            ("https://h/v1", "https://h/v1/chat/completions"),
            ("https://h/v1/", "https://h/v1/chat/completions"),
            ("https://h/v1//", "https://h/v1/chat/completions"),
            ("https://h", "https://h/chat/completions"),
            (" http://h:8000/a/b ", "http://h:8000/a/b/chat/completions"),
            (
                "https://h/v1?api-version=7",
                "https://h/v1/chat/completions?api-version=7",
            ),
            // what was given for a base is not looked at here
            (
                "https://h/chat/completions",
                "https://h/chat/completions/chat/completions",
            ),
        ] {
            let endpoint = Endpoint::parse("api_base", base).unwrap();
            assert_eq!(endpoint.join("/chat/completions").as_str(), want);
        }
    }

    #[test]
    fn a_login_in_a_url_is_taken_out_and_decoded() {
        let endpoint = Endpoint::parse("http", "https://me:p%40ss+w@h/x#frag").unwrap();
        assert_eq!(endpoint.url.as_str(), "https://h/x");
        assert_eq!(endpoint.login, Some(("me".into(), "p@ss+w".into())));
        assert_eq!(endpoint.basic().unwrap(), "Basic bWU6cEBzcyt3");
    }

    #[test]
    fn errors_name_the_setting_and_never_quote_the_url() {
        for bad in [
            "me:hunter22@h",
            "ftp://me:hunter22@h/",
            "https://me:hunter22@",
            "https://me:hunter22@h:99999/",
            "localhost:8000/v1",
            "",
        ] {
            let error = Endpoint::parse("api_base", bad).err().unwrap();
            assert!(error.contains("`api_base`"), "{error}");
            assert!(!error.contains("hunter22"), "{error}");
        }
    }

    #[test]
    fn a_shown_url_has_no_login_and_no_query_value() {
        let url = Url::parse("https://me:hunter22@h/x?token=abc&api-version=7&full#f").unwrap();
        assert_eq!(shown(&url), "https://h/x?token=***&api-version=7&full=***");
    }

    #[test]
    fn a_template_that_nothing_filled_in_is_named_as_one() {
        for text in ["{{ base_url }}", "${BASE_URL}", "https://{{ host }}/v1"] {
            let error = Endpoint::parse("api_base", text).err().unwrap();
            assert!(error.contains("template"), "{text}: {error}");
        }
    }
}
