//! Embeddings, pictures and rerankings.

use serde_json::{Map, Value, json};

use super::super::region;
use super::chat::object;
use super::id::Id;
use crate::ask::Ask;
use crate::promise::{Fields, Kind, Promise};

/// The dimensions that Nova's embeddings have where the entry names none; the field is needed.
const NOVA_DIMENSIONS: u32 = 3072;

/// The body of an embedding and what is answered. An error names the remedy.
pub(super) fn embedding(
    ask: &Ask<'_>,
    id: &Id<'_>,
) -> Result<(Map<String, Value>, Promise), String> {
    let family = id.family;
    let dimensions = ask.target.params.get("dimensions").filter(|n| n.is_u64());
    let body = if family.contains("nova") {
        let dimensions = dimensions.cloned().unwrap_or(NOVA_DIMENSIONS.into());
        let body = json!({
            "schemaVersion": "nova-multimodal-embed-v1",
            "taskType": "SINGLE_EMBEDDING",
            "singleEmbeddingParams": {
                "embeddingPurpose": "GENERIC_INDEX",
                "embeddingDimension": dimensions,
                "text": {"value": ask.text, "truncationMode": "END"},
            },
        });
        return Ok((object(body), EMBEDDINGS));
    } else if family.starts_with("cohere.") {
        let mut body = object(json!({
            "texts": [ask.text],
            "input_type": ask.param("input_type").unwrap_or("search_document"),
        }));
        if let Some(truncate) = ask.param("truncate") {
            body.insert("truncate".into(), truncate.into());
        }
        if let Some(dimensions) = dimensions {
            body.insert("output_dimension".into(), dimensions.clone());
        }
        return Ok((body, EMBEDDINGS));
    } else if family.starts_with("twelvelabs.marengo-embed-2") {
        object(json!({"inputType": "text", "inputText": ask.text}))
    } else if family.starts_with("twelvelabs.") {
        object(json!({"inputType": "text", "text": {"inputText": ask.text}}))
    } else if family.starts_with("amazon.") {
        let mut body = object(json!({"inputText": ask.text}));
        match dimensions {
            Some(n) if family.contains("embed-image") => {
                body.insert(
                    "embeddingConfig".into(),
                    json!({"outputEmbeddingLength": n}),
                );
            }
            Some(n) if family.contains("text-v2") => {
                body.insert("dimensions".into(), n.clone());
            }
            _ => {}
        }
        body
    } else {
        return Err(format!(
            "which words the embedding model `{}` takes is not known from its name; give its id, such as \
             `amazon.titan-embed-text-v2:0`, in `model_info.base_model`",
            id.name
        ));
    };
    Ok((body, EMBEDDED))
}

/// What Titan and Marengo answer.
const EMBEDDED: Promise = Promise::Json(Fields {
    any_of: &[("embedding", Kind::List), ("data", Kind::Filled)],
    model: None,
    usage: Some(("inputTextTokenCount", "outputTextTokenCount")),
});

/// What Cohere and Nova answer; by type it is an object.
const EMBEDDINGS: Promise = Promise::Json(Fields {
    any_of: &[("embeddings", Kind::List), ("embeddings", Kind::Object)],
    model: None,
    usage: None,
});

/// The body of a picture and what is answered. The smallest that the model makes, where it can be told.
pub(super) fn image(ask: &Ask<'_>, id: &Id<'_>) -> (Map<String, Value>, Promise) {
    let family = id.family;
    let side = if family.contains("nova-canvas") {
        320
    } else {
        512
    };
    if family.starts_with("amazon.") {
        let body = json!({
            "taskType": "TEXT_IMAGE",
            "textToImageParams": {"text": ask.text},
            "imageGenerationConfig": {"numberOfImages": 1, "width": side, "height": side},
        });
        (object(body), IMAGES)
    } else if family.contains("stable-diffusion-xl") {
        let body = json!({"text_prompts": [{"text": ask.text, "weight": 1}]});
        (object(body), ARTIFACTS)
    } else {
        let body = json!({"prompt": ask.text, "output_format": "jpeg"});
        (object(body), IMAGES)
    }
}

const IMAGES: Promise = Promise::Json(Fields {
    any_of: &[("images", Kind::List)],
    model: None,
    usage: None,
});

const ARTIFACTS: Promise = Promise::Json(Fields {
    any_of: &[("artifacts", Kind::Filled)],
    model: None,
    usage: None,
});

/// The body of a reranking of one document. The API wants an ARN; a plain id becomes one.
pub(super) fn rerank(ask: &Ask<'_>, id: &Id<'_>, region: &str) -> Map<String, Value> {
    let arn = if id.asked.starts_with("arn:") {
        id.asked.to_owned()
    } else {
        let start = region::arn_start(region);
        format!("{start}:bedrock:{region}::foundation-model/{}", id.asked)
    };
    object(json!({
        "queries": [{"type": "TEXT", "textQuery": {"text": ask.text}}],
        "sources": [{
            "type": "INLINE",
            "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": ask.text}},
        }],
        "rerankingConfiguration": {
            "type": "BEDROCK_RERANKING_MODEL",
            "bedrockRerankingConfiguration": {
                "modelConfiguration": {"modelArn": arn},
                "numberOfResults": 1,
            },
        },
    }))
}

/// What a reranking answers.
pub(super) const RANKED: Promise = Promise::Json(Fields {
    any_of: &[("results", Kind::Filled)],
    model: None,
    usage: None,
});
