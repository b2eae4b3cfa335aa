//! Those who speak as OpenAI does, one row each.

use super::openai::OPENAI;
use super::{Free, Provider};
use crate::key::Scheme;
use crate::mode::Mode;

/// What most rows have in common.
const LIKE_OPENAI: Provider = Provider {
    name: "",
    shape: &OPENAI,
    base: "",
    base_vars: &[],
    key_vars: &[],
    other_vars: &[],
    scheme: Scheme::Bearer,
    needs_key: true,
    modes: &[Mode::Chat],
    free: Free::List("/models"),
    fault: 500,
};

/// The rows.
pub(super) static ROWS: [Provider; 2] = [
    Provider {
        name: "openai",
        base: "https://api.openai.com/v1",
        base_vars: &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
        key_vars: &["OPENAI_API_KEY"],
        modes: &[Mode::Chat, Mode::Embedding, Mode::ImageGeneration],
        free: Free::Model,
        fault: 422,
        ..LIKE_OPENAI
    },
    Provider {
        name: "groq",
        base: "https://api.groq.com/openai/v1",
        base_vars: &["GROQ_API_BASE"],
        key_vars: &["GROQ_API_KEY"],
        ..LIKE_OPENAI
    },
];
