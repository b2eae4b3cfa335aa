//! The Lua scripts: one per guarded step, each behind the same careful head.

use redis::Script as Hashed;

/// The check at the door of a new connection; without the common head.
pub(crate) const RIGHTS: &str = include_str!("scripts/rights.lua");

/// A script's text and the SHA-1 by which the server finds it again.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) text: &'static str,
    pub(crate) sha: String,
}

impl Script {
    fn new(text: &'static str) -> Self {
        let sha = Hashed::new(text).get_hash().to_owned();
        Self { text, sha }
    }
}

macro_rules! scripts {
    (alone: $($alone:ident)*; with companions: $($beside:ident)*) => {
        /// All of them.
        #[derive(Debug)]
        pub(crate) struct Scripts {
            $(pub(crate) $alone: Script,)*
            $(pub(crate) $beside: Script,)*
        }

        impl Scripts {
            pub(crate) fn new() -> Self {
                Self {
                    $($alone: Script::new(concat!(
                        include_str!("scripts/common.lua"),
                        include_str!(concat!("scripts/", stringify!($alone), ".lua")),
                    )),)*
                    $($beside: Script::new(concat!(
                        include_str!("scripts/common.lua"),
                        include_str!("scripts/companion.lua"),
                        include_str!(concat!("scripts/", stringify!($beside), ".lua")),
                    )),)*
                }
            }

            /// Each of them.
            #[cfg(test)]
            pub(crate) fn all(&self) -> Vec<&Script> {
                vec![$(&self.$alone,)* $(&self.$beside,)*]
            }
        }
    };
}

scripts! { alone: inspect ping announce leave pods; with companions: acquire renew release publish read }
