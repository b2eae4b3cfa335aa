use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::*;
use crate::router::routes;

/// Set to have the file written anew.
const UPDATE: &str = "WATCHKEEPER_UPDATE_DOCS";

fn made() -> String {
    super::document().unwrap()
}

fn document() -> Value {
    serde_json::from_str(&made()).unwrap()
}

/// Every operation: method, path, and what stands there.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let item = item.as_object().unwrap().iter();
            item.map(|(method, operation)| (method.to_uppercase(), path.clone(), operation))
        })
        .collect()
}

#[test]
fn the_file_is_what_the_handlers_say() {
    let made = made();
    if std::env::var_os(UPDATE).is_some() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
        std::fs::write(file, &made).unwrap();
        return;
    }
    let differs = FILE.lines().zip(made.lines()).position(|(a, b)| a != b);
    assert!(
        FILE == made,
        "docs/openapi.json differs from the handlers, first in line {:?}; run `{UPDATE}=1 cargo test -p watchkeeper-api \
         --lib openapi` and look at what changed",
        differs.map(|line| line + 1)
    );
}

#[test]
fn every_route_is_in_the_document_and_the_other_way_round() {
    let document = document();
    let told: BTreeSet<(String, String)> = operations(&document)
        .into_iter()
        .map(|(method, path, _)| (method, path))
        .collect();
    let served = routes().served;
    let served: BTreeSet<(String, String)> = served
        .iter()
        .map(|(method, path)| (method.to_string(), (*path).to_owned()))
        .collect();
    assert_eq!(told, served);
}

#[test]
fn every_operation_says_who_may_ask_what_it_takes_and_how_it_fails() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let open = [
        "/health/liveness",
        "/health/liveliness",
        "/health/readiness",
        "/openapi.json",
    ];
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let at = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].to_string()), "{at}");
        assert!(operation["summary"].is_string(), "{at} has no words");
        let keyed = operation["security"].as_array();
        assert_eq!(keyed.is_none(), open.contains(&path.as_str()), "{at}");
        assert_eq!(keyed.is_some(), operation["responses"]["401"].is_object());
        for name in path.split(['{', '}']).skip(1).step_by(2) {
            let parameters = operation["parameters"].as_array().unwrap();
            let told = parameters
                .iter()
                .any(|parameter| parameter["name"] == name && parameter["in"] == "path");
            assert!(told, "{at} does not tell of `{name}`");
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            let is_empty = status == "431";
            assert_eq!(response["content"].is_null(), is_empty, "{at} {status}");
        }
    }
}

#[test]
fn every_schema_has_words_and_every_reference_leads_somewhere() {
    let text = made();
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    assert!(schemas.len() > 20, "{}", schemas.len());
    for (name, schema) in schemas {
        let words = schema["description"].is_string();
        assert!(words, "{name} has no description");
    }
    for reference in text.split("\"$ref\": \"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name} is not there");
    }
}
