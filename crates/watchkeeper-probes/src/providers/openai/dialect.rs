//! Where servers that speak as OpenAI does differ from it, and from each other.

/// What is special about one of them. [`PLAIN`] is one that only chats and embeds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    /// Whether texts are completed at `/completions`; else the mode `completion` is asked as a chat, as LiteLLM does.
    pub(crate) completes: bool,
    /// Where responses are made; else the mode `responses` is asked as a chat.
    pub(crate) responses: Option<&'static str>,
    /// Where Anthropic's messages are taken; else the mode `anthropic_messages` is asked as a chat.
    pub(crate) messages: Option<&'static str>,
    /// Whether pictures are made in a chat, not at `/images/generations`.
    pub(crate) draws_in_chat: bool,
    /// How texts are ranked.
    pub(crate) rerank: Rerank,
    /// What a base has to end in.
    pub(crate) ending: Ending,
    /// Other bases of the same vendor, such as another region's, where its keys may go as well.
    pub(crate) also: &'static [&'static str],
    /// Whether the limit of a model that reasons is `max_completion_tokens`; else it is `max_tokens` for all.
    pub(crate) renames_limit: bool,
    /// How a model is told to think little.
    pub(crate) thinking: Thinking,
    /// What else a request says.
    pub(crate) mark: Mark,
}

/// How texts are ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rerank {
    /// Query and documents at this path, as with Cohere and Jina.
    At(&'static str),
    /// NVIDIA's: a host of its own, the model in the path, passages.
    Nvidia,
    /// DeepInfra's: the model in the path, as many queries as documents.
    DeepInfra,
}

/// What a base has to end in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// In whatever it ends.
    AsGiven,
    /// In this; it is added where it is missing.
    Always(&'static str),
    /// In this, if it is a bare host.
    IfBare(&'static str),
    /// Cloudflare's: the vendor's own base holds the account.
    Account,
}

/// How a model is told to think little. The configured effort counts before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thinking {
    /// It is told nothing.
    Untold,
    /// `reasoning_effort` as OpenAI's models take it.
    OpenAi,
    /// OpenRouter's `reasoning.effort`, for OpenAI's models.
    Router,
    /// `reasoning_effort` for models whose names begin so.
    Known(&'static [(&'static str, &'static str)]),
}

/// What else a request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Nothing.
    None,
    /// OpenRouter's names for who asks, where the environment gives them, and that the answer is to tell the use.
    Router,
    /// The key once more, in this header.
    Key(&'static str),
    /// Databricks' other way to sign in, with a client's secret, is not gone.
    Workspace,
}

/// One that only chats and embeds.
pub(crate) const PLAIN: Dialect = Dialect {
    completes: false,
    responses: None,
    messages: None,
    draws_in_chat: false,
    rerank: Rerank::At("/rerank"),
    ending: Ending::AsGiven,
    also: &[],
    renames_limit: false,
    thinking: Thinking::Untold,
    mark: Mark::None,
};

/// OpenAI's words where it depends on more than the model which efforts are taken.
pub(crate) const UNTOLD: Dialect = Dialect {
    thinking: Thinking::Untold,
    ..OPENAI
};

/// OpenAI itself.
pub(crate) const OPENAI: Dialect = Dialect {
    completes: true,
    responses: Some("/responses"),
    renames_limit: true,
    thinking: Thinking::OpenAi,
    ..PLAIN
};
