//! Those who speak as OpenAI does, one row each: those that most people have, here; others in files beside it.

mod common;
pub(super) mod declared;
pub(super) mod servers;
pub(super) mod vendors;

use common::{
    COMPLETES, LIKE_OPENAI, OF_GROQ, OF_OPENAI, OPEN_MODELS, RESPONDS, TALK_AND_EMBED,
    TALK_EMBED_AND_RANK,
};

use super::openai::OpenAi;
use super::openai::dialect::{Dialect, Ending, Mark, PLAIN, Rerank, Thinking};
use super::{Free, Provider};
use crate::mode::Mode;

/// The rows.
pub(super) static ROWS: [Provider; 23] = [
    Provider {
        name: "openai",
        shape: &super::openai::OPENAI,
        base: "https://api.openai.com/v1",
        base_vars: &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
        key_vars: &["OPENAI_API_KEY"],
        modes: OF_OPENAI,
        free: Free::Model,
        fault: 422,
        ..LIKE_OPENAI
    },
    Provider {
        name: "text-completion-openai",
        shape: &super::openai::OPENAI,
        base: "https://api.openai.com/v1",
        base_vars: &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
        key_vars: &["OPENAI_API_KEY"],
        modes: &[Mode::Completion],
        free: Free::Model,
        ..LIKE_OPENAI
    },
    Provider {
        name: "openrouter",
        shape: &OpenAi(Dialect {
            responses: Some("/responses"),
            draws_in_chat: true,
            thinking: Thinking::Router,
            mark: Mark::Router,
            ..PLAIN
        }),
        base: "https://openrouter.ai/api/v1",
        base_vars: &["OPENROUTER_API_BASE"],
        key_vars: &["OPENROUTER_API_KEY", "OR_API_KEY"],
        other_vars: &["OR_SITE_URL", "OR_APP_NAME"],
        modes: &[
            Mode::Chat,
            Mode::Completion,
            Mode::Responses,
            Mode::AnthropicMessages,
            Mode::Embedding,
            Mode::ImageGeneration,
        ],
        // its list of models is open to everybody
        free: Free::Success("/key"),
        ..LIKE_OPENAI
    },
    Provider {
        name: "groq",
        shape: &OpenAi(Dialect {
            thinking: OF_GROQ,
            ..PLAIN
        }),
        base: "https://api.groq.com/openai/v1",
        base_vars: &["GROQ_API_BASE"],
        key_vars: &["GROQ_API_KEY"],
        modes: &[
            Mode::Chat,
            Mode::Completion,
            Mode::Responses,
            Mode::AnthropicMessages,
            Mode::AudioSpeech,
            Mode::AudioTranscription,
        ],
        ..LIKE_OPENAI
    },
    Provider {
        name: "mistral",
        shape: &OpenAi(Dialect {
            ending: Ending::Always("/v1"),
            ..PLAIN
        }),
        base: "https://api.mistral.ai/v1",
        base_vars: &["MISTRAL_AZURE_API_BASE"],
        key_vars: &["MISTRAL_AZURE_API_KEY", "MISTRAL_API_KEY"],
        modes: &[
            Mode::Chat,
            Mode::Completion,
            Mode::Responses,
            Mode::AnthropicMessages,
            Mode::Embedding,
            Mode::Moderation,
            Mode::AudioTranscription,
        ],
        ..LIKE_OPENAI
    },
    Provider {
        name: "nvidia_nim",
        shape: &OpenAi(Dialect {
            rerank: Rerank::Nvidia,
            ..PLAIN
        }),
        base: "https://integrate.api.nvidia.com/v1",
        base_vars: &["NVIDIA_NIM_API_BASE"],
        key_vars: &["NVIDIA_NIM_API_KEY"],
        modes: TALK_EMBED_AND_RANK,
        ..LIKE_OPENAI
    },
    Provider {
        name: "cerebras",
        shape: &OpenAi(Dialect {
            thinking: OPEN_MODELS,
            ..PLAIN
        }),
        base: "https://api.cerebras.ai/v1",
        base_vars: &["CEREBRAS_API_BASE"],
        key_vars: &["CEREBRAS_API_KEY"],
        ..LIKE_OPENAI
    },
    Provider {
        name: "github",
        shape: &OpenAi(Dialect {
            renames_limit: true,
            ..PLAIN
        }),
        base: "https://models.inference.ai.azure.com",
        base_vars: &["GITHUB_API_BASE"],
        key_vars: &["GITHUB_API_KEY"],
        ..LIKE_OPENAI
    },
    Provider {
        name: "cloudflare",
        shape: &OpenAi(Dialect {
            ending: Ending::Account,
            ..PLAIN
        }),
        base: "https://api.cloudflare.com/client/v4",
        base_vars: &["CLOUDFLARE_API_BASE"],
        key_vars: &["CLOUDFLARE_API_KEY"],
        other_vars: &["CLOUDFLARE_ACCOUNT_ID"],
        modes: TALK_AND_EMBED,
        // the account's list of models, beside the API that speaks as OpenAI does: tokens of a user and of an account may
        // both read it, and each of the two calls that verify a token refuses one of them
        free: Free::Success("/../models/search"),
        ..LIKE_OPENAI
    },
    Provider {
        name: "together_ai",
        shape: &OpenAi(Dialect {
            also: &["https://api.together.xyz/v1"],
            thinking: OPEN_MODELS,
            ..COMPLETES
        }),
        base: "https://api.together.ai/v1",
        base_vars: &["TOGETHER_AI_API_BASE"],
        key_vars: &[
            "TOGETHER_API_KEY",
            "TOGETHER_AI_API_KEY",
            "TOGETHERAI_API_KEY",
            "TOGETHER_AI_TOKEN",
        ],
        modes: &[
            Mode::Chat,
            Mode::Completion,
            Mode::Responses,
            Mode::AnthropicMessages,
            Mode::Embedding,
            Mode::Rerank,
            Mode::ImageGeneration,
        ],
        ..LIKE_OPENAI
    },
    Provider {
        name: "moonshot",
        shape: &OpenAi(Dialect {
            also: &["https://api.moonshot.cn/v1"],
            ..PLAIN
        }),
        base: "https://api.moonshot.ai/v1",
        base_vars: &["MOONSHOT_API_BASE"],
        key_vars: &["MOONSHOT_API_KEY"],
        ..LIKE_OPENAI
    },
    Provider {
        name: "deepseek",
        base: "https://api.deepseek.com/beta",
        base_vars: &["DEEPSEEK_API_BASE"],
        key_vars: &["DEEPSEEK_API_KEY"],
        free: Free::List("https://api.deepseek.com/models"),
        ..LIKE_OPENAI
    },
    Provider {
        name: "xai",
        shape: &OpenAi(Dialect {
            thinking: Thinking::Known(&[("grok-3-mini", "low")]),
            ..RESPONDS
        }),
        base: "https://api.x.ai/v1",
        base_vars: &["XAI_API_BASE"],
        key_vars: &["XAI_API_KEY"],
        modes: &[
            Mode::Chat,
            Mode::Completion,
            Mode::Responses,
            Mode::AnthropicMessages,
            Mode::ImageGeneration,
            Mode::Realtime,
            Mode::Batch,
        ],
        ..LIKE_OPENAI
    },
    Provider {
        name: "dashscope",
        shape: &OpenAi(Dialect {
            also: &["https://dashscope-intl.aliyuncs.com/compatible-mode/v1"],
            ..PLAIN
        }),
        base: "https://dashscope.aliyuncs.com/compatible-mode/v1",
        base_vars: &["DASHSCOPE_API_BASE"],
        key_vars: &["DASHSCOPE_API_KEY"],
        modes: TALK_AND_EMBED,
        ..LIKE_OPENAI
    },
    Provider {
        name: "perplexity",
        shape: &OpenAi(Dialect {
            responses: Some("/v1/responses"),
            ..PLAIN
        }),
        base: "https://api.perplexity.ai",
        base_vars: &["PERPLEXITY_API_BASE"],
        key_vars: &["PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"],
        free: Free::None,
        ..LIKE_OPENAI
    },
    Provider {
        name: "fireworks_ai",
        shape: &OpenAi(Dialect {
            responses: Some("/responses"),
            thinking: OPEN_MODELS,
            ..COMPLETES
        }),
        base: "https://api.fireworks.ai/inference/v1",
        base_vars: &["FIREWORKS_API_BASE"],
        key_vars: &[
            "FIREWORKS_API_KEY",
            "FIREWORKS_AI_API_KEY",
            "FIREWORKSAI_API_KEY",
            "FIREWORKS_AI_TOKEN",
        ],
        modes: TALK_EMBED_AND_RANK,
        ..LIKE_OPENAI
    },
    Provider {
        name: "databricks",
        shape: &OpenAi(Dialect {
            ending: Ending::IfBare("/serving-endpoints"),
            mark: Mark::Workspace,
            ..PLAIN
        }),
        base_vars: &["DATABRICKS_API_BASE"],
        key_vars: &["DATABRICKS_API_KEY"],
        other_vars: &["DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET"],
        modes: TALK_AND_EMBED,
        free: Free::Success("//api/2.0/serving-endpoints/{model}"),
        ..LIKE_OPENAI
    },
    Provider {
        name: "sambanova",
        base: "https://api.sambanova.ai/v1",
        base_vars: &["SAMBANOVA_API_BASE"],
        key_vars: &["SAMBANOVA_API_KEY"],
        modes: TALK_AND_EMBED,
        ..LIKE_OPENAI
    },
    Provider {
        name: "deepinfra",
        shape: &OpenAi(Dialect {
            rerank: Rerank::DeepInfra,
            ..PLAIN
        }),
        base: "https://api.deepinfra.com/v1/openai",
        base_vars: &["DEEPINFRA_API_BASE"],
        key_vars: &["DEEPINFRA_API_KEY"],
        modes: &[
            Mode::Chat,
            Mode::Completion,
            Mode::Responses,
            Mode::AnthropicMessages,
            Mode::Rerank,
            Mode::AudioTranscription,
        ],
        ..LIKE_OPENAI
    },
    Provider {
        name: "zai",
        shape: &OpenAi(Dialect {
            also: &["https://open.bigmodel.cn/api/paas/v4"],
            ..PLAIN
        }),
        base: "https://api.z.ai/api/paas/v4",
        base_vars: &["ZAI_API_BASE"],
        key_vars: &["ZAI_API_KEY"],
        free: Free::None,
        ..LIKE_OPENAI
    },
    Provider {
        name: "minimax",
        shape: &OpenAi(Dialect {
            also: &["https://api.minimaxi.com/v1"],
            ..PLAIN
        }),
        base: "https://api.minimax.io/v1",
        base_vars: &["MINIMAX_API_BASE"],
        key_vars: &["MINIMAX_API_KEY"],
        free: Free::None,
        ..LIKE_OPENAI
    },
    Provider {
        name: "volcengine",
        shape: &OpenAi(RESPONDS),
        base: "https://ark.cn-beijing.volces.com/api/v3",
        base_vars: &["VOLCENGINE_API_BASE"],
        key_vars: &["VOLCENGINE_API_KEY"],
        modes: TALK_AND_EMBED,
        free: Free::None,
        ..LIKE_OPENAI
    },
    Provider {
        name: "custom_openai",
        shape: &super::openai::OPENAI,
        modes: OF_OPENAI,
        needs_key: false,
        fault: 422,
        ..LIKE_OPENAI
    },
];
