//! The exact requests to Vertex AI, and what its answers come to.

use serde_json::{Value, json};
use watchkeeper_core::probe::Tier;
use watchkeeper_core::secret::Secret;
use watchkeeper_core::verdict::Outcome;

use crate::credentials::Signing;
use crate::credentials::google::Source;
use crate::providers::fixture::{body, headers, request, resolved, told, verdict};
use crate::request::ProbeRequest;

const ENV: [(&str, &str); 1] = [("VERTEXAI_PROJECT", "p-1")];
const HERE: &str =
    "https://us-central1-aiplatform.googleapis.com/v1/projects/p-1/locations/us-central1";

fn entry(model: &str, extra: &Value) -> Value {
    let mut entry = json!({"model": format!("vertex_ai/{model}")});
    entry
        .as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    entry
}

fn google(credentials: Option<&str>) -> Signing {
    Signing::Google(Source {
        credentials: credentials.map(Secret::new),
    })
}

fn url(model: &str, extra: &Value, env: &[(&str, &str)]) -> String {
    request(&entry(model, extra), env).url.to_string()
}

fn is_signed_and_bare(request: &ProbeRequest) -> bool {
    request.signing == google(None)
        && request.auth.as_str() == "oauth"
        && request.unsendable.is_none()
        && request.headers.get("authorization").is_none()
}

