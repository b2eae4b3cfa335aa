//! Ollama: `ollama/` by `/api/generate`, `ollama_chat/` by `/api/chat`, both by `/api/embed`; what is installed by
//! `/api/tags`, which loads no model.
//!
//! What differs from LiteLLM's request, and why:
//! - The text goes as it is, not framed with `### User:`: the server applies the model's own template.
//! - A key goes to `/api/embed` too: what stands in front of a server asks for it at every path.
//! - `keep_alive` and the options that a model is loaded with (`num_ctx`, `num_gpu`, ...) are those of the entry:
//!   others would make the server load the model anew, or drop it earlier than users' calls do.
//! - `think` is sent only where the entry says something about it: models that cannot think refuse it.
//! - A base that ends in `/api` or in a complete URL of the API is taken for the server's.

use serde_json::{Map, Value, json};

use super::join::join;
use super::openai::prove;
use super::{Free, Provider, Shape};
use crate::ask::Ask;
use crate::base;
use crate::key::Scheme;
use crate::mode::Mode;
use crate::params;
use crate::promise::{Fields, Kind, Models, Promise};
use crate::request::ProbeRequest;
use crate::tokens::last_segment;

/// Where Ollama tells the tokens used.
const USAGE: (&str, &str) = ("prompt_eval_count", "eval_count");

/// Ends of bases that are complete URLs.
const TAILS: [&str; 6] = [
    "/api/generate",
    "/api/chat",
    "/api/embed",
    "/api/embeddings",
    "/api/show",
    "/api/tags",
];

/// Parameters of an entry that go into `options`: how the model is loaded, and how it chooses words.
const OPTIONS: [&str; 22] = [
    "num_ctx",
    "num_batch",
    "num_gpu",
    "main_gpu",
    "num_thread",
    "num_keep",
    "low_vram",
    "f16_kv",
    "use_mmap",
    "use_mlock",
    "numa",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "seed",
    "repeat_last_n",
    "repeat_penalty",
    "mirostat",
    "mirostat_eta",
    "mirostat_tau",
    "tfs_z",
];

/// What an embedding call takes beside the text.
const EMBEDDING: [&str; 2] = ["truncate", "dimensions"];

/// Parts of names that only embedding models have.
const EMBEDDERS: [&str; 6] = [
    "embed",
    "bge-",
    "all-minilm",
    "paraphrase-multilingual",
    "gte-",
    "e5-",
];

/// Efforts that mean "do not think".
const NO_THINKING: [&str; 4] = ["none", "disable", "disabled", "minimal"];

/// What the three calls answer.
const MESSAGE: [(&str, Kind); 1] = [("message", Kind::Object)];
const RESPONSE: [(&str, Kind); 1] = [("response", Kind::Text)];
const EMBEDDINGS: [(&str, Kind); 1] = [("embeddings.0", Kind::List)];

/// The shape; `chat` tells which of the two calls a conversation takes.
struct Ollama {
    chat: bool,
}

const LIKE_OLLAMA: Provider = Provider {
    name: "",
    shape: &Ollama { chat: false },
    base: "http://localhost:11434",
    base_vars: &["OLLAMA_API_BASE"],
    key_vars: &["OLLAMA_API_KEY"],
    other_vars: &[],
    scheme: Scheme::Bearer,
    needs_key: false,
    modes: &[Mode::Chat, Mode::Completion, Mode::Embedding],
    free: Free::None,
    fault: 500,
};

/// The rows.
pub(super) static ROWS: [Provider; 2] = [
    Provider {
        name: "ollama",
        ..LIKE_OLLAMA
    },
    Provider {
        name: "ollama_chat",
        shape: &Ollama { chat: true },
        ..LIKE_OLLAMA
    },
];

impl Shape for Ollama {
    fn inference(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String> {
        let base = base::of(ask)?;
        let (path, body, any_of): (_, _, &'static [(&str, Kind)]) = match ask.mode {
            Mode::Embedding => ("/api/embed", embedding(ask), &EMBEDDINGS),
            _ if self.chat => ("/api/chat", chat(ask), &MESSAGE),
            _ => ("/api/generate", generate(ask), &RESPONSE),
        };
        let promise = Promise::Json(Fields {
            any_of,
            model: Some("model"),
            usage: Some(USAGE),
        });
        let request = ProbeRequest::post(join(&base.endpoint, &TAILS, path), &body, promise);
        prove(ask, &base, request)
    }

    fn free(&self, ask: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        let base = base::of(ask)?;
        let promise = Promise::Models(Models {
            list: "models",
            names: &["name", "model"],
            wanted: (!ask.is_wildcard()).then(|| ask.model.to_owned()),
        });
        let request = ProbeRequest::get(join(&base.endpoint, &TAILS, "/api/tags"), promise);
        prove(ask, &base, request).map(Some)
    }

    fn mode_by_name(&self, model: &str) -> Option<&'static str> {
        let name = last_segment(model);
        let embeds = EMBEDDERS.iter().any(|part| name.contains(part));
        embeds.then_some("embedding")
    }
}

fn generate(ask: &Ask<'_>) -> Map<String, Value> {
    let mut body = started(ask);
    body.insert("prompt".into(), ask.text.into());
    finish(ask, &mut body);
    body.insert("images".into(), json!([]));
    body
}

fn chat(ask: &Ask<'_>) -> Map<String, Value> {
    let mut body = started(ask);
    body.insert(
        "messages".into(),
        json!([{"role": "user", "content": ask.text}]),
    );
    finish(ask, &mut body);
    body
}

fn embedding(ask: &Ask<'_>) -> Map<String, Value> {
    let mut body = started(ask);
    body.insert("input".into(), json!([ask.text]));
    let options = options(ask);
    if !options.is_empty() {
        body.insert("options".into(), options.into());
    }
    params::copy_fields(&ask.target.params, &EMBEDDING, &mut body);
    params::copy_fields(&ask.target.params, &["keep_alive"], &mut body);
    params::merge_extra_body(&ask.target.params, &mut body);
    body
}

fn started(ask: &Ask<'_>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("model".into(), ask.model.into());
    body
}

/// What both calls for text have in common.
fn finish(ask: &Ask<'_>, body: &mut Map<String, Value>) {
    body.insert("options".into(), options(ask).into());
    body.insert("stream".into(), false.into());
    if let Some(think) = think(ask) {
        body.insert("think".into(), think);
    }
    params::copy_fields(&ask.target.params, &["keep_alive"], body);
    params::merge_extra_body(&ask.target.params, body);
    // options of `extra_body` are in the place of these, but for the limit
    if let (Some(limit), Some(Value::Object(options))) = (ask.limit, body.get_mut("options")) {
        options.insert("num_predict".into(), limit.into());
    }
}

fn options(ask: &Ask<'_>) -> Map<String, Value> {
    let mut options = Map::new();
    params::copy_fields(&ask.target.params, &OPTIONS, &mut options);
    options
}

/// Whether the model is to think, where the entry says anything about it. Only gpt-oss takes an effort.
fn think(ask: &Ask<'_>) -> Option<Value> {
    let set = ask.target.params.get("think");
    let effort = ask.target.health.reasoning_effort.as_deref();
    match (effort, set) {
        (None, Some(think)) if think.is_boolean() || think.is_string() => Some(think.clone()),
        _ => {
            let effort = effort.or_else(|| ask.param("reasoning_effort"))?;
            if last_segment(ask.model).starts_with("gpt-oss") {
                Some(effort.into())
            } else {
                Some((!NO_THINKING.contains(&effort)).into())
            }
        }
    }
}

#[cfg(test)]
#[path = "ollama_tests.rs"]
mod tests;
