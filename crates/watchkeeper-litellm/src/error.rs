//! What can be wrong with a LiteLLM file.

/// One thing that is wrong: which file, where in it, what to do. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LitellmError {
    /// The file cannot be read.
    #[error("{file}: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why, with the remedy.
        why: String,
    },
    /// The file is no YAML.
    #[error("{file}, line {line}, column {column}: {why}")]
    Syntax {
        /// The file.
        file: String,
        /// Counted from 1.
        line: usize,
        /// In characters, counted from 1; also 1 where no more than the line is known.
        column: usize,
        /// What the parser met.
        why: String,
    },
    /// LiteLLM would not start with it, or it asks for what is not there yet.
    #[error("{file}: {why}")]
    Refused {
        /// The file.
        file: String,
        /// Why, with the remedy.
        why: String,
    },
}
