//! The Gemini API, by the message types of Google's generated client.

use serde_json::{Value, json};

use crate::ask::{Case, UPSTREAM, ask};
use crate::judge::{all_pass, question};

fn entry(model: &str) -> Value {
    json!({"model": format!("gemini/{model}"), "api_base": format!("{UPSTREAM}/v1beta"), "api_key": "AIza-entry"})
}

/// Cut off before the model said anything, as happens to one that thinks.
pub(crate) fn generated(model: &str) -> Value {
    json!({
        "candidates": [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS", "index": 0}],
        "usageMetadata": {"promptTokenCount": 4, "totalTokenCount": 20, "thoughtsTokenCount": 16},
        "modelVersion": model, "responseId": "r-1"
    })
}

#[tokio::test]
async fn every_request_is_one_of_googles_client_and_answers_of_its_types_are_healthy() {
    let mut cases = Vec::new();
    for model in [
        "gemini-2.0-flash",
        "gemini-2.5-flash",
        "gemini-2.5-flash-lite",
        "gemini-2.5-pro",
        "gemini-3-pro-preview",
        "gemma-3-27b-it",
    ] {
        let case = Case::new(model, entry(model), generated(model));
        cases.push(("GenerateContent", case));
    }
    let mut sampled = entry("gemini-2.0-flash");
    sampled["temperature"] = json!(0);
    sampled["top_p"] = json!(0.5);
    sampled["top_k"] = json!(5);
    sampled["seed"] = json!(1);
    let case = Case::new("sampled", sampled, generated("gemini-2.0-flash"));
    cases.push(("GenerateContent", case));
    let embedded = json!({"embeddings": [{"values": [0.5, 0.25]}]});
    let case = Case::new("embedding", entry("gemini-embedding-001"), embedded);
    cases.push((
        "BatchEmbedContents",
        case.info(json!({"mode": "embedding"})),
    ));
    let (methods, cases): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let asked = ask(cases, &[]).await;
    let level = ["generationConfig", "thinkingConfig", "thinkingLevel"];
    let mut questions: Vec<Value> = asked
        .iter()
        .zip(&methods)
        .map(|(asked, method)| {
            question("gemini", asked, &json!({"method": method, "newer": level}))
        })
        .collect();
    // Vertex AI's document has the newest fields too.
    let generate = "aiplatform.projects.locations.publishers.models.generateContent";
    let same = json!({"document": "aiplatform.v1", "method": generate, "elsewhere": true});
    questions.extend(
        asked
            .iter()
            .zip(&methods)
            .filter(|(_, method)| **method == "GenerateContent")
            .map(|(asked, _)| question("vertex", asked, &same)),
    );
    all_pass(&questions);
}
