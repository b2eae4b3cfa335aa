//! OAuth 2.0 token requests (RFC 6749): a form goes out, an access token comes back.

use std::time::Duration;

use reqwest::Method;
use reqwest::Request;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use serde_json::Value;
use url::{Url, form_urlencoded};
use watchkeeper_core::secret::Secret;

use super::fetch::{Fetched, Fetcher, Reply};
use super::refusal::Refusal;

/// How long a token is good for whose answer does not say it.
const UNTOLD_LIFETIME: Duration = Duration::from_secs(300);

/// Longest time that a token is believed to be good for.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Asks for a token. `remedy` says what to do when the request is refused; `secrets` are kept out of the words.
pub(crate) async fn token(
    fetcher: &Fetcher,
    url: Url,
    form: &[(&str, &str)],
    secrets: &[&Secret],
    remedy: &str,
) -> Result<Fetched<Secret>, Refusal> {
    let mut request = Request::new(Method::POST, url);
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    *request.body_mut() = Some(body.into());
    let reply = fetcher.send(request).await?;
    if !reply.is_success() {
        return Err(reply.refusal(secrets, remedy));
    }
    read(&reply)
}

/// Reads `access_token` and `expires_in`.
pub(crate) fn read(reply: &Reply) -> Result<Fetched<Secret>, Refusal> {
    let json = reply.json()?;
    Ok(Fetched {
        value: reply.secret(&json, "access_token")?,
        lifetime: Some(lifetime(json.get("expires_in"))),
    })
}

/// Seconds as a number, or as digits in a text, which some servers write.
fn lifetime(value: Option<&Value>) -> Duration {
    let seconds = match value {
        Some(Value::String(text)) => text.trim().parse::<f64>().ok(),
        Some(value) => value.as_f64(),
        None => None,
    };
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .map_or(UNTOLD_LIFETIME, |lifetime| lifetime.min(MAX_LIFETIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_read_in_every_spelling_and_never_beyond_a_day() {
        for (text, seconds) in [
            ("3599", 3599),
            ("\"3599\"", 3599),
            ("1e99", 300),
            ("99999999", 24 * 3600),
            ("-5", 300),
            ("null", 300),
            ("\"soon\"", 300),
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(lifetime(Some(&value)).as_secs(), seconds, "{text}");
        }
        assert_eq!(lifetime(None), UNTOLD_LIFETIME);
    }
}
