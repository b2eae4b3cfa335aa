//! Vertex AI, by the discovery document in Google's API client.

use serde_json::{Value, json};

use crate::ask::{Case, UPSTREAM, ask};
use crate::gemini::generated;
use crate::judge::{all_pass, question};

/// A deployment that brings its access token, so that none is fetched.
fn entry(model: &str) -> Value {
    json!({
        "model": format!("vertex_ai/{model}"), "api_base": UPSTREAM,
        "vertex_project": "my-project", "vertex_location": "europe-west1",
        "extra_headers": {"Authorization": "Bearer ya29.entry"}
    })
}

#[tokio::test]
async fn every_request_is_a_method_of_the_document_and_answers_of_its_schemas_are_healthy() {
    let mut cases = Vec::new();
    for model in [
        "gemini-2.0-flash",
        "gemini-2.5-flash",
        "gemini-2.5-pro",
        "gemini-3-pro-preview",
    ] {
        let case = Case::new(model, entry(model), generated(model));
        cases.push(("generateContent", case));
    }
    let embedded = json!({"predictions": [{"embeddings": {"values": [0.5, 0.25], "statistics": {"token_count": 3}}}]});
    let case = Case::new("embedding", entry("text-embedding-005"), embedded);
    cases.push(("predict", case.info(json!({"mode": "embedding"}))));
    let (methods, cases): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let asked = ask(cases, &[]).await;
    let questions: Vec<Value> = asked
        .iter()
        .zip(methods)
        .map(|(asked, method)| {
            let method = format!("aiplatform.projects.locations.publishers.models.{method}");
            question(
                "vertex",
                asked,
                &json!({"document": "aiplatform.v1", "method": method}),
            )
        })
        .collect();
    all_pass(&questions);
}
