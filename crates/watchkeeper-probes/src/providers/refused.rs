//! Providers of LiteLLM that no probe can ask, and why: so that "unknown" is only said of words that are no provider.

use super::{Free, Provider, Shape};
use crate::ask::Ask;
use crate::base::Base;
use crate::key::Scheme;
use crate::request::ProbeRequest;

/// A provider that cannot be asked; holds the reason.
struct Refused(&'static str);

impl Shape for Refused {
    fn inference(&self, _: &Ask<'_>) -> Result<ProbeRequest, String> {
        Err(self.0.to_owned())
    }

    fn free(&self, _: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        Err(self.0.to_owned())
    }

    fn base(&self, _: &Ask<'_>) -> Result<Base, String> {
        Err(self.0.to_owned())
    }

    fn refusal(&self) -> Option<&'static str> {
        Some(self.0)
    }
}

/// Needs a person.
static LOGIN: Refused = Refused(
    "its login needs a person at a browser each time, so nothing that runs unattended can use it; \
     leave it out of the checks (`model_info.disable_background_health_check`)",
);

/// Asked over something that is no HTTP request of one question and one answer.
static OTHER_PROTOCOL: Refused = Refused(
    "it is spoken to by a protocol that probes do not have; check the server behind it by a `tcp` or `http` check",
);

/// Signs requests in a way of its own.
static OWN_SIGNATURE: Refused = Refused(
    "its requests are signed in a way of its own that probes do not have; put a check on a gateway in front of it, \
     or an `http` check on its status page",
);

/// No model behind it.
static NO_MODEL: Refused = Refused(
    "it is a store or a service that answers no prompt; check its address by an `http` or `tcp` check",
);

/// Bills for pictures, films or documents, and has no free call for one model.
static MEDIA: Refused = Refused(
    "all that it can be asked bills for real output or starts a job; check its address by an `http` check",
);

/// Agents: a question starts work of unknown cost.
static AGENT: Refused = Refused(
    "a question to an agent starts work of unknown length and cost; check its address by an `http` check",
);

/// An API of its own that is not known here.
static RARE: Refused = Refused(
    "its API is not known to probes; if it has an endpoint that speaks as OpenAI does, write it as `openai/` with that \
     `api_base`, else check its address by an `http` check",
);

/// Names of LiteLLM's own, behind which another entry stands.
static INNER: Refused = Refused(
    "it is LiteLLM's own name for something inside it, and asks no endpoint by itself; check the entries that it leads to",
);

/// No longer there.
static GONE: Refused = Refused("the service has been shut down; remove the entry");

const fn row(name: &'static str, shape: &'static Refused) -> Provider {
    Provider {
        name,
        shape,
        base: "",
        base_vars: &[],
        key_vars: &[],
        other_vars: &[],
        scheme: Scheme::Bearer,
        needs_key: false,
        modes: &[],
        free: Free::None,
        fault: 500,
    }
}

/// The rows.
pub(super) static ROWS: [Provider; 51] = [
    row("a2a", &AGENT),
    row("a2a_agent", &AGENT),
    row("aiohttp_openai", &RARE),
    row("auto_router", &INNER),
    row("aws_polly", &OWN_SIGNATURE),
    row("aws_textract", &OWN_SIGNATURE),
    row("azure_speech", &MEDIA),
    row("black_forest_labs", &MEDIA),
    row("bytez", &RARE),
    row("chatgpt", &LOGIN),
    row("cursor", &AGENT),
    row("custom", &INNER),
    row("datarobot", &RARE),
    row("dotprompt", &NO_MODEL),
    row("fal_ai", &MEDIA),
    row("gdc", &OTHER_PROTOCOL),
    row("gigachat", &OWN_SIGNATURE),
    row("humanloop", &NO_MODEL),
    row("langflow", &AGENT),
    row("langfuse", &NO_MODEL),
    row("langgraph", &AGENT),
    row("litellm_agent", &INNER),
    row("manus", &AGENT),
    row("milvus", &NO_MODEL),
    row("mongodb", &NO_MODEL),
    row("nlp_cloud", &RARE),
    row("nvidia_riva", &OTHER_PROTOCOL),
    row("oci", &OWN_SIGNATURE),
    row("oobabooga", &RARE),
    row("petals", &GONE),
    row("pg_vector", &NO_MODEL),
    row("predibase", &RARE),
    row("ragflow", &AGENT),
    row("recraft", &MEDIA),
    row("reducto", &MEDIA),
    row("runwayml", &MEDIA),
    row("s3_vectors", &NO_MODEL),
    row("sagemaker_nova", &RARE),
    row("sap", &OWN_SIGNATURE),
    row("soniox", &MEDIA),
    row("stability", &MEDIA),
    row("strands_decider", &INNER),
    row("text-completion-codestral", &RARE),
    row("text-completion-inception", &RARE),
    row("topaz", &MEDIA),
    row("transcribe", &OWN_SIGNATURE),
    row("triton", &RARE),
    row("typesafe", &INNER),
    row("valkey", &NO_MODEL),
    row("vllm", &INNER),
    row("watsonx_text", &RARE),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::providers::trial::resolved;

    #[test]
    fn what_cannot_be_asked_is_named_with_the_reason_whatever_the_mode() {
        for (model, part) in [
            ("chatgpt/gpt-5", "browser"),
            ("pg_vector/x", "answers no prompt"),
            ("runwayml/gen4", "bills for real output"),
            ("langgraph/agent", "unknown length and cost"),
            ("auto_router/x", "inside it"),
            ("triton/m", "`openai/`"),
        ] {
            for mode in ["chat", "ocr", "vector_store"] {
                let refusal = resolved(&json!({"model": model, "mode": mode}), &[]);
                let text = refusal.err().unwrap();
                assert!(text.contains(part), "{model}: {text}");
                assert!(text.starts_with("provider `"), "{text}");
            }
        }
    }
}
