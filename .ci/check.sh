#!/usr/bin/env bash
# Everything that can be said of the sources without running them. Reads only; `just check` and .ci/run call it.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

must_step format cargo fmt --all --check
must_step 'log words' .ci/log-words.sh
must_step boundaries .ci/boundaries.sh
must_step dependencies .ci/deny.sh
# Build scripts are compiled for it.
need cc gcc libc6-dev
must_step clippy bounded 1200 cargo clippy --workspace --all-targets --locked --quiet -- -D warnings

[ "$tests_failed" -eq 0 ] || die "$tests_failed of the checks failed; \`just fix\` mends what a tool can mend"
