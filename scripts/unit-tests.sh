#!/usr/bin/env bash
# Every test that needs no server, then the documentation's examples. Called by test.sh, which counts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Every test target of the workspace but those that test.sh runs by name. Asked of cargo, so that a new target
# is never forgotten.
targets=()
while IFS= read -r name; do
  case $name in
    live | daemon | timing) ;;
    *) targets+=(--test "$name") ;;
  esac
done < <(
  cargo metadata --locked --no-deps --format-version 1 |
    grep -o '"kind":\["test"\],"crate_types":\["bin"\],"name":"[^"]*"' | sed 's/.*:"\(.*\)"/\1/' | sort -u
)

status=0
cargo test --workspace --locked --no-fail-fast --lib --bins ${targets[@]+"${targets[@]}"} || status=$?
cargo test --workspace --locked --no-fail-fast --doc --quiet || status=$?
exit "$status"
