//! AWS: Bedrock, Bedrock Mantle, SageMaker.

mod bedrock;
mod mantle;
mod place;
mod region;
mod sagemaker;

use super::{Free, Provider};
use crate::key::Scheme;
use crate::mode::Mode;
use mantle::MANTLE;

/// Variables that name the region, in order.
const REGION_VARS: [&str; 3] = ["AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"];

/// What the rows have in common.
const AWS: Provider = Provider {
    name: "",
    shape: &bedrock::Bedrock,
    base: "",
    base_vars: &[],
    key_vars: &[],
    other_vars: &REGION_VARS,
    scheme: Scheme::Bearer,
    // whoever has no key signs
    needs_key: false,
    modes: &[],
    free: Free::None,
    fault: 500,
};

/// The rows.
pub(super) static ROWS: [Provider; 4] = [
    Provider {
        name: "bedrock",
        base_vars: &["AWS_BEDROCK_RUNTIME_ENDPOINT"],
        key_vars: &["AWS_BEARER_TOKEN_BEDROCK"],
        modes: &[
            Mode::Chat,
            Mode::Completion,
            Mode::Responses,
            Mode::AnthropicMessages,
            Mode::Embedding,
            Mode::Rerank,
            Mode::ImageGeneration,
            Mode::Batch,
        ],
        ..AWS
    },
    Provider {
        name: "bedrock_mantle",
        shape: &mantle::Mantle,
        base_vars: &["BEDROCK_MANTLE_API_BASE"],
        key_vars: &["BEDROCK_MANTLE_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"],
        other_vars: MANTLE.region_vars,
        modes: &[Mode::Chat, Mode::Responses, Mode::AnthropicMessages],
        ..AWS
    },
    Provider {
        name: "sagemaker",
        shape: &sagemaker::SageMaker { chat: false },
        modes: &[Mode::Chat, Mode::Completion, Mode::Embedding],
        ..AWS
    },
    Provider {
        name: "sagemaker_chat",
        shape: &sagemaker::SageMaker { chat: true },
        modes: &[Mode::Chat, Mode::Completion],
        ..AWS
    },
];
