//! A small HTTP client: one connection per request, so that a time measured is the server's and not a pool's.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A daemon answers from memory; one that needs this long hangs.
const LIMIT: Duration = Duration::from_secs(10);

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// From before the connection was made until the last byte had come.
    pub took: Duration,
}

impl Answer {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none; the message shows the answer.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!(
                "the body is not JSON ({error}): {} {}",
                self.status,
                self.text()
            )
        })
    }
}

/// Sends a request without a body; the error is a sentence.
pub async fn request(
    address: SocketAddr,
    method: Method,
    path: &str,
    key: Option<&str>,
) -> Result<Answer, String> {
    exchange(address, method, path, key, Bytes::new()).await
}

/// Posts JSON; the error is a sentence.
pub async fn post(
    address: SocketAddr,
    path: &str,
    key: Option<&str>,
    body: &Value,
) -> Result<Answer, String> {
    exchange(address, Method::POST, path, key, body.to_string().into()).await
}

async fn exchange(
    address: SocketAddr,
    method: Method,
    path: &str,
    key: Option<&str>,
    body: Bytes,
) -> Result<Answer, String> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", address.to_string());
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let request = request
        .body(Full::new(body))
        .map_err(|error| error.to_string())?;
    match tokio::time::timeout(LIMIT, send(address, request)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(format!("{path} at {address}: {error}")),
        Err(_) => Err(format!("{path} at {address}: no answer within {LIMIT:?}")),
    }
}

async fn send(
    address: SocketAddr,
    request: Request<Full<Bytes>>,
) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    let began = Instant::now();
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let exchange = async {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok::<_, hyper::Error>(Answer {
            status: head.status,
            headers: head.headers,
            body,
            took: began.elapsed(),
        })
    };
    tokio::pin!(connection);
    tokio::pin!(exchange);
    tokio::select! {
        answer = &mut exchange => Ok(answer?),
        ended = &mut connection => {
            ended?;
            Ok(exchange.await?)
        }
    }
}

/// The samples of a Prometheus text answer.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Vec<Sample>);

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its name.
    pub name: String,
    /// Its labels, in the order of the text.
    pub labels: Vec<(String, String)>,
    /// Its value.
    pub value: f64,
}

impl Metrics {
    /// Reads the text format; comments are passed over.
    ///
    /// # Panics
    /// On a line that is not a sample.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(
            text.lines()
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
                .map(|line| sample(line).unwrap_or_else(|| panic!("not a metrics line: `{line}`")))
                .collect(),
        )
    }

    /// All samples.
    #[must_use]
    pub fn samples(&self) -> &[Sample] {
        &self.0
    }

    /// The sum over the samples of this name that have all these labels; none if there is no such sample.
    #[must_use]
    pub fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut values = self
            .0
            .iter()
            .filter(|sample| {
                sample.name == name
                    && labels.iter().all(|(key, value)| {
                        sample.labels.iter().any(|(k, v)| k == key && v == value)
                    })
            })
            .map(|sample| sample.value)
            .peekable();
        values.peek()?;
        Some(values.sum())
    }

    /// The same, zero if there is none: counters appear with their first event.
    #[must_use]
    pub fn count(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.get(name, labels).unwrap_or(0.0)
    }
}

/// `name{a="b",c="d"} 1.5`; label values may hold `\"`, `\\` and `\n`.
fn sample(line: &str) -> Option<Sample> {
    let name_end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(name_end);
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (key, after) = rest.split_once("=\"")?;
            let mut value = String::new();
            let mut letters = after.char_indices();
            let end = loop {
                match letters.next()? {
                    (at, '"') => break at + 1,
                    (_, '\\') => value.push(match letters.next()?.1 {
                        'n' => '\n',
                        other => other,
                    }),
                    (_, other) => value.push(other),
                }
            };
            labels.push((key.trim_start_matches(',').to_owned(), value));
            rest = after.get(end..)?;
        }
        rest = rest.strip_prefix('}')?;
    }
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_read_with_labels_that_hold_quotes_braces_and_commas() {
        let metrics = Metrics::parse(
            "# TYPE a counter\na_total{x=\"1\",y=\"q\\\"},{\"} 2\na_total{x=\"1\",y=\"z\"} 3.5\nb 7\n# EOF\n",
        );
        assert_eq!(metrics.get("a_total", &[("x", "1")]), Some(5.5));
        assert_eq!(metrics.get("a_total", &[("y", "q\"},{")]), Some(2.0));
        assert_eq!(metrics.get("b", &[]), Some(7.0));
        assert_eq!(metrics.get("c", &[]), None);
    }
}
