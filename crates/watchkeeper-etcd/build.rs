//! Does nothing but exist: only packages with a build script have build dependencies, and these are how `tools/protoc`
//! comes by its program.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
}
