//! Sends one request and reads its answer, bounded in time and size.

use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use tokio::time::{Instant, timeout_at};
use watchkeeper_core::time::Clock;

use crate::answer::{Answer, End, is_event_stream};
use crate::classify::Finding;
use crate::failure;
use crate::parcel::{Left, Parcel};
use crate::promise::Promise;
use crate::request::ProbeRequest;

/// Most of an answer that is read. 16 tokens or one embedding take a few hundred KiB at the very most.
pub(crate) const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Most of an answer that is read where it holds a picture or sound as text.
pub(crate) const MAX_MEDIA_BYTES: usize = 16 * 1024 * 1024;

/// Most of a refusal that is read: its text is cut to a few hundred bytes anyway.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;

/// Which answers have to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// The body decides.
    Body,
    /// Below 400 the status decides and the body, which may never end, is left alone.
    Status,
}

impl Want {
    fn of(promise: &Promise) -> Self {
        match promise {
            Promise::Json(_) | Promise::Models(_) | Promise::Media => Self::Body,
            Promise::Success
            | Promise::Below400
            | Promise::Reachable
            | Promise::Handshake { .. } => Self::Status,
        }
    }
}

/// One request, one answer, no retry. Dropping the future closes the connection.
pub(crate) async fn send(
    client: &reqwest::Client,
    request: ProbeRequest,
    deadline: Instant,
    clock: &dyn Clock,
) -> Result<Answer, Finding> {
    let started = clock.now();
    let want = Want::of(&request.promise);
    let most = request.most_answer;
    let tls = request.url.scheme() == "https";
    // put together by hand: the client's builder would copy header by header
    let mut outgoing = reqwest::Request::new(request.method, request.url);
    *outgoing.headers_mut() = request.headers;
    let mut left = Left::default();
    if let Some(body) = request.body {
        let (parcel, is_left) = Parcel::new(body);
        *outgoing.body_mut() = Some(reqwest::Body::wrap(parcel));
        left = is_left;
    }
    let mut response = match timeout_at(deadline, client.execute(outgoing)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(failure::of(&error, tls, left.get())),
        Err(_) => {
            return Err(Finding {
                may_bill: left.get(),
                ..Finding::timeout()
            });
        }
    };
    let headers_after = clock.now().since(started);
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    let (body, end) = match limit(status, &headers, want, most) {
        0 => (Vec::new(), End::Unread),
        limit => read(response, announced(&headers), limit, deadline).await,
    };
    Ok(Answer {
        status,
        headers,
        body,
        end,
        headers_after,
    })
}

fn limit(status: u16, headers: &HeaderMap, want: Want, most: usize) -> usize {
    match status {
        200..300 if want == Want::Body && !is_event_stream(headers) => most,
        // a redirect says nothing that is needed
        0..400 => 0,
        _ => MAX_REFUSAL_BYTES,
    }
}

/// The body's length, where the headers say it.
fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn read(
    mut response: reqwest::Response,
    announced: Option<u64>,
    limit: usize,
    deadline: Instant,
) -> (Vec<u8>, End) {
    if announced.is_some_and(|bytes| bytes > limit as u64) {
        return (Vec::new(), End::TooLong(limit));
    }
    let mut body = Vec::new();
    loop {
        match timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                let room = limit.saturating_sub(body.len());
                body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
                if chunk.len() > room {
                    return (body, End::TooLong(limit));
                }
            }
            Ok(Ok(None)) => return (body, End::Whole),
            Ok(Err(error)) => return (body, End::Broken(failure::body(&error))),
            Err(_) => return (body, End::Late),
        }
    }
}
