//! The exact requests to Gemini's API, and what its answers come to.

use serde_json::{Value, json};
use watchkeeper_core::probe::{Effort, Tier};
use watchkeeper_core::verdict::Outcome;

use crate::options::ProviderKeys;
use crate::providers::fixture::{body, headers, request, resolved, target, told, verdict};
use crate::resolve::resolve;

const HOST: &str = "https://generativelanguage.googleapis.com/v1beta";
const KEYS: [(&str, &str); 1] = [("GEMINI_API_KEY", "AIza-env")];

fn chat(config: &Value) -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": "Say ok."}]}], "generationConfig": config})
}

fn json_headers() -> Value {
    json!({"accept": "application/json", "content-type": "application/json", "x-goog-api-key": "AIza-1"})
}

#[test]
fn the_exact_request_of_each_mode() {
    let small = chat(&json!({"maxOutputTokens": 16}));
    let spoken = |voice: &str| {
        chat(&json!({
            "responseModalities": ["AUDIO"],
            "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}},
        }))
    };
    #[rustfmt::skip]
    let rows = [
        // model, entry, URL, body
        ("gemini-2.0-flash", json!({}), "gemini-2.0-flash:generateContent", small.clone()),
        ("models/gemini-2.0-flash", json!({}), "gemini-2.0-flash:generateContent", small.clone()),
        ("gemini-2.0-flash", json!({"mode": "completion"}), "gemini-2.0-flash:generateContent", small.clone()),
        ("gemini-2.0-flash", json!({"mode": "responses"}), "gemini-2.0-flash:generateContent", small.clone()),
        ("gemini-2.0-flash", json!({"mode": "anthropic_messages"}), "gemini-2.0-flash:generateContent", small.clone()),
        ("gemini-2.0-flash", json!({"mode": "batch"}), "gemini-2.0-flash:generateContent", small),
        ("gemini-2.5-flash", json!({}), "gemini-2.5-flash:generateContent",
            chat(&json!({"maxOutputTokens": 16, "thinkingConfig": {"thinkingBudget": 0}}))),
        ("gemini-3-pro-preview", json!({"health_check_max_tokens": 64}), "gemini-3-pro-preview:generateContent",
            chat(&json!({"maxOutputTokens": 64, "thinkingConfig": {"thinkingLevel": "LOW"}}))),
        ("gemini-embedding-001", json!({"dimensions": 8}), "gemini-embedding-001:batchEmbedContents",
            json!({"requests": [{"model": "models/gemini-embedding-001", "content": {"parts": [{"text": "Say ok."}]},
                "outputDimensionality": 8}]})),
        ("gemini-2.5-flash-image", json!({}), "gemini-2.5-flash-image:generateContent",
            chat(&json!({"responseModalities": ["IMAGE", "TEXT"]}))),
        ("imagen-4.0-generate-001", json!({"n": 4}), "imagen-4.0-generate-001:predict",
            json!({"instances": [{"prompt": "Say ok."}], "parameters": {"sampleCount": 1}})),
        ("gemini-2.5-flash-preview-tts", json!({}), "gemini-2.5-flash-preview-tts:generateContent", spoken("Kore")),
        ("gemini-2.5-flash-preview-tts", json!({"health_check_voice": "alloy"}),
            "gemini-2.5-flash-preview-tts:generateContent", spoken("Kore")),
        ("gemini-2.5-flash-preview-tts", json!({"health_check_voice": "Puck"}),
            "gemini-2.5-flash-preview-tts:generateContent", spoken("Puck")),
    ];
    for (model, extra, path, want) in rows {
        let mut entry = json!({"model": format!("gemini/{model}"), "api_key": " AIza-1\n", "probe": "inference"});
        entry
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        let request = request(&entry, &[]);
        assert_eq!(request.method, "POST", "{entry}");
        assert_eq!(request.url.as_str(), format!("{HOST}/models/{path}"));
        assert_eq!(headers(&request), json_headers(), "{entry}");
        assert_eq!(body(&request), want, "{entry}");
        assert_eq!(request.auth.as_str(), "key");
        assert!(request.billed && request.unsendable.is_none());
        assert_eq!(request.tier, Tier::Inference);
        let room = request.most_answer > 4 << 20;
        let media = model.contains("imag") || model.contains("tts");
        assert_eq!(room, media, "{entry}: a picture must fit");
    }
}

#[test]
fn what_costs_for_real_output_is_asked_by_the_models_resource() {
    for model in [
        "gemini-2.5-flash-image",
        "imagen-4.0-generate-001",
        "gemini-2.5-flash-preview-tts",
        "gemini-2.5-computer-use-preview-10-2025",
    ] {
        let request = request(&json!({"model": format!("gemini/{model}")}), &KEYS);
        assert_eq!(request.url.as_str(), format!("{HOST}/models/{model}"));
        assert!(!request.billed && request.tier == Tier::Free, "{model}");
    }
    let batch = target(&json!({"model": "gemini/gemini-2.0-flash", "mode": "batch"}));
    let keys = ProviderKeys::from_vars(KEYS);
    let cheap = resolve(&batch, &keys, Effort::Cheap).unwrap();
    assert_eq!(cheap.request.tier, Tier::Free);
}

