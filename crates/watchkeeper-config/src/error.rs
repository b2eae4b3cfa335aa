//! What can be wrong with a configuration.

/// One thing that is wrong, worded for the person who has to mend it: where it stands, which key, what to do. Holds no
/// secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is nothing to read.
    #[error("{0}")]
    NothingGiven(String),
    /// A file cannot be read.
    #[error("{file}: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why, with the remedy.
        why: String,
    },
    /// A file is no TOML or no YAML.
    #[error("{file}, line {line}: {why}")]
    Syntax {
        /// The file.
        file: String,
        /// Counted from 1.
        line: usize,
        /// What the parser met.
        why: String,
    },
    /// A key that is not known.
    #[error("{origin}: unknown key `{key}`{hint}")]
    UnknownKey {
        /// File and line, variable or flag.
        origin: String,
        /// With its tables, joined by dots.
        key: String,
        /// Begins with a comma or is empty.
        hint: String,
    },
    /// A value that cannot be used.
    #[error("{origin}: `{key}` {why}")]
    Invalid {
        /// File and line, variable or flag.
        origin: String,
        /// With its tables, joined by dots.
        key: String,
        /// Why, with the remedy.
        why: String,
    },
    /// A LiteLLM file that LiteLLM would not start with, or that asks for what is not there yet.
    #[error("{file}: {why}")]
    Litellm {
        /// The file.
        file: String,
        /// Why, with the remedy.
        why: String,
    },
}
