//! Sends one request and reads its answer, bounded in time and size.

use reqwest::header::{CONTENT_LENGTH, HeaderMap};
use tokio::time::{Instant, timeout_at};

use crate::answer::{Answer, End, is_event_stream};
use crate::classify::Finding;
use crate::failure;
use crate::request::ProbeRequest;

/// Most of an answer that is read. 16 tokens or one embedding take a few hundred KiB at the very most.
pub(crate) const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Most of a refusal that is read: its text is cut to a few hundred bytes anyway.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;

/// Which answers have to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// The body decides.
    Body,
    /// Below 400 the status decides and the body, which may never end, is left alone.
    Status,
}

/// One request, one answer, no retry. Dropping the future closes the connection.
pub(crate) async fn send(
    client: &reqwest::Client,
    request: ProbeRequest,
    deadline: Instant,
    want: Want,
) -> Result<Answer, Finding> {
    let tls = request.url.scheme() == "https";
    let mut builder = client
        .request(request.method, request.url)
        .headers(request.headers);
    if let Some(body) = request.body {
        builder = builder.body(body);
    }
    let response = match timeout_at(deadline, builder.send()).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(failure::of(&error, tls)),
        Err(_) => return Err(Finding::timeout()),
    };
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let (body, end) = match limit(status, &headers, want) {
        0 => (Vec::new(), End::Unread),
        limit => read(response, limit, deadline).await,
    };
    Ok(Answer {
        status,
        headers,
        body,
        end,
    })
}

fn limit(status: u16, headers: &HeaderMap, want: Want) -> usize {
    match status {
        200..300 if want == Want::Body && !is_event_stream(headers) => MAX_ANSWER_BYTES,
        // a redirect says nothing that is needed
        0..400 => 0,
        _ => MAX_REFUSAL_BYTES,
    }
}

async fn read(mut response: reqwest::Response, limit: usize, deadline: Instant) -> (Vec<u8>, End) {
    let announced = response
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > limit as u64) {
        return (Vec::new(), End::TooLong);
    }
    let mut body = Vec::new();
    loop {
        match timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                let room = limit.saturating_sub(body.len());
                body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
                if chunk.len() > room {
                    return (body, End::TooLong);
                }
            }
            Ok(Ok(None)) => return (body, End::Whole),
            Ok(Err(error)) => return (body, End::Broken(failure::body(&error))),
            Err(_) => return (body, End::Late),
        }
    }
}
