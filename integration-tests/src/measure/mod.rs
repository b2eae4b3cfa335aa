//! What the tools that measure share: load on a server, and what a process and a machine are like.

pub mod load;
pub mod machine;

/// Whatever kept a measure from being taken.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
