//! What came back.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;

/// How the reading of a body ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// All of it was read.
    Whole,
    /// Nothing was read: the headers say enough.
    Unread,
    /// Longer than these bytes, the most that is read; what was read is its beginning.
    TooLong(usize),
    /// The connection broke; why, in words.
    Broken(String),
    /// The check's time was over.
    Late,
}

/// An upstream's answer, as far as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
    /// From the start of the request to the headers.
    pub(crate) headers_after: Duration,
}

impl Answer {
    /// Whether the status is 2xx.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON, if it is that.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as text; bytes that are no UTF-8 become replacement characters.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether it is a stream of server-sent events.
    pub(crate) fn is_event_stream(&self) -> bool {
        is_event_stream(&self.headers)
            || [&b"data:"[..], b"event:"]
                .iter()
                .any(|start| self.body.trim_ascii_start().starts_with(start))
    }

    /// Whether the headers announce JSON.
    pub(crate) fn is_json(&self) -> bool {
        is_content_type(&self.headers, "application/json")
    }

    /// Whether it looks like a page for people.
    pub(crate) fn is_html(&self) -> bool {
        is_content_type(&self.headers, "text/html")
            || self.body.trim_ascii_start().starts_with(b"<")
    }
}

/// Whether the headers announce server-sent events, which may never end.
pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    is_content_type(headers, "text/event-stream")
}

/// Whether the content type is `media`, with whatever parameters; its case does not matter.
fn is_content_type(headers: &HeaderMap, media: &str) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.as_bytes().trim_ascii_start().get(..media.len()))
        .is_some_and(|start| start.eq_ignore_ascii_case(media.as_bytes()))
}
