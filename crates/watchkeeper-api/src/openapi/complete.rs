//! What all operations have in common, added to the document in one place.

use utoipa::Modify;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{AllOf, Object, Schema};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};

/// Answers that every operation may give, and the way to send a key.
pub(super) struct Complete;

impl Modify for Complete {
    fn modify(&self, document: &mut OpenApi) {
        let components = document
            .components
            .get_or_insert_with(|| ComponentsBuilder::new().build());
        let key = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "One of `http.api_keys`, or LiteLLM's master key. Not needed where none is configured.",
            ))
            .build();
        components.add_security_scheme("key", SecurityScheme::Http(key));
        for (name, schema) in &mut components.schemas {
            if !SOME_MISSING.contains(&name.as_str())
                && let RefOr::T(schema) = schema
            {
                require_all(schema);
            }
        }
        for item in document.paths.paths.values_mut() {
            for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
                complete(operation);
            }
        }
    }
}

/// Schemas of which not every property is always there. In all others null stands for what is not known.
const SOME_MISSING: [&str; 5] = [
    "HealthAnswer",
    "Endpoint",
    "ReadinessAnswer",
    "RunRequest",
    "SharedStatusAnswer",
];

fn require_all(schema: &mut Schema) {
    match schema {
        Schema::Object(object) => require_properties(object),
        Schema::AllOf(AllOf { items, .. }) => {
            for item in items {
                if let RefOr::T(schema) = item {
                    require_all(schema);
                }
            }
        }
        _ => {}
    }
}

fn require_properties(object: &mut Object) {
    object.required = object.properties.keys().cloned().collect();
}

fn complete(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    let mut add = |status: &str, response: Response| {
        responses
            .entry(status.to_owned())
            .or_insert(RefOr::T(response));
    };
    if operation.security.is_some() {
        add("401", problem("No key, a wrong one, or no Bearer."));
    }
    add("413", problem("A body of more than 64 KiB."));
    let head = "Headers of more than 32 KiB, or more than 100 of them.";
    add("431", ResponseBuilder::new().description(head).build());
}

fn problem(description: &str) -> Response {
    let schema = Ref::from_schema_name("ErrorAnswer");
    ResponseBuilder::new()
        .description(description)
        .content(
            "application/json",
            ContentBuilder::new().schema(Some(schema)).build(),
        )
        .build()
}
