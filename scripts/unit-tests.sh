#!/usr/bin/env bash
# Every test that needs no server, then the documentation's examples. Called by test.sh, which counts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Every test target of the workspace but those that test.sh runs by name. Asked of cargo, so that a new target
# is never forgotten.
targets=()
while IFS= read -r name; do
  case $name in
    live | daemon | failover | observe | timing | chaos | vendors | litellm | openapi | planted | versions | containers) ;;
    *) targets+=(--test "$name") ;;
  esac
done < <(
  cargo metadata --locked --no-deps --format-version 1 |
    grep -o '"kind":\["test"\],"crate_types":\["bin"\],"name":"[^"]*"' | sed 's/.*:"\(.*\)"/\1/' | sort -u
)

if [ ${#targets[@]} -eq 0 ]; then
  echo 'error: cargo named no test target; has the form of its metadata changed?' >&2
  exit 1
fi

status=0
cargo test --workspace --locked --no-fail-fast --lib --bins "${targets[@]}" || status=$?
cargo test --workspace --locked --no-fail-fast --doc --quiet || status=$?
exit "$status"
