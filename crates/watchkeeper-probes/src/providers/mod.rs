//! One file per request shape; `adapter` holds the table of providers that use them.

pub(crate) mod openai;
