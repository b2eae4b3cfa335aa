//! `GET /openapi.json`: what may be asked, in OpenAPI 3.1.
//!
//! The document is made from the handlers' attributes and the answers' types. What is served is the file that it was
//! written to, `docs/openapi.json`, so a running pod carries nothing that makes documents; a test compares the two, and
//! every route with the document.

mod complete;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{OpenApi, PartialSchema, ToSchema};
use watchkeeper_core::verdict::Outcome;

use complete::Complete;

use crate::{alive, health, metrics, records, reload, reply, shared_status, v1};

/// Answers in LiteLLM's shapes.
pub(crate) const LITELLM: &str = "LiteLLM's shapes";
/// Watchkeeper's own answers.
pub(crate) const NATIVE: &str = "Native";
/// What machines read.
pub(crate) const OPERATING: &str = "Operating";

/// The document as it is served.
const FILE: &str = include_str!("../../../docs/openapi.json");

/// What was wrong, in the shape that LiteLLM and OpenAI share.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the document")]
pub(crate) struct ErrorAnswer {
    error: ErrorBody,
}

/// What was wrong.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the document")]
pub(crate) struct ErrorBody {
    /// What was wrong, and what to do.
    message: String,
    /// A word for programs, such as `not_found_error`.
    r#type: String,
    /// Which parameter it was; the text `None` where a key is missing or wrong, as LiteLLM has it.
    param: Option<String>,
    /// The status again, as text.
    code: String,
}

/// What was wrong, as FastAPI and so LiteLLM says it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the document")]
pub(crate) struct DetailAnswer {
    /// `{"error": …}` for what is not there; a list of what was wrong with parameters.
    #[schema(value_type = Value)]
    detail: serde_json::Value,
}

/// The words for what a probe found; core, which has them, knows nothing of documents.
pub(crate) struct OutcomeWord;

impl PartialSchema for OutcomeWord {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(Outcome::ALL.map(Outcome::as_str)))
            .description(Some("What a probe found."))
            .build()
            .into()
    }
}

impl ToSchema for OutcomeWord {
    fn name() -> Cow<'static, str> {
        "Outcome".into()
    }
}

/// The document. A new handler is named here; a test fails until it is.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Watchkeeper",
        description = "Health checks for fleets of LLM proxy pods: asked once, known everywhere.\n\n\
            Every answer comes from the pod's memory, but for runs on demand. `HEAD` is taken wherever `GET` is. Another method \
            is a 405 with `Allow`, an unknown path a 404, each with a native error. Times are RFC 3339 in UTC, unknown is null, \
            and answers grow by addition only.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/")),
    tags(
        (name = LITELLM, description = "What reads LiteLLM's endpoints can read these."),
        (name = NATIVE, description = "Watchkeeper's own, typed."),
        (name = OPERATING, description = "For Prometheus and for tools."),
    ),
    paths(
        health::health,
        shared_status::shared_status,
        records::latest,
        records::history,
        alive::liveliness,
        alive::liveness,
        alive::readiness,
        alive::details,
        metrics::metrics,
        openapi,
        v1::handlers::checks,
        v1::handlers::check,
        v1::handlers::check_history,
        v1::run::run_check,
        v1::run::run,
        v1::handlers::fleet,
        v1::handlers::status,
        v1::events::events,
        reload::reload,
    ),
    modifiers(&Complete),
)]
pub(crate) struct Document;

/// The document as the handlers and types say it. What is served is `docs/openapi.json`, which a test holds to this.
///
/// # Errors
/// None that is known of: a document is maps and texts.
pub fn document() -> Result<String, serde_json::Error> {
    let mut text = Document::openapi().to_pretty_json()?;
    text.push('\n');
    Ok(text)
}

/// This document.
///
/// Needs no key: it is the same for every pod of a version, and holds no data.
#[utoipa::path(
    get, path = "/openapi.json", tag = OPERATING,
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)),
)]
pub(crate) async fn openapi() -> Response {
    reply::bytes(StatusCode::OK, Bytes::from_static(FILE.as_bytes()))
}
