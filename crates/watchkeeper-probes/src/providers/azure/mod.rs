//! Azure: OpenAI's models as deployments of a resource (`azure/`, `azure_text/`), and Foundry's models (`azure_ai/`).

mod foundry;
mod place;
mod resource;

use super::{Free, Provider};
use crate::key::Scheme;
use crate::mode::Mode;

/// Variables that the shapes look at beside bases and keys.
const VARIABLES: [&str; 4] = [
    "AZURE_API_VERSION",
    "LITELLM_AZURE_REALTIME_PROTOCOL",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
];

/// What the rows have in common.
const AZURE: Provider = Provider {
    name: "azure",
    shape: &resource::Resource { text: false },
    base: "",
    base_vars: &["AZURE_API_BASE"],
    key_vars: &["AZURE_OPENAI_API_KEY", "AZURE_API_KEY"],
    other_vars: &VARIABLES,
    scheme: Scheme::Header("api-key"),
    needs_key: true,
    modes: &[
        Mode::Chat,
        Mode::Completion,
        Mode::Responses,
        Mode::Embedding,
        Mode::ImageGeneration,
        Mode::AudioSpeech,
        Mode::AudioTranscription,
        Mode::Realtime,
        Mode::Batch,
    ],
    free: Free::None,
    fault: 400,
};

/// The rows.
pub(super) static ROWS: [Provider; 3] = [
    AZURE,
    Provider {
        name: "azure_text",
        shape: &resource::Resource { text: true },
        modes: &[Mode::Completion, Mode::Chat],
        ..AZURE
    },
    Provider {
        name: "azure_ai",
        shape: &foundry::Foundry,
        base_vars: &["AZURE_AI_API_BASE"],
        key_vars: &["AZURE_AI_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_API_KEY"],
        modes: &[
            Mode::Chat,
            Mode::Completion,
            Mode::Responses,
            Mode::AnthropicMessages,
            Mode::Embedding,
            Mode::Rerank,
            Mode::ImageGeneration,
        ],
        fault: 500,
        ..AZURE
    },
];

#[cfg(test)]
mod tests;
