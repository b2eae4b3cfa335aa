//! OpenAI's API, by the types of OpenAI's own package.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::ask::{Case, UPSTREAM, ask};
use crate::judge::{all_pass, complaints, question};

fn entry(model: &str) -> Value {
    json!({"model": format!("openai/{model}"), "api_base": format!("{UPSTREAM}/v1"), "api_key": "sk-entry"})
}

fn chat(model: &str) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": model,
        "choices": [{
            "index": 0, "finish_reason": "stop", "logprobs": null,
            "message": {"role": "assistant", "content": "ok", "refusal": null}
        }],
        "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
    })
}

fn completion() -> Value {
    json!({
        "id": "cmpl-1", "object": "text_completion", "created": 1_700_000_000, "model": "gpt-3.5-turbo-instruct",
        "choices": [{"index": 0, "finish_reason": "length", "logprobs": null, "text": "ok"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
    })
}

/// Cut off before the model said anything, as happens to a model that thinks.
fn response(model: &str) -> Value {
    json!({
        "id": "resp_1", "object": "response", "created_at": 1_700_000_000, "model": model, "status": "incomplete",
        "error": null, "incomplete_details": {"reason": "max_output_tokens"}, "instructions": null, "metadata": {},
        "output": [{"type": "reasoning", "id": "rs_1", "summary": []}],
        "parallel_tool_calls": true, "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0,
        "usage": {
            "input_tokens": 9, "output_tokens": 16, "total_tokens": 25,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 16}
        }
    })
}

fn embedding() -> Value {
    json!({
        "object": "list", "model": "text-embedding-3-small",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}],
        "usage": {"prompt_tokens": 3, "total_tokens": 3}
    })
}

fn image() -> Value {
    json!({"created": 1_700_000_000, "data": [{"b64_json": "iVBORw0KGgo="}]})
}

/// Cases, each with what it is to OpenAI's package.
fn cases() -> Vec<(&'static str, Case)> {
    let billed = |mode: &str| json!({"mode": mode, "health_check_probe": "inference"});
    let chats = ["gpt-4o", "gpt-4.1-nano", "gpt-5", "gpt-5.2", "o3", "o1"];
    let chats = chats.map(|model| ("chat", Case::new(model, entry(model), chat(model))));
    let responses = ["gpt-4o-mini", "gpt-5-mini", "o4-mini"];
    let responses = responses.map(|model| {
        let case = Case::new(model, entry(model), response(model));
        ("responses", case.info(json!({"mode": "responses"})))
    });
    let mut sampled = entry("gpt-4o");
    for (name, value) in [
        ("temperature", json!(0)),
        ("top_p", json!(0.5)),
        ("seed", json!(1)),
        ("user", json!("me")),
        ("service_tier", json!("flex")),
    ] {
        sampled[name] = value;
    }
    let others = [
        ("chat", Case::new("sampled", sampled, chat("gpt-4o"))),
        (
            "completion",
            Case::new("completion", entry("gpt-3.5-turbo-instruct"), completion())
                .info(json!({"mode": "completion"})),
        ),
        (
            "embedding",
            Case::new("embedding", entry("text-embedding-3-small"), embedding())
                .info(json!({"mode": "embedding"})),
        ),
        (
            "moderation",
            Case::new("moderation", entry("omni-moderation-latest"), moderation())
                .info(json!({"mode": "moderation"})),
        ),
        (
            "image",
            Case::new("gpt-image", entry("gpt-image-1"), image()).info(billed("image_generation")),
        ),
        (
            "image",
            Case::new("dall-e", entry("dall-e-3"), image()).info(billed("image_generation")),
        ),
        (
            "speech",
            Case::new("speech", entry("gpt-4o-mini-tts"), Value::Null)
                .answers("audio/mpeg", b"ID3 and so on")
                .info(billed("audio_speech")),
        ),
        (
            "transcription",
            Case::new("transcription", entry("whisper-1"), json!({"text": ""}))
                .info(billed("audio_transcription")),
        ),
    ];
    chats.into_iter().chain(responses).chain(others).collect()
}

fn moderation() -> Value {
    let categories = [
        "harassment",
        "harassment/threatening",
        "hate",
        "hate/threatening",
        "illicit",
        "illicit/violent",
        "self-harm",
        "self-harm/instructions",
        "self-harm/intent",
        "sexual",
        "sexual/minors",
        "violence",
        "violence/graphic",
    ];
    let each = |value: Value| -> Value {
        let fields = categories.map(|name| (name.to_owned(), value.clone()));
        Value::Object(fields.into_iter().collect())
    };
    json!({
        "id": "modr-1", "model": "omni-moderation-latest",
        "results": [{
            "flagged": false, "categories": each(json!(false)), "category_scores": each(json!(0.0)),
            "category_applied_input_types": each(json!(["text"]))
        }]
    })
}

#[tokio::test]
async fn every_field_of_a_request_is_one_of_the_packages_and_answers_of_its_types_are_healthy() {
    let (operations, cases): (Vec<_>, Vec<_>) = cases().into_iter().unzip();
    let asked = ask(cases, &[]).await;
    let questions: Vec<Value> = asked
        .iter()
        .zip(operations)
        .map(|(asked, operation)| question("openai", asked, &json!({"operation": operation})))
        .collect();
    all_pass(&questions);

    // The same with a field that OpenAI does not have is to be refused, or the above says nothing.
    let mut spoilt = questions;
    spoilt.retain(|question| question["operation"] == "chat");
    for question in &mut spoilt {
        let body = STANDARD.decode(question["request"]["body"].as_str().unwrap());
        let body = String::from_utf8(body.unwrap()).unwrap();
        let other = body.replace("\"messages\"", "\"message\"");
        question["request"]["body"] = STANDARD.encode(other).into();
    }
    for complaints in complaints(&spoilt) {
        assert_eq!(complaints.len(), 2, "{complaints:?}");
    }
}
