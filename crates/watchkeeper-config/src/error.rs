//! What can be wrong with a configuration.

use std::borrow::Cow;

use watchkeeper_litellm::LitellmError;

/// One thing that is wrong, worded for the person who has to mend it: where it stands, which key, what to do. Holds no
/// secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is nothing to read.
    #[error("{}", brief(.0))]
    NothingGiven(String),
    /// A file cannot be read.
    #[error("{}: {}", brief(.file), brief(.why))]
    Unreadable {
        /// The file.
        file: String,
        /// Why, with the remedy.
        why: String,
    },
    /// A file is no TOML or no YAML.
    #[error("{}, line {line}, column {column}: {}", brief(.file), brief(.why))]
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
    /// A key that is not known.
    #[error("{}: unknown key `{}`{}", brief(.origin), brief(.key), brief(.hint))]
    UnknownKey {
        /// File and line, variable or flag.
        origin: String,
        /// With its tables, joined by dots.
        key: String,
        /// Begins with a comma or is empty.
        hint: String,
    },
    /// A value that cannot be used.
    #[error("{}: `{}` {}", brief(.origin), brief(.key), brief(.why))]
    Invalid {
        /// File and line, variable or flag.
        origin: String,
        /// With its tables, joined by dots.
        key: String,
        /// Why, with the remedy.
        why: String,
    },
    /// A LiteLLM file that LiteLLM would not start with, or that asks for what is not there yet.
    #[error("{}: {}", brief(.file), brief(.why))]
    Litellm {
        /// The file.
        file: String,
        /// Why, with the remedy.
        why: String,
    },
}

impl From<LitellmError> for ConfigError {
    fn from(error: LitellmError) -> Self {
        match error {
            LitellmError::Unreadable { file, why } => Self::Unreadable { file, why },
            LitellmError::Syntax {
                file,
                line,
                column,
                why,
            } => Self::Syntax {
                file,
                line,
                column,
                why,
            },
            LitellmError::Refused { file, why } => Self::Litellm { file, why },
        }
    }
}

/// The most characters of one part of a message. A file may hold a word of a megabyte; a line for people may not.
const MAX_PART_CHARS: usize = 600;

fn brief(text: &str) -> Cow<'_, str> {
    cut(text, MAX_PART_CHARS)
}

/// The text on one line, cut where it is longer than a person reads. Quoted text may hold anything.
pub(crate) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    let end = text.char_indices().nth(most).map(|(end, _)| end);
    if end.is_none() && !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let shown = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    let mut line = shown.replace(char::is_control, "?");
    if end.is_some() {
        line.push('…');
    }
    Cow::Owned(line)
}
