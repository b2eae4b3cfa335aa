//! Vendors that LiteLLM knows by a declaration alone: an address, a variable for the key, what they can be asked; by name.

use super::common::{COMPLETES, COMPLETES_TOO, TALK_AND_EMBED, TALK_EMBED_AND_RANK, vendor};
use crate::providers::Provider;
use crate::providers::openai::OpenAi;
use crate::providers::openai::dialect::{Dialect, Mark, PLAIN};

/// The rows.
pub(in crate::providers) static ROWS: [Provider; 32] = [
    vendor(
        "abliteration",
        "https://api.abliteration.ai/v1",
        &[],
        &["ABLITERATION_API_KEY"],
    ),
    Provider {
        modes: TALK_AND_EMBED,
        ..vendor(
            "aihubmix",
            "https://aihubmix.com/v1",
            &["AIHUBMIX_API_BASE"],
            &["AIHUBMIX_API_KEY"],
        )
    },
    Provider {
        shape: &COMPLETES_TOO,
        ..vendor(
            "apertis",
            "https://api.stima.tech/v1",
            &[],
            &["STIMA_API_KEY"],
        )
    },
    vendor(
        "assemblyai",
        "https://llm-gateway.assemblyai.com/v1",
        &[],
        &["ASSEMBLYAI_API_KEY"],
    ),
    vendor(
        "charity_engine",
        "https://api.charityengine.services/remotejobs/v2/inference",
        &[],
        &["CHARITY_ENGINE_API_KEY"],
    ),
    Provider {
        shape: &COMPLETES_TOO,
        ..vendor(
            "chutes",
            "https://llm.chutes.ai/v1/",
            &[],
            &["CHUTES_API_KEY"],
        )
    },
    vendor(
        "cognition",
        "https://api.cognition.ai/v1",
        &["COGNITION_API_BASE"],
        &["COGNITION_API_KEY"],
    ),
    Provider {
        shape: &OpenAi(Dialect {
            responses: Some("/responses"),
            messages: Some("/v1/messages"),
            ..PLAIN
        }),
        ..vendor(
            "cortecs",
            "https://api.cortecs.ai/v1",
            &["CORTECS_API_BASE"],
            &["CORTECS_API_KEY"],
        )
    },
    vendor(
        "crusoe",
        "https://managed-inference-api-proxy.crusoecloud.com/v1",
        &["CRUSOE_API_BASE"],
        &["CRUSOE_API_KEY"],
    ),
    vendor(
        "darkbloom",
        "https://api.darkbloom.dev/v1",
        &["DARKBLOOM_API_BASE"],
        &["DARKBLOOM_API_KEY"],
    ),
    Provider {
        shape: &OpenAi(Dialect {
            responses: Some("/responses"),
            ..PLAIN
        }),
        ..vendor(
            "empiriolabs",
            "https://api.empiriolabs.ai/v1",
            &["EMPIRIOLABS_API_BASE"],
            &["EMPIRIOLABS_API_KEY"],
        )
    },
    vendor(
        "gmi",
        "https://api.gmi-serving.com/v1",
        &[],
        &["GMI_API_KEY"],
    ),
    vendor(
        "helicone",
        "https://ai-gateway.helicone.ai/",
        &[],
        &["HELICONE_API_KEY"],
    ),
    Provider {
        modes: TALK_AND_EMBED,
        ..vendor(
            "libertai",
            "https://api.libertai.io/v1",
            &["LIBERTAI_API_BASE"],
            &["LIBERTAI_API_KEY"],
        )
    },
    Provider {
        modes: TALK_AND_EMBED,
        ..vendor(
            "llamagate",
            "https://api.llamagate.dev/v1",
            &[],
            &["LLAMAGATE_API_KEY"],
        )
    },
    Provider {
        shape: &OpenAi(Dialect {
            responses: Some("/responses"),
            messages: Some("/v1/messages"),
            ..PLAIN
        }),
        ..vendor(
            "meta",
            "https://api.meta.ai/v1",
            &["META_API_BASE"],
            &["META_API_KEY"],
        )
    },
    Provider {
        shape: &COMPLETES_TOO,
        ..vendor(
            "nano-gpt",
            "https://nano-gpt.com/api/v1",
            &[],
            &["NANOGPT_API_KEY"],
        )
    },
    Provider {
        shape: &OpenAi(Dialect {
            responses: Some("/responses"),
            ..PLAIN
        }),
        ..vendor(
            "neosantara",
            "https://api.neosantara.xyz/v1",
            &["NEOSANTARA_API_BASE"],
            &["NEOSANTARA_API_KEY"],
        )
    },
    Provider {
        shape: &OpenAi(Dialect {
            responses: Some("/responses"),
            ..PLAIN
        }),
        ..vendor(
            "parasail",
            "https://api.parasail.io/v1",
            &["PARASAIL_API_BASE"],
            &["PARASAIL_API_KEY"],
        )
    },
    Provider {
        shape: &OpenAi(Dialect {
            responses: Some("/responses"),
            ..PLAIN
        }),
        modes: TALK_AND_EMBED,
        ..vendor(
            "pinstripes",
            "https://pinstripes.io/v1",
            &["PINSTRIPES_API_BASE"],
            &["PINSTRIPES_API_KEY"],
        )
    },
    Provider {
        shape: &COMPLETES_TOO,
        ..vendor("poe", "https://api.poe.com/v1", &[], &["POE_API_KEY"])
    },
    Provider {
        shape: &OpenAi(Dialect {
            responses: Some("/responses"),
            messages: Some("/v1/messages"),
            ..PLAIN
        }),
        ..vendor(
            "prism",
            "https://api.prisminference.com/v1",
            &["PRISM_API_BASE"],
            &["PRISM_API_KEY"],
        )
    },
    Provider {
        shape: &COMPLETES_TOO,
        ..vendor(
            "publicai",
            "https://api.publicai.co/v1",
            &["PUBLICAI_API_BASE"],
            &["PUBLICAI_API_KEY"],
        )
    },
    vendor(
        "reka",
        "https://api.reka.ai/v1",
        &["REKA_API_BASE"],
        &["REKA_API_KEY"],
    ),
    Provider {
        shape: &OpenAi(Dialect {
            responses: Some("/responses"),
            messages: Some("/v1/messages"),
            ..PLAIN
        }),
        ..vendor(
            "sail",
            "https://api.sailresearch.com/v1",
            &["SAIL_API_BASE"],
            &["SAIL_API_KEY"],
        )
    },
    Provider {
        shape: &OpenAi(Dialect {
            mark: Mark::Key("api-subscription-key"),
            ..PLAIN
        }),
        ..vendor(
            "sarvam",
            "https://api.sarvam.ai/v1",
            &[],
            &["SARVAM_API_KEY"],
        )
    },
    Provider {
        modes: TALK_EMBED_AND_RANK,
        ..vendor(
            "scaleway",
            "https://api.scaleway.ai/v1",
            &[],
            &["SCW_SECRET_KEY"],
        )
    },
    vendor(
        "scx-ai",
        "https://api.scx.ai/v1",
        &["SCX_API_BASE"],
        &["SCX_API_KEY"],
    ),
    Provider {
        shape: &COMPLETES_TOO,
        ..vendor(
            "synthetic",
            "https://api.synthetic.new/openai/v1",
            &[],
            &["SYNTHETIC_API_KEY"],
        )
    },
    Provider {
        shape: &OpenAi(Dialect {
            responses: Some("/responses"),
            ..COMPLETES
        }),
        ..vendor(
            "tensormesh",
            "https://serverless.tensormesh.ai/v1",
            &["TENSORMESH_SERVERLESS_BASE_URL"],
            &["TENSORMESH_INFERENCE_API_KEY"],
        )
    },
    Provider {
        modes: TALK_AND_EMBED,
        ..vendor(
            "veniceai",
            "https://api.venice.ai/api/v1",
            &[],
            &["VENICE_AI_API_KEY"],
        )
    },
    vendor(
        "xiaomi_mimo",
        "https://api.xiaomimimo.com/v1",
        &[],
        &["XIAOMI_MIMO_API_KEY"],
    ),
];
