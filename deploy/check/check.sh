#!/usr/bin/env bash
# Everything in deploy/ that can be judged without a cluster: every overlay is rendered and held against Kubernetes' own
# schemas and our rules, as are the Helm values; the configuration files in them go through `watchkeeper config validate`;
# the compose file through `docker compose config`; the unit through systemd's own verifier; versions agree.
#
#   deploy/check/check.sh [BINARY]
#
# BINARY is the daemon, the debug build unless given. What it needs is installed once, below the target directory.
set -euo pipefail
binary=${1:-}
[ -z "$binary" ] || binary=$(realpath "$binary")
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
# shellcheck source=deploy/check/tools.sh
. deploy/check/tools.sh

binary=${binary:-$(realpath "${CARGO_TARGET_DIR:-target}/debug/watchkeeper")}
[ -x "$binary" ] || die "no binary at \`$binary\`: run \`cargo build --locked --package watchkeeper\` first"

# Of systemd's exposure levels, from 0 (best) to 10, times ten.
readonly MAX_EXPOSURE=15

work=$(mktemp -d "${TMPDIR:-/tmp}/wk-manifests.XXXXXX")
trap 'rm -rf "$work"' EXIT

render() {
  local overlay
  for overlay in deploy/kubernetes/overlays/*/; do
    kustomize_build "$overlay" >"$work/$(basename "$overlay").yaml"
  done
}

manifests() {
  render
  "$python_env/bin/python" deploy/check/manifests.py --binary "$binary" --rendered "$work"
}

compose() {
  local said=$work/said
  # Without a key it says so and does not start.
  if env -u WATCHKEEPER_API_KEY "$compose" -f deploy/compose/compose.yaml config --quiet 2>"$said"; then
    die "the compose file starts pods without a key"
  fi
  grep -q 'set it to a key of your choice' "$said" || die "the compose file says nothing helpful without a key"
  WATCHKEEPER_API_KEY=key "$compose" -f deploy/compose/compose.yaml config --quiet
  REDIS_URL=redis://redis WATCHKEEPER_API_KEY=key \
    "$binary" config validate --config deploy/compose/watchkeeper.toml
}

unit() {
  # Its binary is not installed here; a verifier that only warns leaves with 0.
  sed 's|^ExecStart=/usr/bin/watchkeeper |ExecStart=/bin/true |' deploy/systemd/watchkeeper.service \
    >"$work/watchkeeper.service"
  if ! systemd-analyze verify "$work/watchkeeper.service" >"$work/said" 2>&1 || [ -s "$work/said" ]; then
    cat "$work/said"
    die "systemd finds fault with deploy/systemd/watchkeeper.service"
  fi
  if ! systemd-analyze security --offline=true --threshold="$MAX_EXPOSURE" "$work/watchkeeper.service" >"$work/said" 2>&1
  then
    cat "$work/said"
    die "deploy/systemd/watchkeeper.service is exposed more than it has to be"
  fi
  tail -n 1 "$work/said"
}

# One version everywhere.
versions() {
  local version file
  version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
  grep -q "image.version=\"$version\"" deploy/Dockerfile || die "deploy/Dockerfile's label is not $version"
  for file in deploy/Dockerfile deploy/compose/compose.yaml deploy/helm/litellm-sidecar.values.yaml docs/deploy.md; do
    grep -q "watchkeeper:$version" "$file" || die "$file does not name the image watchkeeper:$version"
  done
}

need_tools
must_step manifests manifests
must_step 'compose file' compose
must_step 'systemd unit' unit
must_step versions versions
[ "$tests_failed" -eq 0 ] || die "$tests_failed of the checks of deploy/ failed"
