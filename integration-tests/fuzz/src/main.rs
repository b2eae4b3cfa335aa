//! Hands libFuzzer's inputs to one target, named by `WATCHKEEPER_FUZZ_TARGET`.
#![no_main]
// A crash is what is looked for.
#![allow(clippy::expect_used, clippy::panic)]

use std::sync::OnceLock;

use watchkeeper_fuzz_targets::{Target, find};

static TARGET: OnceLock<Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(init: {
    let name = std::env::var("WATCHKEEPER_FUZZ_TARGET").expect("WATCHKEEPER_FUZZ_TARGET names a target");
    let target = find(&name).unwrap_or_else(|| panic!("no target is called `{name}`"));
    let _ = TARGET.set(target);
}, |bytes: &[u8]| {
    if let Some(target) = TARGET.get() {
        (target.run)(bytes);
    }
});
