//! Judges answers by the document: its file is the one that is served.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::Method;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::fake::Answer;

pub(crate) static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../../docs/openapi.json")).unwrap());

/// Method, path and status.
type Given = (String, String, u16);
/// The content type, and what the body has to be.
type Content = (String, Validator);

static ANSWERS: LazyLock<BTreeMap<Given, Option<Content>>> = LazyLock::new(|| {
    let mut answers = BTreeMap::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let content = response["content"].as_object().map(|content| {
                    let (media, body) = content.iter().next().unwrap();
                    (media.clone(), validator(&body["schema"]))
                });
                let key = (method.to_uppercase(), path.clone(), status.parse().unwrap());
                answers.insert(key, content);
            }
        }
    }
    answers
});

/// A schema of the document, with what it refers to.
fn validator(schema: &Value) -> Validator {
    let mut schema = schema.clone();
    schema["components"] = json!({"schemas": DOCUMENT["components"]["schemas"]});
    jsonschema::draft202012::new(&schema).unwrap()
}

/// The path of the document that a request's path is an instance of.
fn pattern(path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.split('/').collect();
    let mut patterns = DOCUMENT["paths"].as_object().unwrap().keys();
    patterns
        .find(|pattern| {
            let words: Vec<&str> = pattern.split('/').collect();
            let alike = |(word, part): (&&str, &&str)| {
                word == part || (word.starts_with('{') && !part.is_empty())
            };
            words.len() == parts.len() && words.iter().zip(&parts).all(alike)
        })
        .map(String::as_str)
}

/// Fails where the document does not say that this may be the answer. What no route takes is none of its business.
pub(crate) fn judge(method: &Method, path: &str, answer: &Answer) {
    let Some(pattern) = pattern(path) else {
        return;
    };
    let status = answer.status.as_u16();
    let method = if *method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let key = (method.to_string(), pattern.to_owned(), status);
    let Some(expected) = ANSWERS.get(&key) else {
        let is_an_operation = ANSWERS.keys().any(|(m, p, _)| (m, p) == (&key.0, &key.1));
        assert!(
            !is_an_operation && status == 405,
            "docs/openapi.json does not tell of {status} at {method} {pattern}: {}",
            answer.text
        );
        return;
    };
    let Some((media, schema)) = expected else {
        assert_eq!(answer.text, "", "{key:?}");
        return;
    };
    let given = answer.header("content-type").unwrap();
    assert_eq!(given.split(';').next(), Some(media.as_str()), "{key:?}");
    if media == "application/json" && !answer.text.is_empty() {
        let wrong: Vec<String> = schema
            .iter_errors(&answer.json())
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{key:?}: {wrong:?} in {}", answer.text);
    }
}

#[test]
fn an_answer_that_the_document_does_not_tell_of_is_found() {
    let answer = |status: u16, text: &str| Answer {
        status: axum::http::StatusCode::from_u16(status).unwrap(),
        headers: [("content-type", "application/json")]
            .into_iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect(),
        text: text.to_owned(),
    };
    let judged = |status, path: &'static str, text: &'static str| {
        std::panic::catch_unwind(|| judge(&Method::GET, path, &answer(status, text))).is_ok()
    };
    let error = r#"{"error": {"message": "", "type": "", "param": null, "code": ""}}"#;
    assert!(judged(404, "/v1/checks/a", error));
    assert!(!judged(418, "/v1/checks/a", error), "the status");
    assert!(
        !judged(404, "/v1/checks/a", r#"{"error": "no"}"#),
        "the shape"
    );
    assert!(!judged(200, "/v1/checks", "{}"), "what is missing");
    assert!(!judged(200, "/metrics", "{}"), "the content type");
}
