//! What people watch fleets with: the rules and the dashboard of `deploy/`, before a real Prometheus that scrapes real
//! daemons, and the document that explains them. Needs Debian's `prometheus`, `redis-server` and `python3`.

// Tests fail by panicking and measure real time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods
)]

use std::path::{Path, PathBuf};

mod dashboard;
mod document;
mod live;
mod rules;
mod stage;

/// A file or folder of the checkout.
fn checkout(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join(path)
}

fn text(path: &str) -> String {
    let path = checkout(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of our metrics in an expression. Those of recorded series have a colon before.
fn metrics_in(expression: &str) -> Vec<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = expression.split(|c: char| !is_name(c));
    words
        .filter(|word| word.starts_with("watchkeeper_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn metrics_are_found_in_expressions_and_recorded_series_are_none() {
    let found = metrics_in(
        "sum(rate(watchkeeper_a_total{x=\"y\"}[1h])) / fleet:watchkeeper_b:max > watchkeeper_c",
    );
    assert_eq!(found, ["watchkeeper_a_total", "watchkeeper_c"]);
}
