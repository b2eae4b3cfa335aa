//! `seeds TARGET DIR` writes the target's seeds to a folder, one file each; `seeds` names the targets.
#![allow(clippy::expect_used, clippy::print_stdout)] // a tool for people

use std::path::PathBuf;

use watchkeeper_fuzz_targets::{TARGETS, find};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        for target in TARGETS {
            println!("{}", target.name);
        }
        return;
    };
    let target = find(&name).expect("no such target; without arguments this names them");
    let folder = PathBuf::from(arguments.next().expect("a folder for the seeds"));
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    for (n, seed) in (target.seeds)().iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{n:03}")), seed).expect("the folder takes files");
    }
}
