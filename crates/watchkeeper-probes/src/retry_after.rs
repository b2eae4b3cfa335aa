//! How long an upstream asks to be left alone.

use std::time::{Duration, UNIX_EPOCH};

use reqwest::header::{HeaderMap, RETRY_AFTER};
use watchkeeper_core::time::UnixMillis;
use watchkeeper_core::verdict::MAX_RETRY_AFTER;

/// OpenAI's and Azure's header, in milliseconds; finer than the standard's, so it goes first.
const MILLISECONDS: &str = "retry-after-ms";

/// The wish in an answer of this status that came at `now`, at most [`MAX_RETRY_AFTER`]. `None` where none is made: by
/// another status than 429, 503 and 529, in the past, or in no form that is known.
pub(crate) fn of(status: u16, headers: &HeaderMap, now: UnixMillis) -> Option<Duration> {
    if !matches!(status, 429 | 503 | 529) {
        return None;
    }
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    let wish = text(MILLISECONDS)
        .and_then(|text| number(text, 1e-3))
        .or_else(|| {
            let text = text(RETRY_AFTER.as_str())?;
            number(text, 1.0).or_else(|| until(text, now))
        })?;
    (!wish.is_zero()).then(|| wish.min(MAX_RETRY_AFTER))
}

/// So many units of `seconds` each; some servers send fractions.
fn number(text: &str, seconds: f64) -> Option<Duration> {
    let digits = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let wish = text.parse::<f64>().ok().filter(|_| digits)? * seconds;
    Some(Duration::try_from_secs_f64(wish).unwrap_or(Duration::MAX))
}

/// What is left until an HTTP date.
fn until(text: &str, now: UnixMillis) -> Option<Duration> {
    let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(now.0).ok()?);
    httpdate::parse_http_date(text)
        .ok()?
        .duration_since(now)
        .ok()
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    /// Sun, 06 Nov 1994 08:49:37 GMT.
    const NOW: UnixMillis = UnixMillis(784_111_777_000);

    #[test]
    fn every_form_of_the_wish_is_read_and_none_lasts_longer_than_an_hour() {
        let hour = Some(Duration::from_secs(3600));
        for (headers, want) in [
            (&[("retry-after", "20")][..], Some(Duration::from_secs(20))),
            (
                &[("retry-after", " 1.5 ")],
                Some(Duration::from_millis(1500)),
            ),
            (
                &[("retry-after-ms", "250")],
                Some(Duration::from_millis(250)),
            ),
            (
                &[("retry-after", "20"), ("retry-after-ms", "19001")],
                Some(Duration::from_millis(19_001)),
            ),
            (
                &[("retry-after", "20"), ("retry-after-ms", "soon")],
                Some(Duration::from_secs(20)),
            ),
            (
                &[("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")],
                Some(Duration::from_secs(60)),
            ),
            (
                &[("retry-after", "Sunday, 06-Nov-94 08:49:47 GMT")],
                Some(Duration::from_secs(10)),
            ),
            (&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], None),
            (&[("retry-after", "Sat, 05 Nov 1994 08:49:37 GMT")], None),
            (&[("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")], hour),
            (&[("retry-after", "86400")], hour),
            (&[("retry-after", "99999999999999999999999999")], hour),
            (&[("retry-after", "0")], None),
            (&[("retry-after", "-5")], None),
            (&[("retry-after", "inf")], None),
            (&[("retry-after", "NaN")], None),
            (&[("retry-after", "1e9")], None),
            (&[("retry-after", "")], None),
            (&[("retry-after", "tomorrow")], None),
            (&[], None),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                );
            }
            for status in [429, 503, 529] {
                assert_eq!(of(status, &map, NOW), want, "{status} {headers:?}");
            }
            for status in [200, 301, 400, 401, 500, 502] {
                assert_eq!(of(status, &map, NOW), None, "{status} {headers:?}");
            }
        }
    }
}
