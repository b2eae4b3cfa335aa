//! The exact request per mode and family, where it goes, what proves it, and what is made of answers.

use serde_json::{Value, json};
use watchkeeper_core::probe::Tier;
use watchkeeper_core::verdict::Outcome;

use crate::providers::fixture::{body, headers, request, resolved, told, verdict};

mod places;

const EAST: [(&str, &str); 1] = [("AWS_REGION", "us-east-1")];
const HOST: &str = "https://bedrock-runtime.us-east-1.amazonaws.com";
const IMPORTED: &str = "arn:aws:bedrock:us-east-1:123456789012:imported-model/r4c4kewx2s0n";
const APPLICATION: &str =
    "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc123def456";

fn converse() -> Value {
    json!({
        "messages": [{"role": "user", "content": [{"text": "Say ok."}]}],
        "inferenceConfig": {"maxTokens": 16},
    })
}

fn claude() -> Value {
    json!({
        "anthropic_version": "bedrock-2023-05-31", "max_tokens": 16,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Say ok."}]}],
    })
}

fn chat() -> Value {
    json!({"messages": [{"role": "user", "content": "Say ok."}], "max_tokens": 16})
}

#[test]
fn the_exact_request_of_each_mode_and_family() {
    let prompt = |limit: &str| json!({"prompt": "Say ok.", limit: 16});
    let cohere = json!({"texts": ["Say ok."], "input_type": "search_document"});
    let imported = "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aimported-model%2Fr4c4kewx2s0n";
    #[rustfmt::skip]
    let rows = [
        // model, mode, path, body
        ("us.anthropic.claude-sonnet-4-6", "", "/model/us.anthropic.claude-sonnet-4-6/converse", converse()),
        ("anthropic.claude-3-haiku-20240307-v1:0", "", "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse", converse()),
        ("converse/apac.amazon.nova-lite-v1:0", "chat", "/model/apac.amazon.nova-lite-v1%3A0/converse", converse()),
        ("someone.new-model-v1", "completion", "/model/someone.new-model-v1/converse", converse()),
        ("us.anthropic.claude-sonnet-4-6", "responses", "/model/us.anthropic.claude-sonnet-4-6/converse", converse()),
        ("invoke/us.anthropic.claude-sonnet-4-6", "", "/model/us.anthropic.claude-sonnet-4-6/invoke", claude()),
        ("us.anthropic.claude-sonnet-4-6", "anthropic_messages", "/model/us.anthropic.claude-sonnet-4-6/invoke", claude()),
        ("amazon.titan-text-lite-v1", "", "/model/amazon.titan-text-lite-v1/invoke",
            json!({"inputText": "Say ok.", "textGenerationConfig": {"maxTokenCount": 16}})),
        ("mistral.mistral-7b-instruct-v0:2", "", "/model/mistral.mistral-7b-instruct-v0%3A2/invoke", prompt("max_tokens")),
        ("invoke/mistral.ministral-3-8b-instruct", "", "/model/mistral.ministral-3-8b-instruct/invoke", chat()),
        ("meta.llama2-13b-chat-v1", "", "/model/meta.llama2-13b-chat-v1/invoke", prompt("max_gen_len")),
        ("cohere.command-r-plus-v1:0", "", "/model/cohere.command-r-plus-v1%3A0/invoke", json!({"message": "Say ok.", "max_tokens": 16})),
        ("cohere.command-text-v14", "", "/model/cohere.command-text-v14/invoke", prompt("max_tokens")),
        ("ai21.j2-mid-v1", "", "/model/ai21.j2-mid-v1/invoke", prompt("maxTokens")),
        ("invoke/ai21.jamba-1-5-mini-v1:0", "", "/model/ai21.jamba-1-5-mini-v1%3A0/invoke", chat()),
        ("invoke/us.deepseek.r1-v1:0", "", "/model/us.deepseek.r1-v1%3A0/invoke", prompt("max_tokens")),
        ("invoke/us.amazon.nova-pro-v1:0", "", "/model/us.amazon.nova-pro-v1%3A0/invoke", converse()),
        ("invoke/openai.gpt-oss-20b-1:0", "", "/model/openai.gpt-oss-20b-1%3A0/invoke", chat()),
        (&format!("llama/{IMPORTED}"), "", &format!("/model/{imported}/invoke"), prompt("max_gen_len")),
        (&format!("qwen3/{IMPORTED}"), "", &format!("/model/{imported}/invoke"), prompt("max_gen_len")),
        (&format!("openai/{IMPORTED}"), "", &format!("/model/{imported}/invoke"), chat()),
        (&format!("nova/{IMPORTED}"), "", &format!("/model/{imported}/converse"), converse()),
        (&format!("converse/{IMPORTED}"), "", &format!("/model/{imported}/converse"), converse()),
        ("us.openai.gpt-5.6-sol", "", "/openai/v1/chat/completions", json!({
            "model": "us.openai.gpt-5.6-sol", "messages": [{"role": "user", "content": "Say ok."}], "max_completion_tokens": 16})),
        ("converse/us.openai.gpt-5.6-sol", "", "/model/us.openai.gpt-5.6-sol/converse", converse()),
        ("openai.gpt-oss-120b-1:0", "", "/model/openai.gpt-oss-120b-1%3A0/converse", converse()),
        ("chat_completions/openai.gpt-oss-20b-1:0", "", "/openai/v1/chat/completions", json!({
            "model": "openai.gpt-oss-20b-1:0", "messages": [{"role": "user", "content": "Say ok."}], "max_completion_tokens": 16})),
        ("us.openai.gpt-5.6-sol", "responses", "/openai/v1/responses", json!({
            "model": "us.openai.gpt-5.6-sol", "input": "Say ok.", "max_output_tokens": 16})),
        ("amazon.titan-embed-text-v1", "", "/model/amazon.titan-embed-text-v1/invoke", json!({"inputText": "Say ok."})),
        ("amazon.titan-embed-image-v1", "embedding", "/model/amazon.titan-embed-image-v1/invoke", json!({"inputText": "Say ok."})),
        ("cohere.embed-english-v3", "", "/model/cohere.embed-english-v3/invoke", cohere.clone()),
        ("global.cohere.embed-v4:0", "embedding", "/model/global.cohere.embed-v4%3A0/invoke", cohere),
        ("amazon.nova-2-multimodal-embeddings-v1:0", "", "/model/amazon.nova-2-multimodal-embeddings-v1%3A0/invoke", json!({
            "schemaVersion": "nova-multimodal-embed-v1", "taskType": "SINGLE_EMBEDDING",
            "singleEmbeddingParams": {"embeddingPurpose": "GENERIC_INDEX", "embeddingDimension": 3072,
                "text": {"value": "Say ok.", "truncationMode": "END"}}})),
        ("us.twelvelabs.marengo-embed-2-7-v1:0", "", "/model/us.twelvelabs.marengo-embed-2-7-v1%3A0/invoke",
            json!({"inputType": "text", "inputText": "Say ok."})),
        ("twelvelabs.marengo-embed-3-0-v1:0", "", "/model/twelvelabs.marengo-embed-3-0-v1%3A0/invoke",
            json!({"inputType": "text", "text": {"inputText": "Say ok."}})),
    ];
    for (model, mode, path, want) in rows {
        let entry = json!({"model": format!("bedrock/{model}"), "mode": mode});
        let sent = request(&entry, &EAST);
        assert_eq!(sent.method, "POST", "{entry}");
        assert_eq!(sent.url.as_str(), format!("{HOST}{path}"), "{entry}");
        assert_eq!(body(&sent), want, "{entry}");
        assert_eq!(
            headers(&sent),
            json!({"accept": "application/json", "content-type": "application/json"})
        );
        assert_eq!(sent.auth.as_str(), "sigv4", "{entry}");
        assert!(sent.billed && sent.unsendable.is_none(), "{entry}");
        assert_eq!(sent.tier, Tier::Inference, "{entry}");
    }
}