#[test]
fn the_exact_request_of_each_family_and_mode() {
    let contents = json!([{"role": "user", "parts": [{"text": "Say ok."}]}]);
    let gemini = |config: &Value| json!({"contents": contents, "generationConfig": config});
    let small = gemini(&json!({"maxOutputTokens": 16}));
    let openai = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "Say ok."}], "max_tokens": 16});
    let claude = json!({
        "anthropic_version": "vertex-2023-10-16", "max_tokens": 16,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Say ok."}]}],
    });
    let instance = |word: &str| json!({"instances": [{word: "Say ok."}], "parameters": {}});
    let picture = json!({"instances": [{"prompt": "Say ok."}], "parameters": {"sampleCount": 1}});
    let none = json!({});
    let embedding = json!({"mode": "embedding"});
    let beta = HERE.replace("/v1/", "/v1beta1/");
    let at = |path: &str| format!("{HERE}/{path}");
    let maas = "https://aiplatform.googleapis.com/v1/projects/p-1/locations/global/endpoints/openapi/chat/completions";
    #[rustfmt::skip]
    let rows = [
        // model, entry, URL, body
        ("gemini-2.0-flash", none.clone(), at("publishers/google/models/gemini-2.0-flash:generateContent"), small.clone()),
        ("gemini-2.0-flash", json!({"mode": "completion"}), at("publishers/google/models/gemini-2.0-flash:generateContent"), small.clone()),
        ("gemini/4965075652664360960", none.clone(), at("endpoints/4965075652664360960:generateContent"), small.clone()),
        ("4965", json!({"base_model": "vertex_ai/gemini-2.5-pro"}), at("endpoints/4965:generateContent"),
            gemini(&json!({"maxOutputTokens": 16, "thinkingConfig": {"thinkingBudget": 128}}))),
        ("claude-sonnet-4@20250514", none.clone(), at("publishers/anthropic/models/claude-sonnet-4@20250514:rawPredict"), claude.clone()),
        ("claude-opus-4-1", json!({"mode": "anthropic_messages"}), at("publishers/anthropic/models/claude-opus-4-1:rawPredict"), claude),
        ("mistral-large@2411", none.clone(), at("publishers/mistralai/models/mistral-large@2411:rawPredict"), openai("mistral-large")),
        ("jamba-1.5-mini", none.clone(), format!("{beta}/publishers/ai21/models/jamba-1.5-mini:rawPredict"), openai("jamba-1.5-mini")),
        ("meta/llama-3.3-70b-instruct-maas", none.clone(), at("endpoints/openapi/chat/completions"), openai("meta/llama-3.3-70b-instruct-maas")),
        ("openai/gpt-oss-120b-maas", none.clone(), at("endpoints/openapi/chat/completions"), openai("openai/gpt-oss-120b-maas")),
        ("zai-org/glm-4.7-maas", json!({"vertex_location": "us-east5"}), maas.to_owned(), openai("zai-org/glm-4.7-maas")),
        ("openai/5464397967697903616", none.clone(), format!("{beta}/endpoints/5464397967697903616/chat/completions"), openai("")),
        ("text-embedding-005", none.clone(), at("publishers/google/models/text-embedding-005:predict"), instance("content")),
        ("text-embedding-005", json!({"dimensions": 8}), at("publishers/google/models/text-embedding-005:predict"),
            json!({"instances": [{"content": "Say ok."}], "parameters": {"outputDimensionality": 8}})),
        ("multimodalembedding@001", none.clone(), at("publishers/google/models/multimodalembedding@001:predict"), instance("text")),
        ("gemini-embedding-2", none.clone(), at("publishers/google/models/gemini-embedding-2:embedContent"),
            json!({"content": {"parts": [{"text": "Say ok."}]}})),
        ("bge/204379420394258432", embedding.clone(), at("endpoints/204379420394258432:predict"), instance("prompt")),
        ("378943383978115072", embedding, at("endpoints/378943383978115072:predict"), instance("inputs")),
        ("imagegeneration@006", none.clone(), at("publishers/google/models/imagegeneration@006:predict"), picture),
        ("gemini-2.5-flash-image", none, at("publishers/google/models/gemini-2.5-flash-image:generateContent"),
            gemini(&json!({"responseModalities": ["IMAGE", "TEXT"]}))),
        ("gemini-2.5-flash-preview-tts", json!({"health_check_voice": "Puck"}),
            at("publishers/google/models/gemini-2.5-flash-preview-tts:generateContent"),
            gemini(&json!({"responseModalities": ["AUDIO"],
                "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Puck"}}}}))),
    ];
    let json_headers = json!({"accept": "application/json", "content-type": "application/json"});
    for (model, extra, want, want_body) in rows {
        let mut entry = entry(model, &extra);
        entry["probe"] = "inference".into();
        let request = request(&entry, &ENV);
        assert_eq!(request.method, "POST", "{entry}");
        assert_eq!(request.url.as_str(), want, "{entry}");
        assert_eq!(headers(&request), json_headers, "{entry}");
        assert_eq!(body(&request), want_body, "{entry}");
        assert!(request.billed && request.tier == Tier::Inference, "{entry}");
        assert!(is_signed_and_bare(&request), "{entry}");
    }
    let beta = json!({"model": "vertex_ai_beta/gemini-2.0-flash"});
    assert!(request(&beta, &ENV).url.as_str().starts_with(HERE));
}

#[test]
fn the_free_call_says_as_much_as_costs_nothing() {
    let free = json!({"probe": "free"});
    let catalogue = "https://us-central1-aiplatform.googleapis.com/v1/publishers";
    let count = "publishers/google/models/gemini-2.5-flash:countTokens";
    #[rustfmt::skip]
    let rows = [
        ("gemini-2.5-flash", free.clone(), "POST", format!("{HERE}/{count}")),
        ("gemini/4965", free.clone(), "POST", format!("{HERE}/endpoints/4965:countTokens")),
        ("claude-sonnet-4@20250514", free.clone(), "GET", format!("{catalogue}/anthropic/models/claude-sonnet-4")),
        ("mistral-large@2411", free.clone(), "GET", format!("{catalogue}/mistralai/models/mistral-large")),
        ("meta/llama-4-maas", free.clone(), "GET", format!("{catalogue}/meta/models/llama-4-maas")),
        ("openai/5464", free.clone(), "GET", format!("{HERE}/endpoints/5464")),
        ("text-embedding-005", free, "GET", format!("{catalogue}/google/models/text-embedding-005")),
        // billed for real output, so free by itself
        ("imagegeneration@006", json!({}), "GET", format!("{catalogue}/google/models/imagegeneration")),
        ("gemini-2.5-flash", json!({"mode": "batch"}), "GET", format!("{HERE}/batchPredictionJobs")),
        ("*", json!({}), "GET", "https://us-central1-aiplatform.googleapis.com/v1beta1/publishers/google/models".to_owned()),
    ];
    for (model, extra, method, want) in rows {
        let request = request(&entry(model, &extra), &ENV);
        let got = (request.method.as_str(), request.url.as_str());
        assert_eq!(got, (method, &*want), "{model}");
        assert!(!request.billed && request.tier == Tier::Free, "{model}");
        assert!(is_signed_and_bare(&request), "{model}");
    }
    let counted = request(&entry("gemini-2.5-flash", &json!({"probe": "free"})), &ENV);
    let contents = json!([{"role": "user", "parts": [{"text": "Say ok."}]}]);
    assert_eq!(body(&counted), json!({"contents": contents}));
    let reach = entry("gemini-2.5-flash", &json!({"probe": "reachability"}));
    let reach = request(&reach, &ENV);
    assert_eq!(
        reach.url.as_str(),
        "https://us-central1-aiplatform.googleapis.com/"
    );
    assert_eq!((reach.signing, reach.headers.len()), (Signing::None, 0));
}

