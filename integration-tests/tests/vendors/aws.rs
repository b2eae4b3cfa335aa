//! AWS, by botocore: signatures computed again, and requests and answers read and written by its service models.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::anthropic::message;
use crate::ask::{Asked, Case, UPSTREAM, ask};
use crate::judge::{all_pass, complaints, question};

const REGION: &str = "eu-west-1";
const ID: &str = "AKIDEXAMPLE";
/// With the characters that a secret of AWS's may have.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "FwoGZXIvYXdzEJr//////////wEaDExample+Token/=";

/// A deployment whose requests are signed.
fn entry(model: &str, base: &str) -> Value {
    json!({
        "model": model, base: UPSTREAM, "aws_region_name": REGION,
        "aws_access_key_id": ID, "aws_secret_access_key": SECRET
    })
}

fn bedrock(model: &str) -> Value {
    entry(&format!("bedrock/{model}"), "aws_bedrock_runtime_endpoint")
}

fn conversed() -> Value {
    json!({
        "output": {"message": {"role": "assistant", "content": [{"text": "ok"}]}},
        "stopReason": "max_tokens",
        "usage": {"inputTokens": 9, "outputTokens": 1, "totalTokens": 10},
        "metrics": {"latencyMs": 12}
    })
}

/// What a case is to botocore: service, operation, the name that signatures are for.
type Operation = (&'static str, &'static str, &'static str);

const CONVERSE: Operation = ("bedrock-runtime", "Converse", "bedrock");
const INVOKE: Operation = ("bedrock-runtime", "InvokeModel", "bedrock");
const RERANK: Operation = ("bedrock-agent-runtime", "Rerank", "bedrock");
const ENDPOINT: Operation = ("sagemaker-runtime", "InvokeEndpoint", "sagemaker");

fn cases() -> Vec<(Operation, Case)> {
    let profile = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-20250514-v1:0";
    let imported = "arn:aws:bedrock:eu-west-1:123456789012:imported-model/abc123";
    let mut cases = Vec::new();
    for (name, model) in [
        ("id", "anthropic.claude-3-haiku-20240307-v1:0".to_owned()),
        ("across", "eu.amazon.nova-micro-v1:0".to_owned()),
        ("routed", "converse/meta.llama3-8b-instruct-v1:0".to_owned()),
        ("profile", format!("converse/{profile}")),
    ] {
        cases.push((CONVERSE, Case::new(name, bedrock(&model), conversed())));
    }
    let text = json!({
        "inputTextTokenCount": 3, "results": [{"tokenCount": 1, "outputText": "ok", "completionReason": "LENGTH"}]
    });
    let generation = json!({
        "generation": "ok", "prompt_token_count": 3, "generation_token_count": 1, "stop_reason": "length"
    });
    let claude = message("claude-3-haiku-20240307");
    for (name, model, answer) in [
        ("titan", "amazon.titan-text-express-v1".to_owned(), text),
        (
            "claude",
            "invoke/anthropic.claude-3-haiku-20240307-v1:0".to_owned(),
            claude,
        ),
        ("imported", format!("llama/{imported}"), generation),
    ] {
        cases.push((INVOKE, Case::new(name, bedrock(&model), answer)));
    }
    let embedding = json!({"mode": "embedding"});
    let embedded = json!({"embedding": [0.5, 0.25], "inputTextTokenCount": 3});
    let embeds = Case::new(
        "embedding",
        bedrock("amazon.titan-embed-text-v2:0"),
        embedded,
    );
    cases.push((INVOKE, embeds.info(embedding.clone())));
    let ranked = json!({"results": [{"index": 0, "relevanceScore": 0.5}]});
    let ranks = Case::new("rerank", bedrock("cohere.rerank-v3-5:0"), ranked);
    cases.push((RERANK, ranks.info(json!({"mode": "rerank"}))));
    let generated = json!([{"generated_text": "ok"}]);
    let sagemaker = entry("sagemaker/my-endpoint", "sagemaker_base_url");
    cases.push((ENDPOINT, Case::new("sagemaker", sagemaker, generated)));

    // Temporary keys, and headers that the entry gives.
    let mut temporary = bedrock("anthropic.claude-3-haiku-20240307-v1:0");
    temporary["aws_session_token"] = TOKEN.into();
    cases.push((CONVERSE, Case::new("temporary", temporary, conversed())));
    let mut headers = bedrock("anthropic.claude-3-haiku-20240307-v1:0");
    headers["extra_headers"] =
        json!({"X-Team": "a  team, with  spaces", "x-amzn-bedrock-trace": "ENABLED"});
    cases.push((CONVERSE, Case::new("headers", headers, conversed())));
    cases
}

/// Answers that are no JSON object are not read by the service's model.
fn questions(asked: &[Asked], operations: &[Operation], judge: &str) -> Vec<Value> {
    asked
        .iter()
        .zip(operations)
        .map(|(asked, (service, operation, signs))| {
            let mut beside = json!({"service": service, "operation": operation});
            if judge == "signature" {
                beside = json!({"service": signs, "region": REGION, "id": ID, "secret": SECRET});
                if asked.name == "temporary" {
                    beside["token"] = TOKEN.into();
                }
            }
            question(judge, asked, &beside)
        })
        .collect()
}

#[tokio::test]
async fn signatures_are_botocores_and_so_are_paths_and_bodies() {
    let (operations, cases): (Vec<_>, Vec<_>) = cases().into_iter().unzip();
    let asked = ask(cases, &[]).await;
    let signatures = questions(&asked, &operations, "signature");
    all_pass(&signatures);
    all_pass(&questions(&asked, &operations, "operation"));

    // One byte of the body more, another path, another key: each has to be refused, or the above says nothing.
    let mut spoilt = Vec::new();
    for question in &signatures {
        let mut body = question.clone();
        let bytes = STANDARD
            .decode(body["request"]["body"].as_str().unwrap())
            .unwrap();
        body["request"]["body"] = STANDARD.encode([&bytes[..], b" "].concat()).into();
        let mut path = question.clone();
        let url = path["request"]["url"].as_str().unwrap().to_owned();
        path["request"]["url"] = format!("{url}x").into();
        let mut key = question.clone();
        key["secret"] = "another".into();
        spoilt.extend([body, path, key]);
    }
    for (complaints, question) in complaints(&spoilt).iter().zip(&spoilt) {
        assert!(
            complaints
                .iter()
                .any(|complaint| complaint.contains("botocore's is")),
            "{question}: {complaints:?}"
        );
    }
}
