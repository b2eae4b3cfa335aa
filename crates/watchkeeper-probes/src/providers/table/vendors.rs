//! Vendors of whom little is special, by name.

use super::common::{COMPLETES_TOO, TALK_AND_EMBED, TALK_EMBED_AND_RANK, vendor};
use crate::mode::Mode;
use crate::providers::openai::OpenAi;
use crate::providers::openai::dialect::{Dialect, Ending, PLAIN};
use crate::providers::{Free, Provider};

/// The rows.
pub(in crate::providers) static ROWS: [Provider; 34] = [
    vendor(
        "ai21",
        "https://api.ai21.com/studio/v1",
        &["AI21_API_BASE"],
        &["AI21_API_KEY"],
    ),
    vendor(
        "ai21_chat",
        "https://api.ai21.com/studio/v1",
        &["AI21_API_BASE"],
        &["AI21_API_KEY"],
    ),
    vendor(
        "aiml",
        "https://api.aimlapi.com/v1",
        &["AIML_API_BASE"],
        &["AIML_API_KEY"],
    ),
    vendor(
        "amazon_nova",
        "https://api.nova.amazon.com/v1",
        &["AMAZON_NOVA_API_BASE"],
        &["AMAZON_NOVA_API_KEY"],
    ),
    vendor(
        "baseten",
        "https://inference.baseten.co/v1",
        &["BASETEN_API_BASE"],
        &["BASETEN_API_KEY"],
    ),
    vendor(
        "clarifai",
        "https://api.clarifai.com/v2/ext/openai/v1",
        &[],
        &["CLARIFAI_API_KEY"],
    ),
    Provider {
        free: Free::None,
        ..vendor(
            "codestral",
            "https://codestral.mistral.ai/v1",
            &["CODESTRAL_API_BASE"],
            &["CODESTRAL_API_KEY"],
        )
    },
    Provider {
        modes: TALK_AND_EMBED,
        ..vendor(
            "cometapi",
            "https://api.cometapi.com/v1",
            &["COMETAPI_API_BASE"],
            &["COMETAPI_KEY", "COMETAPI_API_KEY"],
        )
    },
    vendor(
        "compactifai",
        "https://api.compactif.ai/v1",
        &[],
        &["COMPACTIFAI_API_KEY"],
    ),
    Provider {
        modes: TALK_AND_EMBED,
        free: Free::None,
        ..vendor(
            "edenai",
            "https://api.edenai.run/v3",
            &["EDENAI_API_BASE"],
            &["EDENAI_API_KEY"],
        )
    },
    Provider {
        free: Free::None,
        ..vendor(
            "empower",
            "https://app.empower.dev/api/v1",
            &["EMPOWER_API_BASE"],
            &["EMPOWER_API_KEY"],
        )
    },
    Provider {
        shape: &COMPLETES_TOO,
        ..vendor(
            "featherless_ai",
            "https://api.featherless.ai/v1",
            &["FEATHERLESS_AI_API_BASE", "FEATHERLESS_API_BASE"],
            &["FEATHERLESS_AI_API_KEY", "FEATHERLESS_API_KEY"],
        )
    },
    vendor(
        "friendliai",
        "https://api.friendli.ai/serverless/v1",
        &["FRIENDLI_API_BASE"],
        &["FRIENDLIAI_API_KEY", "FRIENDLI_TOKEN"],
    ),
    Provider {
        free: Free::None,
        ..vendor(
            "galadriel",
            "https://api.galadriel.com/v1",
            &["GALADRIEL_API_BASE"],
            &["GALADRIEL_API_KEY"],
        )
    },
    Provider {
        shape: &OpenAi(Dialect {
            ending: Ending::IfBare("/api/v1"),
            ..PLAIN
        }),
        ..vendor(
            "gradient_ai",
            "https://inference.do-ai.run/v1",
            &["GRADIENT_AI_AGENT_ENDPOINT"],
            &["GRADIENT_AI_API_KEY"],
        )
    },
    Provider {
        shape: &OpenAi(Dialect {
            ending: Ending::Always("/v1"),
            ..PLAIN
        }),
        modes: TALK_AND_EMBED,
        free: Free::None,
        ..vendor("heroku", "", &["HEROKU_API_BASE"], &["HEROKU_API_KEY"])
    },
    Provider {
        shape: &COMPLETES_TOO,
        ..vendor(
            "hyperbolic",
            "https://api.hyperbolic.xyz/v1",
            &["HYPERBOLIC_API_BASE"],
            &["HYPERBOLIC_API_KEY"],
        )
    },
    vendor(
        "inception",
        "https://api.inceptionlabs.ai/v1",
        &["INCEPTION_API_BASE"],
        &["INCEPTION_API_KEY"],
    ),
    Provider {
        shape: &COMPLETES_TOO,
        ..vendor(
            "lambda_ai",
            "https://api.lambda.ai/v1",
            &["LAMBDA_API_BASE"],
            &["LAMBDA_API_KEY"],
        )
    },
    Provider {
        free: Free::None,
        ..vendor(
            "maritalk",
            "https://chat.maritaca.ai/api",
            &["MARITALK_API_BASE"],
            &["MARITALK_API_KEY"],
        )
    },
    Provider {
        shape: &COMPLETES_TOO,
        ..vendor(
            "meta_llama",
            "https://api.llama.com/compat/v1",
            &["LLAMA_API_BASE"],
            &["LLAMA_API_KEY"],
        )
    },
    Provider {
        shape: &COMPLETES_TOO,
        modes: TALK_AND_EMBED,
        ..vendor(
            "modelscope",
            "https://api-inference.modelscope.cn/v1",
            &["MODELSCOPE_API_BASE"],
            &["MODELSCOPE_API_KEY"],
        )
    },
    vendor(
        "morph",
        "https://api.morphllm.com/v1",
        &["MORPH_API_BASE"],
        &["MORPH_API_KEY"],
    ),
    Provider {
        free: Free::None,
        ..vendor(
            "nadir",
            "https://api.getnadir.com/v1",
            &["NADIR_API_BASE"],
            &["NADIR_API_KEY"],
        )
    },
    Provider {
        shape: &COMPLETES_TOO,
        modes: TALK_AND_EMBED,
        ..vendor(
            "nebius",
            "https://api.studio.nebius.ai/v1",
            &["NEBIUS_API_BASE"],
            &["NEBIUS_API_KEY"],
        )
    },
    Provider {
        modes: TALK_EMBED_AND_RANK,
        ..vendor(
            "novita",
            "https://api.novita.ai/v3/openai",
            &["NOVITA_API_BASE"],
            &["NOVITA_API_KEY"],
        )
    },
    Provider {
        modes: &[
            Mode::Chat,
            Mode::Completion,
            Mode::Responses,
            Mode::AnthropicMessages,
            Mode::ImageGeneration,
        ],
        ..vendor(
            "nscale",
            "https://inference.api.nscale.com/v1",
            &["NSCALE_API_BASE"],
            &["NSCALE_API_KEY"],
        )
    },
    Provider {
        modes: TALK_AND_EMBED,
        ..vendor(
            "ovhcloud",
            "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1",
            &["OVHCLOUD_API_BASE"],
            &["OVHCLOUD_API_KEY"],
        )
    },
    Provider {
        shape: &COMPLETES_TOO,
        modes: TALK_AND_EMBED,
        ..vendor(
            "qwen_ai_platform",
            "https://dashscope.aliyuncs.com/compatible-mode/v1",
            &["QWEN_AI_PLATFORM_API_BASE"],
            &["QWEN_AI_PLATFORM_API_KEY", "DASHSCOPE_API_KEY"],
        )
    },
    Provider {
        shape: &COMPLETES_TOO,
        modes: TALK_AND_EMBED,
        ..vendor(
            "qwencloud",
            "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
            &["QWENCLOUD_API_BASE"],
            &["QWENCLOUD_API_KEY", "DASHSCOPE_API_KEY"],
        )
    },
    Provider {
        free: Free::None,
        ..vendor(
            "tencent",
            "https://tokenhub-intl.tencentcloudmaas.com/v1",
            &["TENCENT_API_BASE"],
            &["TENCENT_API_KEY"],
        )
    },
    Provider {
        shape: &COMPLETES_TOO,
        free: Free::None,
        ..vendor(
            "v0",
            "https://api.v0.dev/v1",
            &["V0_API_BASE"],
            &["V0_API_KEY"],
        )
    },
    Provider {
        modes: TALK_AND_EMBED,
        ..vendor(
            "vercel_ai_gateway",
            "https://ai-gateway.vercel.sh/v1",
            &["VERCEL_AI_GATEWAY_API_BASE"],
            &["VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"],
        )
    },
    Provider {
        shape: &COMPLETES_TOO,
        ..vendor(
            "wandb",
            "https://api.inference.wandb.ai/v1",
            &["WANDB_API_BASE"],
            &["WANDB_API_KEY"],
        )
    },
];