#[test]
fn project_and_location_are_the_entrys_then_the_environments() {
    let host = |location: &str| match location {
        "global" => "https://aiplatform.googleapis.com".to_owned(),
        "eu" => "https://aiplatform.eu.rep.googleapis.com".to_owned(),
        region => format!("https://{region}-aiplatform.googleapis.com"),
    };
    let (named, gcloud) = (("VERTEXAI_PROJECT", "p-1"), ("GOOGLE_CLOUD_PROJECT", "g-1"));
    #[rustfmt::skip]
    let rows = [
        // entry, environment, project, location
        (json!({"vertex_project": "p-2", "vertex_location": "europe-west4"}), vec![named], "p-2", "europe-west4"),
        (json!({"vertex_ai_project": "p-2", "vertex_ai_location": "global"}), vec![named], "p-2", "global"),
        (json!({"vertex_location": "eu"}), vec![named, gcloud], "p-1", "eu"),
        (json!({}), vec![named, ("VERTEX_LOCATION", "us-east5"), ("VERTEXAI_LOCATION", "us-east1")], "p-1", "us-east1"),
        (json!({}), vec![named, ("VERTEX_LOCATION", "us-east5")], "p-1", "us-east5"),
        (json!({}), vec![gcloud], "g-1", "us-central1"),
        // the credentials say their own
        (json!({"vertex_credentials": "a.json"}), vec![gcloud], "%7Bproject%7D", "us-central1"),
        (json!({}), vec![gcloud, ("VERTEXAI_CREDENTIALS", "a.json")], "%7Bproject%7D", "us-central1"),
        (json!({}), vec![], "%7Bproject%7D", "us-central1"),
    ];
    for (extra, env, project, location) in rows {
        let want = format!(
            "{}/v1/projects/{project}/locations/{location}/publishers/google/models/m:generateContent",
            host(location)
        );
        assert_eq!(url("m", &extra, &env), want, "{extra} {env:?}");
    }
}

