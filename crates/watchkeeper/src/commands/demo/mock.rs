//! Model endpoints that speak as OpenAI's do, on this machine, and count how often they are asked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use watchkeeper_api::{Limits, serve};

use super::models::{Asked, Behaviour, CAST};
use crate::exit::Failure;

/// Requests by model, in the order of [`CAST`].
type Counts = Arc<[AtomicU64; CAST.len()]>;

/// The endpoints of all models, behind one address.
pub(super) struct Endpoints {
    address: SocketAddr,
    counts: Counts,
    close: CancellationToken,
}

impl Endpoints {
    /// Starts them on a free loopback port.
    pub(super) async fn start() -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| {
            Failure::failed(format!("the mock endpoints cannot listen: {error}"))
        })?;
        let address = listener.local_addr().map_err(Failure::failed)?;
        let counts = Counts::default();
        let close = CancellationToken::new();
        // Ends with the process at the latest.
        tokio::spawn(serve(
            listener,
            router(Arc::clone(&counts)),
            close.clone().cancelled_owned(),
            Limits::default(),
        ));
        Ok(Self {
            address,
            counts,
            close,
        })
    }

    /// What goes into `api_base`.
    pub(super) fn base(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// How often each model was asked so far.
    pub(super) fn asked(&self) -> Asked {
        let mut asked = Asked::default();
        for (asked, count) in asked.iter_mut().zip(&*self.counts) {
            *asked = count.load(Ordering::SeqCst);
        }
        asked
    }

    /// No more requests are taken.
    pub(super) fn close(&self) {
        self.close.cancel();
    }
}

fn router(counts: Counts) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/embeddings", post(embed))
        .with_state(counts)
}

async fn chat(State(counts): State<Counts>, Json(body): Json<Value>) -> Response {
    answer(&counts, &body, "chat").await.unwrap_or_else(|model| {
        Json(json!({
            "id": "chatcmpl-demo", "object": "chat.completion", "created": 0, "model": model,
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11},
        }))
        .into_response()
    })
}

async fn embed(State(counts): State<Counts>, Json(body): Json<Value>) -> Response {
    answer(&counts, &body, "embedding")
        .await
        .unwrap_or_else(|model| {
            Json(json!({
                "object": "list", "model": model,
                "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}],
                "usage": {"prompt_tokens": 3, "total_tokens": 3},
            }))
            .into_response()
        })
}

/// Counts the request when it arrives and behaves as the model does. `Err` with its name: answer well.
async fn answer(counts: &Counts, body: &Value, mode: &str) -> Result<Response, &'static str> {
    let name = body.get("model").and_then(Value::as_str).unwrap_or("");
    let found = CAST
        .iter()
        .zip(&**counts)
        .find(|(model, _)| model.name == name);
    let Some((model, count)) = found.filter(|(model, _)| model.mode == mode) else {
        let why = format!("The model `{name}` does not exist");
        return Ok(refuse(StatusCode::NOT_FOUND, &why, "model_not_found"));
    };
    count.fetch_add(1, Ordering::SeqCst);
    match model.behaviour {
        Behaviour::RateLimited => Ok(refuse(
            StatusCode::TOO_MANY_REQUESTS,
            &format!("Rate limit reached for {name}"),
            "rate_limit_exceeded",
        )),
        Behaviour::After(time) => {
            tokio::time::sleep(time).await;
            Err(model.name)
        }
    }
}

fn refuse(status: StatusCode, message: &str, code: &str) -> Response {
    let body = json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": code}});
    (status, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use watchkeeper_core::probe::{Effort, Prober};
    use watchkeeper_core::verdict::Outcome;
    use watchkeeper_probes::{HttpProber, ProberOptions};
    use watchkeeper_runtime::BootClock;

    use super::super::models;
    use super::*;

    #[tokio::test]
    async fn a_real_probe_finds_each_model_as_it_is_meant_to_be_and_is_counted_once() {
        let endpoints = Endpoints::start().await.unwrap();
        let prober = HttpProber::new(ProberOptions::new(Arc::new(BootClock))).unwrap();
        let mut want = Asked::default();
        for (at, check) in models::checks(&endpoints.base())
            .unwrap()
            .iter()
            .enumerate()
        {
            let verdict = prober.probe(check, Effort::Full).await;
            let expected = match CAST[at].behaviour {
                Behaviour::After(_) => Outcome::Healthy,
                Behaviour::RateLimited => Outcome::RateLimited,
            };
            assert_eq!(
                verdict.outcome, expected,
                "{}: {:?}",
                check.name, verdict.error
            );
            want[at] = 1;
            assert_eq!(endpoints.asked(), want);
        }
    }

    #[tokio::test]
    async fn a_model_asked_in_the_wrong_mode_is_not_there_and_not_counted() {
        let counts = Counts::default();
        let body = json!({"model": "embed"});
        let response = answer(&counts, &body, "chat").await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert!(counts.iter().all(|count| count.load(Ordering::SeqCst) == 0));
    }
}