#[test]
fn parameters_travel_under_googles_names() {
    let entry = json!({
        "model": "gemini/gemini-2.5-pro", "api_key": "k", "temperature": 0.5, "top_p": 0.9, "top_k": 40,
        "seed": 7, "presence_penalty": 1, "max_tokens": 9000, "reasoning_effort": "high",
        "thinking": {"type": "enabled", "budget_tokens": 9000}, "tools": [{}],
        "safety_settings": [{"category": "c", "threshold": "t"}],
        "extra_body": {"generationConfig": {"maxOutputTokens": 9000}},
    });
    let mut want = chat(&json!({
        "maxOutputTokens": 16, "temperature": 0.5, "topP": 0.9, "topK": 40, "seed": 7,
        "thinkingConfig": {"thinkingBudget": 128},
    }));
    want["safetySettings"] = json!([{"category": "c", "threshold": "t"}]);
    assert_eq!(body(&request(&entry, &[])), want);
}

#[test]
fn keys_stand_in_a_header_and_go_to_their_own_endpoint_only() {
    let env = [("GEMINI_API_KEY", "second"), ("GOOGLE_API_KEY", "first")];
    let google = |path: &str| format!("https://generativelanguage.googleapis.com{path}");
    #[rustfmt::skip]
    let rows = [
        // entry, environment, auth, key sent
        (json!({}), &env[..], "key", Some("first")),
        (json!({}), &env[..1], "key", Some("second")),
        (json!({"api_key": "own"}), &env[..], "key", Some("own")),
        (json!({"api_base": google("/v1beta")}), &env[..], "key", Some("first")),
        (json!({"api_base": "http://h/v1beta"}), &env[..], "none", None),
        (json!({"api_base": "http://h/v1beta", "api_key": "own"}), &env[..], "key", Some("own")),
        (json!({"extra_headers": {"Authorization": "Bearer z"}}), &env[..], "header", None),
        (json!({"extra_headers": {"X-Goog-Api-Key": "z"}}), &env[..], "header", Some("z")),
    ];
    for (extra, env, auth, key) in rows {
        for probe in ["inference", "free"] {
            let mut entry = json!({"model": "gemini/gemini-2.0-flash", "probe": probe});
            entry
                .as_object_mut()
                .unwrap()
                .extend(extra.as_object().unwrap().clone());
            let request = request(&entry, env);
            assert_eq!(request.auth.as_str(), auth, "{entry}");
            assert_eq!(headers(&request)["x-goog-api-key"], json!(key), "{entry}");
            assert!(request.url.query().is_none() && request.unsendable.is_none());
        }
    }
    let nothing = request(&json!({"model": "gemini/gemini-2.0-flash"}), &[]);
    assert!(nothing.unsendable.unwrap().contains("`GOOGLE_API_KEY`"));
    let reach = json!({"model": "gemini/gemini-2.0-flash", "probe": "reachability"});
    let reach = request(&reach, &env);
    assert!(reach.headers.is_empty());
    assert_eq!(reach.url.as_str(), HOST);
}

#[test]
fn a_base_leads_to_the_url_that_was_meant() {
    let google = "https://generativelanguage.googleapis.com";
    for (base, want) in [
        ("http://h", "http://h"),
        ("http://h/", "http://h"),
        ("http://h/v1beta/", "http://h/v1beta"),
        ("http://h/my/models-proxy", "http://h/my/models-proxy"),
        (
            "http://h/v1beta/models/gemini-2.0-flash:generateContent",
            "http://h/v1beta",
        ),
        (google, HOST),
        (
            "https://generativelanguage.googleapis.com/v1alpha",
            "https://generativelanguage.googleapis.com/v1alpha",
        ),
    ] {
        let entry = json!({"model": "gemini/gemini-2.0-flash", "api_base": base, "api_key": "k"});
        let url = request(&entry, &[]).url;
        let want = format!("{want}/models/gemini-2.0-flash:generateContent");
        assert_eq!(url.as_str(), want, "{base}");
        let entry = json!({"model": "gemini/gemini-2.0-flash"});
        let named = request(&entry, &[("GEMINI_API_BASE", base), KEYS[0]]);
        assert_eq!(named.url.as_str(), want, "{base}");
        assert_eq!(named.headers["x-goog-api-key"], "AIza-env");
    }
}

