//! Providers with an API of their own that few configurations use, one shape each.
//!
//! What differs from LiteLLM's requests, and why, stands at each.

mod huggingface;
mod replicate;
mod snowflake;
mod sound;
mod watsonx;

use super::{Free, Provider};
use crate::key::Scheme;
use crate::mode::Mode;

/// What the rows have in common.
const ROW: Provider = Provider {
    name: "",
    shape: &huggingface::HuggingFace,
    base: "",
    base_vars: &[],
    key_vars: &[],
    other_vars: &[],
    scheme: Scheme::Bearer,
    needs_key: true,
    modes: &[Mode::Chat],
    free: Free::None,
    fault: 500,
};

/// The rows.
pub(super) static ROWS: [Provider; 6] = [
    Provider {
        name: "huggingface",
        base: huggingface::ROUTER,
        base_vars: &["HF_API_BASE", "HUGGINGFACE_API_BASE"],
        key_vars: &["HF_TOKEN", "HUGGINGFACE_API_KEY"],
        modes: &[Mode::Chat, Mode::Completion, Mode::Embedding, Mode::Rerank],
        ..ROW
    },
    Provider {
        name: "replicate",
        shape: &replicate::Replicate,
        base: "https://api.replicate.com/v1",
        base_vars: &["REPLICATE_API_BASE"],
        key_vars: &["REPLICATE_API_KEY", "REPLICATE_API_TOKEN"],
        scheme: Scheme::Word("Token"),
        modes: &[Mode::Chat, Mode::Completion],
        ..ROW
    },
    Provider {
        name: "elevenlabs",
        shape: &sound::ElevenLabs,
        base: "https://api.elevenlabs.io",
        base_vars: &["ELEVENLABS_API_BASE"],
        key_vars: &["ELEVENLABS_API_KEY"],
        scheme: Scheme::Header("xi-api-key"),
        modes: &[Mode::AudioSpeech, Mode::AudioTranscription],
        ..ROW
    },
    Provider {
        name: "deepgram",
        shape: &sound::Deepgram,
        base: "https://api.deepgram.com/v1",
        base_vars: &["DEEPGRAM_API_BASE"],
        key_vars: &["DEEPGRAM_API_KEY"],
        scheme: Scheme::Word("Token"),
        modes: &[Mode::AudioTranscription],
        ..ROW
    },
    Provider {
        name: "snowflake",
        shape: &snowflake::Snowflake,
        base_vars: &["SNOWFLAKE_API_BASE"],
        key_vars: &["SNOWFLAKE_JWT"],
        other_vars: &["SNOWFLAKE_ACCOUNT_ID"],
        modes: &[Mode::Chat, Mode::Completion, Mode::Embedding],
        ..ROW
    },
    Provider {
        name: "watsonx",
        shape: &watsonx::Watsonx,
        base_vars: &["WATSONX_API_BASE", "WATSONX_URL", "WX_URL", "WML_URL"],
        key_vars: &["WATSONX_TOKEN"],
        other_vars: &watsonx::VARIABLES,
        modes: &[Mode::Chat, Mode::Completion, Mode::Embedding, Mode::Rerank],
        ..ROW
    },
];

#[cfg(test)]
mod tests;
