//! What the mock reads of a request, and what it answers: as OpenAI does, and at their own paths as Anthropic and
//! Ollama do.

use bytes::Bytes;
use serde_json::{Value, json};

/// The `Content-Type` of nearly all answers.
pub(super) const JSON: &str = "application/json";

/// A status, a `Content-Type` and a body.
type Answer = (u16, &'static str, Bytes);

/// The body's fields; of a form only the model.
pub(super) fn fields(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| {
        let text = String::from_utf8_lossy(body);
        let model = text
            .split_once("name=\"model\"")
            .and_then(|(_, rest)| rest.split_once("\r\n\r\n"))
            .and_then(|(_, rest)| rest.split_once("\r\n"));
        model.map_or(Value::Null, |(model, _)| json!({ "model": model }))
    })
}

/// A well-formed answer to what is asked at this path; 404 where nothing is.
pub(super) fn good(path: &str, model: &str) -> Answer {
    let created = 1_700_000_000;
    let body = if path.ends_with("/chat/completions") {
        json!({
            "id": "chatcmpl-mock", "object": "chat.completion", "created": created, "model": model,
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "2"}}],
            "usage": {"prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 13}
        })
    } else if path.ends_with("/completions") {
        json!({
            "id": "cmpl-mock", "object": "text_completion", "created": created, "model": model,
            "choices": [{"index": 0, "finish_reason": "stop", "logprobs": null, "text": "2"}],
            "usage": {"prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 13}
        })
    } else if path.ends_with("/responses") {
        json!({
            "id": "resp_mock", "object": "response", "created_at": created, "model": model, "status": "completed",
            "error": null, "incomplete_details": null, "instructions": null, "metadata": {},
            "output": [{
                "type": "message", "id": "msg_mock", "status": "completed", "role": "assistant",
                "content": [{"type": "output_text", "text": "2", "annotations": []}]
            }],
            "parallel_tool_calls": true, "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0,
            "usage": {
                "input_tokens": 12, "output_tokens": 1, "total_tokens": 13,
                "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}
            }
        })
    } else if path.ends_with("/messages") {
        json!({
            "id": "msg_mock", "type": "message", "role": "assistant", "model": model,
            "content": [{"type": "text", "text": "2"}], "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": 12, "output_tokens": 1}
        })
    } else if path.ends_with("/embeddings") {
        json!({
            "object": "list", "model": model,
            "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2, 0.3]}],
            "usage": {"prompt_tokens": 1, "total_tokens": 1}
        })
    } else if path.ends_with("/moderations") {
        json!({
            "id": "modr-mock", "model": model,
            "results": [{"flagged": false, "categories": {"violence": false}, "category_scores": {"violence": 0.0}}]
        })
    } else if path.ends_with("/images/generations") {
        json!({"created": created, "data": [{"b64_json": "iVBORw0KGgo="}]})
    } else if path.ends_with("/audio/speech") {
        return (200, "audio/mpeg", Bytes::from_static(b"ID3 and so on"));
    } else if path.ends_with("/audio/transcriptions") {
        json!({"text": "two"})
    } else if path.ends_with("/api/generate") {
        json!({
            "model": model, "response": "2", "done": true, "done_reason": "length", "prompt_eval_count": 12,
            "eval_count": 1
        })
    } else if path.ends_with("/models") {
        json!({"object": "list", "data": [{"id": "m1", "object": "model", "created": created, "owned_by": "mock"}]})
    } else {
        return error(404);
    };
    (200, JSON, body.to_string().into())
}

/// OpenAI's error body for this status.
pub(super) fn error(status: u16) -> Answer {
    let (kind, code) = match status {
        401 => ("invalid_request_error", "invalid_api_key"),
        403 => ("permission_error", "forbidden"),
        404 => ("invalid_request_error", "model_not_found"),
        429 => ("rate_limit_error", "rate_limit_exceeded"),
        400..=499 => ("invalid_request_error", "bad_request"),
        _ => ("server_error", "internal_error"),
    };
    let message = format!("mock failure {status}");
    let body = json!({"error": {"message": message, "type": kind, "param": null, "code": code}});
    (status, JSON, body.to_string().into())
}