#[test]
fn wildcards_and_private_servers_are_asked_for_the_list() {
    for (entry, url) in [
        (json!({"model": "gemini/*"}), format!("{HOST}/models")),
        (
            json!({"model": "gemini/m", "api_base": "http://h/v1beta", "probe": "free"}),
            "http://h/v1beta/models".to_owned(),
        ),
    ] {
        let request = request(&entry, &KEYS);
        assert_eq!(
            (request.method.as_str(), request.url.as_str()),
            ("GET", &*url)
        );
        let good = verdict(&entry, &KEYS, 200, r#"{"models":[{"name":"models/m"}]}"#);
        assert_eq!(good.outcome, Outcome::Healthy);
    }
}

#[test]
fn what_cannot_be_asked_is_named_with_its_remedy() {
    for (model, part) in [
        ("gemini/veo-3.1-generate-preview", "`video_generation`"),
        ("gemini/gemini-2.5-flash-native-audio-latest", "`realtime`"),
        ("gemini/gemini-3.5-transcribe", "`audio_transcription`"),
    ] {
        let text = resolved(&json!({"model": model}), &KEYS).err().unwrap();
        assert!(text.contains(part) && text.contains("`chat`"), "{text}");
    }
}

#[test]
fn what_google_answers_is_judged_by_its_meaning() {
    let error = |code: u16, status: &str, reason: &str| json!({"error": {"code": code, "message": "m", "status": status, "details": [{"reason": reason}]}});
    let used = json!({"promptTokenCount": 4, "candidatesTokenCount": 2, "thoughtsTokenCount": 14});
    let good = |candidate: Value| json!({"candidates": [candidate], "usageMetadata": used, "modelVersion": "gemini-2.5-flash-001"});
    let all = Some((4, 16));
    #[rustfmt::skip]
    let rows = [
        (200, good(json!({"content": {"role": "model", "parts": [{"text": "ok"}]}, "finishReason": "STOP"})),
            Outcome::Healthy, None, all),
        (200, good(json!({"content": {"role": "model"}, "finishReason": "MAX_TOKENS"})), Outcome::Healthy, None, all),
        (200, good(json!({"finishReason": "SAFETY"})), Outcome::ContentFilter, Some(400), all),
        (200, json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 4}}),
            Outcome::ContentFilter, Some(400), Some((4, 0))),
        (200, json!({"usageMetadata": {"promptTokenCount": 4}}), Outcome::BadAnswer, Some(500), None),
        (200, error(500, "INTERNAL", ""), Outcome::BadAnswer, Some(500), None),
        (400, error(400, "INVALID_ARGUMENT", "API_KEY_INVALID"), Outcome::Unauthorized, Some(400), None),
        (400, json!([error(400, "INVALID_ARGUMENT", "OTHER")]), Outcome::BadAnswer, Some(400), None),
        (401, error(401, "UNAUTHENTICATED", ""), Outcome::Unauthorized, Some(401), None),
        (403, error(403, "PERMISSION_DENIED", ""), Outcome::Forbidden, Some(403), None),
        (404, error(404, "NOT_FOUND", ""), Outcome::NotFound, Some(404), None),
        (429, json!([error(429, "RESOURCE_EXHAUSTED", "")]), Outcome::RateLimited, Some(429), None),
        (503, error(503, "UNAVAILABLE", ""), Outcome::Overloaded, Some(503), None),
    ];
    let entry = json!({"model": "gemini/gemini-2.5-flash"});
    for (status, answer, outcome, number, usage) in rows {
        let finding = verdict(&entry, &KEYS, status, &answer.to_string());
        assert_eq!(
            told(&finding),
            (outcome, number, usage),
            "{status} {answer}"
        );
        if status != 200 {
            assert_eq!(finding.error.unwrap(), format!("answered {status}: m"));
        }
    }
    let named = verdict(&entry, &KEYS, 200, &good(json!({})).to_string());
    assert_eq!(named.model.as_deref(), Some("gemini-2.5-flash-001"));
}

#[test]
fn the_answers_of_the_other_methods_are_judged_too() {
    let entry =
        |model: &str, probe: &str| json!({"model": format!("gemini/{model}"), "probe": probe});
    #[rustfmt::skip]
    let rows = [
        (entry("gemini-embedding-001", "auto"), r#"{"embeddings":[{"values":[0.1]}]}"#, Outcome::Healthy),
        (entry("gemini-embedding-001", "auto"), r#"{"embeddings":[]}"#, Outcome::BadAnswer),
        (entry("imagen-4.0-generate-001", "inference"), r#"{"predictions":[{"bytesBase64Encoded":"aa"}]}"#, Outcome::Healthy),
        (entry("imagen-4.0-generate-001", "inference"), r#"{"predictions":[{"raiFilteredReason":"no"}]}"#, Outcome::ContentFilter),
        (entry("imagen-4.0-generate-001", "inference"), "{}", Outcome::BadAnswer),
        (entry("gemini-2.5-flash", "free"), r#"{"name":"models/gemini-2.5-flash"}"#, Outcome::Healthy),
        (entry("gemini-2.5-flash", "free"), "<html></html>", Outcome::BadAnswer),
    ];
    for (mut entry, answer, want) in rows {
        if entry["probe"] == "auto" {
            entry.as_object_mut().unwrap().remove("probe");
        }
        assert_eq!(
            verdict(&entry, &KEYS, 200, answer).outcome,
            want,
            "{entry} {answer}"
        );
    }
}
