//! Servers that people run themselves, and those that only embed and rank.

use super::common::{COMPLETES, LIKE_OPENAI, OF_OPENAI, TALK_AND_EMBED, TALK_EMBED_AND_RANK};
use crate::mode::Mode;
use crate::providers::openai::OpenAi;
use crate::providers::openai::dialect::{self, Dialect, Ending, Thinking};
use crate::providers::{Free, Provider};

/// One that asks for a key only if it was told to.
const OPEN: Provider = Provider {
    needs_key: false,
    ..LIKE_OPENAI
};

/// The modes of one that does nothing but embed and rank.
const EMBED_AND_RANK: &[Mode] = &[Mode::Embedding, Mode::Rerank];

/// The rows.
pub(in crate::providers) static ROWS: [Provider; 11] = [
    Provider {
        name: "hosted_vllm",
        shape: &OpenAi(Dialect {
            responses: Some("/v1/responses"),
            ..COMPLETES
        }),
        base_vars: &["HOSTED_VLLM_API_BASE"],
        key_vars: &["HOSTED_VLLM_API_KEY"],
        modes: &[
            Mode::Chat,
            Mode::Completion,
            Mode::Responses,
            Mode::AnthropicMessages,
            Mode::Embedding,
            Mode::Rerank,
            Mode::AudioTranscription,
            Mode::Batch,
        ],
        free: Free::Complete("/models"),
        ..OPEN
    },
    Provider {
        name: "litellm_proxy",
        shape: &OpenAi(Dialect {
            messages: Some("/v1/messages"),
            renames_limit: false,
            thinking: Thinking::Untold,
            ..dialect::OPENAI
        }),
        base_vars: &["LITELLM_PROXY_API_BASE"],
        key_vars: &["LITELLM_PROXY_API_KEY"],
        modes: &[
            Mode::Chat,
            Mode::Completion,
            Mode::Responses,
            Mode::AnthropicMessages,
            Mode::Embedding,
            Mode::Rerank,
            Mode::Moderation,
            Mode::ImageGeneration,
            Mode::AudioSpeech,
            Mode::AudioTranscription,
            Mode::Realtime,
            Mode::Batch,
        ],
        // its list leaves out hidden aliases, and what its wildcards take but its cost map does not know
        free: Free::List("/v1/models"),
        ..OPEN
    },
    Provider {
        name: "openai_like",
        shape: &OpenAi(dialect::PLAIN),
        base_vars: &["OPENAI_LIKE_API_BASE"],
        key_vars: &["OPENAI_LIKE_API_KEY"],
        modes: OF_OPENAI,
        ..OPEN
    },
    Provider {
        name: "lm_studio",
        shape: &OpenAi(COMPLETES),
        base_vars: &["LM_STUDIO_API_BASE"],
        key_vars: &["LM_STUDIO_API_KEY"],
        modes: TALK_AND_EMBED,
        ..OPEN
    },
    Provider {
        name: "llamafile",
        shape: &OpenAi(COMPLETES),
        base: "http://127.0.0.1:8080/v1",
        base_vars: &["LLAMAFILE_API_BASE"],
        key_vars: &["LLAMAFILE_API_KEY"],
        modes: TALK_AND_EMBED,
        ..OPEN
    },
    Provider {
        name: "xinference",
        shape: &OpenAi(COMPLETES),
        base: "http://127.0.0.1:9997/v1",
        base_vars: &["XINFERENCE_API_BASE"],
        key_vars: &["XINFERENCE_API_KEY"],
        modes: &[
            Mode::Chat,
            Mode::Completion,
            Mode::Responses,
            Mode::AnthropicMessages,
            Mode::Embedding,
            Mode::Rerank,
            Mode::ImageGeneration,
            Mode::AudioSpeech,
            Mode::AudioTranscription,
        ],
        ..OPEN
    },
    Provider {
        name: "docker_model_runner",
        shape: &OpenAi(Dialect {
            ending: Ending::Always("/v1"),
            ..COMPLETES
        }),
        base: "http://localhost:22088/engines/llama.cpp",
        base_vars: &["DOCKER_MODEL_RUNNER_API_BASE"],
        key_vars: &["DOCKER_MODEL_RUNNER_API_KEY"],
        modes: TALK_AND_EMBED,
        ..OPEN
    },
    Provider {
        name: "lemonade",
        shape: &OpenAi(COMPLETES),
        base: "http://localhost:8000/api/v1",
        base_vars: &["LEMONADE_API_BASE"],
        key_vars: &["LEMONADE_API_KEY"],
        modes: TALK_EMBED_AND_RANK,
        ..OPEN
    },
    Provider {
        name: "infinity",
        key_vars: &["INFINITY_API_KEY"],
        modes: EMBED_AND_RANK,
        free: Free::Success("//health"),
        ..OPEN
    },
    Provider {
        name: "voyage",
        base: "https://api.voyageai.com/v1",
        key_vars: &["VOYAGE_API_KEY", "VOYAGE_AI_API_KEY", "VOYAGE_AI_TOKEN"],
        modes: EMBED_AND_RANK,
        free: Free::None,
        ..LIKE_OPENAI
    },
    Provider {
        name: "jina_ai",
        base: "https://api.jina.ai/v1",
        base_vars: &["JINA_AI_API_BASE"],
        key_vars: &["JINA_AI_API_KEY", "JINA_API_KEY", "JINA_AI_TOKEN"],
        modes: EMBED_AND_RANK,
        ..LIKE_OPENAI
    },
];