#[test]
fn pictures_are_small_and_asked_only_where_the_entry_wants_it() {
    let side = |side: u32| {
        json!({"taskType": "TEXT_IMAGE", "textToImageParams": {"text": "Say ok."},
            "imageGenerationConfig": {"numberOfImages": 1, "width": side, "height": side}})
    };
    for (model, want) in [
        ("amazon.nova-canvas-v1:0", side(320)),
        ("amazon.titan-image-generator-v2:0", side(512)),
        (
            "stability.stable-diffusion-xl-v1",
            json!({"text_prompts": [{"text": "Say ok.", "weight": 1}]}),
        ),
        (
            "stability.sd3-5-large-v1:0",
            json!({"prompt": "Say ok.", "output_format": "jpeg"}),
        ),
    ] {
        let entry = json!({"model": format!("bedrock/{model}"), "probe": "inference"});
        let sent = request(&entry, &EAST);
        assert!(sent.url.path().ends_with("/invoke"), "{model}");
        assert_eq!(body(&sent), want, "{model}");
        let entry = json!({"model": format!("bedrock/{model}")});
        let sent = request(&entry, &EAST);
        assert!(
            !sent.billed && sent.url.path().contains("/foundation-models/"),
            "{model}"
        );
    }
}

#[test]
fn a_reranker_is_asked_at_its_own_host_by_its_arn() {
    let entry = json!({"model": "bedrock/cohere.rerank-v3-5:0"});
    let env = [("AWS_REGION_NAME", "us-gov-west-1")];
    let sent = request(&entry, &env);
    let url = "https://bedrock-agent-runtime.us-gov-west-1.amazonaws.com/rerank";
    assert_eq!(sent.url.as_str(), url);
    let sent = body(&sent);
    let model = "/rerankingConfiguration/bedrockRerankingConfiguration/modelConfiguration/modelArn";
    let arn = "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/cohere.rerank-v3-5:0";
    assert_eq!(sent.pointer(model), Some(&json!(arn)));
    assert_eq!(
        sent["queries"],
        json!([{"type": "TEXT", "textQuery": {"text": "Say ok."}}])
    );
    assert_eq!(
        sent["sources"],
        json!([{"type": "INLINE", "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": "Say ok."}}}])
    );
    let arn = "arn:aws:bedrock:eu-central-1::foundation-model/amazon.rerank-v1:0";
    let sent = request(
        &json!({"model": format!("bedrock/{arn}"), "mode": "rerank"}),
        &EAST,
    );
    assert_eq!(
        sent.url.host_str(),
        Some("bedrock-agent-runtime.eu-central-1.amazonaws.com")
    );
    assert_eq!(body(&sent).pointer(model), Some(&json!(arn)));
}

