//! Google: Gemini's API and Vertex AI, which ask the same models in the same words at other addresses.

mod gemini;
mod generate;
mod thinking;
mod vertex;

use super::{Free, Provider};
use crate::key::Scheme;
use crate::mode::Mode;

/// What can be asked. Vertex AI's further families take part of it, and say so.
const MODES: &[Mode] = &[
    Mode::Chat,
    Mode::Completion,
    Mode::Responses,
    Mode::AnthropicMessages,
    Mode::Embedding,
    Mode::ImageGeneration,
    Mode::AudioSpeech,
    Mode::Batch,
];

const GEMINI: Provider = Provider {
    name: "gemini",
    shape: &gemini::Gemini,
    base: "https://generativelanguage.googleapis.com/v1beta",
    base_vars: &["GEMINI_API_BASE"],
    key_vars: &["GOOGLE_API_KEY", "GEMINI_API_KEY"],
    other_vars: &[],
    scheme: Scheme::Header("x-goog-api-key"),
    needs_key: true,
    modes: MODES,
    free: Free::None,
    fault: 500,
};

const VERTEX: Provider = Provider {
    name: "vertex_ai",
    shape: &vertex::Vertex,
    base: "",
    base_vars: &["VERTEXAI_API_BASE", "VERTEX_API_BASE"],
    key_vars: &[],
    other_vars: vertex::VARIABLES,
    scheme: Scheme::Bearer,
    needs_key: true,
    modes: MODES,
    free: Free::None,
    fault: 500,
};

/// The rows.
pub(super) static ROWS: [Provider; 3] = [
    GEMINI,
    VERTEX,
    Provider {
        name: "vertex_ai_beta",
        ..VERTEX
    },
];
