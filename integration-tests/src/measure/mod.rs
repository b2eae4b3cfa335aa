//! What the tools that measure share: load on a server, and what a process and a machine are like.

pub mod load;
pub mod machine;

/// Whatever kept a measure from being taken.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What a panic said: the harness fails by panicking, and what else is measured shall still be shown.
#[must_use]
pub fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words")
        .to_owned()
}