#[test]
fn what_cannot_be_asked_is_named_with_its_remedy() {
    for (entry, part) in [
        (json!({"model": "bedrock/agent/A/B"}), "`bedrock/agent/`"),
        (
            json!({"model": format!("bedrock/{IMPORTED}")}),
            "`bedrock/llama/arn:…`",
        ),
        (
            json!({"model": "bedrock/twelvelabs.pegasus-1-2-v1:0"}),
            "`probe: free`",
        ),
        (
            json!({"model": format!("bedrock/{APPLICATION}"), "mode": "embedding"}),
            "`model_info.base_model`",
        ),
        (json!({"model": "bedrock/converse_like/m"}), "`api_base`"),
        (
            json!({"model": "bedrock/x.y", "aws_region_name": "evil.example/x"}),
            "`aws_region_name`",
        ),
        (
            json!({"model": "bedrock/amazon.nova-reel-v1:0"}),
            "`video_generation`",
        ),
        (
            json!({"model": "bedrock/x.y", "mode": "batch", "api_base": "http://gw"}),
            "`batch`",
        ),
        (
            json!({"model": "bedrock/x.y", "aws_bedrock_runtime_endpoint": "gw"}),
            "`aws_bedrock_runtime_endpoint`",
        ),
    ] {
        let why = resolved(&entry, &EAST).err().unwrap();
        assert!(why.contains(part), "{entry}: {why}");
    }
    let known = json!({"model": format!("bedrock/{APPLICATION}"), "mode": "embedding", "base_model": "bedrock/cohere.embed-v4:0"});
    assert_eq!(body(&request(&known, &EAST))["texts"], json!(["Say ok."]));
}

#[test]
fn limits_are_the_health_checks_own() {
    for (more, want) in [
        (
            json!({"max_tokens": 4096, "thinking": {"type": "enabled"}, "temperature": 1}),
            converse(),
        ),
        (
            json!({"health_check_supports_max_tokens": false}),
            json!({"messages": converse()["messages"]}),
        ),
    ] {
        let mut entry = json!({"model": "bedrock/us.anthropic.claude-sonnet-4-6"});
        entry
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        assert_eq!(body(&request(&entry, &EAST)), want, "{entry}");
    }
    let entry = json!({"model": "bedrock/x.y", "health_check_max_tokens": 5});
    assert_eq!(
        body(&request(&entry, &EAST))["inferenceConfig"],
        json!({"maxTokens": 5})
    );
}

