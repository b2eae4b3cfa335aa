#!/usr/bin/env bash
# Captures a terminal session of `status --watch` in two widths, from real pods on a real Redis, into docs/sessions.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need redis-server redis-server
mkdir -p docs/sessions
cargo build --workspace --bin watchkeeper --locked --quiet
WATCHKEEPER_CAPTURE=$PWD/docs/sessions cargo test --workspace --locked --quiet --test daemon -- \
  watch::a_watched_fleet_is_shown_in_place_in_two_widths_through_a_failure_and_a_restart
ls -l docs/sessions
