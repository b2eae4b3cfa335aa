//! What rows have in common: modes, dialects, efforts.

use crate::key::Scheme;
use crate::mode::Mode;
use crate::providers::openai::OpenAi;
use crate::providers::openai::dialect::{Dialect, PLAIN, Thinking};
use crate::providers::{Free, Provider};

/// One that only chats; a text to complete, a response and a message of Anthropic's are asked as a chat there, as LiteLLM
/// does.
pub(super) static CHATS: OpenAi = OpenAi(PLAIN);

/// As [`CHATS`], and texts are completed where they are sent for that.
pub(super) static COMPLETES_TOO: OpenAi = OpenAi(COMPLETES);

/// The modes of one that only chats.
pub(super) const TALK: &[Mode] = &[
    Mode::Chat,
    Mode::Completion,
    Mode::Responses,
    Mode::AnthropicMessages,
];

/// The modes of one that also embeds.
pub(super) const TALK_AND_EMBED: &[Mode] = &[
    Mode::Chat,
    Mode::Completion,
    Mode::Responses,
    Mode::AnthropicMessages,
    Mode::Embedding,
];

/// The modes of one that also ranks.
pub(super) const TALK_EMBED_AND_RANK: &[Mode] = &[
    Mode::Chat,
    Mode::Completion,
    Mode::Responses,
    Mode::AnthropicMessages,
    Mode::Embedding,
    Mode::Rerank,
];

/// All that OpenAI's API has.
pub(super) const OF_OPENAI: &[Mode] = &[
    Mode::Chat,
    Mode::Completion,
    Mode::Responses,
    Mode::AnthropicMessages,
    Mode::Embedding,
    Mode::Moderation,
    Mode::ImageGeneration,
    Mode::AudioSpeech,
    Mode::AudioTranscription,
    Mode::Realtime,
    Mode::Batch,
];

/// What most rows have in common.
pub(super) const LIKE_OPENAI: Provider = Provider {
    name: "",
    shape: &CHATS,
    base: "",
    base_vars: &[],
    key_vars: &[],
    other_vars: &[],
    scheme: Scheme::Bearer,
    needs_key: true,
    modes: TALK,
    free: Free::List("/models"),
    fault: 500,
};

/// One that completes texts, too.
pub(super) const COMPLETES: Dialect = Dialect {
    completes: true,
    ..PLAIN
};

/// One that makes responses, too.
pub(super) const RESPONDS: Dialect = Dialect {
    responses: Some("/responses"),
    ..PLAIN
};

/// The least effort of OpenAI's open models, as those who serve them document it.
pub(super) const OPEN_MODELS: Thinking = Thinking::Known(&[
    ("openai/gpt-oss-", "low"),
    ("gpt-oss-", "low"),
    ("accounts/fireworks/models/gpt-oss-", "low"),
]);

/// What Groq documents: one of Qwen's models can be told not to think at all.
pub(super) const OF_GROQ: Thinking =
    Thinking::Known(&[("openai/gpt-oss-", "low"), ("qwen/qwen3-32b", "none")]);

/// A vendor of whom nothing is special but the address and the key. The lists of names are variables, in order.
pub(super) const fn vendor(
    name: &'static str,
    base: &'static str,
    base_vars: &'static [&'static str],
    key_vars: &'static [&'static str],
) -> Provider {
    Provider {
        name,
        base,
        base_vars,
        key_vars,
        ..LIKE_OPENAI
    }
}