#[test]
fn answers_are_judged_by_what_aws_promises() {
    let converse = "us.anthropic.claude-sonnet-4-6";
    let done = r#"{"output":{"message":{"role":"assistant","content":[{"text":"ok"}]}},"stopReason":"end_turn","usage":{"inputTokens":10,"outputTokens":2,"totalTokens":12}}"#;
    let full = r#"{"output":{"message":{"role":"assistant","content":[]}},"stopReason":"max_tokens","usage":{"inputTokens":10,"outputTokens":16}}"#;
    #[rustfmt::skip]
    let rows = [
        (converse, "", 200, done, (Outcome::Healthy, None, Some((10, 2)))),
        (converse, "", 200, full, (Outcome::Healthy, None, Some((10, 16)))),
        (converse, "", 200, "{}", (Outcome::BadAnswer, Some(500), None)),
        (converse, "", 400, r#"{"message":"The provided model identifier is invalid."}"#, (Outcome::BadAnswer, Some(400), None)),
        (converse, "", 403, r#"{"message":"You don't have access to the model with the specified model ID."}"#, (Outcome::Forbidden, Some(403), None)),
        (converse, "", 403, r#"{"message":"The security token included in the request is expired"}"#, (Outcome::Unauthorized, Some(403), None)),
        (converse, "", 403, r#"{"message":"The security token included in the request is invalid."}"#, (Outcome::Unauthorized, Some(403), None)),
        (converse, "", 403, r#"{"Message":"Authentication failed: Please make sure your API Key is valid."}"#, (Outcome::Unauthorized, Some(403), None)),
        (converse, "", 404, r#"{"message":"no such model"}"#, (Outcome::NotFound, Some(404), None)),
        (converse, "", 408, r#"{"message":"timed out"}"#, (Outcome::Timeout, Some(408), None)),
        (converse, "", 424, r#"{"message":"model error"}"#, (Outcome::BadAnswer, Some(424), None)),
        (converse, "", 429, r#"{"message":"Too many requests"}"#, (Outcome::RateLimited, Some(429), None)),
        (converse, "", 503, r#"{"message":"busy"}"#, (Outcome::Overloaded, Some(503), None)),
        ("invoke/anthropic.claude-v2", "", 200, r#"{"model":"claude-2","content":[],"stop_reason":"max_tokens","usage":{"input_tokens":9,"output_tokens":16}}"#, (Outcome::Healthy, None, Some((9, 16)))),
        ("amazon.titan-text-lite-v1", "", 200, r#"{"inputTextTokenCount":4,"results":[{"tokenCount":3,"outputText":""}]}"#, (Outcome::Healthy, None, Some((4, 3)))),
        ("mistral.mixtral-8x7b-instruct-v0:1", "", 200, r#"{"outputs":[{"text":"ok","stop_reason":"length"}]}"#, (Outcome::Healthy, None, None)),
        ("meta.llama2-70b-chat-v1", "", 200, r#"{"generation":"","prompt_token_count":5,"generation_token_count":16}"#, (Outcome::Healthy, None, Some((5, 16)))),
        ("ai21.j2-ultra-v1", "", 200, r#"{"completions":[{"data":{"text":"ok"}}]}"#, (Outcome::Healthy, None, None)),
        ("cohere.command-text-v14", "", 200, r#"{"generations":[{"text":"ok"}]}"#, (Outcome::Healthy, None, None)),
        ("amazon.titan-embed-text-v2:0", "", 200, r#"{"embedding":[0.1],"inputTextTokenCount":3}"#, (Outcome::Healthy, None, Some((3, 0)))),
        ("cohere.embed-v4:0", "", 200, r#"{"embeddings":{"float":[[0.1]]}}"#, (Outcome::Healthy, None, None)),
        ("cohere.embed-english-v3", "", 200, r#"{"embeddings":[[0.1]]}"#, (Outcome::Healthy, None, None)),
        ("cohere.rerank-v3-5:0", "", 200, r#"{"results":[{"index":0,"relevanceScore":0.9}]}"#, (Outcome::Healthy, None, None)),
        ("stability.sd3-5-large-v1:0", "inference", 200, r#"{"images":["aGk="],"finish_reasons":[null]}"#, (Outcome::Healthy, None, None)),
        (converse, "free", 200, r#"{"status":"ACTIVE","inferenceProfileId":"x"}"#, (Outcome::Healthy, None, None)),
        ("anthropic.claude-v2", "free", 200, r#"{"modelDetails":{"modelId":"anthropic.claude-v2"}}"#, (Outcome::Healthy, None, None)),
        ("anthropic.claude-v2", "free", 404, r#"{"message":"no model"}"#, (Outcome::NotFound, Some(404), None)),
        ("*", "free", 200, r#"{"modelSummaries":[]}"#, (Outcome::Healthy, None, None)),
    ];
    for (model, probe, status, answer, want) in rows {
        let mut entry = json!({"model": format!("bedrock/{model}")});
        if !probe.is_empty() {
            entry["probe"] = probe.into();
        }
        let finding = verdict(&entry, &EAST, status, answer);
        assert_eq!(told(&finding), want, "{model} {status} {answer}");
    }
}

#[test]
fn a_model_that_is_sold_only_across_regions_is_told_with_the_remedy() {
    let said = "Invocation of model ID x.y with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model.";
    let body = json!({"message": said}).to_string();
    let finding = verdict(&json!({"model": "bedrock/x.y"}), &EAST, 400, &body);
    let text = finding.error.unwrap();
    assert!(text.contains(said) && text.contains("`us.`"), "{text}");
}
