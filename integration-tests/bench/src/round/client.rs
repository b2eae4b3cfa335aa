//! What the HTTP client costs by itself: reqwest, set up as the prober's, in a loop that makes the same requests. Shown
//! to tell what the pod adds from what its client needs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, Request, Url};
use tokio::task::JoinSet;

use crate::Error;
use crate::round::pod::{KEY, body};

/// Makes the requests with a client of its own and reads the answers.
pub(crate) async fn round(
    requests: usize,
    concurrency: usize,
    address: SocketAddr,
) -> Result<(), Error> {
    let client = Client::builder()
        .user_agent("watchkeeper/0.1.0")
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .pool_max_idle_per_host(concurrency)
        .pool_idle_timeout(Duration::from_secs(1))
        .build()?;
    let url = Url::parse(&format!("http://{address}/v1/chat/completions"))?;
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(
        AUTHORIZATION,
        HeaderValue::from_str(&format!("Bearer {KEY}"))?,
    );
    let next = Arc::new(AtomicUsize::new(0));
    let mut places = JoinSet::new();
    for _ in 0..concurrency.min(requests) {
        places.spawn(place(
            client.clone(),
            url.clone(),
            headers.clone(),
            Arc::clone(&next),
            requests,
        ));
    }
    while let Some(done) = places.join_next().await {
        done??;
    }
    Ok(())
}

async fn place(
    client: Client,
    url: Url,
    headers: HeaderMap,
    next: Arc<AtomicUsize>,
    requests: usize,
) -> Result<(), Error> {
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        if at >= requests {
            return Ok(());
        }
        let mut request = Request::new(Method::POST, url.clone());
        *request.headers_mut() = headers.clone();
        *request.body_mut() = Some(body(at).into());
        let answer = client.execute(request).await?.error_for_status()?;
        answer.bytes().await?;
    }
}
