//! Measures every figure that the project promises beside its limit or peer, in one run, and says which hold.

mod row;

fn main() {}
