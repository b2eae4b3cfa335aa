//! What comes of the answers that OpenAI and its kin give.

use reqwest::header::HeaderMap;
use serde_json::json;
use watchkeeper_core::money::Usage;
use watchkeeper_core::probe::{Effort, ProbeKind};
use watchkeeper_core::verdict::Outcome;

use super::target;
use crate::answer::{Answer, End};
use crate::classify::Finding;
use crate::judge::judge;
use crate::options::ProviderKeys;
use crate::resolve::resolve;

fn finding(provider: &str, mode: &str, status: u16, body: &str) -> Finding {
    let mut target = target(json!({
        "PROVIDER": provider, "model": format!("{provider}/m"), "mode": mode, "api_key": "sk-1", "api_base": "http://h/v1",
    }));
    target.health.kind = ProbeKind::Inference;
    let resolved = resolve(&target, &ProviderKeys::default(), Effort::Full).unwrap();
    let answer = Answer {
        status,
        headers: HeaderMap::new(),
        body: body.into(),
        end: End::Whole,
        headers_after: std::time::Duration::ZERO,
    };
    judge(&answer, &resolved.request.promise, resolved.provider.fault)
}

#[test]
fn good_answers_of_each_mode_tell_model_and_use() {
    let used = |input, output| Some(Usage { input, output });
    #[rustfmt::skip]
    let rows = [
        ("openai", "chat", json!({"model": "m-1", "choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9, "completion_tokens": 1}}), Some("m-1"), used(9, 1)),
        // all of the limit went into thinking
        ("openai", "chat", json!({"model": "m-1", "choices": [{"message": {"content": ""}, "finish_reason": "length"}], "usage": {"prompt_tokens": 9, "completion_tokens": 16}}), Some("m-1"), used(9, 16)),
        ("openai", "chat", json!({"choices": [{"message": {"content": null}, "finish_reason": "content_filter"}]}), None, None),
        ("openai", "completion", json!({"model": "m-1", "choices": [{"text": ""}]}), Some("m-1"), None),
        ("openai", "responses", json!({"model": "m-1", "status": "completed", "error": null, "output": [{"type": "message"}], "usage": {"input_tokens": 8, "output_tokens": 2}}), Some("m-1"), used(8, 2)),
        ("openai", "responses", json!({"model": "m-1", "status": "incomplete", "error": null, "incomplete_details": {"reason": "max_output_tokens"}, "output": [], "usage": {"input_tokens": 8, "output_tokens": 16}}), Some("m-1"), used(8, 16)),
        ("openai", "embedding", json!({"model": "m-1", "data": [{"embedding": [0.1]}], "usage": {"prompt_tokens": 3, "total_tokens": 3}}), Some("m-1"), used(3, 0)),
        ("openai", "moderation", json!({"model": "m-1", "results": [{"flagged": false}]}), Some("m-1"), None),
        ("openai", "image_generation", json!({"data": [{"b64_json": "AA=="}], "usage": {"input_tokens": 9, "output_tokens": 272}}), None, used(9, 272)),
        ("openai", "audio_transcription", json!({"text": ""}), None, None),
        ("openai", "batch", json!({"object": "list", "data": []}), None, None),
        ("litellm_proxy", "anthropic_messages", json!({"model": "m-1", "content": [], "stop_reason": "max_tokens", "usage": {"input_tokens": 9, "output_tokens": 16}}), Some("m-1"), used(9, 16)),
        ("hosted_vllm", "rerank", json!({"model": "m-1", "results": [{"index": 0, "relevance_score": 0.5}]}), Some("m-1"), None),
        ("voyage", "rerank", json!({"data": [{"index": 0, "relevance_score": 0.5}]}), None, None),
        ("deepinfra", "rerank", json!({"scores": [0.5]}), None, None),
    ];
    for (provider, mode, body, model, usage) in rows {
        let found = finding(provider, mode, 200, &body.to_string());
        assert_eq!(found.outcome, Outcome::Healthy, "{mode} {body}");
        assert_eq!(found.model.as_deref(), model, "{mode} {body}");
        assert_eq!(found.usage, usage, "{mode} {body}");
    }
    let heard = finding("openai", "audio_speech", 200, "ID3\u{4}");
    assert_eq!(heard.outcome, Outcome::Healthy);
}

#[test]
fn refusals_keep_their_status_and_a_reached_limit_is_no_refusal() {
    let said = |text: &str| json!({"error": {"message": text}}).to_string();
    for (provider, mode, status, body, outcome, want) in [
        ("openai", "chat", 400, said("Could not finish the message because max_tokens or model output limit was reached. Please try again with higher max_tokens."), Outcome::Healthy, None),
        ("openai", "chat", 400, said("max_tokens is too large"), Outcome::BadAnswer, Some(400)),
        ("openai", "chat", 400, json!({"error": {"code": "content_filter", "message": "no"}}).to_string(), Outcome::ContentFilter, Some(400)),
        ("openai", "chat", 401, said("Incorrect API key"), Outcome::Unauthorized, Some(401)),
        ("openai", "chat", 403, said("no"), Outcome::Forbidden, Some(403)),
        ("openai", "chat", 404, said("no such model"), Outcome::NotFound, Some(404)),
        ("openai", "chat", 429, said("slow down"), Outcome::RateLimited, Some(429)),
        ("openai", "chat", 529, said("busy"), Outcome::Overloaded, Some(529)),
        ("mistral", "chat", 422, json!({"detail": [{"msg": "no"}]}).to_string(), Outcome::BadAnswer, Some(422)),
        ("openai", "chat", 200, said("upstream"), Outcome::BadAnswer, Some(422)),
        ("openrouter", "chat", 200, json!({"error": {"code": 502, "message": "upstream"}}).to_string(), Outcome::BadAnswer, Some(500)),
        ("openrouter", "chat", 200, json!({"choices": [{"error": {"code": 502}}]}).to_string(), Outcome::BadAnswer, Some(500)),
        ("openai", "responses", 200, json!({"status": "failed", "error": {"code": "server_error", "message": "no"}, "output": []}).to_string(), Outcome::BadAnswer, Some(422)),
        ("openai", "embedding", 200, json!({"data": []}).to_string(), Outcome::BadAnswer, Some(500)),
        ("openai", "audio_speech", 200, json!({"audio": "AA=="}).to_string(), Outcome::BadAnswer, Some(500)),
        ("openai", "realtime", 200, "{}".into(), Outcome::BadAnswer, Some(500)),
        ("openai", "realtime", 101, String::new(), Outcome::BadAnswer, Some(500)),
        ("openai", "realtime", 401, said("no"), Outcome::Unauthorized, Some(401)),
    ] {
        let found = finding(provider, mode, status, &body);
        assert_eq!((found.outcome, found.status), (outcome, want), "{provider} {mode} {status} {body}");
    }
}
