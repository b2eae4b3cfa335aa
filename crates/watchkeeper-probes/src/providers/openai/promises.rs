//! What a good answer holds, per mode.

use crate::glance::OPENAI_USAGE;
use crate::promise::{Fields, Kind, Promise};

/// Where the newer APIs tell the tokens used.
const IN_AND_OUT: (&str, &str) = ("usage.input_tokens", "usage.output_tokens");

const fn fields(
    any_of: &'static [(&'static str, Kind)],
    usage: (&'static str, &'static str),
) -> Promise {
    Promise::Json(Fields {
        any_of,
        model: Some("model"),
        usage: Some(usage),
    })
}

/// A chat, or a text that was completed.
pub(crate) const CHOICES: Promise = fields(&[("choices", Kind::Filled)], OPENAI_USAGE);

/// Embeddings.
pub(crate) const DATA: Promise = fields(&[("data", Kind::Filled)], OPENAI_USAGE);

/// Pictures.
pub(crate) const PICTURES: Promise = fields(&[("data", Kind::Filled)], IN_AND_OUT);

/// A response; one that ended at the limit may hold nothing.
pub(crate) const OUTPUT: Promise = fields(&[("output", Kind::List)], IN_AND_OUT);

/// One of Anthropic's messages; one that ended at the limit may hold nothing.
pub(crate) const CONTENT: Promise = fields(&[("content", Kind::List)], IN_AND_OUT);

/// What a moderation found.
pub(crate) const RESULTS: Promise = fields(&[("results", Kind::Filled)], OPENAI_USAGE);

/// What was heard.
pub(crate) const TEXT: Promise = fields(&[("text", Kind::Text)], IN_AND_OUT);

/// Batches, of which there may be none.
pub(crate) const LIST: Promise = fields(&[("data", Kind::List)], OPENAI_USAGE);

/// Ranks, by whatever name.
pub(crate) const RANKS: Promise = fields(
    &[
        ("results", Kind::Filled),
        ("data", Kind::Filled),
        ("rankings", Kind::Filled),
        ("scores", Kind::List),
    ],
    OPENAI_USAGE,
);
