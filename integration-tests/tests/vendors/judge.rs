//! The vendors' packages, and what they say of a request.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use watchkeeper_integration_tests::python::Environment;
use watchkeeper_integration_tests::recorder::Recorded;

use crate::ask::Asked;

/// Pinned, so that a red test is our doing. Anthropic's is the last whose types have the sampling settings that the
/// newest models no longer take.
const PACKAGES: [&str; 5] = [
    "anthropic==0.125.0",
    "botocore==1.44.8",
    "google-ai-generativelanguage==0.12.1",
    "google-api-python-client==2.202.0",
    "openai==3.57.0",
];

/// The environment's interpreter.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let environment = Environment {
            users: "the vendors' packages",
            directory: "vendors".to_owned(),
            variable: "WATCHKEEPER_VENDORS_VENV",
            packages: PACKAGES.map(str::to_owned).to_vec(),
        };
        match environment.install() {
            Ok(venv) => venv.join("bin/python"),
            Err(error) => panic!("{error}"),
        }
    })
}

/// What a judge is asked: its name, the request with its answer, and what it needs beside them.
pub(crate) fn question(judge: &str, asked: &Asked, beside: &Value) -> Value {
    let mut question = json!({
        "judge": judge,
        "name": asked.name,
        "request": shown(&asked.request, &asked.url),
    });
    if asked.answer.kind == "application/json" {
        question["answer"] = String::from_utf8_lossy(&asked.answer.body).into();
    }
    for (name, value) in beside.as_object().expect("an object") {
        question[name] = value.clone();
    }
    question
}

/// A request as the judges take it.
pub(crate) fn shown(request: &Recorded, url: &str) -> Value {
    json!({
        "method": request.method,
        "url": url,
        "headers": request.headers,
        "body": STANDARD.encode(&request.body),
    })
}

/// The complaints, one list for each question.
///
/// # Panics
/// When the packages cannot be had, or the judges break.
pub(crate) fn complaints(questions: &[Value]) -> Vec<Vec<String>> {
    let main = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vendors/judge/main.py");
    let mut child = Command::new(python())
        .arg(main)
        // What it compiles would lie among the sources.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It reads all before it writes anything.
    let mut input = child.stdin.take().unwrap();
    input
        .write_all(Value::from(questions).to_string().as_bytes())
        .unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{main}: {}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// # Panics
/// When there is a complaint; the message has all of them, each with its request.
pub(crate) fn all_pass(questions: &[Value]) {
    let complaints = complaints(questions);
    assert_eq!(complaints.len(), questions.len());
    let bad: Vec<String> = complaints
        .iter()
        .zip(questions)
        .filter(|(complaints, _)| !complaints.is_empty())
        .map(|(complaints, question)| {
            let body = question["request"]["body"].as_str().unwrap_or_default();
            let body = STANDARD.decode(body).unwrap_or_default();
            format!(
                "{} by {}: {}\n{} {} {}\n{}",
                question["name"],
                question["judge"],
                complaints.join("\n"),
                question["request"]["method"],
                question["request"]["url"],
                question["request"]["headers"],
                String::from_utf8_lossy(&body)
            )
        })
        .collect();
    assert!(bad.is_empty(), "{}", bad.join("\n\n"));
}
