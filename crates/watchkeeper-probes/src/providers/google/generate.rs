//! What Google's models are asked and what they answer, wherever they are served: by Gemini's API and by Vertex AI.
//!
//! What of an entry travels: `temperature`, `top_p`, `top_k`, `seed`, under Google's names, and `safety_settings`;
//! `dimensions` for embeddings. `reasoning_effort` and `thinking` stay here, see `thinking`; `extra_body` too, in which
//! Google's limits would stand under names of their own.

use serde_json::{Map, Value, json};

use super::thinking;
use crate::ask::Ask;
use crate::mode::Mode;
use crate::promise::{Fields, Kind, Promise};
use crate::tokens::last_segment;

/// Thoughts are output, and billed as such.
const USAGE: Option<(&str, &str)> = Some((
    "usageMetadata.promptTokenCount",
    "usageMetadata.candidatesTokenCount+usageMetadata.thoughtsTokenCount",
));

/// What `:generateContent` answers. A candidate may be without content: the limit was reached before any.
pub(super) const CANDIDATES: Promise = Promise::Json(Fields {
    any_of: &[("candidates", Kind::Filled)],
    model: Some("modelVersion"),
    usage: USAGE,
});

/// What `:predict` answers.
pub(super) const PREDICTIONS: Promise = Promise::Json(Fields {
    any_of: &[("predictions", Kind::Filled)],
    model: None,
    usage: Some((
        "predictions.0.embeddings.statistics.token_count",
        "usageMetadata.candidatesTokenCount",
    )),
});

/// What `:predict` answers where vectors come bare.
pub(super) const VECTORS: Promise = Promise::Json(Fields {
    any_of: &[("predictions", Kind::List)],
    model: None,
    usage: None,
});

/// What `:embedContent` and `:batchEmbedContents` answer.
pub(super) const EMBEDDINGS: Promise = Promise::Json(Fields {
    any_of: &[
        ("embeddings", Kind::Filled),
        ("embedding.values", Kind::List),
    ],
    model: None,
    usage: USAGE,
});

/// A model's resource.
pub(super) const RESOURCE: Promise = Promise::Json(Fields {
    any_of: &[("name", Kind::Text)],
    model: None,
    usage: None,
});

/// What `:countTokens` answers.
pub(super) const COUNT: Promise = Promise::Json(Fields {
    any_of: &[("totalTokens", Kind::Number)],
    model: None,
    usage: None,
});

/// LiteLLM's name, Google's name.
const SAMPLING: [(&str, &str); 4] = [
    ("temperature", "temperature"),
    ("top_p", "topP"),
    ("top_k", "topK"),
    ("seed", "seed"),
];

/// The voice where the check names none, or only LiteLLM's default, which is not one of Gemini's.
const VOICE: &str = "Kore";
const FOREIGN_VOICE: &str = "alloy";

/// Pieces of names and the mode they mean; first match wins.
const MODES_BY_NAME: [(&str, &str); 11] = [
    ("embedding", "embedding"),
    ("embed-", "embedding"),
    ("imagen", "image_generation"),
    ("imagegeneration", "image_generation"),
    ("nano-banana", "image_generation"),
    ("-image", "image_generation"),
    ("-tts", "audio_speech"),
    ("-transcribe", "audio_transcription"),
    ("-native-audio", "realtime"),
    ("-live", "realtime"),
    ("veo-", "video_generation"),
];

/// The mode that one of Google's own names means.
pub(super) fn mode_by_name(model: &str) -> Option<&'static str> {
    let name = last_segment(model);
    let google = [
        "gemini",
        "imag",
        "veo-",
        "nano-banana",
        "text-",
        "multimodal",
    ];
    if !google.iter().any(|start| name.starts_with(start)) {
        return None;
    }
    MODES_BY_NAME
        .iter()
        .find(|(piece, _)| name.contains(piece))
        .map(|(_, mode)| *mode)
}

/// Whether a model refuses whoever brings it no tool.
pub(super) fn wants_more(model: &str) -> bool {
    let name = last_segment(model);
    name.starts_with("gemini") && name.contains("computer-use")
}

/// Whether pictures come from `:generateContent`, not from Imagen's `:predict`.
pub(super) fn is_gemini(model: &str) -> bool {
    ["gemini", "nano-banana"]
        .iter()
        .any(|name| model.contains(name))
}

/// The words of the question.
pub(super) fn contents(ask: &Ask<'_>) -> Value {
    json!([{"role": "user", "parts": [{"text": ask.text}]}])
}

/// The body of `:generateContent`, for text, a picture or speech.
pub(super) fn body(ask: &Ask<'_>) -> Map<String, Value> {
    let params = &ask.target.params;
    let mut body = Map::new();
    body.insert("contents".into(), contents(ask));
    if let Some(safety @ Value::Array(_)) = params.get("safety_settings") {
        body.insert("safetySettings".into(), safety.clone());
    }
    let mut config = Map::new();
    if let Some(limit) = ask.limit {
        config.insert("maxOutputTokens".into(), limit.into());
    }
    match ask.mode {
        Mode::ImageGeneration => {
            config.insert("responseModalities".into(), json!(["IMAGE", "TEXT"]));
        }
        Mode::AudioSpeech => {
            config.insert("responseModalities".into(), json!(["AUDIO"]));
            config.insert("speechConfig".into(), speech(ask));
        }
        _ => {
            for (from, to) in SAMPLING {
                if let Some(value) = params.get(from).filter(|value| value.is_number()) {
                    config.insert(to.into(), value.clone());
                }
            }
            let effort = ask.target.health.reasoning_effort.as_deref();
            if let Some(thinking) = thinking::config(ask.family(), effort) {
                config.insert("thinkingConfig".into(), thinking);
            }
        }
    }
    body.insert("generationConfig".into(), config.into());
    body
}

fn speech(ask: &Ask<'_>) -> Value {
    let voice = ask.target.health.voice.as_deref();
    let voice = voice.filter(|voice| !voice.is_empty() && *voice != FOREIGN_VOICE);
    json!({"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice.unwrap_or(VOICE)}}})
}

/// The content of an embedding, with the size of the vector if the entry names one.
pub(super) fn embedding(ask: &Ask<'_>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("content".into(), json!({"parts": [{"text": ask.text}]}));
    if let Some(size) = dimensions(ask) {
        body.insert("outputDimensionality".into(), size);
    }
    body
}

/// `dimensions` of the entry.
pub(super) fn dimensions(ask: &Ask<'_>) -> Option<Value> {
    let value = ask.target.params.get("dimensions");
    value.filter(|value| value.is_number()).cloned()
}

/// The body of Imagen's `:predict`: one picture, where Google's default is four.
pub(super) fn picture(ask: &Ask<'_>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("instances".into(), json!([{"prompt": ask.text}]));
    body.insert("parameters".into(), json!({"sampleCount": 1}));
    body
}
