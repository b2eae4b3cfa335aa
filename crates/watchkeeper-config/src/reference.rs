//! What each key is for and what may stand there: the source of `config schema`, `config reference` and the documents made
//! from them. Tests compare it with the keys that are read.

mod markdown;
mod rows;
mod schema;
#[cfg(test)]
mod tests;

pub use markdown::markdown;
pub use schema::schema;

/// What a value has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// A text, or a reference to one.
    Text,
    /// A text that may be all digits, as passwords are.
    Opaque,
    /// One of these words, or a reference.
    Word(&'static [&'static str]),
    /// A duration.
    Span,
    /// A whole number from the first to the second.
    Whole(u64, u64),
    /// A number from 0 on, at most this.
    Share(Option<&'static str>),
    /// True or false.
    Flag,
    /// Texts, or one text with commas.
    Texts,
    /// Some of these words, or one text with commas.
    Words(&'static [&'static str]),
    /// Texts by any name.
    NamedTexts,
    /// Anything by any name.
    Anything,
}

/// Whether a running pod takes a new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// With the next reload.
    Reload,
    /// When it is started again.
    Restart,
}

/// One key. A part `*` of its path stands for any name, `checks[]` for one entry of that list.
#[derive(Clone, Copy, Debug)]
struct Row {
    path: &'static str,
    shape: Shape,
    change: Change,
    /// What holds where the key is not set and has no fixed default.
    unset: &'static str,
    /// LiteLLM's own key or variable, and the seed's.
    litellm: &'static str,
    help: &'static str,
}

impl Row {
    /// The fixed default, as it is written.
    fn default(&self) -> Option<&'static str> {
        crate::keys::find(self.path).and_then(|key| key.default)
    }

    /// The variable that sets it; none inside lists and tables of free names, which are set as a whole.
    fn variable(&self) -> Option<String> {
        let plain = !self.path.contains(['*', '[']);
        plain.then(|| {
            let name = self.path.to_uppercase().replace('.', "__");
            format!("{}{name}", crate::layers::ENV_PREFIX)
        })
    }
}
