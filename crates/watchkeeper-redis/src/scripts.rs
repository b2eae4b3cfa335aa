//! The Lua scripts: one per guarded step, each behind the same careful head.

use redis::Script as Hashed;

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
    ($($name:ident)*) => {
        /// All of them.
        #[derive(Debug)]
        pub(crate) struct Scripts { $(pub(crate) $name: Script,)* }

        impl Scripts {
            pub(crate) fn new() -> Self {
                Self {
                    $($name: Script::new(concat!(
                        include_str!("scripts/common.lua"),
                        include_str!("scripts/companion.lua"),
                        include_str!(concat!("scripts/", stringify!($name), ".lua")),
                    )),)*
                }
            }
        }
    };
}

scripts! { acquire renew release inspect publish read ping announce leave pods }
