#!/usr/bin/env bash
# Everything that can be said of the sources without running them. Reads only; `just check` calls it, and .ci/run with
# `--but-clippy`, since clippy is part of its build.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

must_step format cargo fmt --all --check
must_step 'log words' .ci/log-words.sh
must_step boundaries .ci/boundaries.sh
must_step dependencies .ci/deny.sh
if [ "${1:-}" != --but-clippy ]; then
  # Build scripts are compiled for it.
  need cc gcc libc6-dev
  must_step clippy bounded 1200 cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
fi

[ "$tests_failed" -eq 0 ] || die "$tests_failed of the checks failed; \`just fix\` mends what a tool can mend"
