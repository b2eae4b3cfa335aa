//! One connection, within its limits.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tower::ServiceExt;

use super::Limits;
use super::activity::Activity;
use super::io::PatientStream;
use super::patience::Patience;
use crate::reply::{self, Problem};
use crate::v1::{self, Stopping};

/// Answers what comes on `stream` until the client leaves, a limit is passed, or `stopped` turns true and the request
/// under way is answered.
pub(super) async fn run(
    stream: TcpStream,
    router: Router,
    limits: Limits,
    mut stopped: watch::Receiver<bool>,
) {
    // Answers are written whole, so waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let activity = Arc::new(Activity::default());
    let io = PatientStream::new(stream, limits.unread, Arc::clone(&activity));
    let stop = stopped.clone();
    let service = service_fn(|request| answer(router.clone(), request, &limits, &activity, &stop));
    // hyper itself takes at most 100 headers.
    let connection = http1::Builder::new()
        .max_buf_size(limits.head_bytes)
        .serve_connection(TokioIo::new(io), service);
    let mut connection = std::pin::pin!(connection);
    let mut stopping = false;
    let mut look = interval_at(Instant::now() + limits.idle, limits.idle);
    // After a pause of the whole process one late look must not be two.
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                // A client that went away or sent what is no HTTP: its own business.
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
                return;
            }
            _ = stopped.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            _ = look.tick() => {
                if !activity.take() {
                    tracing::debug!("a connection without a request was closed");
                    return;
                }
            }
        }
    }
}

async fn answer(
    router: Router,
    request: Request<Incoming>,
    limits: &Limits,
    activity: &Arc<Activity>,
    stop: &watch::Receiver<bool>,
) -> Result<Response, Infallible> {
    let _open = activity.request();
    let limit = limits.body_bytes;
    if request.body().size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        let message = format!("the request's body is larger than {limit} bytes");
        return Ok(reply::problem(
            StatusCode::PAYLOAD_TOO_LARGE,
            &Problem {
                message: &message,
                kind: "invalid_request_error",
                param: None,
            },
        ));
    }
    let mut request = request;
    let streams = request.uri().path() == v1::EVENTS;
    if streams {
        // The only answer that would not end by itself.
        request.extensions_mut().insert(Stopping(stop.clone()));
    }
    let request = request.map(|body| {
        if body.is_end_stream() {
            Body::empty()
        } else {
            Body::new(Limited::new(body, limit))
        }
    });
    let (request, patience) = with_patience(request);
    let mut answer = std::pin::pin!(router.oneshot(request));
    // Nearly every answer is there at once and needs no timer.
    let first = poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx))).await;
    if let Poll::Ready(response) = first {
        return if streams {
            response.map(|response| going_on(response, activity))
        } else {
            response
        };
    }
    if let Ok(response) = timeout(limits.request, answer.as_mut()).await {
        return response;
    }
    if let Some(more) = patience.and_then(|patience| patience.granted())
        && let Ok(response) = timeout(more, answer).await
    {
        return response;
    }
    let message = format!("no answer within {} s", limits.request.as_secs_f64());
    Ok(reply::problem(
        StatusCode::SERVICE_UNAVAILABLE,
        &Problem {
            message: &message,
            kind: "timeout_error",
            param: None,
        },
    ))
}

/// Lets the request's handler ask for more time, if it is one that does something.
fn with_patience(mut request: Request<Body>) -> (Request<Body>, Option<Patience>) {
    let patience = (request.method() == Method::POST).then(Patience::default);
    if let Some(patience) = &patience {
        request.extensions_mut().insert(patience.clone());
    }
    (request, patience)
}

/// The answer, counted as an open request until its body ends: a stream is used also while nothing happens.
fn going_on(response: Response, activity: &Arc<Activity>) -> Response {
    let open = activity.stream();
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _ = &open;
            frame
        }))
    })
}
