#!/usr/bin/env bash
# Compiles the daemon and its tests with each choice of stores, and with none; a warning is an error.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

for features in '' redis etcd redis,etcd; do
  cargo clippy --locked --quiet --package watchkeeper --all-targets --no-default-features --features "$features" -- -D warnings ||
    die "watchkeeper does not compile with \`--no-default-features --features '$features'\`"
done