#[test]
fn a_base_leads_to_the_url_that_was_meant() {
    let path = "projects/p-1/locations/us-central1/publishers/google/models/m";
    let whole = format!("http://h/v1/{path}");
    let open = "projects/p-1/locations/us-central1/endpoints/openapi/chat/completions";
    #[rustfmt::skip]
    let rows = [
        ("m", "http://h".to_owned(), format!("http://h/v1/{path}:generateContent")),
        ("m", "http://h/".to_owned(), format!("http://h/v1/{path}:generateContent")),
        ("m", "http://h/v1/".to_owned(), format!("http://h/v1/{path}:generateContent")),
        ("m", "http://h/v1beta1".to_owned(), format!("http://h/v1beta1/{path}:generateContent")),
        ("m", "http://h/gw/vertex".to_owned(), format!("http://h/gw/vertex/v1/{path}:generateContent")),
        ("m", whole.clone(), format!("{whole}:generateContent")),
        ("m", format!("{whole}:generateContent"), format!("{whole}:generateContent")),
        ("meta/m", "http://h/v1".to_owned(), format!("http://h/v1/{open}")),
        ("meta/m", format!("http://h/v1/{open}"), format!("http://h/v1/{open}")),
    ];
    for (model, base, want) in rows {
        let extra = json!({"api_base": base, "api_key": "k"});
        assert_eq!(url(model, &extra, &ENV), want, "{base}");
        let named = [ENV[0], ("VERTEXAI_API_BASE", &*base)];
        assert_eq!(url(model, &json!({}), &named), want, "{base}");
    }
    // a complete address names its own project
    let extra = json!({"api_base": whole, "api_key": "k"});
    assert_eq!(url("m", &extra, &[]), format!("{whole}:generateContent"));
    let free = json!({"api_base": whole, "api_key": "k", "probe": "free"});
    assert_eq!(url("m", &free, &[]), format!("{whole}:countTokens"));
}

#[test]
fn the_environments_account_goes_to_google_and_to_no_private_base() {
    let inline = json!({"type": "service_account", "project_id": "p-9"});
    let text = inline.to_string();
    let own_base = [ENV[0], ("VERTEXAI_API_BASE", "http://gw")];
    #[rustfmt::skip]
    let rows = [
        // entry, environment, auth, signing, authorization
        (json!({}), &ENV[..], "oauth", google(None), None),
        (json!({"vertex_credentials": "a.json"}), &ENV[..], "oauth", google(Some("a.json")), None),
        (json!({"vertex_ai_credentials": inline}), &ENV[..], "oauth", google(Some(&text)), None),
        (json!({"api_base": "https://europe-west1-aiplatform.googleapis.com"}), &ENV[..], "oauth", google(None), None),
        (json!({"api_base": "https://xyz.p.googleapis.com/v1"}), &ENV[..], "oauth", google(None), None),
        (json!({"api_base": "https://1.us-central1-2.prediction.vertexai.goog"}), &ENV[..], "oauth", google(None), None),
        (json!({"api_base": "http://us-central1-aiplatform.googleapis.com"}), &ENV[..], "none", Signing::None, None),
        (json!({"api_base": "https://googleapis.com.example"}), &ENV[..], "none", Signing::None, None),
        (json!({"api_base": "http://h"}), &ENV[..], "none", Signing::None, None),
        (json!({"api_base": "http://h", "api_key": "k"}), &ENV[..], "bearer", Signing::None, Some("Bearer k")),
        (json!({"api_base": "http://me:pw@h", "api_key": "k"}), &ENV[..], "basic", Signing::None, Some("Basic bWU6cHc=")),
        (json!({"api_base": "http://h", "vertex_credentials": "a.json"}), &ENV[..], "oauth", google(Some("a.json")), None),
        (json!({}), &own_base[..], "oauth", google(None), None),
        (json!({"extra_headers": {"Authorization": "Bearer z"}}), &ENV[..], "header", Signing::None, Some("Bearer z")),
    ];
    for (extra, env, auth, signing, authorization) in rows {
        let request = request(&entry("gemini-2.0-flash", &extra), env);
        assert_eq!(request.auth.as_str(), auth, "{extra}");
        assert_eq!(request.signing, signing, "{extra}");
        assert_eq!(
            headers(&request)["authorization"],
            json!(authorization),
            "{extra}"
        );
    }
}

#[test]
fn what_cannot_be_asked_is_named_with_its_remedy() {
    #[rustfmt::skip]
    let rows = [
        ("m", json!({"api_base": "http://h"}), ["`vertex_project`", "`VERTEXAI_PROJECT`"]),
        ("m", json!({"vertex_location": "evil.example/"}), ["`vertex_location`", "`us-central1`"]),
        ("m", json!({"vertex_project": "a/../b"}), ["`vertex_project`", "id"]),
        ("gemma/gemma-3-12b", json!({}), ["`gemma/gemma-3-12b`", "`api_base`"]),
        ("bge/1", json!({}), ["embeddings", "`mode: embedding`"]),
        ("claude-opus-4", json!({"mode": "embedding"}), ["`claude-opus-4`", "`mode`"]),
        ("chirp", json!({"mode": "audio_speech", "probe": "inference"}), ["speech", "`mode`"]),
        ("claude-opus-4", json!({"mode": "image_generation", "probe": "inference"}), ["pictures", "`mode`"]),
        ("veo-3.0", json!({}), ["`video_generation`", "`chat`"]),
        ("*", json!({"api_base": "http://h", "vertex_project": "p"}), ["wildcard", "`model_info.health_check_model`"]),
    ];
    for (model, extra, parts) in rows {
        let text = resolved(&entry(model, &extra), &[]).err().unwrap();
        for part in parts {
            assert!(text.contains(part), "{model} {extra}: {text}");
        }
        assert!(!text.contains("evil"), "{text}");
    }
}

#[test]
fn what_vertex_answers_is_judged_by_its_meaning() {
    let gemini = r#"{"candidates":[{"finishReason":"MAX_TOKENS"}],"usageMetadata":{"promptTokenCount":4,"thoughtsTokenCount":13},"modelVersion":"g"}"#;
    let denied = r#"[{"error":{"code":403,"message":"m","status":"PERMISSION_DENIED"}}]"#;
    let free = |model: &str| entry(model, &json!({"probe": "free"}));
    let plain = |model: &str| entry(model, &json!({"probe": "inference"}));
    #[rustfmt::skip]
    let rows = [
        (plain("gemini-2.5-pro"), 200, gemini, Outcome::Healthy, None, Some((4, 13))),
        (plain("gemini-2.5-pro"), 403, denied, Outcome::Forbidden, Some(403), None),
        (plain("claude-opus-4"), 200, r#"{"content":[],"stop_reason":"max_tokens","usage":{"input_tokens":9,"output_tokens":16}}"#,
            Outcome::Healthy, None, Some((9, 16))),
        (plain("claude-opus-4"), 429, r#"{"type":"error","error":{"type":"rate_limit_error","message":"m"}}"#,
            Outcome::RateLimited, Some(429), None),
        (plain("meta/m"), 200, r#"{"choices":[{}],"usage":{"prompt_tokens":9,"completion_tokens":2}}"#, Outcome::Healthy, None, Some((9, 2))),
        (plain("text-embedding-005"), 200, r#"{"predictions":[{"embeddings":{"values":[0],"statistics":{"token_count":3}}}]}"#,
            Outcome::Healthy, None, Some((3, 0))),
        (plain("gemini-embedding-2"), 200, r#"{"embedding":{"values":[0.1]},"usageMetadata":{"promptTokenCount":3}}"#,
            Outcome::Healthy, None, Some((3, 0))),
        (entry("bge/1", &json!({"mode": "embedding"})), 200, r#"{"predictions":[[0.1]]}"#, Outcome::Healthy, None, None),
        (free("gemini-2.5-pro"), 200, r#"{"totalTokens":3}"#, Outcome::Healthy, None, None),
        (free("gemini-2.5-pro"), 200, "{}", Outcome::BadAnswer, Some(500), None),
        (free("claude-opus-4"), 200, r#"{"name":"publishers/anthropic/models/claude-opus-4"}"#, Outcome::Healthy, None, None),
        (free("claude-opus-4"), 404, r#"{"error":{"code":404,"message":"m"}}"#, Outcome::NotFound, Some(404), None),
        (entry("m", &json!({"mode": "batch"})), 200, "{}", Outcome::Healthy, None, None),
        (entry("*", &json!({})), 200, r#"{"publisherModels":[{"name":"n"}]}"#, Outcome::Healthy, None, None),
    ];
    for (entry, status, answer, outcome, number, usage) in rows {
        let finding = verdict(&entry, &ENV, status, answer);
        assert_eq!(told(&finding), (outcome, number, usage), "{entry} {answer}");
    }
}
